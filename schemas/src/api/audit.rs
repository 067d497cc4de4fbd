//! Bodies about the audit.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::RawSubject;
use crate::audit::{Act, LinkedLine};
use crate::ids::{DossierCode, RecordId};
use crate::record::RecordState;

/// A page of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The lines, the newest first.
    pub lines: Vec<LinkedLine>,
    /// What `before` must be for the next page; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Asks, for a subject, what is kept of them and who looked at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRequest {
    /// Who. To anybody but its owner a record isn't there.
    pub subject: RawSubject,
    /// What for: 5 to 500 characters.
    pub purpose: String,
    /// What `next` said, for the next page.
    #[serde(default)]
    pub before: Option<u64>,
}

/// What is kept of a subject, and what was done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccessAnswer {
    /// Their records, without content.
    pub records: Vec<OwnedRecord>,
    /// What was done with them, the newest first. A page may hold few of them, or none, and not be
    /// the last.
    pub accesses: Vec<AccessView>,
    /// What `before` must be for the next page; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A record of a subject's, without its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnedRecord {
    /// The record.
    pub id: RecordId,
    /// What people call such a paper.
    pub name: String,
    /// Its latest version.
    pub version: u32,
    /// Where that stands.
    pub state: RecordState,
    /// When that was published; RFC 3339, UTC.
    pub published_at: String,
}

/// Something that was done with a record, as its owner is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccessView {
    /// When; RFC 3339, UTC.
    pub at: String,
    /// What.
    pub act: Act,
    /// The same in Vietnamese.
    pub text: String,
    /// With which record; none where it was with a dossier of theirs alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Its version, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Whose key or session did it; none where the program did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Officer or system that asked, as they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// On whose behalf; of somebody else's identity number its last three digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Law that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Dossier that it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<DossierCode>,
}
