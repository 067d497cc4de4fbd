//! Reading a record by its id: its data, its PDF/A, its versions. Data and PDF/A only for who
//! says why, and with a lookup left behind.

use access::Asker;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use problem::{Answer, Json, Path, Problem};
use schemas::access::Permission;
use schemas::api::{Lookup, LookupRequest, RawSubject, RecordVersion};
use schemas::code::Reason;
use schemas::ids::{DossierCode, RecordId};
use schemas::record::Record;
use schemas::subject::Subject;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::RecordsDesk;
use crate::lookups::{keep, must_reach};

/// Bytes of a PDF/A sent at a time.
const CHUNK: usize = 64 << 10;

/// Show a record: its version in use.
///
/// Like every read of a record it leaves a lookup, so it says what for and who asks.
#[utoipa::path(
    get,
    path = "/v1/records/{id}",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    params(
        ("id" = String, Path, format = Uuid, description = "The record"),
        ("Sohoa-Purpose" = String, Header, description = "What for: 5 to 500 characters, ASCII or percent-encoded UTF-8", example = "Kiem tra ho so"),
        ("Sohoa-Asked-By" = String, Header, description = "Officer or system that asks", example = "can-bo-quay-3"),
        ("Sohoa-Legal-Basis" = Option<String>, Header, description = "Law that allows it"),
        ("Sohoa-Dossier" = Option<String>, Header, description = "Dossier that it is for", example = "H26-261120-0001"),
    ),
    responses(
        (status = 200, description = "The record", body = Record, headers(("Sohoa-Lookup" = String, description = "The lookup that this read left"))),
        (status = 400, description = "`request.invalid`: no purpose, or nobody who asks"),
        (status = 404, description = "`record.unknown`, `dossier.unknown`"),
        (status = 410, description = "`record.erased`"),
        (status = 409, description = "`record.not_usable`"),
    ),
)]
pub(crate) async fn show_record(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let lookup = read(&desk, &asker, &id, &headers).await?;
    Ok(with_lookup(&lookup, Json(&lookup.record).into_response()))
}

/// Fetch a record's PDF/A.
///
/// Like every read of a record it leaves a lookup, so it says what for and who asks.
#[utoipa::path(
    get,
    path = "/v1/records/{id}/file",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    params(
        ("id" = String, Path, format = Uuid, description = "The record"),
        ("Sohoa-Purpose" = String, Header, description = "What for: 5 to 500 characters, ASCII or percent-encoded UTF-8", example = "Kiem tra ho so"),
        ("Sohoa-Asked-By" = String, Header, description = "Officer or system that asks", example = "can-bo-quay-3"),
        ("Sohoa-Legal-Basis" = Option<String>, Header, description = "Law that allows it"),
        ("Sohoa-Dossier" = Option<String>, Header, description = "Dossier that it is for", example = "H26-261120-0001"),
    ),
    responses(
        (status = 200, description = "The PDF/A", body = schemas::api::Binary, content_type = "application/pdf", headers(("Sohoa-Lookup" = String, description = "The lookup that this read left"))),
        (status = 400, description = "`request.invalid`: no purpose, or nobody who asks"),
        (status = 404, description = "`record.unknown`, `dossier.unknown`"),
        (status = 410, description = "`record.erased`"),
        (status = 409, description = "`record.not_usable`"),
    ),
)]
pub(crate) async fn record_file(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let lookup = read(&desk, &asker, &id, &headers).await?;
    file_of(&desk, &lookup).await
}

/// The PDF/A of the record that a lookup answered with.
pub(crate) async fn file_of(desk: &RecordsDesk, lookup: &Lookup) -> Answer<Response> {
    let record = &lookup.record;
    let (file, bytes) = desk.archive.blobs.reader(record.pdf).await?;
    let name = format!("attachment; filename=\"{}-v{}.pdf\"", record.id, record.version);
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = Body::from_stream(ReaderStream::with_capacity(file, CHUNK));
    Ok(with_lookup(lookup, (headers, body).into_response()))
}

