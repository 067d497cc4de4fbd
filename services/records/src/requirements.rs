//! What a citizen must still hand in.

use std::collections::BTreeSet;

use access::Asker;
use axum::extract::State;
use filing::standing;
use jiff::Timestamp;
use problem::{Answer, Json, Problem};
use schemas::api::{MOST_OTHERS, RawSubject, Requirements, RequirementsRequest};
use schemas::code::Reason;
use schemas::situation::Situation;
use schemas::subject::{People, Subject, is_old_number};

use crate::RecordsDesk;
use crate::lookups::{self, check_purpose, names_nobody};

/// Ask what a citizen must still hand in for a procedure.
///
/// Each component is held (by which record, good until when; that it was told stands in the
/// audit), or needed, or only shown, or answered from a database, with the reason in Vietnamese.
/// One that is asked for on a condition comes with its question, until `answers` holds the answer.
/// Where the application needs papers of `others`, too, it is told whose record stands.
#[utoipa::path(
    post,
    path = "/v1/requirements",
    tag = "records",
    extensions(("x-permission" = json!(["look_up"]))),
    request_body(
        content = RequirementsRequest,
        example = json!({
            "procedure": "1.001193",
            "subject": {
                "type": "citizen",
                "number": "001199000013",
                "name": "Nguyễn Thị Mẫu",
                "born": "1999-01-01",
            },
            "purpose": "Đăng ký khai sinh cho con",
            "answers": { "1.001193-TP04": false },
        }),
    ),
    responses(
        (status = 200, description = "Each component and how it stands", body = Requirements),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`procedure.unknown`"),
        (status = 422, description = "`case.unknown`, `case.needed`, `subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`"),
    ),
)]
pub(crate) async fn ask_requirements(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Json(asked): Json<RequirementsRequest>,
) -> Answer<Json<Requirements>> {
    let now = Timestamp::now();
    let today = schemas::clock::day_of(now);
    check_purpose(&asked.purpose)?;
    let records = &desk.archive.records;
    let entry =
        records.procedure(&asked.procedure, today).await?.ok_or(Reason::ProcedureUnknown)?;
    let procedure = &entry.procedure;
    let case = standing::chosen_case(procedure, asked.case.as_ref())
        .map_err(|reason| Problem::new(reason).because(standing::cases_told(procedure)))?;
    if MOST_OTHERS < asked.others.len() {
        return Err(Problem::new(Reason::RequestInvalid).because("`others` has at most 8"));
    }
    let subject = found(&desk, &asked.subject, &asked.purpose).await?;
    let mut others = Vec::new();
    for other in &asked.others {
        others.push(found(&desk, other, &asked.purpose).await?);
    }
    let people = People { applicant: &subject, others: &others };
    if people.is_any_twice() {
        return Err(Problem::new(Reason::RequestInvalid).because("somebody is named twice"));
    }
    let held = records.papers_of_all(people).await?;
    let office = asked.office.as_ref().unwrap_or(&desk.office);
    let situation = Situation::at_first(case, &asked.answers, office, people, &held);
    let components = standing::standing(&desk.kinds, procedure, situation, today);
    let told = components.iter().filter_map(|held| Some((held.record?, held.record_version?)));
    let told: BTreeSet<_> = told.collect();
    let told: Vec<_> = told.into_iter().collect();
    records.told(&told, (asker.id, &asked.purpose), now).await?;
    Ok(Json(Requirements {
        procedure: asked.procedure,
        procedure_name: procedure.name.clone(),
        procedure_version: entry.version,
        case: case.cloned(),
        asked_at: now.to_string(),
        components,
    }))
}

/// Somebody who was named, checked in every part: whose number an old one became, and who they are
/// by a person's word, where that was found though the papers differ. The purpose names them not.
async fn found(desk: &RecordsDesk, raw: &RawSubject, purpose: &str) -> Answer<Subject> {
    let records = &desk.archive.records;
    let asked = lookups::asked_about(desk, raw).await?;
    let subject = match (raw, is_old_number(&asked.number)) {
        // Nobody's card says whose this old number was.
        (_, true) => return Err(Reason::NumberDigits.into()),
        (RawSubject::Citizen { name, born, .. }, false) => parse_subject(&RawSubject::Citizen {
            number: asked.number.clone(),
            name: name.clone(),
            born: *born,
        })?,
        (organisation, false) => parse_subject(organisation)?,
    };
    names_nobody(purpose, &[&subject])?;
    let held = records.records_of(subject.reveal_number()).await?;
    Ok(records.found_to_be(&asked, &held).await?.unwrap_or(subject))
}

/// The subject, checked in every part.
pub(crate) fn parse_subject(raw: &RawSubject) -> Answer<Subject> {
    raw.parse().map_err(|reason| match reason {
        Reason::RequestInvalid => {
            Problem::new(reason).because("`name` has 1 to 200 characters, letters among them")
        }
        reason => reason.into(),
    })
}
