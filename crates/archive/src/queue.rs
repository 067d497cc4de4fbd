//! The queue. The counter goes before the backlog; within a lane offices take turns. A job is
//! leased, not taken out: when its worker dies, the lease runs out (or the next process, which
//! knows that the one before is dead, ends it) and the job comes back, the attempt counted.
//!
//! The table `job` is the ledger in both forms, and what it says counts. In the embedded form
//! workers take from it; in the cluster form a broker brings them what the [`relay`] sends from
//! it, so that a message lost, late or doubled changes nothing.

mod broker;
mod topology;

mod relay;

mod consumer;
mod dead;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schemas::Uuid;
use schemas::code::Reason;
use schemas::ids::{DossierId, OfficeCode};
use schemas::message::{Lane, Message};
use sqlx::any::AnyRow;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub use broker::{Broker, BrokerNode, BrokerUrl};
pub(crate) use broker::{Caller, Trouble, in_time};
use consumer::{Slip, Tray};
use topology::{LANES, Names};

use crate::database::dialect::Dialect;
use crate::database::{Change, Database};
use crate::error::{ArchiveError, Doing};
use crate::records::Records;
use crate::records::parked::Parked;
use crate::rows::{Columns, number};

/// How long a job is a worker's own after it was last heard of ([`Queue::extend`]); then it is
/// given to another. Nobody should wait much longer for a page whose worker died.
pub const LEASE: Duration = Duration::from_secs(20);

/// How often a job is given out before a person looks at it. More than a worker tries when the
/// world fails: it is for jobs that end whoever has them.
pub(crate) const DELIVERY_LIMIT: u32 = 20;

/// No job waits longer for its time: a worker's pauses end at 20 minutes, and a dossier rests for
/// seconds. What is to come later than that was announced while this machine's clock was ahead.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Longest time for the broker to hear that this process ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// How often to look although nobody called: leases run out and times come unannounced.
const POLL: Duration = Duration::from_millis(500);

const RELEASE: &str = "update job set lease = null, due_at = $1 where lease is not null";

const BRING_NEAR: &str = "
    update job set due_at = $1, sent_at = null where lease is null and due_at > $2";

const FREE_RELAY: &str = "update relay_lease set held_until = 0";

// Looked at first, without the write lock: most of the time there is nothing.
const FIRST: &str = "
    select (select min(made_at) from outbox) as announced, (select min(due_at) from job) as due";

// Of the counter alone; one whose lease is over is due, too.
const COUNTER_WAITS: &str = "
    select exists (select 1 from outbox where lane = 'counter' and due_at <= $1)
        or exists (select 1 from office_turn t where t.lane = 'counter' and exists
        (select 1 from job j where j.lane = t.lane and j.office = t.office and j.due_at <= $1))
        as anything";

const SERVED: &str = "
    update office_turn set served = 1 + (select max(served) from office_turn where lane = $1)
    where lane = $1 and office = $2";

const TAKE: &str = "
    update job set attempts = attempts + 1, lease = $4, due_at = $5, sent_at = null
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
    /// None in the embedded form.
    carried: Option<Arc<Carried>>,
}

/// The tasks between ledger and broker. They end with the last of the queue's clones.
struct Carried {
    tray: Arc<Tray>,
    relaying: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    tasks: tokio::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Carried {
    fn drop(&mut self) {
        for task in self.tasks.get_mut() {
            task.abort();
        }
    }
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
    /// The broker's message; it hears of its end when the last clone is dropped.
    slip: Option<Arc<Slip>>,
}

impl Queue {
    /// Ends the leases of the process before, and relays what it announced last. Where many
    /// processes work, the leases of one that died run out.
    pub(crate) async fn open(
        db: Arc<Database>,
        broker: Option<&Broker>,
    ) -> Result<Self, ArchiveError> {
        if db.dialect == Dialect::Sqlite {
            succeed(&db).await?;
        }
        let carried = match broker {
            Some(broker) => Some(Arc::new(Carried::start(&db, broker).await?)),
            None => None,
        };
        Ok(Self { db, carried })
    }

    /// The queue of another process, its leases untouched.
    pub(crate) fn beside(db: Arc<Database>) -> Self {
        Self { db, carried: None }
    }

    /// Says how many jobs of a lane this process works on at once, so that the broker brings it
    /// as many.
    pub fn prefetch(&self, jobs: usize) {
        if let Some(carried) = &self.carried {
            carried.tray.prefetch(u16::try_from(jobs).unwrap_or(u16::MAX));
        }
    }

