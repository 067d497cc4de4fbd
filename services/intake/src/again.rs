//! The guard: what a record or another Kho's paper stands for is not collected again, unless a lawful
//! reason is stated.

use archive::{Dossier, Stated};
use problem::{Answer, Problem};
use schemas::api::{AskReason, ComponentStatus};
use schemas::code::Reason;
use schemas::ids::ComponentId;

use crate::desk::IntakeDesk;
use crate::dossiers::relied;
use crate::scans::Slip;
use crate::view;

/// Why the paper is taken although something stands for the component; nothing where nothing does.
///
/// # Errors
/// [`Reason::ComponentHeld`] where something stands and no reason was stated.
pub(crate) async fn allowed(
    desk: &IntakeDesk,
    dossier: &Dossier,
    component: &ComponentId,
    slip: &Slip,
) -> Answer<Option<Stated>> {
    let components = view::of_dossier(desk, dossier.clone()).await?.components;
    let held = components.iter().find(|view| view.id == *component);
    let held = held.filter(|view| view.status == ComponentStatus::Held);
    match (held, slip.again) {
        (None, _) => Ok(None),
        (Some(view), Some(reason)) => {
            let component = component.clone();
            let (relied, said_by) = (relied(view), slip.said_by.clone());
            Ok(Some(Stated { component, relied, reason, said_by }))
        }
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
