//! The guard: what a record or another Kho's paper stands for is not collected again, unless a
//! lawful reason is stated.

use access::Asker;
use archive::{Dossier, InUse, Stated};
use problem::{Answer, Problem};
use schemas::api::AskReason;
use schemas::code::Reason;
use schemas::ids::ComponentId;

use crate::desk::IntakeDesk;
use crate::scans::Slip;
use crate::view;

/// Why the paper is taken although something stands for the component, nothing where nothing does;
/// and what that was told by. Of what is for no component nothing is asked.
///
/// # Errors
/// [`Reason::ComponentHeld`] where something stands and no reason was stated.
pub(crate) async fn allowed(
    desk: &IntakeDesk,
    asker: &Asker,
    dossier: &Dossier,
    component: Option<&ComponentId>,
    slip: &Slip,
) -> Answer<(Option<Stated>, Option<InUse>)> {
    let Some(component) = component else { return Ok((None, None)) };
    let in_use = desk.archive.records.in_use_for(dossier.id).await?;
    let components = view::of_dossier(desk, dossier.clone()).await?.components;
    let by = (asker.id, slip.said_by.as_deref());
    let stated = Stated::of(&components, component, slip.again, by);
    let stated = stated.map_err(|_| Problem::new(Reason::ComponentHeld).because(reasons()))?;
    Ok((stated, Some(in_use)))
}

/// No such reason.
pub(crate) fn unknown() -> Problem {
    Problem::new(Reason::RequestInvalid).because(reasons())
}

fn reasons() -> String {
    format!("Sohoa-Ask-Again states one of the lawful reasons: {}", AskReason::all_told())
}