    /// Gives back what the broker brought here and nobody has taken, and has it bring no more until
    /// [`Queue::prefetch`] says so.
    pub fn rest(&self) {
        if let Some(carried) = &self.carried {
            carried.tray.rest();
        }
    }

    /// Whether jobs flow: always in the embedded form, else while the broker is there. Without it
    /// scans are accepted all the same, and their jobs wait.
    #[must_use]
    pub fn flows(&self) -> bool {
        self.carried.as_ref().is_none_or(|carried| carried.relaying.load(Ordering::Relaxed))
    }

    /// Waits for a job and takes it. A broker that is away is waited for.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: call again after a while.
    pub async fn next(&self) -> Result<Delivery, ArchiveError> {
        self.next_of(&LANES).await
    }

    /// The same, of the counter's jobs alone.
    ///
    /// # Errors
    /// As [`Queue::next`].
    pub async fn next_of_counter(&self) -> Result<Delivery, ArchiveError> {
        self.next_of(&[Lane::Counter]).await
    }

    async fn next_of(&self, lanes: &[Lane]) -> Result<Delivery, ArchiveError> {
        if let Some(carried) = &self.carried {
            return carried.tray.next(lanes).await;
        }
        loop {
            // Listens before it looks, so that no call in between is missed.
            let mut called = pin!(self.db.calls.announced());
            called.as_mut().enable();
            if let Some(delivery) = self.take_of(lanes).await? {
                return Ok(delivery);
            }
            // Whether called or not: look again.
            _ = tokio::time::timeout(POLL, called).await.is_ok();
        }
    }

    /// Takes a job if there is one to be done now; waits for one that the broker has yet to bring.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn take(&self) -> Result<Option<Delivery>, ArchiveError> {
        if let Some(carried) = &self.carried {
            return carried.tray.take().await;
        }
        self.take_of(&LANES).await
    }

    async fn take_of(&self, lanes: &[Lane]) -> Result<Option<Delivery>, ArchiveError> {
        loop {
            let waits = match lanes.contains(&Lane::Backlog) {
                true => anything_waits(&self.db).await?,
                false => counter_waits(&self.db).await?,
            };
            if !waits {
                return Ok(None);
            }
            let mut change = self.db.change().await?;
            relay(&mut change).await?;
            let lease = Uuid::new_v4().to_string();
            let mut leased = None;
            for lane in lanes {
                if leased.is_none() {
                    leased = lease_in(&mut change, *lane, &lease).await?;
                }
            }
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
            if DELIVERY_LIMIT < attempt {
                park_exhausted(&self.db, &message, &id, attempt - 1).await?;
                continue;
            }
            return Ok(Some(Delivery { message, attempt, id, lease, slip: None }));
        }
    }

