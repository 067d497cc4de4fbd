//! Bodies of the intake: opening a dossier, how it stands, what happens to it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::once::{AskedAgain, HeldAgain, LookupNote, RecordChange, RecordWarning};
use super::scans::{FlawView, ScanView};
use crate::ids::{
    CaseId, ComponentId, DocumentId, DossierCode, InquiryId, KindId, OfficeCode, PageId,
    ProcedureCode, RecordId, ScanId,
};
use crate::message::Lane;
use crate::subject::CitizenNumber;
use crate::subject::Name;
use crate::subject::OrganisationNumber;
use crate::subject::Subject;

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
    /// Other people whose papers the application needs: the other spouse, the child, the parents.
    /// Checked as the subject is; nobody is named twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub others: Vec<RawSubject>,
    /// Who waits.
    #[serde(default)]
    pub lane: Lane,
    /// Office that takes the dossier in; the configured one when left out.
    #[serde(default)]
    pub office: Option<OfficeCode>,
    /// Answers to the questions of components that are asked for on a condition.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// Their identity papers were compared with what is said of them here. It stands from now on
    /// where a dossier said otherwise of a number, unless a record is bound to that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identity_checked: bool,
}

/// Other people beside the applicant, at most.
pub const MOST_OTHERS: usize = 8;

/// One of the people whose papers an application needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Who applies.
    Applicant,
    /// One of the others, by place in the order in which they were named, from 0.
    Other(u8),
}

/// Whether the condition of a component holds for this citizen, by component.
pub type Answers = std::collections::BTreeMap<ComponentId, bool>;

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
        let named = |name: &str| name.parse::<Name>().map_err(|_| Reason::RequestInvalid);
        let subject = match self {
            RawSubject::Citizen { number, name, born } => Subject::Citizen {
                number: number.parse::<CitizenNumber>()?,
                name: named(name)?,
                born: *born,
            },
            RawSubject::Organisation { number, name } => Subject::Organisation {
                number: number.parse::<OrganisationNumber>()?,
                name: named(name)?,
            },
        };
        subject.check()?;
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
    /// What changed of the records that the dossier relies on, since it was opened.
    #[serde(default)]
    pub warnings: Vec<RecordWarning>,
    /// Papers collected although a record stood for them.
    #[serde(default)]
    pub asked_again: Vec<AskedAgain>,
    /// Lookups made for the dossier, oldest first.
    #[serde(default)]
    pub lookups: Vec<LookupNote>,
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
    /// Whose that record is, where others were named beside the applicant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Party>,
    /// Last day that record holds good.
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_until: Option<Date>,
    /// Question to another Kho that it waits for, or whose answer decides how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry: Option<InquiryId>,
    /// What to ask the citizen, where that decides whether the component is asked for and hasn't
    /// been answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// How a component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    /// Đã nộp: a document of this dossier is filed under it.
    Filed,
    /// Cần xác nhận: something is there, a person must look.
    Unsure,
    /// Đã có: an earlier record or another Kho's paper stands for it; must not be asked for again.
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
    /// Đang chờ: another Kho was asked for it and hasn't answered yet.
    Pending,
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

/// Something that happened to a dossier, as server-sent events tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DossierEvent {
    /// It was opened. Told to subscribers alone.
    Opened,
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
    /// A page should be scanned again while the paper is still there; it is being read meanwhile.
    PageSeen {
        /// Which.
        page: PageId,
        /// Why.
        flaws: Vec<FlawView>,
    },
    /// A page was read.
    PageRead {
        /// Which.
        page: PageId,
        /// Whether it is blank.
        blank: bool,
        /// Why it should be scanned again while the paper is still there.
        #[serde(default)]
        flaws: Vec<FlawView>,
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
        /// Components that a paper was filed under by this though a record stands for them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        held_again: Vec<HeldAgain>,
    },
    /// Questions about components were answered: look what is asked for now.
    QuestionsAnswered,
    /// A document became a record.
    Published {
        /// The document.
        document: DocumentId,
        /// The record.
        record: RecordId,
        /// Its version.
        version: u32,
    },
    /// A record that came with the dossier was withdrawn. Told to subscribers alone.
    Revoked {
        /// The record.
        record: RecordId,
        /// Its last version.
        version: u32,
    },
    /// Another paper took the place of a record that came with the dossier. Told to subscribers
    /// alone.
    Superseded {
        /// The record.
        record: RecordId,
        /// Its last version.
        version: u32,
        /// The record of that paper, where it is digitised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_record: Option<RecordId>,
    },
    /// Another Kho is asked for papers. Told to subscribers alone.
    Asked {
        /// The question.
        inquiry: InquiryId,
    },
    /// Another Kho has answered a question asked for the dossier. Told to subscribers alone.
    Answered {
        /// The question.
        inquiry: InquiryId,
        /// Papers that it has.
        found: u32,
    },
    /// A record that the dossier relies on is not what it was: look whether the component must be
    /// asked for after all.
    RecordChanged {
        /// Component that it stands for.
        component: ComponentId,
        /// The record.
        record: RecordId,
        /// Version that the dossier relies on.
        version: u32,
        /// What became of it.
        change: RecordChange,
    },
    /// Every page received so far has found its fate.
    Settled,
    /// The dossier takes no more scans.
    Closed,
}
