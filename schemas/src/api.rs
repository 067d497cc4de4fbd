//! Bodies of the HTTP interface. `schemas/openapi.json` is generated from these.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{
    Blake3, CaseId, ComponentId, DocumentId, DossierCode, KindId, LookupId, OfficeCode, PageId,
    ProcedureCode, RecordId, ScanId,
};
use crate::message::Lane;
use crate::reading::KindGuess;
use crate::record::{Record, RecordState};
use crate::subject::{CitizenNumber, Name, OrganisationNumber, Subject};

/// A refusal, as RFC 9457 has it, with a stable `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:sohoa:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in Vietnamese.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code: `dossier.closed`.
    pub code: String,
    /// What exactly, for the one who made the request. Never personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A file's bytes as a body, for the description of the interface only.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Binary(pub Vec<u8>);

/// Opens a dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDossier {
    /// Procedure applied for.
    pub procedure: ProcedureCode,
    /// Variant, where the procedure has several.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// Who applies. Numbers are checked: province, century and sex, year against birth date.
    pub subject: RawSubject,
    /// Who waits.
    #[serde(default)]
    pub lane: Lane,
    /// Office that takes the dossier in; the configured one when left out.
    #[serde(default)]
    pub office: Option<OfficeCode>,
}

/// A subject as it was typed, not yet checked, so that each fault gets its own code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RawSubject {
    /// A citizen.
    Citizen {
        /// 12 digits.
        #[schema(example = "001199000013")]
        number: String,
        /// Full name.
        name: String,
        /// Date of birth.
        #[schema(value_type = String, format = Date)]
        born: Date,
    },
    /// An organisation.
    Organisation {
        /// Tax code.
        number: String,
        /// Registered name.
        name: String,
    },
}

impl std::fmt::Debug for RawSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawSubject(…)")
    }
}

impl RawSubject {
    /// Checks every part.
    ///
    /// # Errors
    /// The reason why it can't be a subject.
    pub fn parse(&self) -> Result<Subject, crate::code::Reason> {
        use crate::code::Reason;
        use crate::subject::NumberError;
        let reason = |e: NumberError| match e {
            NumberError::Digits => Reason::NumberDigits,
            NumberError::Province => Reason::NumberProvince,
            NumberError::Born => Reason::BornDiffers,
            NumberError::CheckDigit => Reason::NumberCheckDigit,
        };
        let named = |name: &str| name.parse::<Name>().map_err(|_| Reason::RequestInvalid);
        let subject = match self {
            RawSubject::Citizen { number, name, born } => Subject::Citizen {
                number: number.parse::<CitizenNumber>().map_err(reason)?,
                name: named(name)?,
                born: *born,
            },
            RawSubject::Organisation { number, name } => Subject::Organisation {
                number: number.parse::<OrganisationNumber>().map_err(reason)?,
                name: named(name)?,
            },
        };
        subject.check().map_err(reason)?;
        Ok(subject)
    }
}

/// A dossier as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DossierView {
    /// Its code.
    pub code: DossierCode,
    /// Procedure.
    pub procedure: ProcedureCode,
    /// Its name.
    pub procedure_name: String,
    /// Version that the dossier was opened under.
    pub procedure_version: u32,
    /// Variant.
    pub case: Option<CaseId>,
    /// Office.
    pub office: OfficeCode,
    /// Lane.
    pub lane: Lane,
    /// Whether it takes scans.
    pub state: DossierState,
    /// When it was opened; RFC 3339, UTC.
    pub opened_at: String,
    /// Pages by fate.
    pub pages: PageCounts,
    /// Whether everything received has been read, filed and published or parked.
    pub settled: bool,
    /// What must be handed in, and how each stands.
    pub components: Vec<ComponentView>,
    /// What came in, sorted.
    pub documents: Vec<DocumentView>,
    /// What came in, as it came.
    pub scans: Vec<ScanView>,
}

/// Whether a dossier takes scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DossierState {
    /// Takes scans.
    Open,
    /// Takes no more.
    Closed,
}

/// Pages of a dossier by fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageCounts {
    /// All.
    pub total: u32,
    /// Not read yet.
    pub waiting: u32,
    /// Read, with text.
    pub read: u32,
    /// Blank.
    pub blank: u32,
    /// Laid aside for a person.
    pub parked: u32,
}