    /// Begins the lease anew. False when the job is somebody else's by now.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn extend(&self, delivery: &Delivery) -> Result<bool, ArchiveError> {
        let doing = "extending a lease";
        let extended = async {
            let mut change = self.db.change().await?;
            let until = later(&change, LEASE);
            let extend = sqlx::query(EXTEND).bind(&delivery.id).bind(&delivery.lease).bind(until);
            let done = extend.execute(change.on()).await.doing(doing)?;
            change.commit().await?;
            Ok(done.rows_affected() > 0)
        };
        self.db.in_time(doing, extended).await
    }

    /// The job's result is stored, or the job is parked: it is over. A job that is somebody
    /// else's by now is left to them.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: the job comes back, and changes
    /// nothing the second time.
    pub async fn done(&self, delivery: Delivery) -> Result<(), ArchiveError> {
        let doing = "ending a job";
        let ended = async {
            let mut change = self.db.change().await?;
            let done = sqlx::query(DONE).bind(&delivery.id).bind(&delivery.lease);
            done.execute(change.on()).await.doing(doing)?;
            change.commit().await
        };
        self.db.in_time(doing, ended).await
    }

    /// Gives the job back, to be tried again after a while.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: it comes back when the lease is
    /// over.
    pub async fn retry(&self, delivery: Delivery, after: Duration) -> Result<(), ArchiveError> {
        let doing = "giving a job back";
        let given = async {
            let mut change = self.db.change().await?;
            let due_at = later(&change, after);
            let retry = sqlx::query(RETRY).bind(&delivery.id).bind(&delivery.lease).bind(due_at);
            retry.execute(change.on()).await.doing(doing)?;
            change.announced = true;
            change.commit().await
        };
        self.db.in_time(doing, given).await
    }

    /// Gives a job back that was not worked on to its end, because this process ends or lacks what
    /// it takes: somebody else may have it at once, and the attempt doesn't count.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]: it comes back when the lease is
    /// over.
    pub async fn hand_back(&self, delivery: Delivery) -> Result<(), ArchiveError> {
        let doing = "handing a job back";
        let handed = async {
            let mut change = self.db.change().await?;
            let now = change.now;
            let back = sqlx::query(HAND_BACK).bind(&delivery.id).bind(&delivery.lease).bind(now);
            back.execute(change.on()).await.doing(doing)?;
            change.announced = true;
            change.commit().await
        };
        self.db.in_time(doing, handed).await
    }

    /// Takes leave of the broker, which gives what it brought here to others at once.
    pub(crate) async fn close(&self) {
        let Some(carried) = &self.carried else { return };
        carried.stop.send_replace(true);
        for mut task in carried.tasks.lock().await.drain(..) {
            if tokio::time::timeout(FAREWELL, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Carried {
    async fn start(db: &Arc<Database>, broker: &Broker) -> Result<Self, ArchiveError> {
        let caller = Caller::new(broker).await?;
        let names = Names::new(&broker.prefix);
        let (stop, stopped) = watch::channel(false);
        let room = Arc::new(Notify::new());
        let relaying = Arc::new(AtomicBool::new(false));
        let (tray, ends) = Tray::new(Arc::clone(db), broker.delivery_limit, Arc::clone(&room));
        let relay = relay::Relay {
            db: Arc::clone(db),
            broker: broker.clone(),
            caller: caller.clone(),
            names: names.clone(),
            connected: Arc::clone(&relaying),
            room,
            holder: relay::holder(),
        };
        let consumer = consumer::run(Arc::clone(&tray), ends, caller, names, stopped.clone());
        let tasks = vec![tokio::spawn(relay.run(stopped)), tokio::spawn(consumer)];
        Ok(Self { tray, relaying, stop, tasks: tokio::sync::Mutex::new(tasks) })
    }
}

/// Takes over from the process before, which is dead. What its clock, which may have been ahead,
/// put off until long after now is due at once.
async fn succeed(db: &Database) -> Result<(), ArchiveError> {
    let doing = "releasing leases";
    let mut change = db.change().await?;
    let release = sqlx::query(RELEASE).bind(change.now);
    release.execute(change.on()).await.doing(doing)?;
    sqlx::query(FREE_RELAY).execute(change.on()).await.doing(doing)?;
    relay(&mut change).await?;
    let (now, latest) = (change.now, later(&change, LONGEST_WAIT));
    let near = sqlx::query(BRING_NEAR).bind(now).bind(latest);
    near.execute(change.on()).await.doing("bringing jobs near")?;
    change.commit().await
}

/// Whether there is a job to be done now. The time is asked for last: what others made due before
/// that was read is due by then.
async fn anything_waits(db: &Database) -> Result<bool, ArchiveError> {
    let doing = "taking a job";
    let first = async { sqlx::query(FIRST).fetch_one(&db.readers).await.doing(doing) };
    let first = db.in_time(doing, first).await?;
    let (announced, due) = (first.int_or::<i64>("announced")?, first.int_or::<i64>("due")?);
    let now = db.now().await?;
    Ok(announced.is_some() || due.is_some_and(|due| due <= now))
}

/// The same of the counter's jobs alone.
async fn counter_waits(db: &Database) -> Result<bool, ArchiveError> {
    let (now, doing) = (db.now().await?, "taking a job");
    let waits = sqlx::query(COUNTER_WAITS).bind(now);
    let waits = async { waits.fetch_one(&db.readers).await.doing(doing)?.flag("anything") };
    db.in_time(doing, waits).await
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
pub(crate) fn understood(row: &AnyRow) -> Result<Option<Message>, ArchiveError> {
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

/// A person should see a job that never came to an end, however often it was given out.
async fn park_exhausted(
    db: &Arc<Database>,
    message: &Message,
    id: &str,
    attempts: u32,
) -> Result<(), ArchiveError> {
    let records = Records::new(Arc::clone(db), None);
    let detail = "whoever had it never ended it";
    records.park(message, attempts, Reason::DeliveryLimit, detail).await?;
    let mut change = db.change().await?;
    sqlx::query(DROP).bind(id).execute(change.on()).await.doing("parking a job")?;
    change.commit().await
}

/// Waits until it is time to end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that there is nobody any more who could say so.
    drop(stop.wait_for(|stop| *stop).await);
}
