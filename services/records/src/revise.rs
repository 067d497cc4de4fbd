//! Putting records right, withdrawing them, and saying that another paper took their place.

use access::Asker;
use archive::{PutRight, Revised, Reviser};
use axum::extract::State;
use filing::{Parties, describe, tells_holder};
use jiff::Timestamp;
use jiff::civil::Date;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{CorrectRecord, RevokeRecord, SupersedeRecord, TypedField};
use schemas::code::Reason;
use schemas::ids::RecordId;
use schemas::record::{BoundBy, Field, FieldName, FieldSource, Owner, Record};
use schemas::subject::{CitizenNumber, Name, is_old_number};

use crate::RecordsDesk;
use crate::lookups::{check_length, names_nobody};
use crate::reads::record_id;
use crate::requirements::parse_subject;

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
/// Nobody is given it any more; open dossiers that rely on it are told and warned. What it had
/// ended by its kind or result is in use again, also where another paper took its place meanwhile.
/// Withdrawing it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/records/{id}/revoke",
    tag = "records",
    extensions(("x-permission" = json!(["revoke"]))),
    params(("id" = String, Path, format = Uuid, description = "The record")),
    request_body(content = RevokeRecord, example = json!({ "reason": "Cấp sai thẩm quyền", "by": "can-bo-quay-3" })),
    responses(
        (status = 200, description = "Withdrawn", body = Changed),
        (status = 400, description = "`request.invalid`: also where the reason names an owner"),
        (status = 404, description = "`record.unknown`"),
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
    let latest = within_reach(&desk, &asker, id).await?;
    check_reason(&word.reason, &latest.owners)?;
    let who = Reviser { reason: &word.reason, by: &word.by, principal: asker.id };
    let record = done(desk.archive.records.revoke(id, who, Timestamp::now()).await?)?;
    tracing::info!(record.id = %id, principal.id = %asker.id, "record withdrawn");
    Ok(Json(Changed { record: id, version: record.version }))
}

/// Say that another paper changed or replaced the one that a record is of.
///
/// Nobody is given it any more; open dossiers that rely on it are told and warned, and whoever asks
/// hears that there is another. Saying it again changes nothing. What was said by mistake is taken
/// back by filing the document again (`…/assign`).
#[utoipa::path(
    post,
    path = "/v1/records/{id}/supersede",
    tag = "records",
    extensions(("x-permission" = json!(["revoke"]))),
    params(("id" = String, Path, format = Uuid, description = "The record")),
    request_body(
        content = SupersedeRecord,
        example = json!({
            "version": 1,
            "reason": "Đã được cấp lại theo Quyết định 12/QĐ-UBND",
            "by": "can-bo-quay-3",
        }),
    ),
    responses(
        (status = 200, description = "Another paper stands in its place", body = Changed),
        (status = 400, description = "`request.invalid`: also where the other record is the record itself, or has no owner in common with it, and where the reason names an owner of either"),
        (status = 404, description = "`record.unknown`"),
        (status = 409, description = "`record.not_usable`: it or the other record not in use, or not at that version"),
    ),
)]
pub(crate) async fn supersede_record(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(word): Json<SupersedeRecord>,
) -> Answer<Json<Changed>> {
    let id = record_id(&id)?;
    check_word(&word.reason, &word.by)?;
    let record = within_reach(&desk, &asker, id).await?;
    check_reason(&word.reason, &record.owners)?;
    let records = &desk.archive.records;
    if let Some(by) = word.by_record {
        let by = records.record(by, None).await?.ok_or(Reason::RecordUnknown)?;
        let is_shared = |owner: &Owner| {
            let number = owner.subject.reveal_number();
            by.owners.iter().any(|other| other.subject.reveal_number() == number)
        };
        if by.id == id || !record.owners.iter().any(is_shared) {
            let detail = "`by_record` is another record with an owner in common";
            return Err(Problem::new(Reason::RequestInvalid).because(detail));
        }
        check_reason(&word.reason, &by.owners)?;
    }
    let who = Reviser { reason: &word.reason, by: &word.by, principal: asker.id };
    let (of, now) = ((id, word.version), Timestamp::now());
    let record = done(records.supersede(of, word.by_record, who, now).await?)?;
    tracing::info!(record.id = %id, principal.id = %asker.id, "record superseded");
    Ok(Json(Changed { record: id, version: record.version }))
}

/// Put a record right.
///
/// A new version with these fields and owners takes its place at once; open dossiers that rely on
/// the one before are told and warned. What was put right outlives a later reading, until it is
/// taken back. The agency's signature over the new version follows (`proof` among its versions).
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
        (status = 400, description = "`request.invalid`: also where the reason names an owner, as it was or will be"),
        (status = 404, description = "`record.unknown`"),
        (status = 409, description = "`record.not_usable`: not in use, or not at that version"),
        (status = 422, description = "`subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`: of an owner to be added"),
        (status = 507, description = "`storage.full`"),
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
    let typed = typed(&word)?;
    let records = &desk.archive.records;
    let now = Timestamp::now();
    let latest = within_reach(&desk, &asker, id).await?;
    check_reason(&word.reason, &latest.owners)?;
    let put_right = put_right(&desk, latest, typed, &word).await?;
    check_reason(&word.reason, &put_right.owners)?;
    let who = Reviser { reason: &word.reason, by: &word.by, principal: asker.id };
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
    asker.reached(records.dossier(&record.dossier).await?).ok_or(Reason::RecordUnknown)?;
    Ok(record)
}

