//! Records: published documents, bound to owners, versioned, each provable by its hashes.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{
    Blake3, ComponentId, DocumentId, DossierCode, KindId, OfficeCode, PageId, PrincipalId,
    ProcedureCode, RecordId, ResultCode,
};
use crate::kind::{EndsOn, Validity};
use crate::subject::Subject;

/// A field that officers would otherwise type off the paper (Circular 01/2023/TT-VPCP,
/// article 9, and what the running systems ask for).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Field {
    /// Which field.
    pub name: FieldName,
    /// Its value: tidy text; dates as `2025-01-17`.
    pub value: String,
    /// How sure we are, 0 to 1.
    pub confidence: f32,
    /// Where it came from.
    pub source: FieldSource,
    /// Page of the document it stands on, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Where on that page, in pixels of the upright image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
}

/// Names of fields.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FieldName {
    /// Số ký hiệu: `47/QĐ-UBND`.
    NumberSymbol,
    /// Ngày ban hành.
    IssuedOn,
    /// Ngày của việc được trích lục: of the judgement that a marriage was divorced by.
    ActOn,
    /// Cơ quan ban hành.
    Issuer,
    /// Người ký.
    Signer,
    /// Trích yếu.
    Abstract,
    /// Thời hạn hiệu lực: the last day.
    ValidUntil,
    /// Phạm vi hiệu lực.
    Scope,
    /// Họ tên of the person the paper is about, where the paper says it.
    HolderName,
    /// Số định danh of the person the paper is about.
    HolderNumber,
    /// Ngày sinh of the person the paper is about.
    HolderBorn,
    /// Số chứng minh nhân dân, nine digits, that the person had before, where a card says it.
    HolderOldNumber,
}

impl FieldName {
    /// Every field there is.
    pub const ALL: [FieldName; 12] = [
        Self::NumberSymbol,
        Self::IssuedOn,
        Self::ActOn,
        Self::Issuer,
        Self::Signer,
        Self::Abstract,
        Self::ValidUntil,
        Self::Scope,
        Self::HolderName,
        Self::HolderNumber,
        Self::HolderBorn,
        Self::HolderOldNumber,
    ];

    /// What a person reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::NumberSymbol => "số ký hiệu",
            Self::IssuedOn => "ngày ban hành",
            Self::ActOn => "ngày của việc được trích lục",
            Self::Issuer => "cơ quan ban hành",
            Self::Signer => "người ký",
            Self::Abstract => "trích yếu",
            Self::ValidUntil => "thời hạn hiệu lực",
            Self::Scope => "phạm vi hiệu lực",
            Self::HolderName => "họ tên",
            Self::HolderNumber => "số định danh",
            Self::HolderBorn => "ngày sinh",
            Self::HolderOldNumber => "số chứng minh nhân dân cũ",
        }
    }
}

/// Where a field's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldSource {
    /// Read off the image.
    Ocr,
    /// A QR code.
    Qr,
    /// A machine-readable zone.
    Mrz,
    /// Derived by the kind's validity policy.
    Policy,
    /// Typed by a person.
    Typed,
}

/// A box on a page, in pixels of the upright image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

/// An owner of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Owner {
    /// Who.
    pub subject: Subject,
    /// How we know.
    pub bound_by: BoundBy,
}

/// How a record came to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundBy {
    /// The owner's number stands on the paper: QR, machine-readable zone or text; or a person who
    /// compared the papers said so.
    Number,
    /// The owner's name stands on the paper, and no other person's number.
    Name,
    /// The owner handed it in; the paper doesn't say.
    Dossier,
}

/// Where a record stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// In use.
    Published,
    /// A later version, or another paper, took its place.
    Superseded,
    /// Withdrawn.
    Revoked,
}

/// A page of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordPage {
    /// The page.
    pub page: PageId,
    /// blake3 of the scan that it was cut from.
    pub scan: Blake3,
    /// Place in that scan, from 0.
    pub seq: u32,
    /// blake3 of the page image as it is kept.
    pub image: Blake3,
    /// Resolution in dots per inch.
    pub dpi: u32,
    /// Quarter turns, clockwise, in degrees.
    pub rotation_deg: u16,
    /// Skew, in degrees, clockwise positive.
    pub skew_deg: f32,
    /// Whether the page is blank.
    pub blank: bool,
}

/// What a person put right: how a version differs from the one before, and by whose hand. Nothing
/// personal, so that the version can say it to whoever it is proven to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// Fields that differ, in order of their names: put right, added, or taken back.
    pub fields: Vec<FieldName>,
    /// Whether the owners differ.
    pub owners: bool,
    /// Whose key or session it was done with: an id, never a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalId>,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// Whether the agency vouches for a version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofState {
    /// Its signature is there.
    Signed,
    /// It is still to come: its job waits, or was laid aside for a person.
    Pending,
    /// There is none: nobody signed here when the version was published.
    None,
}

