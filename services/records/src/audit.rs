//! The audit over HTTP: its lines, and its signed heads for whoever keeps them elsewhere.

use std::collections::HashMap;

use access::Asker;
use archive::LinesAsked;
use axum::extract::State;
use jiff::Timestamp;
use problem::{Answer, Json, Problem, Query, limit};
use schemas::access::Reach;
use schemas::api::AuditPage;
use schemas::audit::{LinkedLine, SignedHead};
use schemas::code::Reason;
use schemas::ids::{DossierCode, OfficeCode, PrincipalId, RecordId};
use serde::Deserialize;

use crate::RecordsDesk;

/// Lines or heads in one answer where nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// Which lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    record: Option<RecordId>,
    principal: Option<PrincipalId>,
    from: Option<String>,
    until: Option<String>,
    before: Option<u64>,
    limit: Option<u32>,
}

/// See who did what.
///
/// Lines of the audit, the newest first, a page at a time: `next` is what `before` must be for the
/// next one. A line stands here about a second after what it tells of. Who has this permission not
/// for every office sees lines of their offices' records and dossiers only.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    extensions(("x-permission" = json!(["audit"]))),
    params(
        ("record" = Option<String>, Query, format = Uuid, description = "Only of this record"),
        ("principal" = Option<String>, Query, format = Uuid, description = "Only what this principal did"),
        ("from" = Option<String>, Query, description = "At this moment or later; RFC 3339", example = "2026-11-01T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this moment; RFC 3339"),
        ("before" = Option<u64>, Query, description = "Before this place in the chain"),
        ("limit" = Option<u32>, Query, description = "Lines looked at, 1 to 1000; 100 when left out"),
    ),
    responses(
        (status = 200, description = "The lines", body = AuditPage),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn audit_lines(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Answer<Json<AuditPage>> {
    let moment = |name: &str, text: Option<String>| {
        let parsed = text.map(|text| text.parse::<Timestamp>()).transpose();
        parsed.map_err(|_| invalid(format!("`{name}` is a moment as 2026-11-01T00:00:00Z")))
    };
    let limit = limit(asked.limit, USUAL, MOST)?;
    let lines = LinesAsked {
        record: asked.record,
        principal: asked.principal,
        from: moment("from", asked.from)?,
        until: moment("until", asked.until)?,
        before: asked.before,
    };
    let lines = desk.archive.records.audit(&lines, limit).await?;
    let full = u32::try_from(lines.len()).is_ok_and(|found| found == limit);
    let next = lines.last().filter(|_| full).map(|last| last.place);
    Ok(Json(AuditPage { lines: within_reach(&desk, &asker, lines).await?, next }))
}

/// Fetch signed heads of the audit.
///
/// Whoever keeps them elsewhere can show any later change of what was before them:
/// `sohoa check --audit --head FILE`.
#[utoipa::path(
    get,
    path = "/v1/audit/heads",
    tag = "audit",
    extensions(("x-permission" = json!(["audit"]))),
    params(
        ("after" = Option<u64>, Query, description = "After this place in the chain"),
        ("limit" = Option<u32>, Query, description = "1 to 1000; 100 when left out"),
    ),
    responses(
        (status = 200, description = "The heads, in order", body = [SignedHead]),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn audit_heads(
    State(desk): State<RecordsDesk>,
    Query(asked): Query<HeadsAsked>,
) -> Answer<Json<Vec<SignedHead>>> {
    let limit = limit(asked.limit, USUAL, MOST)?;
    Ok(Json(desk.archive.records.heads(asked.after.unwrap_or(0), limit).await?))
}

/// Which heads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeadsAsked {
    after: Option<u64>,
    limit: Option<u32>,
}

/// The lines of records, and of dossiers without one, whose office is within reach; all of them for
/// who reaches every office.
async fn within_reach(
    desk: &RecordsDesk,
    asker: &Asker,
    lines: Vec<LinkedLine>,
) -> Answer<Vec<LinkedLine>> {
    if asker.reach == Reach::Everywhere {
        return Ok(lines);
    }
    let (mut reached, mut kept) = (HashMap::new(), Vec::new());
    for line in lines {
        let of = (line.line.record, line.line.dossier.clone());
        let is_reached = match reached.get(&of) {
            Some(known) => *known,
            None => {
                let office = office_of(desk, &of).await?;
                let is_reached = office.is_some_and(|office| asker.reaches(&office));
                reached.insert(of, is_reached);
                is_reached
            }
        };
        if is_reached {
            kept.push(line);
        }
    }
    Ok(kept)
}

/// The office of a record, else of a dossier.
async fn office_of(
    desk: &RecordsDesk,
    of: &(Option<RecordId>, Option<DossierCode>),
) -> Answer<Option<OfficeCode>> {
    let records = &desk.archive.records;
    Ok(match of {
        (Some(record), _) => records.office_of(*record).await?,
        (None, Some(code)) => records.dossier(code).await?.map(|dossier| dossier.office),
        (None, None) => None,
    })
}

fn invalid(detail: String) -> Problem {
    Problem::new(Reason::RequestInvalid).because(detail)
}
