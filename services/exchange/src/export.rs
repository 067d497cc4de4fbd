//! Dossiers with the flags of the national contract, for those who fetch them.

use access::Asker;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::civil::Date;
use jiff::{Timestamp, tz};
use problem::{Answer, Json, Problem, Query, limit};
use schemas::access::Reach;
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
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 500; 100 when left out"),
    ),
    responses(
        (status = 200, description = "The dossiers", body = Synchronisation, headers(("Sohoa-Next" = String, description = "Code to go on after"))),
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
    let period = period.ok_or_else(invalid)?;
    // What is beyond reach is not even counted: the place to go on after would name it.
    let within = narrowed(&asker.reach, asked.office);
    let records = &desk.archive.records;
    let found = records.opened(period, &within, asked.after.as_ref(), limit).await?;
    let mut headers = HeaderMap::new();
    if found.len() == usize::try_from(limit).unwrap_or(usize::MAX) {
        let last = found.last().and_then(|last| HeaderValue::from_str(last.code.as_str()).ok());
        headers.extend(last.map(|last| (HeaderName::from_static(NEXT), last)));
    }
    let (mut data, mut told) = (Vec::new(), Vec::new());
    for dossier in found {
        if let Some(known) = Known::of(&desk.archive, dossier).await? {
            told.push(known.records());
            data.push(known.told(&desk.terms));
        }
    }
    records.exported(&told, (Some(asker.id), Timestamp::now())).await?;
    tracing::info!(principal.id = %asker.id, dossiers = data.len(), "dossiers exported");
    Ok((headers, Json(Synchronisation { is_updating: false, data })))
}

/// What of a reach lies at that office or below it, where one is named.
fn narrowed(reach: &Reach, office: Option<OfficeCode>) -> Reach {
    let Some(office) = office else { return reach.clone() };
    match reach {
        Reach::Offices(offices) if !reach.covers(&office) => {
            Reach::Offices(offices.iter().filter(|one| office.covers(one)).cloned().collect())
        }
        Reach::Everywhere | Reach::Offices(_) => Reach::Offices(vec![office]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reach: Option<&[&str]>, office: Option<&str>, want: Option<&[&str]>) {
        let of = |offices: Option<&[&str]>| match offices {
            None => Reach::Everywhere,
            Some(codes) => Reach::Offices(codes.iter().map(|code| code.parse().unwrap()).collect()),
        };
        let office = office.map(|office| office.parse().unwrap());
        assert_eq!(narrowed(&of(reach), office), of(want));
    }

    #[test]
    fn an_office_that_is_named_narrows_the_reach_and_never_widens_it() {
        check(None, None, None);
        check(None, Some("H26"), Some(&["H26"]));
        let two: Option<&[&str]> = Some(&["H26.01", "H27"]);
        check(two, None, two);
        check(two, Some("H26.01"), Some(&["H26.01"]));
        check(two, Some("H26.01.02"), Some(&["H26.01.02"]));
        check(two, Some("H26"), Some(&["H26.01"]));
        check(two, Some("H26.02"), Some(&[]));
    }
}
