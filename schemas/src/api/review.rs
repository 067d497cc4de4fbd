//! Bodies of the back office.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::once::AskReason;
use crate::ids::{ComponentId, DossierCode, KindId};

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
    /// Lawful reason to take the paper of a component that a record stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<AskReason>,
}