/// The record as it is once these fields stand in the place of those that were read, and those
/// taken back are read again. The last day follows from the fields; so does the owner, where what
/// tells of one is among them.
async fn put_right(
    desk: &RecordsDesk,
    record: Record,
    typed: Vec<Field>,
    word: &CorrectRecord,
) -> Answer<PutRight> {
    let take_back = &word.take_back;
    let touched =
        |name: FieldName| take_back.contains(&name) || typed.iter().any(|field| field.name == name);
    let mut corrections = record.corrections();
    corrections.retain(|field| !touched(field.name));
    let rebound = FieldName::ALL.into_iter().any(|name| tells_holder(name) && touched(name));
    corrections.extend(typed.iter().cloned());
    let Record { valid_until, mut owners, mut owners_said, mut fields, .. } = record;
    if rebound && (owners_said || 1 < owners.len()) {
        let detail = "several owners, or owners that were put right before, are put right with \
                      `add_owners` and `remove_owners`";
        return Err(Problem::new(Reason::RequestInvalid).because(detail));
    }
    if !word.add_owners.is_empty() || !word.remove_owners.is_empty() {
        (owners, owners_said) = (put_owners_right(owners, word)?, true);
    }
    let Some(kind) = desk.kinds.get(&record.kind) else {
        // A kind that isn't known any more: what it said stays.
        fields.retain(|field| !touched(field.name));
        fields.extend(typed);
        return Ok(PutRight { fields, valid_until, owners, owners_said });
    };
    let records = &desk.archive.records;
    let dossier = records.dossier(&record.dossier).await?.ok_or(Reason::RecordUnknown)?;
    let mut readings = Vec::with_capacity(record.pages.len());
    for page in &record.pages {
        let page = records.page(page.page).await?;
        readings.extend(page.and_then(|page| page.reading));
    }
    let readings: Vec<_> = readings.iter().collect();
    let whose = records.whose(&dossier, &record.component).await?;
    let parties = Parties { people: dossier.people(), whose };
    let told = describe(&desk.kinds, kind, parties, &readings, &corrections);
    let owners = if rebound && !owners_said { told.owners } else { owners };
    if owners.is_empty() {
        let detail = "holder_number, holder_name and holder_born together say whose it is";
        return Err(Problem::new(Reason::RequestInvalid).because(detail));
    }
    let valid_until = told.valid_until;
    Ok(PutRight { fields: told.fields, valid_until, owners, owners_said })
}

/// The owners once these came and those went. Nothing that was said of anybody stands in a
/// refusal.
fn put_owners_right(mut owners: Vec<Owner>, word: &CorrectRecord) -> Answer<Vec<Owner>> {
    let invalid = |detail: &str| Err(Problem::new(Reason::RequestInvalid).because(detail));
    let is_of = |number: &str| {
        let number = number.to_owned();
        move |owner: &Owner| owner.subject.reveal_number() == number
    };
    for number in &word.remove_owners {
        let Some(at) = owners.iter().position(is_of(number)) else {
            return invalid("`remove_owners` names somebody who is no owner");
        };
        owners.remove(at);
    }
    for raw in &word.add_owners {
        let subject = parse_subject(raw)?;
        if owners.iter().any(is_of(subject.reveal_number())) {
            return invalid("`add_owners` names somebody who is an owner already");
        }
        owners.push(Owner { subject, bound_by: BoundBy::Number });
    }
    if owners.is_empty() {
        return invalid("one owner stays; a record that is nobody's is withdrawn");
    }
    Ok(owners)
}

fn typed(word: &CorrectRecord) -> Answer<Vec<Field>> {
    let CorrectRecord { fields, take_back, add_owners, remove_owners, .. } = word;
    let invalid = |detail: &str| Problem::new(Reason::RequestInvalid).because(detail);
    let changes = fields.len() + take_back.len() + add_owners.len() + remove_owners.len();
    if !(1..=20).contains(&changes) {
        return Err(invalid("fields and owners that are put right are 1 to 20"));
    }
    let mut typed: Vec<Field> = Vec::new();
    for TypedField { name, value } in fields {
        check_length("value", value, 1, 1000)?;
        if typed.iter().any(|field| field.name == *name) || take_back.contains(name) {
            return Err(invalid("a field is named twice"));
        }
        let value = schemas::text::tidy(value);
        let fits = match name {
            FieldName::IssuedOn
            | FieldName::ActOn
            | FieldName::ValidUntil
            | FieldName::HolderBorn => value.parse::<Date>().is_ok(),
            FieldName::HolderNumber => value.parse::<CitizenNumber>().is_ok(),
            FieldName::HolderOldNumber => is_old_number(&value),
            FieldName::HolderName => value.parse::<Name>().is_ok(),
            FieldName::NumberSymbol
            | FieldName::Issuer
            | FieldName::Signer
            | FieldName::Abstract
            | FieldName::Scope => true,
        };
        if !fits {
            return Err(invalid("a date is written as 2025-01-17, a number in twelve digits"));
        }
        let source = FieldSource::Typed;
        typed.push(Field { name: *name, value, confidence: 1.0, source, page: None, area: None });
    }
    Ok(typed)
}

fn check_word(reason: &str, by: &str) -> Answer<()> {
    check_length("reason", reason, 5, 500)?;
    check_length("by", by, 1, 200)
}

/// Refuses a reason that names one of those whose record it is: it is told with the versions, where
/// nobody says what for.
fn check_reason(reason: &str, owners: &[Owner]) -> Answer<()> {
    let owners: Vec<_> = owners.iter().map(|owner| &owner.subject).collect();
    let detail = "`reason` says why, and never whose it is";
    names_nobody(reason, &owners).map_err(|problem| problem.because(detail))
}

fn done(revised: Revised) -> Answer<Record> {
    match revised {
        Revised::Done(record) => Ok(*record),
        Revised::NotInUse => Err(Reason::RecordNotUsable.into()),
        Revised::Unknown => Err(Reason::RecordUnknown.into()),
    }
}
