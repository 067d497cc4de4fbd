//! Dossiers with the flags of the national contract, for those who fetch them.

use access::Asker;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::civil::Date;
use jiff::{Timestamp, tz};
use problem::{Answer, Json, Problem, Query, limit};
use schemas::code::Reason;
use schemas::ids::{DossierCode, OfficeCode};
use serde::Deserialize;

use crate::ExchangeDesk;
use crate::national::{Known, Synchronisation};

/// Dossiers in one answer where nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 500;

/// Where an answer says which code to go on after.
const NEXT: &str = "sohoa-next";

/// Which dossiers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    from: Date,
    to: Date,
    office: Option<OfficeCode>,
    after: Option<DossierCode>,
    limit: Option<u32>,
}

/// Export dossiers with the flags of the national contract.
///
/// The body is what `DongBoHoSoMC` takes: those taken in from one day to another at offices within
/// reach, in order of their codes. Where there are more, `Sohoa-Next` names the code to go on
/// after. That they were handed out stands in the audit.
#[utoipa::path(
    get,
    path = "/v1/export/dossiers",
    tag = "exchange",
    extensions(("x-permission" = json!(["approve"]))),
    params(
        ("from" = String, Query, format = Date, description = "First day, in Vietnam", example = "2026-11-01"),
        ("to" = String, Query, format = Date, description = "Last day", example = "2026-11-30"),
        ("office" = Option<String>, Query, description = "Only this office and those below it", example = "H26.01"),
        ("after" = Option<String>, Query, description = "Only codes after this one"),
        ("limit" = Option<u32>, Query, description = "How many are looked at, 1 to 500; 100 when left out"),
    ),
    responses(
        (status = 200, description = "The dossiers", body = Synchronisation),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn export_dossiers(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Answer<(HeaderMap, Json<Synchronisation>)> {
    let invalid = || Problem::new(Reason::RequestInvalid).because("`from` must not be after `to`");
    let midnight = |day: Date| tz::offset(7).to_timestamp(day.at(0, 0, 0, 0)).ok();
    let end = asked.to.tomorrow().ok().filter(|_| asked.from <= asked.to);
    let period: Option<(Timestamp, Timestamp)> = midnight(asked.from).zip(end.and_then(midnight));
    let limit = limit(asked.limit, USUAL, MOST)?;
    let records = &desk.archive.records;
    let found = records.opened(period.ok_or_else(invalid)?, asked.after.as_ref(), limit).await?;
    let mut headers = HeaderMap::new();
    if found.len() == usize::try_from(limit).unwrap_or(usize::MAX) {
        let last = found.last().and_then(|last| HeaderValue::from_str(last.code.as_str()).ok());
        headers.extend(last.map(|last| (HeaderName::from_static(NEXT), last)));
    }
    let (mut data, mut told) = (Vec::new(), Vec::new());
    for dossier in found {
        let wanted = asked.office.as_ref().is_none_or(|office| office.covers(&dossier.office));
        if !wanted || !asker.reaches(&dossier.office) {
            continue;
        }
        if let Some(known) = Known::of(&desk.archive, dossier).await? {
            told.push(known.records());
            data.push(known.told(&desk.terms));
        }
    }
    records.exported(&told, (Some(asker.id), Timestamp::now())).await?;
    tracing::info!(principal.id = %asker.id, dossiers = data.len(), "dossiers exported");
    Ok((headers, Json(Synchronisation { is_updating: false, data })))
}
