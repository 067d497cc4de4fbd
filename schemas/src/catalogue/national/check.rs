//! What must hold of any procedure, whatever file it came from.

use std::collections::BTreeSet;

use super::{Fault, MAX_COMPONENTS, MAX_QUANTITY, MAX_TEXT};
use crate::catalogue::{Component, Procedure, SubmitMode};
use crate::kind::Kind;

/// What is wrong with a procedure: the component, where it is about one, and the fault. Empty
/// when nothing is.
#[must_use]
pub fn faults(procedure: &Procedure, kinds: &[Kind]) -> Vec<(Option<String>, Fault)> {
    let mut found = Vec::new();
    if procedure.name.trim().is_empty() {
        found.push((None, Fault::EmptyName));
    }
    if procedure.components.is_empty() {
        found.push((None, Fault::NoComponents));
    }
    if procedure.components.len() > MAX_COMPONENTS {
        found.push((None, Fault::TooManyComponents));
        return found;
    }
    let texts = [procedure.name.as_str(), procedure.field.as_str()];
    if texts.iter().any(|t| t.len() > MAX_TEXT)
        || procedure.notes.iter().any(|n| n.len() > MAX_TEXT)
    {
        found.push((None, Fault::TooLong));
    }
    if procedure.results.iter().any(|r| r.name.trim().is_empty()) {
        found.push((None, Fault::BadResult));
    }
    let cases: BTreeSet<_> = procedure.cases.iter().map(|c| &c.id).collect();
    if cases.len() < procedure.cases.len() {
        found.push((None, Fault::DuplicateCase));
    }
    let kinds: BTreeSet<_> = kinds.iter().map(|k| &k.id).collect();
    let ids: BTreeSet<_> = procedure.components.iter().map(|c| &c.id).collect();
    let mut seen = BTreeSet::new();
    for (place, component) in (1..).zip(&procedure.components) {
        let mut at = |fault| found.push((Some(component.id.as_str().to_owned()), fault));
        if !seen.insert(&component.id) {
            at(Fault::DuplicateComponent);
        }
        if component.order != place {
            at(Fault::Order);
        }
        if component.case.as_ref().is_some_and(|case| !cases.contains(case)) {
            at(Fault::UnknownCase);
        }
        if component
            .alternative_of
            .as_ref()
            .is_some_and(|of| !ids.contains(of) || *of == component.id)
        {
            at(Fault::UnknownAlternative);
        }
        if component.kinds.iter().any(|kind| !kinds.contains(kind)) {
            at(Fault::UnknownKind);
        }
        if let Some(fault) = own_fault(component) {
            at(fault);
        }
    }
    found
}

/// What is wrong with a component by itself.
fn own_fault(component: &Component) -> Option<Fault> {
    if component.name.trim().is_empty() {
        return Some(Fault::NamelessComponent);
    }
    if component.name.len() > MAX_TEXT {
        return Some(Fault::TooLong);
    }
    let most = component.originals.max(component.copies);
    (most > MAX_QUANTITY && component.submit != SubmitMode::Note).then_some(Fault::Quantity)
}
