//! What of an application decides how its components stand.

use crate::api::{Answers, DocumentView};
use crate::elsewhere::Elsewhere;
use crate::ids::{CaseId, ComponentId, OfficeCode};
use crate::record::Record;
use crate::subject::People;

/// What of an application decides which components are asked for, and how they stand.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The procedure's case.
    pub case: Option<&'a CaseId>,
    /// Answers to the questions of components that are asked for on a condition.
    pub answers: &'a Answers,
    /// Office that asks: some papers hold good in one place only.
    pub office: &'a OfficeCode,
    /// Whose papers it needs.
    pub people: People<'a>,
    /// Documents of its dossier.
    pub documents: &'a [DocumentView],
    /// Records of anybody: what is none of the people's or doesn't hold good is left aside.
    pub records: &'a [Record],
    /// Components for which the citizen declined the record and hands the paper in.
    pub declined: &'a [ComponentId],
    /// What other Kho were asked for, and what they answered.
    pub elsewhere: &'a [Elsewhere],
}

impl<'a> Situation<'a> {
    /// Before there is a dossier: no paper came in, no record was declined, and no other Kho was
    /// asked.
    #[must_use]
    pub fn at_first(
        case: Option<&'a CaseId>,
        answers: &'a Answers,
        office: &'a OfficeCode,
        people: People<'a>,
        records: &'a [Record],
    ) -> Self {
        Self {
            case,
            answers,
            office,
            people,
            documents: &[],
            records,
            declined: &[],
            elsewhere: &[],
        }
    }
}
