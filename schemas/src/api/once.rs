//! Bodies about asking once: lawful reasons for asking again, what became of records that a
//! dossier relies on, corrections and withdrawals, matches that a person must look at.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dossiers::RawSubject;
use crate::ids::{Blake3, ComponentId, InquiryId, LookupId, RecordId};
use crate::record::FieldName;
use crate::subject::SubjectPart;

/// Why a paper may be collected although a record stands for it. There are no others.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AskReason {
    /// The record's authenticity must be verified on the paper.
    Authenticity,
    /// The data is missing or wrong; a correction is proposed as well (Resolution
    /// 66.7/2025/NQ-CP).
    DataWrong,
    /// Another paper has changed or replaced the one that was digitised.
    Replaced,
    /// The citizen prefers to hand the paper in: declining reuse never blocks filing.
    Declined,
    /// The source did not answer in time.
    SourceSilent,
}

impl AskReason {
    /// Every reason there is.
    pub const ALL: [AskReason; 5] =
        [Self::Authenticity, Self::DataWrong, Self::Replaced, Self::Declined, Self::SourceSilent];

    /// Its name in JSON, headers and storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticity => "authenticity",
            Self::DataWrong => "data_wrong",
            Self::Replaced => "replaced",
            Self::Declined => "declined",
            Self::SourceSilent => "source_silent",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// All of them, as a refusal names them.
    #[must_use]
    pub fn all_told() -> String {
        Self::ALL.map(|reason| format!("{} ({})", reason.as_str(), reason.vi())).join("; ")
    }

    /// What a person reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Authenticity => "Cần xác minh tính xác thực của giấy tờ.",
            Self::DataWrong => "Dữ liệu thiếu hoặc sai; đồng thời đề nghị cập nhật dữ liệu.",
            Self::Replaced => "Giấy tờ đã được giấy khác sửa đổi hoặc thay thế.",
            Self::Declined => "Người dân chọn nộp giấy, không dùng bản đã có.",
            Self::SourceSilent => "Nguồn dữ liệu không trả lời kịp.",
        }
    }
}

/// One time that a paper was collected again, with the reason stated for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskAgain {
    /// Why.
    pub reason: AskReason,
    /// Who said so; the station where nobody was named.
    pub by: Option<String>,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// A component whose paper was collected although a record stood for it when the dossier was
/// opened, or another Kho's paper was used for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedAgain {
    /// The component.
    pub component: ComponentId,
    /// The record that stood for it; none where it was another Kho's paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The question to another Kho whose answer was used for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry: Option<InquiryId>,
    /// Reasons that were stated; none: the paper was collected without one.
    pub reasons: Vec<AskAgain>,
}

/// A component under which a paper was filed although a record, or another Kho's paper, stands for
/// it and nobody stated a reason: the paper is not to be collected, and goes back while the citizen
/// is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldAgain {
    /// The component.
    pub component: ComponentId,
    /// The record that stands for it; none where it is another Kho's paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The question to another Kho whose answer is used for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry: Option<InquiryId>,
    /// What to do, in Vietnamese.
    pub text: String,
}

impl HeldAgain {
    /// What a counter officer reads.
    pub const VI: &str =
        "Đã có bản số hoá, không phải thu: hãy trả lại giấy, hoặc nêu lý do theo quy định.";
}

/// What became of a version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordChange {
    /// A later version, or another paper, took its place.
    Superseded,
    /// It was put right by a person, in a later version.
    Corrected,
    /// It was withdrawn.
    Revoked,
    /// It stands for the component no longer: run out, or too old by now.
    Expired,
}

impl RecordChange {
    /// What a person reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Superseded => "Bản số hoá mà hồ sơ dựa vào đã có bản khác thay thế.",
            Self::Corrected => "Bản số hoá mà hồ sơ dựa vào đã được đính chính.",
            Self::Revoked => "Bản số hoá mà hồ sơ dựa vào đã bị thu hồi.",
            Self::Expired => "Bản số hoá mà hồ sơ dựa vào đã hết giá trị sử dụng.",
        }
    }
}