/// List a record's versions, the latest first.
///
/// Their states and hashes only, nothing of what is in them. Why one is not in use any more is told
/// to who may look records up at its office.
#[utoipa::path(
    get,
    path = "/v1/records/{id}/versions",
    tag = "records",
    extensions(("x-permission" = json!(["look_up", "audit"]))),
    params(("id" = String, Path, format = Uuid, description = "The record")),
    responses(
        (status = 200, description = "Its versions", body = [RecordVersion]),
        (status = 404, description = "`record.unknown`"),
        (status = 410, description = "`record.erased`"),
    ),
)]
pub(crate) async fn record_versions(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<Vec<RecordVersion>>> {
    let id = record_id(&id)?;
    let mut versions = desk.archive.records.versions(id).await?;
    if versions.is_empty() {
        found(&desk, id).await?;
    }
    if !looks_up_there(&desk, &asker, id).await? {
        for version in &mut versions {
            version.ended_reason = None;
        }
    }
    Ok(Json(versions))
}

/// Whether somebody may look records up at the office that this one is of.
async fn looks_up_there(desk: &RecordsDesk, asker: &Asker, id: RecordId) -> Answer<bool> {
    let Some(asker) = asker.with(Permission::LookUp) else { return Ok(false) };
    let record = desk.archive.records.record(id, None).await?;
    Ok(record.is_some_and(|record| asker.reaches(&record.office)))
}

pub(crate) fn record_id(text: &str) -> Answer<RecordId> {
    text.parse().map_err(|_| Reason::RecordUnknown.into())
}

/// The latest version of a record; one that was erased is told apart from one that never was.
pub(crate) async fn found(desk: &RecordsDesk, id: RecordId) -> Answer<Record> {
    let records = &desk.archive.records;
    match records.record(id, None).await? {
        Some(record) => Ok(record),
        None if records.is_erased(id).await? => Err(Reason::RecordErased.into()),
        None => Err(Reason::RecordUnknown.into()),
    }
}

/// Whether the headers say why, or begin to.
pub(crate) fn states_why(headers: &HeaderMap) -> bool {
    headers.contains_key("Sohoa-Purpose") || headers.contains_key("Sohoa-Asked-By")
}

/// Reads a record as the headers say why, and leaves a lookup.
pub(crate) async fn read(
    desk: &RecordsDesk,
    asker: &Asker,
    id: &str,
    headers: &HeaderMap,
) -> Answer<Lookup> {
    let id = record_id(id)?;
    let said = |name: &'static str| {
        let detail = format!("the header {name} says it, as ASCII or percent-encoded UTF-8");
        spoken(headers, name)?.ok_or(Problem::new(Reason::RequestInvalid).because(detail))
    };
    let (purpose, asked_by) = (said("Sohoa-Purpose")?, said("Sohoa-Asked-By")?);
    let dossier = match spoken(headers, "Sohoa-Dossier")? {
        Some(code) => Some(code.parse::<DossierCode>().map_err(|_| unreadable("Sohoa-Dossier"))?),
        None => None,
    };
    if let Some(code) = &dossier {
        must_reach(desk, asker, code).await?;
    }
    let record = found(desk, id).await?;
    if let Some(by) = record.superseded_by {
        let detail = format!("the record {by} took its place");
        return Err(Problem::new(Reason::RecordNotUsable).because(detail));
    }
    // Nobody's until a person says whose: until then it stands for nothing.
    let owner = record.owners.first().ok_or(Reason::RecordNotUsable)?;
    let request = LookupRequest {
        request: Uuid::new_v4(),
        record: id,
        subject: raw(&owner.subject),
        purpose,
        legal_basis: spoken(headers, "Sohoa-Legal-Basis")?,
        dossier,
        asked_by,
        on_behalf_of: None,
        component: None,
    };
    keep(desk, asker, &request, &record).await
}

/// What a header says.
fn spoken(headers: &HeaderMap, name: &'static str) -> Answer<Option<String>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| unreadable(name))?;
    let text = percent_decode_str(text).decode_utf8().map_err(|_| unreadable(name))?;
    Ok(Some(schemas::text::tidy(&text)))
}

fn unreadable(name: &str) -> Problem {
    let detail = format!("{name} is not as described");
    Problem::new(Reason::RequestInvalid).because(detail)
}

/// The subject as a request would name it.
fn raw(subject: &Subject) -> RawSubject {
    let number = subject.reveal_number().to_owned();
    let name = subject.name().reveal().to_owned();
    match subject {
        Subject::Citizen { born, .. } => RawSubject::Citizen { number, name, born: *born },
        Subject::Organisation { .. } => RawSubject::Organisation { number, name },
    }
}

pub(crate) fn with_lookup(lookup: &Lookup, mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&lookup.id.to_string()) {
        response.headers_mut().insert("sohoa-lookup", id);
    }
    response
}
