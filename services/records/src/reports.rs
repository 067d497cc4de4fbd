//! Reports over HTTP: JSON, a table (CSV) or a spreadsheet (XLSX).

mod xlsx;

use std::collections::BTreeSet;
use std::time::Duration;

use access::Asker;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use filing::report::{self, MustYield};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz;
use problem::{Answer, Json, Problem, Query};
use schemas::api::{Figure, Report, ReportGroup};
use schemas::code::Reason;
use schemas::facts::DossierFacts;
use schemas::ids::{OfficeCode, ProcedureCode};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::RecordsDesk;

/// A process makes one report at a time: that of a year holds facts of every dossier in it.
static TURN: Semaphore = Semaphore::const_new(1);

/// How long one waits for a turn.
const WAIT: Duration = Duration::from_secs(30);

/// Seconds after which whoever waited in vain is to come back.
const NEXT_TURN: u32 = 30;

/// What is asked of a report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    period: String,
    #[serde(default)]
    by: ReportGroup,
    office: Option<OfficeCode>,
    procedure: Option<ProcedureCode>,
    figure: Option<String>,
    format: Option<Format>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Csv,
    Xlsx,
}

impl Format {
    /// The first of those that the asker would take; JSON, where none of ours is among them.
    fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let named = |range: &str| match range.split(';').next().unwrap_or_default().trim() {
            "application/json" => Some(Self::Json),
            "text/csv" => Some(Self::Csv),
            xlsx::MEDIA_TYPE => Some(Self::Xlsx),
            _ => None,
        };
        accept.unwrap_or_default().split(',').find_map(named).unwrap_or(Self::Json)
    }
}

/// Make a report.
///
/// The indicators of Decision 766/QĐ-TTg beside what they don't say, over the dossiers taken in in
/// a period at offices within reach. With `figure`, the dossiers behind it come along. What
/// `format` doesn't say, `Accept` may.
#[utoipa::path(
    get,
    path = "/v1/reports",
    tag = "records",
    extensions(("x-permission" = json!(["audit", "approve"]))),
    params(
        ("period" = String, Query, description = "`2026`, `2026-H2`, `2026-Q4`, `2026-11` or `2026-W47`", example = "2026-11"),
        ("by" = Option<ReportGroup>, Query, description = "A row for each office or procedure as well"),
        ("office" = Option<String>, Query, description = "Only this office", example = "H26.01.02"),
        ("procedure" = Option<String>, Query, description = "Only this procedure", example = "1.001193"),
        ("figure" = Option<Figure>, Query, description = "The figure whose dossiers are asked for"),
        ("format" = Option<String>, Query, description = "`json`, `csv` or `xlsx`", example = "json"),
    ),
    responses(
        (status = 200, description = "The report", content((Report = "application/json"), (String = "text/csv"), (schemas::api::Binary = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn report(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let invalid = |detail: &str| Problem::new(Reason::RequestInvalid).because(detail);
    let no_period = || invalid("`period` is one of 2026, 2026-H2, 2026-Q4, 2026-11, 2026-W47");
    let (first, last) = report::period(&asked.period).ok_or_else(no_period)?;
    let end = last.tomorrow().map_err(|_| no_period())?;
    let figure = match &asked.figure {
        Some(name) => Some(Figure::from_name(name).ok_or_else(|| invalid("no such `figure`"))?),
        None => None,
    };
    let (from, until) =
        (midnight(first).ok_or_else(no_period)?, midnight(end).ok_or_else(no_period)?);
    let turn = turn(WAIT).await?;
    let (reach, office) = (&asker.reach, asked.office.as_ref());
    let mut facts = desk.archive.records.facts((from, until), reach, office).await?;
    facts.retain(|of| asked.procedure.as_ref().is_none_or(|code| of.procedure == *code));
    let must_yield = must_yield(&desk, &facts).await?;
    let format = asked.format.unwrap_or_else(|| Format::accepted(&headers));
    let order = Order { period: asked.period, first, last, by: asked.by, figure, format };
    // The turn goes with the work: whoever hangs up doesn't make room before it is done.
    #[expect(clippy::disallowed_methods, reason = "the records' one door to CPU work")]
    let made = tokio::task::spawn_blocking(move || {
        let made = order.made(facts, &must_yield);
        drop(turn);
        made
    });
    made.await.map_err(|_| Problem::new(Reason::Internal))?
}

/// Waits for a turn to make a report; the turn ends when the permit is dropped.
async fn turn(wait: Duration) -> Answer<SemaphorePermit<'static>> {
    match tokio::time::timeout(wait, TURN.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) | Err(_) => {
            let problem = Problem::new(Reason::Busy).because("other reports are being made");
            Err(problem.retry_after(NEXT_TURN))
        }
    }
}

/// What was asked for, understood.
struct Order {
    period: String,
    first: Date,
    last: Date,
    by: ReportGroup,
    figure: Option<Figure>,
    format: Format,
}

impl Order {
    /// The report of these dossiers, as it goes out.
    fn made(self, mut facts: Vec<DossierFacts>, must_yield: &MustYield) -> Answer<Response> {
        let rows = report::rows(&facts, must_yield, self.by);
        if self.format == Format::Csv {
            return Ok(file("text/csv; charset=utf-8", &self.period, "csv", report::csv(&rows)));
        }
        let behind = |figure| report::behind(&facts, must_yield, figure);
        let report = Report {
            period: self.period,
            first: self.first,
            last: self.last,
            made_at: Timestamp::now().to_string(),
            rows,
            dossiers: self.figure.map(behind).unwrap_or_default(),
        };
        if self.format == Format::Json {
            return Ok(Json(report).into_response());
        }
        if self.figure.is_some() {
            facts.retain(|of| report.dossiers.binary_search(&of.code).is_ok());
        }
        let made = xlsx::workbook(&report, &facts).map_err(|_| Reason::Internal)?;
        Ok(file(xlsx::MEDIA_TYPE, &report.period, "xlsx", made))
    }
}

/// A report as a file of its own.
fn file(media_type: &str, period: &str, end: &str, body: impl Into<Body>) -> Response {
    let name = format!("attachment; filename=\"bao-cao-{period}.{end}\"");
    let headers =
        [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, body.into()).into_response()
}

/// Midnight in Vietnam at the start of a day.
fn midnight(day: Date) -> Option<Timestamp> {
    tz::offset(7).to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The results that the procedures of these dossiers must end with.
async fn must_yield(desk: &RecordsDesk, facts: &[DossierFacts]) -> Answer<MustYield> {
    let mut asked = BTreeSet::new();
    let mut must_yield = MustYield::new();
    for of in facts {
        if !asked.insert((&of.procedure, of.procedure_version)) {
            continue;
        }
        let (code, version) = (&of.procedure, of.procedure_version);
        let entry = desk.archive.records.procedure_version(code, version).await?;
        let results = entry.into_iter().flat_map(|entry| entry.procedure.results);
        let results: Vec<_> =
            results.filter(|result| result.evidence).filter_map(|result| result.code).collect();
        if !results.is_empty() {
            must_yield.insert((code.clone(), version), results);
        }
    }
    Ok(must_yield)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_too_long_for_a_turn_is_told_to_come_back() {
        let taken = turn(WAIT).await.unwrap();
        let refused = turn(Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Busy);
        drop(taken);
        drop(turn(WAIT).await.unwrap());
    }
}
