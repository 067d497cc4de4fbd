//! Handing out a record for a stated purpose, and keeping the answer as it was.

use access::Asker;
use archive::LookupError;
use axum::extract::State;
use filing::standing;
use jiff::Timestamp;
use problem::{Answer, Json, Problem};
use schemas::api::{Lookup, LookupRequest};
use schemas::code::Reason;
use schemas::record::Record;

use crate::RecordsDesk;
use crate::requirements::parse_subject;

/// Look a record up.
///
/// The subject must be among its owners by number, name and birth date; to anybody else the
/// record isn't there. The answer is kept as it was given, and a repeat of the request id gets
/// it again, whatever became of the record since.
#[utoipa::path(
    post,
    path = "/v1/lookups",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    request_body(
        content = LookupRequest,
        example = json!({
            "request": "0a9c7a57-1f5e-4a49-8f3c-5d1f6c9a2b10",
            "record": "5b7d1c1e-6a54-5a0b-9c39-0a8f0f5f6d11",
            "subject": {
                "type": "citizen",
                "number": "001199000013",
                "name": "Nguyễn Thị Mẫu",
                "born": "1999-01-01",
            },
            "purpose": "Đăng ký thường trú, thay cho bản giấy khai sinh",
            "legal_basis": "Nghị định 118/2025/NĐ-CP",
            "dossier": "H26-261120-0001",
            "asked_by": "can-bo-quay-3",
        }),
    ),
    responses(
        (status = 200, description = "The record, as it is kept with the lookup", body = Lookup),
        (status = 400, description = "`request.invalid`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 404, description = "`record.unknown`: there is none, or it is not the subject's", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`record.not_usable`; `idempotency.reused`: the request id was used for another question", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn look_up(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Json(request): Json<LookupRequest>,
) -> Answer<Json<Lookup>> {
    let subject = parse_subject(&request.subject)?;
    let record = desk.archive.records.record(request.record, None).await?;
    let record = record.filter(|record| standing::owned(record, &subject));
    let record = record.ok_or(Reason::RecordUnknown)?;
    Ok(Json(keep(&desk, &asker, &request, &record).await?))
}

/// Keeps a lookup and gives its answer: the only way to a record's content.
pub(crate) async fn keep(
    desk: &RecordsDesk,
    asker: &Asker,
    request: &LookupRequest,
    record: &Record,
) -> Answer<Lookup> {
    check_purpose(&request.purpose)?;
    check_length("asked_by", &request.asked_by, 1, 200)?;
    if let Some(law) = &request.legal_basis {
        check_length("legal_basis", law, 1, 500)?;
    }
    let records = &desk.archive.records;
    let kept = records.put_lookup_by(Some(asker.id), request, record, Timestamp::now());
    let lookup = kept.await.map_err(|error| match error {
        LookupError::Reused => Reason::KeyReused.into(),
        LookupError::NotUsable => Reason::RecordNotUsable.into(),
        LookupError::Archive(error) => Problem::from(error),
    })?;
    vitals::lookup_answered();
    tracing::info!(lookup.id = %lookup.id, record.id = %record.id, "record looked up");
    Ok(lookup)
}

/// What a record or an answer is asked for: 5 to 500 characters.
pub(crate) fn check_purpose(purpose: &str) -> Answer<()> {
    check_length("purpose", purpose, 5, 500)
}

fn check_length(field: &str, text: &str, shortest: usize, longest: usize) -> Answer<()> {
    if (shortest..=longest).contains(&text.trim().chars().count()) {
        return Ok(());
    }
    let detail = format!("`{field}` has {shortest} to {longest} characters");
    Err(Problem::new(Reason::RequestInvalid).because(detail))
}
