//! Kinds of paper: what they are called, how they are recognised, how long they hold good.
//! The kinds themselves are data, in `schemas/kinds.toml`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{KindId, ProcedureCode, ResultCode};

/// The shipped kinds, as TOML.
pub const SHIPPED: &str = include_str!("../kinds.toml");

/// The shipped kinds.
///
/// # Errors
/// When the shipped file is not of the form of [`KindsFile`]; the tests see to it that it is.
pub fn shipped() -> Result<Vec<Kind>, toml::de::Error> {
    toml::from_str::<KindsFile>(SHIPPED).map(|file| file.kind)
}

/// The file of kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindsFile {
    /// All kinds.
    pub kind: Vec<Kind>,
}

/// A kind of paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its id: `birth_certificate`.
    pub id: KindId,
    /// What people call it: `Giấy khai sinh`.
    pub name: String,
    /// Results of procedures that are papers of this kind.
    #[serde(default)]
    pub results: Vec<ResultCode>,
    /// Whether a record of it can stand for a component later. Application forms can't: each
    /// is written for one dossier.
    #[serde(default = "yes")]
    pub reusable: bool,
    /// How long it holds good.
    pub validity: Validity,
    /// Where it holds good.
    #[serde(default)]
    pub scope: Scope,
    /// Whose it is, of the people it names.
    #[serde(default)]
    pub owners: Owners,
    /// Kinds of which it brings earlier papers of the same owners to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<KindId>,
    /// The day on which it does so.
    #[serde(default)]
    pub ends_on: EndsOn,
    /// Whether it holds sensitive personal data.
    #[serde(default)]
    pub sensitive: bool,
    /// What its first page shows.
    pub evidence: Evidence,
}

fn yes() -> bool {
    true
}

/// What the first page of a paper shows. Compared with accents folded and letters forgiven.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// Titles: `GIẤY KHAI SINH`. A line that is, or starts with, one of them.
    pub titles: Vec<String>,
    /// Form codes: `CT01`, `Mẫu số 01`.
    pub forms: Vec<String>,
    /// Issuing bodies in the letterhead: `ỦY BAN NHÂN DÂN`.
    pub issuers: Vec<String>,
    /// Set phrases of the body: `Họ, chữ đệm, tên người được khai sinh`.
    pub phrases: Vec<String>,
    /// Phrases that rule the kind out: `TỜ KHAI` on what otherwise looks like the certificate.
    pub not: Vec<String>,
}

/// Whose a paper is, of the people it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owners {
    /// Everybody it names: both spouses of a marriage, all owners of a parcel of land.
    #[default]
    Named,
    /// The one person it is about: a birth certificate names the parents too, and is the
    /// child's alone.
    Holder,
}

/// The day on which a paper brings earlier ones to their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndsOn {
    /// That of its issue.
    #[default]
    Issue,
    /// That of the act which it is an extract of: it may be issued again years after. Where it
    /// isn't known, nothing ends.
    Act,
}

/// Where a paper holds good (phạm vi hiệu lực).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "good", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// Everywhere.
    #[default]
    National,
    /// In the province that it was taken in.
    Province,
    /// At the office that it was taken in by, and those below it.
    Office,
    /// For these procedures alone.
    Procedures {
        /// Which, without a province's suffix.
        procedures: Vec<ProcedureCode>,
    },
    /// For what is written on it alone, which a person must read.
    Stated,
}

/// How long a paper holds good. There is no silent default: what is not known is `unknown`, and
/// a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// For good: a birth certificate.
    Unlimited,
    /// Until the day printed on it: an identity card.
    Printed,
    /// For so many months since its issue: a judicial record.
    Months {
        /// How many.
        months: u16,
    },
    /// Until something happens that replaces it: a land certificate. What ends it is another paper
    /// ([`Kind::ends`], [`crate::catalogue::Outcome::replaces`]) or a person's word.
    UntilEvent,
    /// Not known.
    Unknown,
}
