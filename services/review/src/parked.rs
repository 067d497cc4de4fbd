//! Jobs that could not succeed by being tried again.

use access::Asker;
use archive::RetryError;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem, Query, limit};
use schemas::Uuid;
use schemas::api::{DropParked, ParkedView};
use schemas::code::Reason;
use schemas::text::has_length;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ReviewDesk;

/// Jobs in one answer where nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// Where an answer says what to go on after.
const NEXT: &str = "sohoa-next";

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Only those after this one: when it was laid aside and its id, with a comma between.
    #[param(example = "2026-11-20T01:02:03.000004Z,0193a3f2-0000-7000-8000-000000000001")]
    after: Option<String>,
    /// How many at most, 1 to 1,000.
    #[param(default = 100)]
    limit: Option<u32>,
}

/// List the jobs laid aside, those that wait longest first.
///
/// Where there may be more, `Sohoa-Next` names what to go on after.
#[utoipa::path(
    get,
    path = "/v1/parked",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(Asked),
    responses(
        (status = 200, description = "Jobs laid aside", body = [ParkedView], headers(("Sohoa-Next" = String, description = "What to go on after"))),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn list_parked(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Answer<(HeaderMap, Json<Vec<ParkedView>>)> {
    let limit = limit(asked.limit, USUAL, MOST)?;
    let after = asked.after.as_deref().map(place).transpose()?;
    let found = desk.archive.records.parked_within(&asker.reach, after, limit).await?;
    let mut headers = HeaderMap::new();
    if found.len() == usize::try_from(limit).unwrap_or(usize::MAX) {
        let last = found.last().map(|last| format!("{},{}", last.parked_at, last.id));
        let last = last.and_then(|last| HeaderValue::from_str(&last).ok());
        headers.extend(last.map(|last| (HeaderName::from_static(NEXT), last)));
    }
    Ok((headers, Json(found)))
}

/// When a job was laid aside, and its id.
fn place(text: &str) -> Answer<(Timestamp, Uuid)> {
    let place = |(at, id): (&str, &str)| Some((at.parse().ok()?, id.parse().ok()?));
    let place = text.split_once(',').and_then(place);
    place.ok_or_else(|| Problem::new(Reason::RequestInvalid).because("`after` is no place"))
}

/// Show a job laid aside, or one that was given up.
#[utoipa::path(
    get,
    path = "/v1/parked/{id}",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The job")),
    responses(
        (status = 200, description = "The job", body = ParkedView),
        (status = 404, description = "`parked.unknown`"),
    ),
)]
pub(crate) async fn show_parked(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<ParkedView>> {
    Ok(Json(parked(&desk, &asker, parked_id(&id)?).await?))
}

/// Try a job again, from the start and with all its attempts.
#[utoipa::path(
    post,
    path = "/v1/parked/{id}/retry",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The job")),
    responses(
        (status = 202, description = "Announced again"),
        (status = 404, description = "`parked.unknown`"),
        (status = 409, description = "`message.unknown`"),
    ),
)]
pub(crate) async fn retry_parked(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = parked_id(&id)?;
    parked(&desk, &asker, id).await?;
    match desk.archive.records.retry_parked(id).await {
        Ok(true) => {
            tracing::info!(parked.id = %id, principal.id = %asker.id, "parked job announced again");
            Ok(StatusCode::ACCEPTED)
        }
        Ok(false) => Err(Reason::ParkedUnknown.into()),
        Err(RetryError::MessageUnknown) => Err(Reason::MessageUnknown.into()),
        Err(RetryError::Archive(error)) => Err(error.into()),
    }
}

/// Give a job up for good: the scan, page or document stays parked.
///
/// A scan that is encrypted or broken is never read, however often that is tried.
#[utoipa::path(
    post,
    path = "/v1/parked/{id}/drop",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The job")),
    request_body(content = DropParked, example = json!({ "reason": "Tệp có mật khẩu, đã quét lại" })),
    responses(
        (status = 204, description = "It isn't tried any more"),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`parked.unknown`"),
    ),
)]
pub(crate) async fn drop_parked(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(asked): Json<DropParked>,
) -> Answer<StatusCode> {
    let id = parked_id(&id)?;
    parked(&desk, &asker, id).await?;
    if !has_length(&asked.reason, &(5..=500)) {
        let detail = "`reason` has 5 to 500 characters";
        return Err(Problem::new(Reason::RequestInvalid).because(detail));
    }
    if !desk.archive.records.drop_parked(id, asker.id, asked.reason.trim()).await? {
        return Err(Reason::ParkedUnknown.into());
    }
    tracing::info!(parked.id = %id, principal.id = %asker.id, "parked job was dropped");
    Ok(StatusCode::NO_CONTENT)
}

/// The job with that id, if its office is within reach: to others it isn't there.
async fn parked(desk: &ReviewDesk, asker: &Asker, id: Uuid) -> Answer<ParkedView> {
    let records = &desk.archive.records;
    let parked = records.parked_one(id).await?.ok_or(Reason::ParkedUnknown)?;
    asker.reached(records.dossier(&parked.dossier).await?).ok_or(Reason::ParkedUnknown)?;
    Ok(parked)
}

fn parked_id(text: &str) -> Answer<Uuid> {
    text.parse().map_err(|_| Reason::ParkedUnknown.into())
}
