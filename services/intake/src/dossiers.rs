//! Opening, showing and closing dossiers.

use access::Asker;
use archive::{Asked, Dossier, NewDossier, OpenError, Reliance, Relied};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use filing::standing;
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{
    ComponentStatus, DossierState, DossierView, MOST_OTHERS, OpenDossier, RawSubject,
};
use schemas::code::Reason;
use schemas::ids::{DossierCode, DossierId, OfficeCode};
use schemas::situation::Situation;
use schemas::subject::Subject;

use crate::desk::IntakeDesk;
use crate::scans::idempotency_key;
use crate::view;

/// A dossier that was opened, with its address.
type Opened = (StatusCode, [(HeaderName, String); 1], Json<DossierView>);

/// Open a dossier.
///
/// The answer says how each component stands already: what the citizen handed in before is
/// held and must not be asked for again. A subject that a person found to be an owner of records,
/// though the papers differ, is that owner. So is each of the `others`, whose papers the
/// application needs, too. The same key with the same application gets the dossier that was opened
/// with it.
#[utoipa::path(
    post,
    path = "/v1/dossiers",
    tag = "intake",
    extensions(("x-permission" = json!(["open"]))),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Chosen by the sender, at most 200 printable ASCII characters; a key stands for one dossier of whoever shows it"),
    ),
    request_body(
        content = OpenDossier,
        example = json!({
            "procedure": "1.001193",
            "subject": {
                "type": "citizen",
                "number": "001199000013",
                "name": "Nguyễn Thị Mẫu",
                "born": "1999-01-01",
            },
            "lane": "counter",
        }),
    ),
    responses(
        (status = 201, description = "Opened", body = DossierView, headers(("Location" = String, description = "Address of the dossier"))),
        (status = 200, description = "Had been opened before", body = DossierView, headers(("Location" = String, description = "Address of the dossier"))),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`procedure.unknown`"),
        (status = 409, description = "`subject.differs`: a dossier said otherwise of a number, and it isn't said that identity papers were compared, or a record is bound to it; `idempotency.reused`: the key was used for another application"),
        (status = 422, description = "`case.unknown`, `case.needed`, `subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`"),
        (status = 507, description = "`storage.full`"),
    ),
)]
pub(crate) async fn open_dossier(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    headers: HeaderMap,
    Json(asked): Json<OpenDossier>,
) -> Answer<Opened> {
    let office = asked.office.clone().unwrap_or_else(|| desk.settings.office.clone());
    if !asker.reaches(&office) {
        return Err(Reason::Forbidden.into());
    }
    let key = idempotency_key(&headers)?;
    let now = Timestamp::now();
    let records = &desk.archive.records;
    let id = match &key {
        Some(key) => DossierId::keyed(asker.id, key),
        None => DossierId::new(),
    };
    // What was opened with its key is answered again, whatever has become of the procedure since.
    if key.is_some()
        && let Some(kept) = records.dossier_by_id(id).await?
    {
        same(&desk, &asked, &office, &kept).await?;
        return opened(&desk, StatusCode::OK, kept).await;
    }
    let today = schemas::clock::day_of(now);
    let entry =
        records.procedure(&asked.procedure, today).await?.ok_or(Reason::ProcedureUnknown)?;
    let case = standing::chosen_case(&entry.procedure, asked.case.as_ref())
        .map_err(|reason| Problem::new(reason).because(standing::cases_told(&entry.procedure)))?;
    if MOST_OTHERS < asked.others.len() {
        return Err(Problem::new(Reason::RequestInvalid).because("`others` has at most 8"));
    }
    let subject = found(&desk, named("subject", &asked.subject)?).await?;
    let mut others = Vec::new();
    for other in &asked.others {
        others.push(found(&desk, named("others", other)?).await?);
    }
    let new = NewDossier {
        id,
        office: office.clone(),
        procedure: asked.procedure.clone(),
        procedure_version: entry.version,
        case: case.cloned(),
        lane: asked.lane,
        subject,
        others,
        identity_checked: asked.identity_checked,
    };
    if new.people().is_any_twice() {
        return Err(Problem::new(Reason::RequestInvalid).because("somebody is named twice"));
    }
    let held = records.papers_of_all(new.people()).await?;
    let situation = Situation::at_first(case, &asked.answers, &new.office, new.people(), &held);
    let components = standing::standing(&desk.kinds, &entry.procedure, situation, today);
    let relied = components.iter().filter_map(Relied::of).collect();
    let reliance = Reliance { answers: asked.answers.clone(), relied };
    let dossier = records.open_dossier(asker.id, &new, &reliance, now).await;
    let dossier = dossier.map_err(|error| match error {
        OpenError::SubjectDiffers => Reason::SubjectDiffers.into(),
        OpenError::Archive(error) => Problem::from(error),
    })?;
    // Two may show the same key at the same time.
    if key.is_some() {
        same(&desk, &asked, &office, &dossier).await?;
    }
    tracing::info!(dossier.code = %dossier.code, procedure.code = %dossier.procedure, "dossier opened");
    opened(&desk, StatusCode::CREATED, dossier).await
}

