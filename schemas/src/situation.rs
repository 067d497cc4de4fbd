//! What of an application decides which components are asked for.

use crate::api::Answers;
use crate::elsewhere::Elsewhere;
use crate::ids::{CaseId, ComponentId, OfficeCode};

/// What of a citizen's situation decides which components are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The procedure's case.
    pub case: Option<&'a CaseId>,
    /// Answers to the questions of components that are asked for on a condition.
    pub answers: &'a Answers,
    /// Office that asks: some papers hold good in one place only.
    pub office: &'a OfficeCode,
    /// Components for which the citizen declined the record and hands the paper in.
    pub declined: &'a [ComponentId],
    /// What other Kho were asked for, and what they answered.
    pub elsewhere: &'a [Elsewhere],
}

impl<'a> Situation<'a> {
    /// Before there is a dossier: no record was declined, and no other Kho was asked.
    #[must_use]
    pub fn at_first(
        case: Option<&'a CaseId>,
        answers: &'a Answers,
        office: &'a OfficeCode,
    ) -> Self {
        Self { case, answers, office, declined: &[], elsewhere: &[] }
    }
}
