//! What a subject is told: what is kept of them, and who looked at it, when and why.

use std::collections::BTreeMap;

use access::Asker;
use archive::Access;
use axum::extract::State;
use jiff::Timestamp;
use problem::{Answer, Json};
use schemas::api::{AccessAnswer, AccessRequest, AccessView, OwnedRecord};
use schemas::audit::Act;
use schemas::ids::RecordId;
use schemas::record::Record;
use schemas::subject::Subject;

use crate::RecordsDesk;
use crate::lookups::{check_purpose, names_nobody};
use crate::requirements::parse_subject;

/// Lines of a page.
const PAGE: u32 = 200;

/// Tell a subject who looked.
///
/// Everything that was done with their records and dossiers (Law 91/2025/QH15: they may know), the
/// newest first: when, by whom, what for, by which law. Of a dossier that names them beside its
/// applicant, that another Kho was asked for their paper, and what became of that. Their number
/// stands in the body and never in an address. That it was told stands in the audit, too.
#[utoipa::path(
    post,
    path = "/v1/subjects/access",
    tag = "audit",
    extensions(("x-permission" = json!(["look_up"]))),
    request_body(
        content = AccessRequest,
        example = json!({
            "subject": {
                "type": "citizen",
                "number": "001199000013",
                "name": "Nguyễn Thị Mẫu",
                "born": "1999-01-01",
            },
            "purpose": "Chủ sở hữu yêu cầu biết ai đã xem",
        }),
    ),
    responses(
        (status = 200, description = "Their records and what was done with them", body = AccessAnswer),
        (status = 400, description = "`request.invalid`"),
        (status = 422, description = "`subject.number.digits`, `subject.number.province`, `subject.number.check_digit`, `subject.born`"),
    ),
)]
pub(crate) async fn show_access(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Json(asked): Json<AccessRequest>,
) -> Answer<Json<AccessAnswer>> {
    check_purpose(&asked.purpose)?;
    let subject = parse_subject(&asked.subject)?;
    names_nobody(&asked.purpose, &[&subject])?;
    let records = &desk.archive.records;
    let owned = owned(&subject, records.ever_owned(subject.reveal_number()).await?);
    let ids: Vec<RecordId> = owned.keys().copied().collect();
    let dossiers = records.dossiers_with(&subject).await?;
    let mut codes = dossiers.codes();
    let mut accesses = records.accesses((&ids, &codes), asked.before, PAGE).await?;
    let full = u32::try_from(accesses.len()).is_ok_and(|found| found == PAGE);
    let next = accesses.last().filter(|_| full).map(|last| last.line.place);
    accesses.retain(|access| dossiers.tells(access));
    // Of somebody else's dossier, where something of it is told.
    codes.retain(|code| {
        dossiers.own.iter().any(|own| own.code == *code)
            || accesses.iter().any(|access| access.line.line.dossier.as_ref() == Some(code))
    });
    let who = (&asker.actor(), asked.purpose.as_str());
    records.note_given(Act::AccessShown, (&ids, &codes), who, Timestamp::now()).await?;
    Ok(Json(AccessAnswer {
        records: owned.into_values().map(shown).collect(),
        accesses: accesses.into_iter().map(|access| view(&subject, access)).collect(),
        next,
    }))
}

/// The latest versions of records that are the subject's, whoever else's they are.
fn owned(subject: &Subject, records: Vec<Record>) -> BTreeMap<RecordId, Record> {
    let is_theirs =
        |record: &Record| record.owners.iter().any(|owner| owner.subject.agrees(subject));
    // Versions come in order, so the latest stays.
    records.into_iter().filter(is_theirs).map(|record| (record.id, record)).collect()
}

fn shown(record: Record) -> OwnedRecord {
    let Record { id, name, version, state, published_at, .. } = record;
    OwnedRecord { id, name, version, state, published_at }
}

fn view(subject: &Subject, access: Access) -> AccessView {
    let Access { line, lookup, principal } = access;
    let line = line.line;
    let (asked_by, on_behalf_of, purpose, legal_basis) = match lookup {
        Some(of) => (Some(of.asked_by), of.on_behalf_of, Some(of.purpose), of.legal_basis),
        None => (None, None, None, None),
    };
    AccessView {
        at: line.at,
        act: line.act,
        text: line.act.vi().to_owned(),
        record: line.record,
        version: line.version,
        principal,
        asked_by,
        on_behalf_of: on_behalf_of.map(|whom| told_of(subject, whom)),
        // What becomes of a lookup is for what that was for.
        purpose: line.purpose.or(purpose),
        legal_basis: line.legal_basis.or(legal_basis),
        dossier: line.dossier,
    }
}

/// On whose behalf, as a subject is told: of somebody else's identity number its last three digits.
fn told_of(subject: &Subject, whom: String) -> String {
    let digits: String = whom.chars().filter(|letter| !matches!(letter, ' ' | '.')).collect();
    let is_number = digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || digits == subject.reveal_number() {
        return whom;
    }
    format!("{}{}", "•".repeat(9), &digits[9..])
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn of_anothers_number_a_subject_is_told_the_last_digits() {
        let subject = Subject::Citizen {
            number: "001199000013".parse().unwrap(),
            name: "Nguyễn Thị Mẫu".parse().unwrap(),
            born: date(1999, 1, 1),
        };
        for (kept, told) in [
            ("001099000027", "•••••••••027"),
            ("001 099 000 027", "•••••••••027"),
            ("001199000013", "001199000013"),
            ("UBND phường Mẫu", "UBND phường Mẫu"),
            ("0100109106", "0100109106"),
        ] {
            assert_eq!(told_of(&subject, kept.to_owned()), told, "{kept}");
        }
    }
}
