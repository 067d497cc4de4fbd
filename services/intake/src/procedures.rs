//! The catalogue, for those who choose a procedure.

use axum::extract::State;
use problem::{Answer, Json, Path, Problem, Query, limit};
use schemas::api::ProcedureSummary;
use schemas::catalogue::ProcedureVersion;
use schemas::code::Reason;
use schemas::ids::ProcedureCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::desk::IntakeDesk;

/// Procedures in one answer where nothing is said, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 500;
/// Longest search, in characters.
const LONGEST_SEARCH: usize = 200;

/// What to look for in the catalogue.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Words of the name, or the beginning of the code; accents don't matter.
    #[param(example = "khai sinh")]
    q: Option<String>,
    /// How many at most, 1 to 500.
    #[param(default = 50)]
    limit: Option<u32>,
    /// How many to leave out from the start.
    #[serde(default)]
    offset: u32,
}

/// List the procedures in force.
#[utoipa::path(
    get,
    path = "/v1/procedures",
    tag = "catalogue",
    extensions(("x-permission" = json!(["open", "scan", "correct", "look_up"]))),
    params(Search),
    responses(
        (status = 200, description = "Procedures, in order of their codes", body = [ProcedureSummary]),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn list_procedures(
    State(desk): State<IntakeDesk>,
    Query(search): Query<Search>,
) -> Answer<Json<Vec<ProcedureSummary>>> {
    let words = search.q.as_deref().map(str::trim).filter(|words| !words.is_empty());
    if words.is_some_and(|words| LONGEST_SEARCH < words.chars().count()) {
        return Err(Problem::new(Reason::RequestInvalid).because("`q` has at most 200 characters"));
    }
    let limit = limit(search.limit, USUAL, MOST)?;
    let today = schemas::clock::today();
    Ok(Json(desk.archive.records.procedures(words, today, limit, search.offset).await?))
}

/// Show the version of a procedure that is in force today.
#[utoipa::path(
    get,
    path = "/v1/procedures/{code}",
    tag = "catalogue",
    extensions(("x-permission" = json!(["open", "scan", "correct", "look_up"]))),
    params(("code" = String, Path, description = "Code of the procedure", example = "1.001193")),
    responses(
        (status = 200, description = "The procedure", body = ProcedureVersion),
        (status = 404, description = "`procedure.unknown`"),
    ),
)]
pub(crate) async fn show_procedure(
    State(desk): State<IntakeDesk>,
    Path(code): Path<String>,
) -> Answer<Json<ProcedureVersion>> {
    let code: ProcedureCode = code.parse().map_err(|_| Reason::ProcedureUnknown)?;
    let today = schemas::clock::today();
    let entry = desk.archive.records.procedure(&code, today).await?;
    Ok(Json(entry.ok_or(Reason::ProcedureUnknown)?))
}
