//! Opening, showing and closing dossiers.

use access::Asker;
use archive::{Asked, Dossier, NewDossier, OpenError, Reliance, Relied};
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use filing::standing;
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{
    ComponentStatus, DossierState, DossierView, MOST_OTHERS, OpenDossier, RawSubject,
};
use schemas::code::Reason;
use schemas::ids::{DossierCode, DossierId};
use schemas::situation::Situation;
use schemas::subject::Subject;

use crate::desk::IntakeDesk;
use crate::view;

/// Open a dossier.
///
/// The answer says how each component stands already: what the citizen handed in before is
/// held and must not be asked for again. A subject that a person found to be an owner of records,
/// though the papers differ, is that owner. So is each of the `others`, whose papers the
/// application needs, too.
#[utoipa::path(
    post,
    path = "/v1/dossiers",
    tag = "intake",
    extensions(("x-permission" = json!(["open"]))),
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
        (status = 400, description = "`request.invalid`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 404, description = "`procedure.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`subject.differs`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`case.unknown`, `case.needed`, `subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`", body = schemas::api::Problem, content_type = "application/problem+json"),
        (status = 507, description = "`storage.full`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn open_dossier(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Json(asked): Json<OpenDossier>,
) -> Answer<(StatusCode, [(HeaderName, String); 1], Json<DossierView>)> {
    let office = asked.office.unwrap_or_else(|| desk.settings.office.clone());
    if !asker.reaches(&office) {
        return Err(Reason::Forbidden.into());
    }
    let now = Timestamp::now();
    let records = &desk.archive.records;
    let today = schemas::clock::day_of(now);
    let entry =
        records.procedure(&asked.procedure, today).await?.ok_or(Reason::ProcedureUnknown)?;
    let case = standing::chosen_case(&entry.procedure, asked.case.as_ref())
        .map_err(|reason| Problem::new(reason).because(standing::cases_told(&entry.procedure)))?;
    if MOST_OTHERS < asked.others.len() {
        return Err(Problem::new(Reason::RequestInvalid).because("`others` has at most 8"));
    }
    let subject = found(&desk, "subject", &asked.subject).await?;
    let mut others = Vec::new();
    for other in &asked.others {
        others.push(found(&desk, "others", other).await?);
    }
    let new = NewDossier {
        id: DossierId::new(),
        office,
        procedure: asked.procedure,
        procedure_version: entry.version,
        case: case.cloned(),
        lane: asked.lane,
        subject,
        others,
    };
    if new.people().is_any_twice() {
        return Err(Problem::new(Reason::RequestInvalid).because("somebody is named twice"));
    }
    let held = records.papers_of_all(new.people()).await?;
    let situation = Situation::at_first(case, &asked.answers, &new.office, new.people(), &held);
    let components = standing::standing(&desk.kinds, &entry.procedure, situation, today);
    let relied = components.iter().filter_map(Relied::of).collect();
    let reliance = Reliance { answers: asked.answers, relied };
    let opened = records.open_dossier(asker.id, &new, &reliance, now).await;
    let dossier = opened.map_err(|error| match error {
        OpenError::SubjectDiffers => Reason::SubjectDiffers.into(),
        OpenError::Archive(error) => Problem::from(error),
    })?;
    tracing::info!(dossier.code = %dossier.code, procedure.code = %dossier.procedure, "dossier opened");
    let place = format!("/v1/dossiers/{}", dossier.code);
    let view = view::of_dossier(&desk, dossier).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(view)))
}

/// Somebody who was named, checked in every part: who they are by a person's word, where that was
/// found though the papers differ.
async fn found(desk: &IntakeDesk, field: &str, raw: &RawSubject) -> Answer<Subject> {
    let subject = raw.parse().map_err(|reason| match reason {
        Reason::RequestInvalid => Problem::new(reason)
            .because(format!("`{field}.name` has 1 to 200 characters, letters among them")),
        reason => reason.into(),
    })?;
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
        (status = 404, description = "`dossier.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
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
        (status = 404, description = "`dossier.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
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
