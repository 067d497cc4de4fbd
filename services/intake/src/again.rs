//! The guard: what a record stands for is not collected again, unless a lawful reason is stated.

use archive::{Dossier, Relied};
use problem::{Answer, Problem};
use schemas::api::{AskReason, ComponentStatus};
use schemas::code::Reason;
use schemas::ids::ComponentId;

use crate::desk::IntakeDesk;
use crate::dossiers::relied;
use crate::view;

/// The record that stands for the component, and the reason for taking the paper all the same;
/// nothing where the paper may be taken without one.
///
/// # Errors
/// [`Reason::ComponentHeld`] where a record stands and no reason was stated.
pub(crate) async fn allowed(
    desk: &IntakeDesk,
    dossier: &Dossier,
    component: &ComponentId,
    stated: Option<AskReason>,
) -> Answer<Option<(Relied, AskReason)>> {
    let components = view::of_dossier(desk, dossier.clone()).await?.components;
    let held = components.iter().find(|view| view.id == *component);
    let held = held.filter(|view| view.status == ComponentStatus::Held).and_then(relied);
    match (held, stated) {
        (None, _) => Ok(None),
        (Some(relied), Some(reason)) => Ok(Some((relied, reason))),
        (Some(_), None) => Err(Problem::new(Reason::ComponentHeld).because(reasons())),
    }
}

/// No such reason.
pub(crate) fn unknown() -> Problem {
    Problem::new(Reason::RequestInvalid).because(reasons())
}

fn reasons() -> String {
    let told = |reason: AskReason| format!("{} ({})", reason.as_str(), reason.vi());
    let told = AskReason::ALL.map(told).join("; ");
    format!("Sohoa-Ask-Again states one of the lawful reasons: {told}")
}
