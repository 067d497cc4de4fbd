//! The queue in the database. The counter goes before the backlog; within a lane offices take
//! turns. A job is leased, not taken out: when its worker dies, the lease runs out (or the next
//! process, which knows that the one before is dead, ends it) and the job comes back, the attempt
//! counted.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use schemas::Uuid;
use schemas::code::Reason;
use schemas::ids::{DossierId, OfficeCode};
use schemas::message::{Lane, Message};
use sqlx::any::AnyRow;

use crate::database::dialect::Dialect;
use crate::database::{Change, Database};
use crate::error::{ArchiveError, Doing};
use crate::records::parked::Parked;
use crate::rows::{Columns, number};

/// How long a job is a worker's own before it is given to another.
pub const LEASE: Duration = Duration::from_secs(5 * 60);

/// How often to look although nobody called: leases run out and times come unannounced.
const POLL: Duration = Duration::from_millis(500);

const RELEASE: &str = "update job set lease = null, due_at = $1 where lease is not null";

// Looked at first, without the write lock: most of the time there is nothing.
const ANYTHING: &str = "
    select (select min(made_at) from outbox) is not null
        or coalesce((select min(due_at) from job) <= $1, false) as anything";

const SERVED: &str = "
    update office_turn set served = 1 + (select max(served) from office_turn where lane = $1)
    where lane = $1 and office = $2";

const TAKE: &str = "
    update job set attempts = attempts + 1, lease = $4, due_at = $5
    where job_id =
        (select job_id from job where lane = $1 and office = $2 and due_at <= $3
         order by due_at, job_id limit 1)
      and due_at <= $3
    returning job_id, dossier_id, job, target, message, attempts";

const EXTEND: &str = "update job set due_at = $3 where job_id = $1 and lease = $2";

const DONE: &str = "delete from job where job_id = $1 and lease = $2";

const RETRY: &str = "update job set lease = null, due_at = $3 where job_id = $1 and lease = $2";

const HAND_BACK: &str = "
    update job set lease = null, due_at = $3, attempts = attempts - 1
    where job_id = $1 and lease = $2";

const DROP: &str = "delete from job where job_id = $1";

/// What is to be done. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(crate) db: Arc<Database>,
}

/// A job in a worker's hands until [`LEASE`] is over.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The job.
    pub message: Message,
    /// Which attempt this is, from 1. An attempt that ended with a crash counts.
    pub attempt: u32,
    id: String,
    lease: String,
}

impl Queue {
    /// Ends the leases of the process before, and relays what it announced last. Where many
    /// processes work, the leases of one that died run out.
    pub(crate) async fn open(db: Arc<Database>) -> Result<Self, ArchiveError> {
        if db.dialect == Dialect::Postgres {
            return Ok(Self::beside(db));
        }
        let mut change = db.change().await?;
        let release = sqlx::query(RELEASE).bind(change.now);
        release.execute(change.on()).await.doing("releasing leases")?;
        relay(&mut change).await?;
        change.commit().await?;
        Ok(Self { db })
    }

    /// The queue of another process, its leases untouched.
    pub(crate) fn beside(db: Arc<Database>) -> Self {
        Self { db }
    }

    /// Waits for a job and takes it.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: call again after a while.
    pub async fn next(&self) -> Result<Delivery, ArchiveError> {
        loop {
            // Listens before it looks, so that no call in between is missed.
            let mut called = pin!(self.db.calls.announced());
            called.as_mut().enable();
            if let Some(delivery) = self.take().await? {
                return Ok(delivery);
            }
            // Whether called or not: look again.
            _ = tokio::time::timeout(POLL, called).await.is_ok();
        }
    }

