//! Answering the questions of a dossier's components after it was opened.

use access::Asker;
use archive::{Answered, Dossier, Relied, Shift};
use axum::extract::State;
use filing::standing::asked_on_condition;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{Answers, ComponentView, DossierState, DossierView};
use schemas::code::Reason;

use crate::desk::IntakeDesk;
use crate::dossiers::dossier;
use crate::view;

/// Answer the questions of a dossier's components.
///
/// Each says whether the condition holds on which a component is asked for. An answer takes the
/// place of the one given before to the same question; the others stay. A record that stands for a
/// component which is asked for by that is relied on from now on, as at the opening. Answering
/// alike again changes nothing.
#[utoipa::path(
    put,
    path = "/v1/dossiers/{code}/answers",
    tag = "intake",
    extensions(("x-permission" = json!(["open"]))),
    params(("code" = String, Path, description = "Code of the dossier", example = "H26-261120-0001")),
    request_body(content = Answers, example = json!({ "1.001193-TP04": false })),
    responses(
        (status = 200, description = "The dossier, by these answers", body = DossierView),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`dossier.unknown`"),
        (status = 409, description = "`dossier.closed`"),
        (status = 422, description = "`component.unknown`: nothing is asked about it"),
        (status = 507, description = "`storage.full`"),
    ),
)]
pub(crate) async fn answer_questions(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Path(code): Path<String>,
    Json(given): Json<Answers>,
) -> Answer<Json<DossierView>> {
    // Whoever answers in between has it worked out anew.
    loop {
        let dossier = dossier(&desk, &asker, &code).await?;
        if dossier.state == DossierState::Closed {
            return Err(Reason::DossierClosed.into());
        }
        check(&desk, &dossier, &given).await?;
        let mut answers = dossier.answers.clone();
        answers.extend(given.clone());
        let answered = Dossier { answers, ..dossier.clone() };
        let before = view::of_dossier(&desk, dossier.clone()).await?;
        if answered.answers == dossier.answers {
            return Ok(Json(before));
        }
        let after = view::of_dossier(&desk, answered.clone()).await?;
        let shift = shift(&before.components, &after.components);
        let from_to = (&dossier.answers, &answered.answers);
        match desk.archive.records.answer(asker.id, dossier.id, from_to, &shift).await? {
            Answered::Kept => {
                tracing::info!(dossier.code = %dossier.code, principal.id = %asker.id, "questions answered");
                return Ok(Json(view::of_dossier(&desk, answered).await?));
            }
            Answered::Changed => {}
            Answered::Closed => return Err(Reason::DossierClosed.into()),
        }
    }
}

/// Whether all answers are to questions of the dossier.
async fn check(desk: &IntakeDesk, dossier: &Dossier, given: &Answers) -> Answer<()> {
    let procedure = desk.archive.records.procedure_of(dossier).await?.procedure;
    let asked = || {
        procedure
            .components_of(dossier.case.as_ref())
            .filter(|component| asked_on_condition(component))
    };
    if given.keys().all(|id| asked().any(|component| component.id == *id)) {
        return Ok(());
    }
    let told: Vec<_> = asked().map(|asked| format!("{} ({})", asked.id, asked.name)).collect();
    let detail = format!("the components with a question are: {}", told.join("; "));
    Err(Problem::new(Reason::ComponentUnknown).because(detail))
}

/// What answers change of what the dossier relies on.
fn shift(before: &[ComponentView], after: &[ComponentView]) -> Shift {
    let mut shift = Shift::default();
    for (before, after) in before.iter().zip(after) {
        match (Relied::of(before), Relied::of(after)) {
            (None, Some(relied)) => shift.relied.push(relied),
            (Some(_), None) => shift.spared.push(after.id.clone()),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
    shift
}
