//! Putting records right and withdrawing them.

use access::Asker;
use archive::{Revised, Reviser};
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{CorrectRecord, RevokeRecord, TypedField};
use schemas::code::Reason;
use schemas::ids::RecordId;
use schemas::record::{Field, FieldName, FieldSource, Record};

use crate::RecordsDesk;
use crate::lookups::check_length;
use crate::reads::record_id;

/// What came of a change: nothing of what the record holds.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Changed {
    /// The record.
    record: RecordId,
    /// Its latest version.
    version: u32,
}

/// Withdraw a record.
///
/// Nobody is given it any more; open dossiers that rely on it are told and warned. Withdrawing
/// it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/records/{id}/revoke",
    tag = "records",
    extensions(("x-permission" = json!(["revoke"]))),
    params(("id" = String, Path, format = Uuid, description = "The record")),
    request_body(content = RevokeRecord, example = json!({ "reason": "Cấp sai thẩm quyền", "by": "can-bo-quay-3" })),
    responses(
        (status = 200, description = "Withdrawn", body = Changed),
        (status = 400, description = "`request.invalid`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 404, description = "`record.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`record.not_usable`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn revoke_record(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(word): Json<RevokeRecord>,
) -> Answer<Json<Changed>> {
    let id = record_id(&id)?;
    check_word(&word.reason, &word.by)?;
    within_reach(&desk, &asker, id).await?;
    let who = Reviser { reason: &word.reason, by: &word.by, principal: Some(asker.id) };
    let record = done(desk.archive.records.revoke(id, who, Timestamp::now()).await?)?;
    tracing::info!(record.id = %id, principal.id = %asker.id, "record withdrawn");
    Ok(Json(Changed { record: id, version: record.version }))
}

/// Put a record right.
///
/// A new version with these fields takes its place; open dossiers that rely on the one before are
/// told and warned.
#[utoipa::path(
    post,
    path = "/v1/records/{id}/correct",
    tag = "records",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The record")),
    request_body(
        content = CorrectRecord,
        example = json!({
            "version": 1,
            "fields": [{ "name": "issued_on", "value": "2025-01-17" }],
            "reason": "Đọc sai ngày cấp",
            "by": "can-bo-quay-3",
        }),
    ),
    responses(
        (status = 200, description = "Put right", body = Changed),
        (status = 400, description = "`request.invalid`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 404, description = "`record.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`record.not_usable`: not in use, or not at that version", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 507, description = "`storage.full`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn correct_record(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(word): Json<CorrectRecord>,
) -> Answer<Json<Changed>> {
    let id = record_id(&id)?;
    check_word(&word.reason, &word.by)?;
    let typed = typed(&word.fields)?;
    let records = &desk.archive.records;
    let now = Timestamp::now();
    let latest = within_reach(&desk, &asker, id).await?;
    let put_right = put_right(&desk, latest, typed);
    let who = Reviser { reason: &word.reason, by: &word.by, principal: Some(asker.id) };
    let record = done(records.correct((id, word.version), put_right, who, now).await?)?;
    let (version, who) = (record.version, asker.id);
    tracing::info!(record.id = %id, record.version = version, principal.id = %who, "record corrected");
    Ok(Json(Changed { record: id, version }))
}

/// The latest version of a record, if its dossier's office is within reach: to others it isn't
/// there.
async fn within_reach(desk: &RecordsDesk, asker: &Asker, id: RecordId) -> Answer<Record> {
    let records = &desk.archive.records;
    let record = records.record(id, None).await?.ok_or(Reason::RecordUnknown)?;
    let dossier = records.dossier(&record.dossier).await?;
    let reached = dossier.is_some_and(|dossier| asker.reaches(&dossier.office));
    reached.then_some(record).ok_or(Reason::RecordUnknown.into())
}

/// The fields with those that were typed in the place of those that were read, and the last day
/// that follows from them.
fn put_right(desk: &RecordsDesk, record: Record, typed: Vec<Field>) -> (Vec<Field>, Option<Date>) {
    let is_typed = |name: FieldName| typed.iter().any(|field| field.name == name);
    let mut fields = record.fields;
    fields.retain(|field| !is_typed(field.name));
    let dates_changed = is_typed(FieldName::IssuedOn) || is_typed(FieldName::ValidUntil);
    fields.extend(typed);
    if !dates_changed {
        return (fields, record.valid_until);
    }
    let last = match desk.kinds.get(&record.kind) {
        Some(kind) => filing::valid_until(kind, &fields),
        // A kind that isn't known any more: what it said stays.
        None => record.valid_until,
    };
    fields.retain(|field| field.source != FieldSource::Policy);
    if let (schemas::kind::Validity::Months { .. }, Some(day)) = (record.validity, last) {
        fields.push(field(FieldName::ValidUntil, day.to_string(), FieldSource::Policy));
    }
    (fields, last)
}

fn typed(fields: &[TypedField]) -> Answer<Vec<Field>> {
    let invalid = |detail: &str| Problem::new(Reason::RequestInvalid).because(detail);
    if fields.is_empty() || 20 < fields.len() {
        return Err(invalid("`fields` names 1 to 20 fields"));
    }
    let mut typed: Vec<Field> = Vec::new();
    for TypedField { name, value } in fields {
        check_length("value", value, 1, 1000)?;
        if typed.iter().any(|field| field.name == *name) {
            return Err(invalid("`fields` names a field twice"));
        }
        let value = schemas::text::tidy(value);
        let is_date = match name {
            FieldName::IssuedOn | FieldName::ValidUntil | FieldName::HolderBorn => true,
            FieldName::NumberSymbol
            | FieldName::Issuer
            | FieldName::Signer
            | FieldName::Abstract
            | FieldName::Scope
            | FieldName::HolderName
            | FieldName::HolderNumber => false,
        };
        if is_date && value.parse::<Date>().is_err() {
            return Err(invalid("a date is written as 2025-01-17"));
        }
        typed.push(field(*name, value, FieldSource::Typed));
    }
    Ok(typed)
}

fn field(name: FieldName, value: String, source: FieldSource) -> Field {
    Field { name, value, confidence: 1.0, source, page: None, area: None }
}

fn check_word(reason: &str, by: &str) -> Answer<()> {
    check_length("reason", reason, 5, 500)?;
    check_length("by", by, 1, 200)
}

fn done(revised: Revised) -> Answer<Record> {
    match revised {
        Revised::Done(record) => Ok(*record),
        Revised::NotInUse => Err(Reason::RecordNotUsable.into()),
        Revised::Unknown => Err(Reason::RecordUnknown.into()),
    }
}