/// A version of a published document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Its id; all versions share it.
    pub id: RecordId,
    /// Counts from 1.
    pub version: u32,
    /// The document that it was made from.
    pub document: DocumentId,
    /// Kind of paper.
    pub kind: KindId,
    /// What people call it.
    pub name: String,
    /// Code of the result that it is, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultCode>,
    /// Digitisation code (mã kết quả số hoá), unique.
    pub digitisation_code: String,
    /// Whose it is: each of theirs in full.
    pub owners: Vec<Owner>,
    /// Whether a person said whose it is: that outlives a later reading of the paper.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owners_said: bool,
    /// What was read off it.
    pub fields: Vec<Field>,
    /// How long it holds good, by its kind.
    pub validity: Validity,
    /// Last day on which it holds good, where there is one and it is known.
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_until: Option<Date>,
    /// Where it stands in its life.
    pub state: RecordState,
    /// The record of another paper that took its place, where that is why it is superseded. Like
    /// its state it came about later, and is not what its hash is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RecordId>,
    /// Whether it holds sensitive personal data.
    pub sensitive: bool,
    /// Dossier that it came with.
    pub dossier: DossierCode,
    /// Office that took it in.
    pub office: OfficeCode,
    /// Procedure of that dossier.
    pub procedure: ProcedureCode,
    /// Version of the procedure.
    pub procedure_version: u32,
    /// Component that it was handed in for.
    pub component: ComponentId,
    /// Its pages, in order.
    pub pages: Vec<RecordPage>,
    /// blake3 of the PDF/A.
    pub pdf: Blake3,
    /// Size of the PDF/A in bytes.
    pub pdf_bytes: u64,
    /// When this version was published; RFC 3339, UTC.
    pub published_at: String,
    /// Hash of the version before: versions are a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Blake3>,
    /// What a person put right in it, where that is why it took the place of the version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Correction>,
    /// blake3 of this record's JSON with this field empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Blake3>,
}

impl Record {
    /// Whether the subject is among its owners: number, name and birth date.
    #[must_use]
    pub fn is_of(&self, subject: &Subject) -> bool {
        self.owners.iter().any(|owner| owner.subject.agrees(subject))
    }

    /// Fields that a person put right. They outlive a later reading of the paper.
    #[must_use]
    pub fn corrections(&self) -> Vec<Field> {
        let typed = self.fields.iter().filter(|field| field.source == FieldSource::Typed);
        typed.cloned().collect()
    }

    /// Its owners, where a person said who they are.
    #[must_use]
    pub fn said_owners(&self) -> Option<&[Owner]> {
        self.owners_said.then_some(&self.owners)
    }

    /// Ngày ban hành, as it was read best.
    #[must_use]
    pub fn issued_on(&self) -> Option<Date> {
        self.day(FieldName::IssuedOn)
    }

    fn day(&self, name: FieldName) -> Option<Date> {
        self.fields
            .iter()
            .filter(|field| field.name == name)
            .max_by(|a, b| a.confidence.total_cmp(&b.confidence))
            .and_then(|field| field.value.parse().ok())
    }

    /// Whether it can be what an earlier paper came to its end by: its issue or its act, whichever
    /// it ends others on, is later than that paper's issue and not after `today`, and everybody
    /// whose that paper is owns this one, too, and is told by it. Where either day isn't known it
    /// can't, nor where one of two spouses isn't named.
    #[must_use]
    pub fn comes_after(&self, earlier: &Self, on: EndsOn, today: Date) -> bool {
        let issued = self.issued_on();
        let this = match on {
            EndsOn::Issue => issued,
            EndsOn::Act => self.day(FieldName::ActOn),
        };
        let (Some(this), Some(that)) = (this, earlier.issued_on()) else { return false };
        // No paper tells of what is yet to come.
        let today = issued.map_or(today, |issued| issued.min(today));
        let told = || self.owners.iter().filter(|owner| owner.bound_by != BoundBy::Dossier);
        let owns = |owner: &Owner| told().any(|own| own.subject.agrees(&owner.subject));
        that < this
            && this <= today
            && !earlier.owners.is_empty()
            && earlier.owners.iter().all(owns)
    }

    /// How it differs from the version before, by the hand of that principal.
    #[must_use]
    pub fn corrected_from(
        &self,
        before: &Self,
        (principal, at): (Option<PrincipalId>, Timestamp),
    ) -> Correction {
        let of = |record: &Self, name| {
            let field = record.fields.iter().find(|field| field.name == name);
            field.map(|field| (field.value.clone(), field.source))
        };
        let differs = |name: &FieldName| of(self, *name) != of(before, *name);
        Correction {
            fields: FieldName::ALL.into_iter().filter(differs).collect(),
            owners: self.owners != before.owners,
            principal,
            at: at.to_string(),
        }
    }
}