async fn opened(desk: &IntakeDesk, status: StatusCode, dossier: Dossier) -> Answer<Opened> {
    let place = format!("/v1/dossiers/{}", dossier.code);
    let view = view::of_dossier(desk, dossier).await?;
    Ok((status, [(header::LOCATION, place)], Json(view)))
}

/// Checks that it is this dossier that is asked for. Questions may have been answered otherwise
/// since, so that is not compared.
///
/// # Errors
/// [`Reason::KeyReused`] where it is another.
async fn same(
    desk: &IntakeDesk,
    asked: &OpenDossier,
    office: &OfficeCode,
    kept: &Dossier,
) -> Answer<()> {
    let reused = || Problem::new(Reason::KeyReused);
    if kept.office != *office
        || kept.procedure != asked.procedure
        || kept.lane != asked.lane
        || kept.others.len() != asked.others.len()
    {
        return Err(reused());
    }
    let procedure = desk.archive.records.procedure_of(kept).await?.procedure;
    let case = standing::chosen_case(&procedure, asked.case.as_ref());
    if case.map_err(|_| reused())? != kept.case.as_ref() {
        return Err(reused());
    }
    let others = asked.others.iter().map(|other| ("others", other));
    let people = std::iter::once(("subject", &asked.subject)).chain(others);
    for ((field, raw), kept) in people.zip(kept.people().all()) {
        // Who they are may have been found after it was opened.
        let subject = named(field, raw)?;
        if !kept.agrees(&subject) && !kept.agrees(&found(desk, subject).await?) {
            return Err(reused());
        }
    }
    Ok(())
}

/// Somebody who was named, checked in every part.
fn named(field: &str, raw: &RawSubject) -> Answer<Subject> {
    raw.parse().map_err(|reason| match reason {
        Reason::RequestInvalid => Problem::new(reason)
            .because(format!("`{field}.name` has 1 to 200 characters, letters among them")),
        reason => reason.into(),
    })
}

/// Who somebody is by a person's word, where that was found though the papers differ.
async fn found(desk: &IntakeDesk, subject: Subject) -> Answer<Subject> {
    let records = &desk.archive.records;
    let held = records.records_of(subject.reveal_number()).await?;
    Ok(records.found_to_be(&Asked::from(&subject), &held).await?.unwrap_or(subject))
}

/// Show a dossier.
///
/// Its components and how each stands, its documents, its scans and their pages.
#[utoipa::path(
    get,
    path = "/v1/dossiers/{code}",
    tag = "intake",
    extensions(("x-permission" = json!(["open", "correct"]))),
    params(("code" = String, Path, description = "Code of the dossier", example = "H26-261120-0001")),
    responses(
        (status = 200, description = "The dossier", body = DossierView),
        (status = 404, description = "`dossier.unknown`"),
    ),
)]
pub(crate) async fn show_dossier(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Path(code): Path<String>,
) -> Answer<Json<DossierView>> {
    let dossier = dossier(&desk, &asker, &code).await?;
    Ok(Json(view::of_dossier(&desk, dossier).await?))
}

/// Close a dossier: it takes no more scans.
///
/// Whether the records that it relies on still stand is looked at again; where one doesn't any
/// more, the dossier is warned. Closing it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/dossiers/{code}/close",
    tag = "intake",
    extensions(("x-permission" = json!(["open"]))),
    params(("code" = String, Path, description = "Code of the dossier", example = "H26-261120-0001")),
    responses(
        (status = 200, description = "The dossier, closed", body = DossierView),
        (status = 404, description = "`dossier.unknown`"),
    ),
)]
pub(crate) async fn close_dossier(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Path(code): Path<String>,
) -> Answer<Json<DossierView>> {
    let open = dossier(&desk, &asker, &code).await?;
    let (id, records) = (open.id, &desk.archive.records);
    if open.state == DossierState::Open {
        let declined = records.declined(&open.code).await?;
        let components = view::of_dossier(&desk, open).await?.components;
        let lost = |relied: &Relied| {
            let stands = declined.contains(&relied.component)
                || components.iter().any(|component| {
                    component.id == relied.component
                        && (component.status == ComponentStatus::Filed
                            || Relied::of(component).is_some())
                });
            (!stands).then(|| relied.component.clone())
        };
        let lost: Vec<_> = records.relied(id).await?.iter().filter_map(lost).collect();
        records.note_expired(id, &lost, Timestamp::now()).await?;
    }
    records.close_dossier(id).await?;
    let closed = dossier(&desk, &asker, &code).await?;
    Ok(Json(view::of_dossier(&desk, closed).await?))
}

/// The dossier with that code, if its office is within reach: to others it isn't there.
pub(crate) async fn dossier(desk: &IntakeDesk, asker: &Asker, code: &str) -> Answer<Dossier> {
    let code: DossierCode = code.parse().map_err(|_| Reason::DossierUnknown)?;
    let found = asker.reached(desk.archive.records.dossier(&code).await?);
    Ok(found.ok_or(Reason::DossierUnknown)?)
}
