//! Bodies about the catalogue.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::ProcedureCode;

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