    /// Takes a job if there is one to be done now.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn take(&self) -> Result<Option<Delivery>, ArchiveError> {
        let doing = "taking a job";
        loop {
            let now = jiff::Timestamp::now().as_microsecond();
            let row = sqlx::query(ANYTHING).bind(now).fetch_one(&self.db.readers).await;
            if !row.doing(doing)?.flag("anything")? {
                return Ok(None);
            }
            let mut change = self.db.change().await?;
            relay(&mut change).await?;
            let lease = Uuid::new_v4().to_string();
            let leased = match lease_in(&mut change, Lane::Counter, &lease).await? {
                Some(row) => Some(row),
                None => lease_in(&mut change, Lane::Backlog, &lease).await?,
            };
            let Some(row) = leased else {
                change.commit().await?;
                return Ok(None);
            };
            let id: String = row.take("job_id")?;
            let attempt = row.int("attempts")?;
            let message = match understood(&row)? {
                Some(message) => message,
                None => {
                    park_unknown(&mut change, &row, &id, attempt).await?;
                    change.commit().await?;
                    continue;
                }
            };
            change.commit().await?;
            return Ok(Some(Delivery { message, attempt, id, lease }));
        }
    }

    /// Begins the lease anew. False when the job is somebody else's by now.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn extend(&self, delivery: &Delivery) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let until = later(&change, LEASE);
        let extend = sqlx::query(EXTEND).bind(&delivery.id).bind(&delivery.lease).bind(until);
        let done = extend.execute(change.on()).await.doing("extending a lease")?;
        change.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// The job's result is stored, or the job is parked: it is over. A job that is somebody
    /// else's by now is left to them.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: the job comes back, and changes
    /// nothing the second time.
    pub async fn done(&self, delivery: Delivery) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let done = sqlx::query(DONE).bind(delivery.id).bind(delivery.lease);
        done.execute(change.on()).await.doing("ending a job")?;
        change.commit().await
    }

    /// Gives the job back, to be tried again after a while.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: it comes back when the lease is
    /// over.
    pub async fn retry(&self, delivery: Delivery, after: Duration) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let due_at = later(&change, after);
        let retry = sqlx::query(RETRY).bind(delivery.id).bind(delivery.lease).bind(due_at);
        retry.execute(change.on()).await.doing("giving a job back")?;
        change.announced = true;
        change.commit().await
    }

    /// Gives the job back at once, as if it had never been taken: its worker is asked to stop.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: it comes back when the lease is
    /// over, the attempt counted.
    pub async fn hand_back(&self, delivery: Delivery) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let now = change.now;
        let back = sqlx::query(HAND_BACK).bind(delivery.id).bind(delivery.lease).bind(now);
        back.execute(change.on()).await.doing("handing a job back")?;
        change.announced = true;
        change.commit().await
    }

    /// Makes everyone who waits look again.
    pub fn wake(&self) {
        self.db.calls.wake(true, false);
    }
}

/// Moves what was announced to the queue.
pub(crate) async fn relay(change: &mut Change<'_>) -> Result<(), ArchiveError> {
    for sql in change.db.dialect.relay() {
        sqlx::query(*sql).execute(change.on()).await.doing("relaying announcements")?;
    }
    Ok(())
}

fn later(change: &Change<'_>, after: Duration) -> i64 {
    change.now.saturating_add(number(after.as_micros()))
}

/// Leases the next job of a lane, of the office whose turn it is.
async fn lease_in(
    change: &mut Change<'_>,
    lane: Lane,
    lease: &str,
) -> Result<Option<AnyRow>, ArchiveError> {
    let doing = "taking a job";
    let now = change.now;
    let until = later(change, LEASE);
    while let Some(office) = whose_turn(change, lane).await? {
        let served = sqlx::query(SERVED).bind(lane.as_str()).bind(office.as_str());
        served.execute(change.on()).await.doing(doing)?;
        let take = sqlx::query(TAKE).bind(lane.as_str()).bind(office.as_str()).bind(now);
        let taken = take.bind(lease).bind(until).fetch_optional(change.on()).await.doing(doing)?;
        if taken.is_some() {
            return Ok(taken);
        }
        // Its last job went to another worker, for whom this one waited.
    }
    Ok(None)
}

/// The office whose turn it is in a lane, kept from others that take.
async fn whose_turn(
    change: &mut Change<'_>,
    lane: Lane,
) -> Result<Option<OfficeCode>, ArchiveError> {
    let now = change.now;
    for sql in change.db.dialect.whose_turn() {
        let turn = sqlx::query(*sql).bind(lane.as_str()).bind(now);
        let turn = turn.fetch_optional(change.on()).await.doing("taking a job")?;
        if let Some(turn) = turn {
            return turn.parsed("office").map(Some);
        }
    }
    Ok(None)
}

/// The message, unless a later version of the program wrote it.
fn understood(row: &AnyRow) -> Result<Option<Message>, ArchiveError> {
    let message = serde_json::from_str::<Message>(row.take("message")?);
    Ok(message.ok().filter(|message| message.version <= Message::VERSION))
}

/// A person should see a job that nobody here understands.
async fn park_unknown(
    change: &mut Change<'_>,
    row: &AnyRow,
    id: &str,
    attempts: u32,
) -> Result<(), ArchiveError> {
    let parked = Parked {
        dossier: row.parsed::<DossierId>("dossier_id")?,
        job: row.take("job")?,
        target: row.parsed("target")?,
        attempts,
        reason: Reason::MessageUnknown,
        detail: "written by a later version of the program",
    };
    parked.put(change, row.take("message")?).await?;
    sqlx::query(DROP).bind(id).execute(change.on()).await.doing("parking a job")?;
    Ok(())
}
