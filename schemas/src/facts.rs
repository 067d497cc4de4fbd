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
    /// Documents filed under a component.
    pub filed: u64,
    /// Results among its records.
    pub results: Vec<ResultCode>,
    /// Components that a record could have stood in for.
    pub reusable: u64,
    /// Of them, those that a record did stand in for: no paper was collected, and the record is
    /// what it was.
    pub reused: u64,
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