/// A component and how it stands in a dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComponentView {
    /// The component.
    pub id: ComponentId,
    /// Its line in the list.
    pub name: String,
    /// Whether it is always asked for.
    pub required: bool,
    /// When it is asked for, where that depends.
    pub condition: Option<String>,
    /// Components with the same group stand for one another.
    pub one_of: Option<String>,
    /// How it stands.
    pub status: ComponentStatus,
    /// Why, in Vietnamese.
    pub reason: String,
    /// Documents filed under it.
    pub documents: Vec<DocumentId>,
    /// Record that stands for it, when held.
    pub record: Option<RecordId>,
    /// Version of that record.
    pub record_version: Option<u32>,
    /// Last day that record holds good.
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_until: Option<Date>,
}

/// How a component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    /// Đã nộp: a document of this dossier is filed under it.
    Filed,
    /// Cần xác nhận: something is there, a person must look.
    Unsure,
    /// Đã có: an earlier record stands for it; must not be asked for again.
    Held,
    /// Đã có, cần bản gốc: a record stands for it, but the original must still come in.
    HeldOriginalNeeded,
    /// Cần nộp.
    Needed,
    /// Chỉ khi thuộc trường hợp: asked for on a condition only.
    Conditional,
    /// Không cần: another of its group is there.
    NotNeeded,
    /// Xuất trình: shown, not scanned.
    PresentOnly,
    /// Từ cơ sở dữ liệu: a database answers it.
    Database,
}

/// A document of a dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// Its id.
    pub id: DocumentId,
    /// Kind of paper.
    pub kind: Option<KindId>,
    /// What people call it.
    pub kind_name: Option<String>,
    /// Component that it is filed under.
    pub component: Option<ComponentId>,
    /// How sure we are.
    pub confidence: f32,
    /// How it stands.
    pub verdict: DocumentVerdict,
    /// Why, in Vietnamese.
    pub why: String,
    /// Its pages, in order.
    pub pages: Vec<PageId>,
    /// The record it was published as.
    pub record: Option<RecordId>,
    /// Version of that record.
    pub record_version: Option<u32>,
}

/// How a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentVerdict {
    /// Filed under a component.
    Filed,
    /// A person must say.
    Unsure,
    /// Not on the list: a counter must not collect it.
    Outside,
}

/// A scan of a dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScanView {
    /// Its id.
    pub id: ScanId,
    /// blake3 of its bytes.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type, told by content.
    pub media_type: String,
    /// How it stands.
    pub state: ScanState,
    /// Code of the reason, when parked.
    pub code: Option<String>,
    /// The reason in Vietnamese, when parked.
    pub reason: Option<String>,
    /// Its pages.
    pub pages: Vec<PageView>,
}

/// How a scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanState {
    /// Kept, its pages not counted yet.
    Received,
    /// Cut into pages.
    Unpacked,
    /// Laid aside for a person.
    Parked,
}

/// A page of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageView {
    /// Its id.
    pub id: PageId,
    /// Place in the scan, from 0.
    pub seq: u32,
    /// How it stands.
    pub state: PageState,
    /// Whether it is blank.
    pub blank: bool,
    /// Mean confidence of its words.
    pub confidence: Option<f32>,
    /// Kind of paper it looks like the first page of.
    pub kind: Option<KindGuess>,
    /// The page in this dossier that is the same paper, scanned before.
    pub same_as: Option<PageId>,
    /// Code of the reason, when parked.
    pub code: Option<String>,
    /// The reason in Vietnamese, when parked.
    pub reason: Option<String>,
}

/// How a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// Not read yet.
    Waiting,
    /// Read.
    Read,
    /// Laid aside for a person.
    Parked,
}

/// Receipt for a scan: given only when its bytes are durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The scan.
    pub scan: ScanId,
    /// The dossier.
    pub dossier: DossierCode,
    /// blake3 of the bytes, as received.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type, told by content.
    pub media_type: String,
    /// When it was received; RFC 3339, UTC.
    pub received_at: String,
    /// Whether the same bytes had been received before.
    pub repeated: bool,
    /// What the officer should know: a paper that is only to be shown, say.
    pub warnings: Vec<Warning>,
}

/// Something an officer should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Stable code: `component.present_only`.
    pub code: String,
    /// In Vietnamese.
    pub text: String,
}

