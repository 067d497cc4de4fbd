//! From a lookup's answer to its use: the citizen is shown what would be used, and agrees to it
//! or declines. Declining never keeps the paper from being handed in.

use access::Asker;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use problem::{Answer, Json, Path};
use schemas::api::{Lookup, LookupSaid, LookupWord, SayOfLookup};
use schemas::code::Reason;
use schemas::ids::LookupId;

use crate::RecordsDesk;
use crate::lookups::{check_length, refusal};
use crate::reads::file_of;

/// Show a lookup's answer again, as it was.
///
/// To who asked: whoever else wants to know asks for themselves, and leaves a lookup of their own.
/// That it is read again stands in the audit.
#[utoipa::path(
    get,
    path = "/v1/lookups/{id}",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    params(("id" = String, Path, format = Uuid, description = "The lookup")),
    responses(
        (status = 200, description = "The answer", body = Lookup),
        (status = 404, description = "`lookup.unknown`"),
    ),
)]
pub(crate) async fn show_lookup(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<Lookup>> {
    Ok(Json(read_again(&desk, &asker, &id).await?))
}

/// Fetch the PDF/A of the record that a lookup answered with.
///
/// To who asked, to be shown to the citizen before it is used.
#[utoipa::path(
    get,
    path = "/v1/lookups/{id}/file",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    params(("id" = String, Path, format = Uuid, description = "The lookup")),
    responses(
        (status = 200, description = "The PDF/A", body = schemas::api::Binary, content_type = "application/pdf"),
        (status = 404, description = "`lookup.unknown`"),
    ),
)]
pub(crate) async fn lookup_file(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Response> {
    let lookup = read_again(&desk, &asker, &id).await?;
    file_of(&desk, &lookup).await
}

/// Say what becomes of a lookup's answer.
///
/// It is shown to the citizen first, and then used or declined; a citizen may think better of it.
/// Before it is used it is looked at again whether the record still holds good. Where it was
/// declined for a component of a dossier, that component is handed in on paper, and no further
/// reason is asked for. Everything that was said is kept. Once the dossier is closed nothing more
/// is used for it or declined; what was said last, said again, is answered as it was.
#[utoipa::path(
    post,
    path = "/v1/lookups/{id}/words",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    params(("id" = String, Path, format = Uuid, description = "The lookup")),
    request_body(
        content = SayOfLookup,
        example = json!({ "word": "declined", "by": "can-bo-quay-3", "reason": "Muốn nộp bản giấy mới cấp lại" }),
    ),
    responses(
        (status = 200, description = "All that was said, earliest first", body = [LookupSaid]),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`lookup.unknown`"),
        (status = 409, description = "`lookup.not_shown`; `record.not_usable`: it holds good no longer; `dossier.closed`"),
    ),
)]
pub(crate) async fn say_of_lookup(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(said): Json<SayOfLookup>,
) -> Answer<Json<Vec<LookupSaid>>> {
    let lookup = within_reach(&desk, &asker, &id).await?;
    check_length("by", &said.by, 1, 200)?;
    if let Some(reason) = &said.reason {
        check_length("reason", reason, 1, 500)?;
    }
    let records = &desk.archive.records;
    let before = records.words_of(lookup.id).await?;
    let shown = before.iter().any(|said| said.word == LookupWord::Shown);
    if said.word == LookupWord::Used && !shown {
        return Err(Reason::LookupNotShown.into());
    }
    let keeping = records.say_of_lookup(asker.id, &lookup, &said, Timestamp::now());
    if !keeping.await.map_err(refusal)? {
        let repeats = is_last_of(&before, &said);
        return if repeats { Ok(Json(before)) } else { Err(Reason::DossierClosed.into()) };
    }
    tracing::info!(lookup.id = %lookup.id, principal.id = %asker.id, "word about a lookup kept");
    Ok(Json(records.words_of(lookup.id).await?))
}

/// Whether it is what was said last of whether the answer is used, word for word.
fn is_last_of(before: &[LookupSaid], said: &SayOfLookup) -> bool {
    let last = before.iter().rfind(|before| before.word != LookupWord::Shown);
    last.is_some_and(|last| {
        (last.word, &last.by, &last.reason) == (said.word, &said.by, &said.reason)
    })
}

/// The lookup, if whoever asks made it: to others it isn't there. Before it is handed out, that it
/// is.
async fn read_again(desk: &RecordsDesk, asker: &Asker, id: &str) -> Answer<Lookup> {
    let lookup = lookup(desk, id).await?;
    if lookup.principal != Some(asker.id) {
        return Err(Reason::LookupUnknown.into());
    }
    desk.archive.records.read_again(asker.id, &lookup, Timestamp::now()).await?;
    Ok(lookup)
}

/// The lookup, if whoever asks made it, or if the dossier that it was for is of an office within
/// reach.
async fn within_reach(desk: &RecordsDesk, asker: &Asker, id: &str) -> Answer<Lookup> {
    let lookup = lookup(desk, id).await?;
    if lookup.principal == Some(asker.id) {
        return Ok(lookup);
    }
    let dossier = match &lookup.dossier {
        Some(code) => desk.archive.records.dossier(code).await?,
        None => None,
    };
    asker.reached(dossier).ok_or(Reason::LookupUnknown)?;
    Ok(lookup)
}

async fn lookup(desk: &RecordsDesk, id: &str) -> Answer<Lookup> {
    let id: LookupId = id.parse().map_err(|_| Reason::LookupUnknown)?;
    Ok(desk.archive.records.lookup(id).await?.ok_or(Reason::LookupUnknown)?)
}
