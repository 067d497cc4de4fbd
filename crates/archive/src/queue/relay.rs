//! From the ledger to the broker: what was announced becomes jobs, and jobs that are due become
//! messages, a few at a time, offices in turns. A job counts as sent when the broker has
//! confirmed it; whatever happens before, it is sent again, and the ledger sees through the
//! second message.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use failpoints::{Point, here};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use schemas::Uuid;
use schemas::message::Lane;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::broker::{Broker, Caller, Pauses, Trouble, in_time};
use super::consumer::DUE_AT;
use super::topology::{self, LANES, Names};
use super::{POLL, SERVED, dead, relay, stopped};
use crate::database::{Change, Database};
use crate::error::{ArchiveError, Doing};
use crate::lease::Sending;
use crate::rows::{Columns, number};

/// Longest wait for the broker's confirmation while it takes messages at all.
const CONFIRM: Duration = Duration::from_secs(10);

/// How long one process alone sends after it last did. Longer than [`CONFIRM`].
const HOLD: Duration = Duration::from_secs(15);

/// How long a message may lie at the broker before it is asked whether it still has it.
const DOUBT: Duration = Duration::from_secs(120);

/// How often that is asked.
const ASK: Duration = Duration::from_secs(10);

/// Pause after the broker refused a message: its queue may be full.
const REFUSED: Duration = Duration::from_millis(500);

/// Rounds begin so far apart at least: what is announced meanwhile goes with one of them.
const APART: Duration = Duration::from_millis(20);

// Looked at first, without the write lock: most of the time there is nothing.
const ANYTHING: &str = "
    select exists (select 1 from outbox)
        or exists (select 1 from job where lease is not null and due_at <= $1) as anything";

const ROOM: &str = "select count(*) as sent from job where lane = $1 and sent_at is not null";

const DUE: &str = "
    select exists (select 1 from office_turn t where t.lane = $1 and exists
        (select 1 from job j where j.lane = t.lane and j.office = t.office and j.due_at <= $2
         and j.sent_at is null and j.lease is null)) as anything";

// A lease that is over is nobody's: the job is due now.
const END_LEASES: &str = "
    update job set lease = null, due_at = $1 where lease is not null and due_at <= $1";

const OFFICES: &str = "
    select office from office_turn t
    where lane = $1 and exists
        (select 1 from job j where j.lane = t.lane and j.office = t.office and j.due_at <= $2
         and j.sent_at is null and j.lease is null)
    order by served, office limit $3";

const NEXT: &str = "
    select job_id, due_at, job, message from job
    where lane = $1 and office = $2 and due_at <= $3 and sent_at is null and lease is null
    order by due_at, job_id limit $4";

// Unless somebody took it before its confirmation came.
const SENT: &str = "
    update job set sent_at = $3
    where job_id = $1 and due_at = $2 and sent_at is null and lease is null";

// All that the broker should have, and what it has had for long.
const SENT_SO_FAR: &str = "
    select count(*) as sent, count(case when sent_at < $2 then 1 end) as old
    from job where lane = $1 and sent_at is not null";

// The oldest, as many as are missed.
const SEND_AGAIN: &str = "
    update job set sent_at = null where job_id in
        (select job_id from job where lane = $1 and sent_at < $2 order by sent_at limit $3)";

/// A job as it goes to the broker.
struct Letter {
    lane: Lane,
    job_id: String,
    due_at: i64,
    job: String,
    body: String,
}

/// What a message says of itself in every version.
#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    version: u16,
    /// The trace that it belongs to, as W3C Trace Context has it.
    #[serde(default)]
    traceparent: Option<String>,
}

/// What it takes to send.
pub(super) struct Relay {
    pub(super) db: Arc<Database>,
    pub(super) broker: Broker,
    pub(super) caller: Caller,
    pub(super) names: Names,
    pub(super) connected: Arc<AtomicBool>,
    /// Woken when a worker of this process took a job.
    pub(super) room: Arc<Notify>,
    /// Who this is to the other processes.
    pub(super) holder: String,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// There may be more.
    Moved,
    /// Nothing to do.
    Nothing,
    /// Another process sends.
    Others,
}