/// Something that happened to a dossier, as server-sent events tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DossierEvent {
    /// A scan was kept.
    ScanReceived {
        /// Which.
        scan: ScanId,
    },
    /// A scan was cut into pages.
    ScanUnpacked {
        /// Which.
        scan: ScanId,
        /// Into how many.
        pages: u32,
    },
    /// A page was read.
    PageRead {
        /// Which.
        page: PageId,
        /// Whether it is blank.
        blank: bool,
    },
    /// A scan or page was laid aside.
    Parked {
        /// The scan or page.
        what: String,
        /// Code of the reason.
        code: String,
        /// The reason in Vietnamese.
        reason: String,
    },
    /// The pages were sorted.
    Filed {
        /// Documents filed under a component.
        filed: u32,
        /// Documents a person must look at.
        unsure: u32,
        /// Documents not on the list.
        outside: u32,
    },
    /// A document became a record.
    Published {
        /// The document.
        document: DocumentId,
        /// The record.
        record: RecordId,
        /// Its version.
        version: u32,
    },
    /// Every page received so far has found its fate.
    Settled,
    /// The dossier takes no more scans.
    Closed,
}

/// A procedure in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProcedureSummary {
    /// Code.
    pub code: ProcedureCode,
    /// Name.
    pub name: String,
    /// Field.
    pub field: String,
    /// Current version.
    pub version: u32,
    /// How many components.
    pub components: u32,
}

/// What came of importing a catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportCounts {
    /// Procedures seen for the first time.
    pub added: u32,
    /// Procedures with a new version.
    pub changed: u32,
    /// Procedures as they were.
    pub unchanged: u32,
    /// Entries or lines refused, each told with its reason.
    pub refused: u32,
}

/// Asks what a citizen must still hand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementsRequest {
    /// Procedure.
    pub procedure: ProcedureCode,
    /// Variant, where the procedure has several.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// Whose papers.
    pub subject: RawSubject,
    /// What for: 5 to 500 characters.
    pub purpose: String,
}

/// What a citizen must still hand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    /// Procedure.
    pub procedure: ProcedureCode,
    /// Its name.
    pub procedure_name: String,
    /// Version asked under.
    pub procedure_version: u32,
    /// Variant.
    pub case: Option<CaseId>,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// Each component.
    pub components: Vec<ComponentView>,
}

/// Asks for a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupRequest {
    /// Chosen by the asker; a repeat gets the same answer.
    pub request: uuid::Uuid,
    /// The record.
    pub record: RecordId,
    /// Whose it must be.
    pub subject: RawSubject,
    /// What for: 5 to 500 characters.
    pub purpose: String,
    /// Law that allows it.
    #[serde(default)]
    pub legal_basis: Option<String>,
    /// Dossier that it is for.
    #[serde(default)]
    pub dossier: Option<DossierCode>,
    /// Officer or system that asks.
    pub asked_by: String,
}

/// The answer to a lookup, kept as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lookup {
    /// The lookup.
    pub id: LookupId,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// What for.
    pub purpose: String,
    /// Law that allows it.
    pub legal_basis: Option<String>,
    /// Dossier that it was for.
    pub dossier: Option<DossierCode>,
    /// Who asked.
    pub asked_by: String,
    /// The record as it was at that moment.
    pub record: Record,
    /// blake3 of the record's JSON as answered.
    pub answer_hash: Blake3,
    /// Hash of this lookup, chained to the one before.
    pub chain_hash: Blake3,
}

/// A version of a record, in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordVersion {
    /// Version, from 1.
    pub version: u32,
    /// Where it stands.
    pub state: RecordState,
    /// When it was published; RFC 3339, UTC.
    pub published_at: String,
    /// Its hash.
    pub hash: Blake3,
    /// blake3 of its PDF/A.
    pub pdf: Blake3,
}

/// A job laid aside for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedView {
    /// The job.
    pub id: uuid::Uuid,
    /// What was to be done: `unpack`, `read`, `file`, `seal`.
    pub job: String,
    /// The scan, page or document that it was to be done to.
    pub what: String,
    /// Dossier.
    pub dossier: DossierCode,
    /// How often it was tried.
    pub attempts: u32,
    /// Code of the reason.
    pub code: String,
    /// The reason in Vietnamese.
    pub reason: String,
    /// What the program said, for the operator.
    pub detail: String,
    /// When it was laid aside; RFC 3339, UTC.
    pub parked_at: String,
}

/// Assigns a document to a component by a person's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignDocument {
    /// The component, of the document's dossier.
    pub component: ComponentId,
    /// Kind of paper; the one recognised when left out.
    #[serde(default)]
    pub kind: Option<KindId>,
    /// Officer who says so.
    pub by: String,
}
