//! The worker's side: what the broker brings lies in a tray, a lane each, until it is leased in
//! the ledger. The ledger says what a message is worth: one that is not of its job's present
//! state is dropped, and the relay sends another when the time comes.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, Connection, Consumer};
use schemas::Uuid;
use schemas::message::Lane;
use tokio::sync::{Notify, mpsc, watch};
use tracing::{debug, info, warn};

use super::broker::{Caller, Pauses, Trouble, in_time};
use super::topology::{self, LANES, Names};
use super::{
    Delivery, LEASE, anything_waits, counter_waits, later, park_unknown, stopped, understood,
};
use crate::database::Database;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// Header of a message: when its job was due as it was sent. The job's row says another moment
/// once it was leased, retried or handed back, so that this tells an old message from the one
/// that counts, whatever the clocks say.
pub(super) const DUE_AT: &str = "due-at";

/// How often to look at the ledger while something is on its way here.
const ON_ITS_WAY: Duration = Duration::from_millis(20);

/// Places of the lanes in the tray, as in [`LANES`].
const COUNTER: usize = 0;
const BACKLOG: usize = 1;

/// How long a job of the backlog waits for one of the counter that is still on its way.
const COURTESY: Duration = Duration::from_millis(500);

// A message is worth its job's lease while the job is as it was sent.
const LEASE_SENT: &str = "
    update job set attempts = attempts + 1, lease = $3, due_at = $4, sent_at = null
    where job_id = $1 and due_at = $2 and lease is null
    returning job_id, dossier_id, job, target, message, attempts";

/// What is to become of a message that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The ledger knows all that is to be known.
    Gone,
    /// Nobody looked at it.
    Back,
    /// It was given out too often.
    Parked,
}

/// A message in this process. The broker hears of its end when it is dropped.
#[derive(Debug)]
pub(super) struct Slip {
    job_id: String,
    due_at: i64,
    acker: Acker,
    verdict: Mutex<Verdict>,
    ends: mpsc::UnboundedSender<(Acker, Verdict)>,
}

impl Slip {
    fn judge(&self, verdict: Verdict) {
        *held(&self.verdict) = verdict;
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        let verdict = *held(&self.verdict);
        // Nobody listens when the process ends: the broker takes the message back then.
        _ = self.ends.send((self.acker.clone(), verdict)).is_ok();
    }
}

/// What the broker brought and nobody has taken.
pub(super) struct Tray {
    db: Arc<Database>,
    lanes: Mutex<[VecDeque<Slip>; 2]>,
    arrived: Notify,
    /// How many messages of a lane the broker may bring before one of them has ended; 0 until
    /// somebody asks for work, and while nobody may.
    prefetch: watch::Sender<u16>,
    ends: mpsc::UnboundedSender<(Acker, Verdict)>,
    delivery_limit: u32,
    pub(super) connected: AtomicBool,
    /// Woken when there is room at the broker.
    room: Arc<Notify>,
}

impl Tray {
    /// An empty tray, and the task that fills it until `stop`.
    pub(super) fn new(
        db: Arc<Database>,
        delivery_limit: u32,
        room: Arc<Notify>,
    ) -> (Arc<Self>, Ends) {
        let (ends, ended) = mpsc::unbounded_channel();
        let tray = Arc::new(Self {
            db,
            lanes: Mutex::default(),
            arrived: Notify::new(),
            prefetch: watch::Sender::new(0),
            ends,
            delivery_limit,
            connected: AtomicBool::new(false),
            room,
        });
        (tray, Ends(ended))
    }

    pub(super) fn prefetch(&self, messages: u16) {
        self.prefetch.send_if_modified(|present| {
            let modified = *present != messages.max(1);
            *present = messages.max(1);
            modified
        });
    }

    /// Has the broker bring nothing, and take back what lies here.
    pub(super) fn rest(&self) {
        self.prefetch.send_if_modified(|present| std::mem::take(present) != 0);
    }

    /// Waits for a job of these lanes and leases it.
    pub(super) async fn next(&self, lanes: &[Lane]) -> Result<Delivery, ArchiveError> {
        self.ask_for_work();
        loop {
            let mut arrived = pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(delivery) = self.take_arrived(lanes).await? {
                return Ok(delivery);
            }
            arrived.await;
        }
    }

