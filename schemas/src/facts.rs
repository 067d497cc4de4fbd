//! What reports count of a dossier.

use crate::api::DossierState;
use crate::ids::{DossierCode, OfficeCode, ProcedureCode, ResultCode};

/// What a report needs to know of a dossier.
#[derive(Debug, Clone, PartialEq)]
pub struct DossierFacts {
    /// Its code.
    pub code: DossierCode,
    /// Office that took it in.
    pub office: OfficeCode,
    /// Procedure.
    pub procedure: ProcedureCode,
    /// Version of the procedure.
    pub procedure_version: u32,
    /// Whether it takes scans.
    pub state: DossierState,
    /// Documents filed under a component; results are not.
    pub filed: u64,
    /// What was filed as a result of the procedure and is a record in force.
    pub results: Vec<ResultCode>,
    /// Components that a record or another Kho's paper could have stood in for.
    pub reusable: u64,
    /// Of them, those that one did stand in for: no paper was collected, and it stands still.
    pub reused: u64,
    /// Whether one of these came from the national portal's Kho, or the portal has taken a result
    /// with the address of its file.
    pub synced: bool,
    /// Of them, those whose paper was collected all the same.
    pub asked_again: u64,
    /// Of these, those without a lawful reason.
    pub unreasoned: u64,
    /// Pages read.
    pub pages: u64,
    /// Of them, those that a person filed.
    pub corrected: u64,
    /// For each of its records, seconds from its first page's scan to the record.
    pub waits: Vec<u64>,
}
