//! Jobs that could not succeed by being tried again.

use axum::extract::State;
use axum::http::StatusCode;
use problem::{Answer, Json, Path, Query};
use schemas::Uuid;
use schemas::api::ParkedView;
use schemas::code::Reason;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ReviewDesk;

/// Jobs in one answer, at most.
const MOST: u32 = 1000;

/// How many to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Length {
    /// How many at most, 1 to 1,000.
    #[serde(default = "usual")]
    #[param(default = 100)]
    limit: u32,
}

fn usual() -> u32 {
    100
}

/// List the jobs laid aside, those that wait longest first.
#[utoipa::path(
    get,
    path = "/v1/parked",
    tag = "review",
    params(Length),
    responses(
        (status = 200, description = "Jobs laid aside", body = [ParkedView]),
        (status = 400, description = "`request.invalid`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list_parked(
    State(desk): State<ReviewDesk>,
    Query(length): Query<Length>,
) -> Answer<Json<Vec<ParkedView>>> {
    Ok(Json(desk.archive.records.parked(length.limit.clamp(1, MOST)).await?))
}

/// Show a job laid aside.
#[utoipa::path(
    get,
    path = "/v1/parked/{id}",
    tag = "review",
    params(("id" = String, Path, format = Uuid, description = "The job")),
    responses(
        (status = 200, description = "The job", body = ParkedView),
        (status = 404, description = "`parked.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show_parked(
    State(desk): State<ReviewDesk>,
    Path(id): Path<String>,
) -> Answer<Json<ParkedView>> {
    let parked = desk.archive.records.parked_one(parked_id(&id)?).await?;
    Ok(Json(parked.ok_or(Reason::ParkedUnknown)?))
}

/// Try a job again, from the start and with all its attempts.
#[utoipa::path(
    post,
    path = "/v1/parked/{id}/retry",
    tag = "review",
    params(("id" = String, Path, format = Uuid, description = "The job")),
    responses(
        (status = 202, description = "Announced again"),
        (status = 404, description = "`parked.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn retry_parked(
    State(desk): State<ReviewDesk>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = parked_id(&id)?;
    if desk.archive.records.retry_parked(id).await? {
        tracing::info!(parked.id = %id, "parked job announced again");
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Reason::ParkedUnknown.into())
    }
}

fn parked_id(text: &str) -> Answer<Uuid> {
    text.parse().map_err(|_| Reason::ParkedUnknown.into())
}