    /// Leases a job if there is one to be done now: waits for one that the broker is to bring.
    pub(super) async fn take(&self) -> Result<Option<Delivery>, ArchiveError> {
        self.ask_for_work();
        loop {
            let mut arrived = pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(delivery) = self.take_arrived(&LANES).await? {
                return Ok(Some(delivery));
            }
            if !anything_waits(&self.db).await? {
                return Ok(None);
            }
            _ = tokio::time::timeout(ON_ITS_WAY, arrived).await.is_ok();
        }
    }

    fn ask_for_work(&self) {
        if *self.prefetch.borrow() == 0 {
            self.prefetch(1);
        }
    }

    /// Leases the first job of these lanes in the tray that is still to be done; the counter's go
    /// first.
    async fn take_arrived(&self, lanes: &[Lane]) -> Result<Option<Delivery>, ArchiveError> {
        let until = Instant::now() + COURTESY;
        loop {
            let mut arrived = pin!(self.arrived.notified());
            arrived.as_mut().enable();
            let (lane, slip) = if let Some(slip) = self.first(COUNTER) {
                (COUNTER, slip)
            } else if !lanes.contains(&LANES[BACKLOG]) || held(&self.lanes)[BACKLOG].is_empty() {
                return Ok(None);
            } else if Instant::now() < until && counter_waits(&self.db).await? {
                // It may have had no place in the tray until just now.
                _ = tokio::time::timeout(ON_ITS_WAY, arrived).await.is_ok();
                continue;
            } else if let Some(slip) = self.first(BACKLOG) {
                (BACKLOG, slip)
            } else {
                continue;
            };
            match self.lease(slip).await {
                Ok(None) => {}
                Ok(leased) => return Ok(leased),
                Err((error, slip)) => {
                    // It is as good as before; the ledger isn't.
                    held(&self.lanes)[lane].push_front(slip);
                    return Err(error);
                }
            }
        }
    }

    /// The first in a lane's tray. One whose connection is gone will come again.
    fn first(&self, lane: usize) -> Option<Slip> {
        let mut lanes = held(&self.lanes);
        std::iter::from_fn(|| lanes[lane].pop_front()).find(|slip| slip.acker.usable())
    }

    async fn lease(&self, slip: Slip) -> Result<Option<Delivery>, (ArchiveError, Slip)> {
        match self.db.in_time("taking a job", self.leased(&slip)).await {
            Ok(Some(mut delivery)) => {
                slip.judge(Verdict::Gone);
                delivery.slip = Some(Arc::new(slip));
                Ok(Some(delivery))
            }
            Ok(None) => Ok(None),
            Err(error) => Err((error, slip)),
        }
    }

    async fn leased(&self, slip: &Slip) -> Result<Option<Delivery>, ArchiveError> {
        let mut change = self.db.change().await?;
        let lease = Uuid::new_v4().to_string();
        let until = later(&change, LEASE);
        let query = sqlx::query(LEASE_SENT).bind(&slip.job_id).bind(slip.due_at);
        let row = query.bind(&lease).bind(until).fetch_optional(change.on()).await;
        let Some(row) = row.doing("taking a job")? else {
            debug!(job.id = slip.job_id, "message of a job that is done or in hand");
            slip.judge(Verdict::Gone);
            return Ok(None);
        };
        let attempt: u32 = row.int("attempts")?;
        if self.delivery_limit < attempt {
            // Rolled back: the job stays as it was sent until the records know that it is parked.
            slip.judge(Verdict::Parked);
            return Ok(None);
        }
        let id: String = row.take("job_id")?;
        let Some(message) = understood(&row)? else {
            park_unknown(&mut change, &row, &id, attempt).await?;
            change.commit().await?;
            slip.judge(Verdict::Gone);
            return Ok(None);
        };
        change.commit().await?;
        self.room.notify_one();
        Ok(Some(Delivery { message, attempt, id, lease, slip: None }))
    }

    fn put(&self, lane: usize, message: lapin::message::Delivery) {
        let lapin::message::Delivery { properties, acker, .. } = message;
        let job_id = properties.message_id().as_ref().map(|id| id.as_str().to_owned());
        let due_at = properties.headers().as_ref().and_then(due_at);
        let known = job_id.is_some() && due_at.is_some();
        let slip = Slip {
            job_id: job_id.unwrap_or_default(),
            due_at: due_at.unwrap_or_default(),
            acker,
            verdict: Mutex::new(Verdict::Back),
            ends: self.ends.clone(),
        };
        if !known {
            warn!("a message that is none of ours");
            slip.judge(Verdict::Parked);
            return;
        }
        held(&self.lanes)[lane].push_back(slip);
        self.arrived.notify_waiters();
    }
}

