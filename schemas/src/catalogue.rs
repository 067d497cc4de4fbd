//! The catalogue of administrative procedures (TTHC): what must be handed in for what.
//!
//! The project's own format. One [`Procedure`] is one entry as an authority published it; a
//! [`ProcedureVersion`] is that entry with the days it is in force. A dossier keeps the version
//! it was opened under.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::KhoPaper;
use crate::ids::{Blake3, CaseId, ComponentId, KindId, ProcedureCode, ResultCode};

pub mod national;

/// The catalogue that comes with Sohoa: the procedures citizens ask for most, in the format of
/// [`CatalogueFile`]. Where it came from and how it is kept: `schemas/catalogue/README.md`.
#[must_use]
pub fn shipped() -> &'static str {
    include_str!("../catalogue/frequent.json")
}

/// Versions before those of [`shipped`], for dossiers that were opened under them.
#[must_use]
pub fn shipped_earlier() -> &'static str {
    include_str!("../catalogue/earlier.json")
}

/// blake3 of the procedure's JSON as this crate writes it: equal means unchanged.
#[must_use]
pub fn digest(procedure: &Procedure) -> Blake3 {
    let mut hasher = blake3::Hasher::new();
    let written = serde_json::to_writer(&mut hasher, procedure);
    debug_assert!(written.is_ok(), "strings and numbers always have a JSON form");
    Blake3(*hasher.finalize().as_bytes())
}

/// A file of procedures, as shipped and as `sohoa catalogue import` takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogueFile {
    /// Always `sohoa-catalogue/1`.
    pub format: String,
    /// First day on which these versions are in force.
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// The procedures, in order of their codes.
    pub procedures: Vec<Procedure>,
}

/// The value of [`CatalogueFile::format`].
pub const CATALOGUE_FORMAT: &str = "sohoa-catalogue/1";

/// A procedure (thủ tục hành chính) as an authority published it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// Code: `1.001193`.
    pub code: ProcedureCode,
    /// Name.
    pub name: String,
    /// Levels of administration that carry it out: `Cấp xã`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Field: `Hộ tịch`.
    #[serde(default)]
    pub field: String,
    /// Decision that published it: `163/QĐ-BTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Province whose local form of the procedure this is: `H17`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// The national procedure that a local one is a form of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ProcedureCode>,
    /// Variants with components of their own; none when there is just one way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
    /// What must be handed in.
    pub components: Vec<Component>,
    /// What the procedure ends with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Outcome>,
    /// What the catalogue says beside the components.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where the entry was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Procedure {
    /// Whose paper a component asks for, where the list says so.
    #[must_use]
    pub fn whose(&self, component: &ComponentId) -> Option<Whose> {
        self.components.iter().find(|known| known.id == *component)?.whose
    }

    /// Components asked for in `case`: those of the case and those of every case, in order.
    pub fn components_of<'a>(
        &'a self,
        case: Option<&'a CaseId>,
    ) -> impl Iterator<Item = &'a Component> + 'a {
        self.components.iter().filter(move |c| c.case.is_none() || c.case.as_ref() == case)
    }

    /// Codes of the results that prove something: never a refusal.
    pub fn evidence(&self) -> impl Iterator<Item = &ResultCode> {
        self.results.iter().filter(|result| result.evidence).filter_map(|r| r.code.as_ref())
    }

    /// Whether that is the code of such a result. Results are filed beside the components, each
    /// under its code.
    #[must_use]
    pub fn ends_with(&self, id: &ComponentId) -> bool {
        self.evidence().any(|code| code.to_string() == id.as_str())
    }
}

/// A variant of a procedure (trường hợp).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique within the procedure.
    pub id: CaseId,
    /// What the case is called.
    pub label: String,
    /// Time the authority has, where the case has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<TimeLimit>,
    /// Whether an electronic form takes the place of the paper form.
    #[serde(default, skip_serializing_if = "is_false")]
    pub eform: bool,
    /// Whether nothing has to be handed in on paper.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_paper: bool,
    /// Whether somebody else may apply for the citizen.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_proxy: bool,
}

/// Time an authority has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeLimit {
    /// How many.
    pub value: u16,
    /// Of what: `Ngày làm việc`; empty where the catalogue doesn't say.
    #[serde(default)]
    pub unit: String,
}

