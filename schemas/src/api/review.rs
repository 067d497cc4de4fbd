//! Bodies of the back office.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::once::AskReason;
use crate::ids::{ComponentId, DossierCode, KindId, PrincipalId};

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
    /// Why it was given up, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<DropWord>,
}

/// Why a job laid aside was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropWord {
    /// Why, in a person's words.
    pub reason: String,
    /// Who said so.
    pub principal: PrincipalId,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// Gives a job laid aside up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DropParked {
    /// Why: 5 to 500 characters.
    pub reason: String,
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
    /// Lawful reason to take the paper of a component that a record stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<AskReason>,
}
