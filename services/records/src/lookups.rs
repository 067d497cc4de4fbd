//! Handing out a record for a stated purpose, and keeping the answer as it was.

use access::Asker;
use archive::{Asked, Dossier, LookupError};
use axum::extract::State;
use jiff::Timestamp;
use problem::{Answer, Json, Problem};
use schemas::api::{Lookup, LookupRequest, RawSubject};
use schemas::code::Reason;
use schemas::ids::{ComponentId, DossierCode};
use schemas::record::Record;
use schemas::subject::{Subject, is_old_number};

use crate::RecordsDesk;
use crate::near::{self, Match};
use crate::requirements::parse_subject;

/// Look a record up.
///
/// The subject must be among its owners by number, name and birth date; to anybody else the
/// record isn't there, but for somebody who is nearly an owner: that lookup is stopped, for a
/// person to compare the papers. The answer is kept as it was given, and a repeat of the request id
/// gets it again, whatever became of the record since.
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
            "on_behalf_of": "UBND phường Mẫu",
        }),
    ),
    responses(
        (status = 200, description = "The record, as it is kept with the lookup", body = Lookup),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`record.unknown`: there is none, or it is not the subject's; `dossier.unknown`"),
        (status = 409, description = "`record.not_usable`; `subject.near`: a person must compare the papers; `idempotency.reused`: the request id was used for another question"),
        (status = 422, description = "`subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`; `component.unknown`: not one of the dossier's"),
    ),
)]
pub(crate) async fn look_up(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Json(request): Json<LookupRequest>,
) -> Answer<Json<Lookup>> {
    let records = &desk.archive.records;
    let (answered, record) =
        tokio::join!(records.answered(&request, asker.id), records.record(request.record, None));
    if let Some(kept) = answered.map_err(refusal)? {
        records.read_again(asker.id, &kept, Timestamp::now()).await?;
        return Ok(Json(kept));
    }
    if let Some(code) = &request.dossier {
        let dossier = must_reach(&desk, &asker, code).await?;
        if let Some(component) = &request.component {
            must_ask_for(&desk, &dossier, component).await?;
        }
    }
    let asked = asked_about(&desk, &request.subject).await?;
    let record = record?.ok_or(Reason::RecordUnknown)?;
    match near::owner_of(&desk, &asked, &record).await? {
        Match::Owner => {}
        Match::Near(owner) => {
            check_lookup(&request)?;
            let near = (&asked, owner);
            if !records.put_near(asker.id, &request, near, Timestamp::now()).await? {
                return Err(Reason::RecordUnknown.into());
            }
            tracing::info!(record.id = %record.id, "lookup by a near match was stopped");
            return Err(Reason::SubjectNear.into());
        }
        Match::Other => return Err(Reason::RecordUnknown.into()),
    }
    Ok(Json(keep(&desk, &asker, &request, &record).await?))
}

/// A lookup is for a dossier only where who asks reaches that.
pub(crate) async fn must_reach(
    desk: &RecordsDesk,
    asker: &Asker,
    code: &DossierCode,
) -> Answer<Dossier> {
    let dossier = desk.archive.records.dossier(code).await?;
    Ok(asker.reached(dossier).ok_or(Reason::DossierUnknown)?)
}

/// A component is one of those that the dossier's case asks for.
async fn must_ask_for(
    desk: &RecordsDesk,
    dossier: &Dossier,
    component: &ComponentId,
) -> Answer<()> {
    let (code, version) = (&dossier.procedure, dossier.procedure_version);
    let entry = desk.archive.records.procedure_version(code, version).await?;
    let is_asked_for = entry.is_some_and(|entry| {
        let mut asked = entry.procedure.components_of(dossier.case.as_ref());
        asked.any(|asked| asked.id == *component)
    });
    if is_asked_for { Ok(()) } else { Err(Reason::ComponentUnknown.into()) }
}

/// Keeps a lookup and gives its answer: the only way to a record's content.
pub(crate) async fn keep(
    desk: &RecordsDesk,
    asker: &Asker,
    request: &LookupRequest,
    record: &Record,
) -> Answer<Lookup> {
    check_lookup(request)?;
    let owners: Vec<_> = record.owners.iter().map(|owner| &owner.subject).collect();
    for said in [Some(&request.purpose), request.legal_basis.as_ref()].into_iter().flatten() {
        names_nobody(said, &owners)?;
    }
    let records = &desk.archive.records;
    let kept = records.put_lookup(asker.id, request, record, Timestamp::now()).await;
    let lookup = kept.map_err(refusal)?;
    vitals::lookup_answered();
    tracing::info!(lookup.id = %lookup.id, record.id = %record.id, "record looked up");
    Ok(lookup)
}

/// Whom a question is about. An old number of nine digits is the one of twelve that an identity
/// card says took its place; where no card says so it stays as it is, and is never enough.
pub(crate) async fn asked_about(desk: &RecordsDesk, raw: &RawSubject) -> Answer<Asked> {
    if let RawSubject::Citizen { number, name, born } = raw {
        let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '.')).collect();
        if is_old_number(&digits) {
            let name = name.parse().map_err(|_| Reason::RequestInvalid)?;
            let number = desk.archive.records.number_of_old(&digits).await?.unwrap_or(digits);
            return Ok(Asked { number, name, born: Some(*born) });
        }
    }
    Ok(Asked::from(&parse_subject(raw)?))
}

pub(crate) fn refusal(error: LookupError) -> Problem {
    match error {
        LookupError::Reused => Reason::KeyReused.into(),
        LookupError::NotUsable => Reason::RecordNotUsable.into(),
        LookupError::Archive(error) => Problem::from(error),
    }
}

fn check_lookup(request: &LookupRequest) -> Answer<()> {
    check_purpose(&request.purpose)?;
    check_length("asked_by", &request.asked_by, 1, 200)?;
    if let Some(law) = &request.legal_basis {
        check_length("legal_basis", law, 1, 500)?;
    }
    if let Some(who) = &request.on_behalf_of {
        check_length("on_behalf_of", who, 1, 200)?;
    }
    Ok(())
}

/// What a record or an answer is asked for: 5 to 500 characters.
pub(crate) fn check_purpose(purpose: &str) -> Answer<()> {
    check_length("purpose", purpose, 5, 500)
}

/// Refuses a purpose or a legal basis that names one of those whom the record is about, by name or
/// number: it stands in the audit, which outlives what is kept of them.
pub(crate) fn names_nobody(said: &str, subjects: &[&Subject]) -> Answer<()> {
    if !subjects.iter().any(|subject| subject.is_named_in(said)) {
        return Ok(());
    }
    let detail = "`purpose` and `legal_basis` say what for, and never for whom";
    Err(Problem::new(Reason::RequestInvalid).because(detail))
}

pub(crate) fn check_length(field: &str, text: &str, shortest: usize, longest: usize) -> Answer<()> {
    if schemas::text::has_length(text, &(shortest..=longest)) {
        return Ok(());
    }
    let detail = format!("`{field}` has {shortest} to {longest} characters");
    Err(Problem::new(Reason::RequestInvalid).because(detail))
}