/// A warning of a dossier: a record that it relies on changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordWarning {
    /// Component that the record stood for.
    pub component: ComponentId,
    /// The record.
    pub record: RecordId,
    /// Version that the dossier relied on.
    pub version: u32,
    /// What became of it.
    pub change: RecordChange,
    /// The same in Vietnamese.
    pub text: String,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// A lookup made for a dossier, without its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupNote {
    /// The lookup.
    pub id: LookupId,
    /// Component that it was for, where that was said.
    pub component: Option<ComponentId>,
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u32,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// Who asked.
    pub asked_by: String,
    /// blake3 of the record's JSON as answered.
    pub answer_hash: Blake3,
    /// What became of the answer, earliest first; of used and declined the last counts.
    #[serde(default)]
    pub words: Vec<LookupSaid>,
}

/// What becomes of a lookup's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookupWord {
    /// The citizen was shown what would be used.
    Shown,
    /// It is used, and the citizen agrees.
    Used,
    /// The citizen declines: the paper may be handed in.
    Declined,
}

/// Says what becomes of a lookup's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayOfLookup {
    /// What.
    pub word: LookupWord,
    /// Officer who says so: 1 to 200 characters.
    pub by: String,
    /// Why, in the citizen's words: 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was said of a lookup's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupSaid {
    /// What.
    pub word: LookupWord,
    /// Officer who said so.
    pub by: String,
    /// Why, in the citizen's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// A lookup that was stopped since its subject is nearly an owner of the record: a person must
/// compare the papers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NearMatch {
    /// Request id of the lookup.
    pub request: uuid::Uuid,
    /// The record.
    pub record: RecordId,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// Who asked.
    pub asked_by: String,
    /// Whom they asked about; none of those kept before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<RawSubject>,
    /// In what the owner differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<SubjectPart>,
    /// What a person found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<NearFound>,
}

/// What a person found who compared the papers of a near match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NearFound {
    /// Whether both are the same person.
    pub same: bool,
    /// By which papers.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// Says what was found when the papers of a near match were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveNear {
    /// Whether both are the same person.
    pub same: bool,
    /// By which papers: 5 to 500 characters.
    pub reason: String,
    /// Who says so: 1 to 200 characters.
    pub by: String,
}

/// Withdraws a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRecord {
    /// Why: 5 to 500 characters.
    pub reason: String,
    /// Who says so: 1 to 200 characters.
    pub by: String,
}

/// Says that another paper changed or replaced the one that a record is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupersedeRecord {
    /// Version that was looked at; another one in use by now is left as it is.
    pub version: u32,
    /// The record of the paper that did, in use and with an owner in common; none where that paper
    /// isn't digitised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_record: Option<RecordId>,
    /// Why: 5 to 500 characters.
    pub reason: String,
    /// Who says so: 1 to 200 characters.
    pub by: String,
}

/// Puts a record right: a new version takes its place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectRecord {
    /// Version that was looked at; another one in use by now is not corrected.
    pub version: u32,
    /// Fields as they must be. Others stay as they are.
    #[serde(default)]
    pub fields: Vec<TypedField>,
    /// Fields that were put right before and are what was read after all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub take_back: Vec<FieldName>,
    /// Further owners: a marriage is both spouses', a parcel of land may be several people's. What
    /// a person said of the owners outlives a later reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_owners: Vec<RawSubject>,
    /// Numbers of owners whose it isn't. One owner stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_owners: Vec<String>,
    /// Why: 5 to 500 characters.
    pub reason: String,
    /// Who says so: 1 to 200 characters.
    pub by: String,
}

/// A field as a person typed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedField {
    /// Which field.
    pub name: FieldName,
    /// Its value: 1 to 1000 characters; dates as `2025-01-17`.
    pub value: String,
}

/// Where a version of a record stands as of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordStanding {
    /// In use.
    Published,
    /// In use once, and past its last day now.
    Expired,
    /// A later version, or another paper, took its place.
    Superseded,
    /// A person put it right, in a later version.
    Corrected,
    /// Withdrawn.
    Revoked,
}