/// When a message's job was due as it was sent.
pub(super) fn due_at(headers: &FieldTable) -> Option<i64> {
    headers.inner().get(DUE_AT).and_then(|value| value.as_long_long_int())
}

/// Messages of this process that have ended.
pub(super) struct Ends(mpsc::UnboundedReceiver<(Acker, Verdict)>);

/// Fills the tray until `stop`, whatever happens to the broker.
pub(super) async fn run(
    tray: Arc<Tray>,
    mut ends: Ends,
    caller: Caller,
    names: Names,
    mut stop: watch::Receiver<bool>,
) {
    let mut wanted = tray.prefetch.subscribe();
    let mut pauses = Pauses::default();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            asked = wanted.wait_for(|messages| 0 < *messages) => if asked.is_err() { return },
        }
        let ended = consume(&tray, &mut ends, &caller, &names, &mut pauses, stop.clone()).await;
        tray.connected.store(false, Ordering::Relaxed);
        // Outside the lock: each tells of its end as it goes.
        let lost = std::mem::take(&mut *held(&tray.lanes));
        drop(lost);
        let pause = match ended {
            Ok(Ended::Stopped) => return,
            Ok(Ended::OtherPrefetch) => continue,
            Err(trouble) => {
                let pause = pauses.next();
                warn!(
                    error = &trouble as &dyn std::error::Error,
                    pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                    "no jobs come from the broker"
                );
                pause
            }
        };
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Why filling ended although nothing is wrong.
enum Ended {
    Stopped,
    OtherPrefetch,
}

async fn consume(
    tray: &Tray,
    Ends(ends): &mut Ends,
    caller: &Caller,
    names: &Names,
    pauses: &mut Pauses,
    mut stop: watch::Receiver<bool>,
) -> Result<Ended, Trouble> {
    let mut wanted = tray.prefetch.subscribe();
    let messages = *wanted.borrow_and_update();
    if messages == 0 {
        return Ok(Ended::OtherPrefetch);
    }
    let connection = caller.call("worker").await?;
    let [mut counter, mut backlog] = in_time(async {
        topology::declare(&connection, names, tray.delivery_limit).await?;
        Ok([
            subscribe(&connection, names, LANES[COUNTER], messages).await?,
            subscribe(&connection, names, LANES[BACKLOG], messages).await?,
        ])
    })
    .await?;
    pauses.begin_anew();
    tray.connected.store(true, Ordering::Relaxed);
    info!(prefetch = messages, "jobs come from the broker");
    loop {
        tokio::select! {
            Some((acker, verdict)) = ends.recv() => {
                let told = async {
                    end(&acker, verdict).await;
                    Ok(())
                };
                in_time(told).await?;
            }
            message = counter.next() => tray.put(COUNTER, message.ok_or(Trouble::Gone)??),
            message = backlog.next() => tray.put(BACKLOG, message.ok_or(Trouble::Gone)??),
            () = stopped(&mut stop) => {
                let leave = async {
                    while let Ok((acker, verdict)) = ends.try_recv() {
                        end(&acker, verdict).await;
                    }
                    Ok(connection.close(200, "stopped".into()).await?)
                };
                in_time(leave).await?;
                return Ok(Ended::Stopped);
            }
            _ = wanted.changed() => {
                let leave = connection.close(200, "again with another prefetch".into());
                in_time(async { Ok(leave.await?) }).await?;
                return Ok(Ended::OtherPrefetch);
            }
        }
    }
}

/// A lane's messages, on a channel of its own: so that one lane can't use up the other's.
async fn subscribe(
    connection: &Connection,
    names: &Names,
    lane: Lane,
    messages: u16,
) -> Result<Consumer, Trouble> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(messages, BasicQosOptions::default()).await?;
    let (queue, tag) = (names.lane(lane).into(), lane.as_str().into());
    let consumer =
        channel.basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default());
    let c = consumer.await?;
    Ok(c)
}

/// Tells the broker. Where it can't be told it takes the message back and delivers it again,
/// which the ledger sees through.
async fn end(acker: &Acker, verdict: Verdict) {
    // One of a connection that is gone.
    if !acker.usable() {
        return;
    }
    let told = match verdict {
        Verdict::Gone => acker.ack(BasicAckOptions::default()).await,
        Verdict::Back => acker.nack(BasicNackOptions { requeue: true, multiple: false }).await,
        Verdict::Parked => acker.reject(BasicRejectOptions { requeue: false }).await,
    };
    if let Err(error) = told {
        debug!(error = &error as &dyn std::error::Error, "broker not told of a message's end");
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