/// One line of what must be handed in (thành phần hồ sơ).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Unique within the procedure, and stable over its versions.
    pub id: ComponentId,
    /// The case it belongs to; none when every case asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// The line as the authority wrote it.
    pub name: String,
    /// Kinds of paper that may be handed in for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindId>,
    /// Whose paper it asks for, where the line says so: where several components ask for the same
    /// kind, that tells which record is for which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
    /// Code of the form: `CT01`, `Mẫu số 01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_code: Option<String>,
    /// Law that the form belongs to: `53/2025/TT-BCA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_legal_ref: Option<String>,
    /// File of the empty form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_file: Option<String>,
    /// Originals asked for.
    #[serde(default)]
    pub originals: u16,
    /// Copies asked for.
    #[serde(default)]
    pub copies: u16,
    /// Whether it is always asked for.
    pub required: bool,
    /// When it is asked for, where that depends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Components with the same group name within a case stand for one another: one is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<String>,
    /// The component that this one may be handed in instead of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_of: Option<ComponentId>,
    /// Whether it is handed in or only shown.
    #[serde(default)]
    pub submit: SubmitMode,
    /// Over which channel it is asked for.
    #[serde(default)]
    pub channel: Channel,
    /// Whether it is to be digitised (Circular 01/2023/TT-VPCP, article 4).
    #[serde(default)]
    pub digitise: Digitise,
    /// Results of other procedures that stand for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepts: Vec<ResultCode>,
    /// Databases that answer it without a paper.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<String>,
    /// Oldest a record may be, in months since its issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_months: Option<u16>,
    /// Whether it holds sensitive personal data (Law 91/2025/QH15, Decree 356/2025).
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// Whether the original is handed in when the result is collected.
    #[serde(default, skip_serializing_if = "is_false")]
    pub original_due_at_return: bool,
    /// Whether the paper itself must come in, to be annotated or withdrawn, although a record
    /// may pre-fill and pre-check it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub physical_original_needed: bool,
    /// Whether authorities make it among themselves; never asked of a citizen.
    #[serde(default, skip_serializing_if = "is_false")]
    pub internal: bool,
    /// Place in the list, from 1.
    pub order: u16,
}

impl Component {
    /// Whether a paper of another Kho may stand for it: it is a result that the component accepts.
    #[must_use]
    pub fn takes(&self, paper: &KhoPaper) -> bool {
        self.submit == SubmitMode::Submit
            && self.accepts.iter().any(|code| code.as_str() == paper.code)
    }

    /// Whether the original must come in although something stands for it.
    #[must_use]
    pub fn needs_original(&self) -> bool {
        self.physical_original_needed || self.original_due_at_return
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whose paper a component asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The applicant's.
    Applicant,
    /// Somebody else's: the child's who is to be adopted.
    Other,
}

/// Whether a component is handed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmitMode {
    /// Nộp: stays in the dossier.
    #[default]
    Submit,
    /// Xuất trình: shown, compared and handed back; not scanned.
    PresentOnly,
    /// A remark in the list, not a paper.
    Note,
}

/// Over which channel a component is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Any.
    #[default]
    Any,
    /// At the counter or by post.
    CounterOrPost,
    /// Online.
    Online,
}

/// Whether a component is digitised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digitise {
    /// Must be.
    Must,
    /// May be.
    #[default]
    May,
    /// Must not be: present-only, confidential, or shared by a database already.
    Never,
}

/// A result of a procedure (kết quả).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Code: `KQ.G15.000031`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ResultCode>,
    /// Name.
    pub name: String,
    /// Whether it proves something; refusals and requests for more papers don't.
    pub evidence: bool,
    /// Results that it takes the place of: earlier papers of the same owners are not used any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<ResultCode>,
}

/// A procedure with the days it is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProcedureVersion {
    /// Counts from 1.
    pub version: u32,
    /// First day in force.
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Last day in force; none while it is the current one.
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
    /// blake3 of the procedure's canonical JSON: equal means unchanged.
    pub digest: Blake3,
    /// The entry itself.
    pub procedure: Procedure,
}

#[cfg(test)]
mod tests;
