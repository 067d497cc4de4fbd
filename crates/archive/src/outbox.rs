//! Announcements: a job that a change calls for is written with the change, in one transaction,
//! and goes to the queue afterwards. So there is no change without its job, nor a job without
//! its change.

use schemas::Uuid;
use schemas::ids::{DossierId, OfficeCode};
use schemas::message::{Job, Lane, Message};

use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::json;

const ANNOUNCE: &str = "
    insert into outbox (job_id, dossier_id, lane, office, job, target, message, made_at, due_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Announces a job, not to be done before `due_at`.
pub(crate) async fn announce(
    change: &mut Change<'_>,
    (dossier, office, lane): (DossierId, &OfficeCode, Lane),
    job: Job,
    due_at: i64,
) -> Result<(), ArchiveError> {
    let (name, target) = named(&job, dossier);
    let message = Message {
        version: Message::VERSION,
        lane,
        office: office.clone(),
        dossier,
        job,
        traceparent: vitals::trace::parent(),
    };
    let now = change.now;
    sqlx::query(ANNOUNCE)
        // Ids grow with time, which keeps the order of those announced at once.
        .bind(Uuid::now_v7().to_string())
        .bind(dossier.to_string())
        .bind(lane.as_str())
        .bind(office.as_str())
        .bind(name)
        .bind(target.to_string())
        .bind(json(&message)?)
        .bind(now)
        .bind(due_at)
        .execute(change.on())
        .await
        .doing("announcing a job")?;
    change.announced = true;
    Ok(())
}

/// What a job is called, and what it is done to.
pub(crate) fn named(job: &Job, dossier: DossierId) -> (&'static str, Uuid) {
    (job.name(), job.target(dossier))
}