impl Relay {
    /// Sends until `stop`, whatever happens to the broker.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = stopped(&mut stop) => {}
            () = self.send_for_ever() => {}
        }
        if let Err(error) = self.let_go().await {
            warn!(error = &error as &dyn std::error::Error, "the next to send has to wait");
        }
    }

    async fn send_for_ever(&self) {
        let mut pauses = Pauses::default();
        let mut confirmed = Vec::new();
        loop {
            let ended = self.send(&mut pauses, &mut confirmed).await;
            self.connected.store(false, Ordering::Relaxed);
            let pause = pauses.next();
            if let Err(trouble) = ended {
                warn!(
                    error = &trouble as &dyn std::error::Error,
                    pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                    "no jobs go to the broker"
                );
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn send(&self, pauses: &mut Pauses, confirmed: &mut Vec<Letter>) -> Result<(), Trouble> {
        let connection = self.caller.call("relay").await?;
        let channel = in_time(async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            topology::declare(&connection, &self.names, self.broker.delivery_limit).await?;
            Ok(channel)
        })
        .await?;
        pauses.begin_anew();
        self.connected.store(true, Ordering::Relaxed);
        info!("jobs go to the broker");
        tokio::select! {
            ended = self.send_on(&connection, &channel, confirmed) => ended,
            ended = dead::park(&self.db, &connection, &self.names, self.broker.delivery_limit) => {
                ended
            }
        }
    }

    /// Sends over one channel, until the broker is lost or refuses a message. RabbitMQ 3.10 was
    /// seen to refuse for ever what comes over a channel whose first message met a node that was
    /// just lost, so the next is tried over another.
    async fn send_on(
        &self,
        connection: &Connection,
        channel: &Channel,
        confirmed: &mut Vec<Letter>,
    ) -> Result<(), Trouble> {
        let mut asked: Option<Instant> = None;
        loop {
            // Listens before it looks, so that no call in between is missed.
            let mut called = pin!(self.db.calls.announced());
            called.as_mut().enable();
            if !connection.status().connected() {
                return Err(Trouble::Gone);
            }
            if asked.is_none_or(|asked| ASK <= asked.elapsed()) {
                self.ask_for_lost(connection, channel).await?;
                asked = Some(Instant::now());
            }
            let began = Instant::now();
            let pause = match self.round(connection, channel, confirmed).await {
                Ok(Round::Moved) => None,
                Ok(Round::Nothing) => Some(POLL),
                Ok(Round::Others) => {
                    tokio::time::sleep(POLL).await;
                    None
                }
                // The broker has no part in that.
                Err(Trouble::Archive(error)) => {
                    warn!(error = &error as &dyn std::error::Error, "jobs can't be sent");
                    Some(POLL)
                }
                Err(trouble @ Trouble::Refused(_)) => {
                    tokio::time::sleep(REFUSED).await;
                    return Err(trouble);
                }
                Err(trouble) => return Err(trouble),
            };
            if let Some(pause) = pause {
                tokio::select! {
                    () = called => {}
                    () = self.room.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
            tokio::time::sleep(APART.saturating_sub(began.elapsed())).await;
        }
    }

    /// Marks what was confirmed, and sends what there is room for.
    async fn round(
        &self,
        connection: &Connection,
        channel: &Channel,
        confirmed: &mut Vec<Letter>,
    ) -> Result<Round, Trouble> {
        let picking = self.db.in_time("picking jobs to send", self.picked(confirmed));
        let Some(letters) = picking.await? else { return Ok(Round::Others) };
        confirmed.clear();
        if letters.is_empty() {
            return Ok(Round::Nothing);
        }
        let sent = letters.len();
        let sending = self.post(channel, letters);
        *confirmed = patiently(connection, sending).await??;
        here(Point::JobsSent);
        match sent - confirmed.len() {
            0 => Ok(Round::Moved),
            refused => Err(Trouble::Refused(refused)),
        }
    }

    /// Marks what was confirmed, and picks what there is room for; none where another process
    /// sends.
    async fn picked(&self, confirmed: &[Letter]) -> Result<Option<Vec<Letter>>, ArchiveError> {
        let rooms = self.rooms().await?;
        if confirmed.is_empty() && rooms == [0; 2] && !self.anything().await? {
            return Ok(Some(Vec::new()));
        }
        let mut change = self.db.change().await?;
        if !self.hold(&mut change).await? {
            return Ok(None);
        }
        mark(&mut change, confirmed).await?;
        relay(&mut change).await?;
        end_leases(&mut change).await?;
        let mut letters = Vec::new();
        for lane in LANES {
            // Counted again: what was confirmed takes room.
            let room = self.room(&mut change, lane).await?;
            pick(&mut change, lane, room, &mut letters).await?;
        }
        change.commit().await?;
        Ok(Some(letters))
    }

    /// For each lane the room that there is for jobs that are due.
    async fn rooms(&self) -> Result<[i64; 2], ArchiveError> {
        let doing = "looking for jobs to send";
        let now = self.db.now().await?;
        let mut rooms = [0; 2];
        for (lane, room) in LANES.into_iter().zip(&mut rooms) {
            let query = sqlx::query(DUE).bind(lane.as_str()).bind(now);
            let due = query.fetch_one(&self.db.readers).await.doing(doing)?;
            if due.flag("anything")? {
                let query = sqlx::query(ROOM).bind(lane.as_str());
                let sent = query.fetch_one(&self.db.readers).await.doing(doing)?;
                *room = (self.window(lane) - sent.int::<i64>("sent")?).max(0);
            }
        }
        Ok(rooms)
    }

    async fn anything(&self) -> Result<bool, ArchiveError> {
        let now = self.db.now().await?;
        let row = sqlx::query(ANYTHING).bind(now).fetch_one(&self.db.readers).await;
        row.doing("looking for jobs to send")?.flag("anything")
    }

    async fn room(&self, change: &mut Change<'_>, lane: Lane) -> Result<i64, ArchiveError> {
        let sent = sqlx::query(ROOM).bind(lane.as_str()).fetch_one(change.on()).await;
        Ok(self.window(lane) - sent.doing("looking for jobs to send")?.int::<i64>("sent")?)
    }

    fn window(&self, lane: Lane) -> i64 {
        i64::from(match lane {
            Lane::Counter => self.broker.counter_window,
            Lane::Backlog => self.broker.backlog_window,
        })
    }

    /// Whether this process is the one that sends.
    async fn hold(&self, change: &mut Change<'_>) -> Result<bool, ArchiveError> {
        Sending::Jobs.hold(change, &self.holder, HOLD).await
    }

    /// Leaves the sending to the next one.
    async fn let_go(&self) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        Sending::Jobs.let_go(&mut change, &self.holder).await?;
        change.commit().await
    }

    /// Publishes letters in their order; answers with those that the broker has.
    async fn post(&self, channel: &Channel, letters: Vec<Letter>) -> Result<Vec<Letter>, Trouble> {
        let mut promises = Vec::with_capacity(letters.len());
        for letter in letters {
            let to = (self.names.exchange().into(), letter.lane.as_str().into());
            // Handed back where no queue would have it: to be lost is not an option.
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let (body, says) = (letter.body.as_bytes(), properties(&letter));
            let promise = channel.basic_publish(to.0, to.1, options, body, says).await?;
            promises.push((letter, promise));
        }
        let mut confirmed = Vec::with_capacity(promises.len());
        for (letter, promise) in promises {
            match promise.await? {
                Confirmation::Ack(None) => confirmed.push(letter),
                Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested => {
                }
            }
        }
        Ok(confirmed)
    }

    /// Sends again what the broker should have and has not: a queue that was emptied or lost.
    async fn ask_for_lost(
        &self,
        connection: &Connection,
        channel: &Channel,
    ) -> Result<(), Trouble> {
        // Without a database there is nothing to compare the broker with.
        let Ok(now) = self.db.now().await else { return Ok(()) };
        let (before, doing) = (now - number(DOUBT.as_micros()), "looking for lost jobs");
        for lane in LANES {
            let query = sqlx::query(SENT_SO_FAR).bind(lane.as_str()).bind(before);
            let counted = async {
                let row = query.fetch_one(&self.db.readers).await.doing(doing)?;
                Ok((row.int::<i64>("old")?, row.int::<i64>("sent")?))
            };
            let Ok((old, sent)) = self.db.in_time(doing, counted).await else { continue };
            if old == 0 {
                continue;
            }
            let lying = topology::lying(channel, &self.names, lane);
            let lying = i64::from(patiently(connection, lying).await??);
            // What workers have before they lease it counts as missed, too: a second message of
            // it changes nothing.
            let missed = old.min(sent - lying);
            if missed <= 0 {
                continue;
            }
            let again = self.send_again(lane, before, missed);
            if self.db.in_time("sending lost jobs again", again).await? {
                warn!(lane = lane.as_str(), jobs = missed, "sent again what the broker lacks");
            }
        }
        Ok(())
    }

    /// Marks so many of the jobs sent before that moment as not sent; false where another process
    /// sends.
    async fn send_again(&self, lane: Lane, before: i64, jobs: i64) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        if !self.hold(&mut change).await? {
            return Ok(false);
        }
        let query = sqlx::query(SEND_AGAIN).bind(lane.as_str()).bind(before).bind(jobs);
        query.execute(change.on()).await.doing("sending lost jobs again")?;
        change.commit().await?;
        Ok(true)
    }
}

async fn mark(change: &mut Change<'_>, confirmed: &[Letter]) -> Result<(), ArchiveError> {
    let now = change.now;
    for letter in confirmed {
        let sent = sqlx::query(SENT).bind(&letter.job_id).bind(letter.due_at).bind(now);
        sent.execute(change.on()).await.doing("marking a job as sent")?;
    }
    Ok(())
}

async fn end_leases(change: &mut Change<'_>) -> Result<(), ArchiveError> {
    let now = change.now;
    let end = sqlx::query(END_LEASES).bind(now).execute(change.on()).await;
    end.doing("ending leases").map(drop)
}

/// Picks up to `room` jobs of a lane: one of each office whose turn it is, then one more of each.
async fn pick(
    change: &mut Change<'_>,
    lane: Lane,
    room: i64,
    letters: &mut Vec<Letter>,
) -> Result<(), ArchiveError> {
    let doing = "picking jobs to send";
    let now = change.now;
    if room <= 0 {
        return Ok(());
    }
    let query = sqlx::query(OFFICES).bind(lane.as_str()).bind(now).bind(room);
    let offices = query.fetch_all(change.on()).await.doing(doing)?;
    let each = room / number(offices.len()).max(1) + 1;
    let mut turns = Vec::with_capacity(offices.len());
    for row in &offices {
        let office: String = row.take("office")?;
        let query = sqlx::query(NEXT).bind(lane.as_str()).bind(&office).bind(now).bind(each);
        let rows = query.fetch_all(change.on()).await.doing(doing)?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in &rows {
            jobs.push(Letter {
                lane,
                job_id: row.take("job_id")?,
                due_at: row.take("due_at")?,
                job: row.take("job")?,
                body: row.take("message")?,
            });
        }
        turns.push((office, jobs.into_iter()));
    }
    let mut left = room;
    let mut served = Vec::new();
    while 0 < left {
        let before = left;
        for (office, jobs) in &mut turns {
            if left == 0 {
                break;
            }
            if let Some(letter) = jobs.next() {
                left -= 1;
                served.retain(|other| *other != *office);
                served.push(office.clone());
                letters.push(letter);
            }
        }
        if left == before {
            break;
        }
    }
    for office in served {
        let query = sqlx::query(SERVED).bind(lane.as_str()).bind(office);
        query.execute(change.on()).await.doing(doing)?;
    }
    Ok(())
}

fn properties(letter: &Letter) -> BasicProperties {
    let said = serde_json::from_str::<Envelope>(&letter.body).unwrap_or_default();
    let mut headers = FieldTable::default();
    headers.insert(DUE_AT.into(), AMQPValue::LongLongInt(letter.due_at));
    headers.insert("message-version".into(), AMQPValue::ShortUInt(said.version));
    if let Some(parent) = said.traceparent {
        headers.insert("traceparent".into(), AMQPValue::LongString(parent.into()));
    }
    BasicProperties::default()
        .with_message_id(letter.job_id.as_str().into())
        .with_type(letter.job.as_str().into())
        .with_content_type("application/json".into())
        // Written to disk.
        .with_delivery_mode(2)
        .with_headers(headers)
}

/// Waits for the broker while it lives, and as long as it says that it takes nothing just now
/// (its memory or disk is short). A broker that merely is silent is late.
async fn patiently<T>(
    connection: &Connection,
    future: impl Future<Output = T>,
) -> Result<T, Trouble> {
    let mut future = pin!(future);
    let mut waited = Duration::ZERO;
    let mut told = false;
    loop {
        if let Ok(output) = tokio::time::timeout(POLL, &mut future).await {
            return Ok(output);
        }
        let status = connection.status();
        if !status.connected() {
            return Err(Trouble::Gone);
        }
        if !status.blocked() {
            waited += POLL;
            if CONFIRM <= waited {
                return Err(Trouble::Late);
            }
        } else if !told {
            warn!("the broker takes no messages: its memory or disk is short");
            told = true;
        }
    }
}

/// A name for this process, of no meaning.
pub(super) fn holder() -> String {
    Uuid::new_v4().to_string()
}
