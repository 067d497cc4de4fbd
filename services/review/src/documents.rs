//! Filing a document by a person's word.

use access::Asker;
use archive::{Dossier, FilingError, InUse, Stated};
use axum::extract::State;
use axum::http::StatusCode;
use filing::standing::standing;
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{AskReason, AssignDocument};
use schemas::catalogue::{Procedure, SubmitMode};
use schemas::code::Reason;
use schemas::ids::{ComponentId, DocumentId};
use schemas::text::has_length;

use crate::ReviewDesk;

/// Longest name of an officer, in characters.
const LONGEST_NAME: usize = 200;

/// File a document under a component by a person's word.
///
/// The dossier shows what came of it. Where a record stands for the component its paper is taken
/// for a lawful reason only, which `again` states.
#[utoipa::path(
    post,
    path = "/v1/documents/{id}/assign",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The document")),
    request_body(
        content = AssignDocument,
        example = json!({ "component": "1.001193-TP03", "kind": "birth_certificate", "by": "can-bo-quay-3" }),
    ),
    responses(
        (status = 204, description = "Filed; it is being sealed"),
        (status = 400, description = "`request.invalid`: no such kind, or nobody who says so"),
        (status = 404, description = "`document.unknown`"),
        (status = 409, description = "`component.held`: a record stands for it, and no lawful reason was stated"),
        (status = 422, description = "`component.unknown`: not one of the dossier's"),
    ),
)]
pub(crate) async fn assign_document(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(word): Json<AssignDocument>,
) -> Answer<StatusCode> {
    let invalid = |detail: &str| Problem::new(Reason::RequestInvalid).because(detail);
    let id: DocumentId = id.parse().map_err(|_| Reason::DocumentUnknown)?;
    if !has_length(&word.by, &(1..=LONGEST_NAME)) {
        return Err(invalid("`by` has 1 to 200 characters"));
    }
    if word.kind.as_ref().is_some_and(|kind| desk.kinds.get(kind).is_none()) {
        return Err(invalid("`kind` is not a kind of paper that is known"));
    }
    let records = &desk.archive.records;
    let (dossier, document) = records.document(id).await?.ok_or(Reason::DocumentUnknown)?;
    let dossier = asker.reached(records.dossier_by_id(dossier).await?);
    let dossier = dossier.ok_or(Reason::DocumentUnknown)?;
    if word.kind.is_none() && document.doc.kind.is_none() {
        return Err(invalid("`kind` must be named: none was recognised"));
    }
    let procedure = records.procedure_of(&dossier).await?.procedure;
    if !has_component(&procedure, &dossier, &word.component) {
        return Err(Reason::ComponentUnknown.into());
    }
    let assigned = loop {
        let (stated, in_use) = allowed(&desk, &asker, &dossier, &procedure, &word).await?;
        let said = (&word, stated.as_ref(), Some(&in_use));
        match records.assign(asker.id, id, said, Timestamp::now()).await {
            Ok(assigned) => break assigned,
            // The guard looks again.
            Err(FilingError::Changed) => {}
            Err(FilingError::Archive(error)) => return Err(error.into()),
        }
    };
    assigned.ok_or(Reason::DocumentUnknown)?;
    tracing::info!(document.id = %id, principal.id = %asker.id, component.id = %word.component, "document assigned");
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the dossier's case asks for that component, or its procedure ends with that result.
fn has_component(procedure: &Procedure, dossier: &Dossier, component: &ComponentId) -> bool {
    let mut asked = procedure.components_of(dossier.case.as_ref());
    procedure.ends_with(component)
        || asked.any(|asked| asked.id == *component && asked.submit != SubmitMode::Note)
}

/// Why the paper is taken although a record stands for the component, nothing where none does; and
/// what that was told by.
async fn allowed(
    desk: &ReviewDesk,
    asker: &Asker,
    dossier: &Dossier,
    procedure: &Procedure,
    word: &AssignDocument,
) -> Answer<(Option<Stated>, InUse)> {
    let in_use = desk.archive.records.in_use_for(dossier.id).await?;
    let at_hand = desk.archive.records.at_hand(dossier, procedure).await?;
    let components =
        standing(&desk.kinds, procedure, at_hand.situation(dossier), schemas::clock::today());
    let by = (asker.id, Some(word.by.as_str()));
    let stated = Stated::of(&components, &word.component, word.again, by).map_err(|_| {
        let detail = format!("`again` states one of the lawful reasons: {}", AskReason::all_told());
        Problem::new(Reason::ComponentHeld).because(detail)
    })?;
    Ok((stated, in_use))
}
