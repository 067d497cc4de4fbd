//! Jobs that could not succeed by being tried again.

use access::Asker;
use axum::extract::State;
use axum::http::StatusCode;
use problem::{Answer, Json, Path, Query, limit};
use schemas::Uuid;
use schemas::api::ParkedView;
use schemas::code::Reason;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ReviewDesk;

/// Jobs in one answer where nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// How many to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Length {
    /// How many at most, 1 to 1,000.
    #[param(default = 100)]
    limit: Option<u32>,
}

/// List the jobs laid aside, those that wait longest first.
#[utoipa::path(
    get,
    path = "/v1/parked",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(Length),
    responses(
        (status = 200, description = "Jobs laid aside", body = [ParkedView]),
        (status = 400, description = "`request.invalid`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list_parked(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Query(length): Query<Length>,
) -> Answer<Json<Vec<ParkedView>>> {
    let limit = limit(length.limit, USUAL, MOST)?;
    Ok(Json(desk.archive.records.parked_within(&asker.reach, limit).await?))
}

/// Show a job laid aside.
#[utoipa::path(
    get,
    path = "/v1/parked/{id}",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The job")),
    responses(
        (status = 200, description = "The job", body = ParkedView),
        (status = 404, description = "`parked.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
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
        (status = 404, description = "`parked.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn retry_parked(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = parked_id(&id)?;
    parked(&desk, &asker, id).await?;
    if desk.archive.records.retry_parked(id).await? {
        tracing::info!(parked.id = %id, principal.id = %asker.id, "parked job announced again");
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Reason::ParkedUnknown.into())
    }
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
