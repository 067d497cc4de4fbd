//! Wake-ups between processes that share a PostgreSQL: what one has announced or told, the others
//! hear of at once. A wake-up is no promise: it may come late, twice, or be lost with a
//! connection, so whoever waits for one also looks now and then.
//!
//! A process gathers its wake-ups for a moment and sends them beside its transactions, not in
//! them: PostgreSQL lets transactions that notify commit one after the other only, however many
//! write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schemas::Uuid;
use sqlx::AnyPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::LIMIT;
use super::url::PostgresUrl;
use crate::error::{ArchiveError, Doing};

const CHANNEL: &str = "sohoa";

/// How long wake-ups are gathered before the next are sent, or passed on.
const GATHER: Duration = Duration::from_millis(20);

/// After so long without a word the listener asks whether the server is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// How long it waits for the answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Pauses between attempts to reach the server again grow from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

// Nobody waits for this to be durable.
const TELL: &str = "
    select set_config('synchronous_commit', 'off', true), pg_notify('sohoa', $1) is null as told";

/// Wakes those who wait, in this process and, where there are any, in others.
pub(crate) struct Calls {
    /// Tells this process from others.
    me: Uuid,
    /// Wakes those who wait for a job.
    jobs: Notify,
    /// Counts commits that held an event.
    events: watch::Sender<u64>,
    announced: AtomicBool,
    told: AtomicBool,
    /// Something is to be sent to other processes.
    due: Notify,
}

/// The two tasks that send and listen; they end when this is dropped.
pub(super) struct Lines([JoinHandle<()>; 2]);

impl Lines {
    pub(super) fn hang_up(&self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Calls {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            me: Uuid::new_v4(),
            jobs: Notify::new(),
            events: watch::Sender::new(0),
            announced: AtomicBool::new(false),
            told: AtomicBool::new(false),
            due: Notify::new(),
        })
    }

    /// Wakes those who wait for a job, and those who follow dossiers, here and elsewhere.
    pub(super) fn call(&self, announced: bool, told: bool) {
        self.wake(announced, told);
        self.announced.fetch_or(announced, Ordering::Relaxed);
        self.told.fetch_or(told, Ordering::Relaxed);
        if announced || told {
            self.due.notify_one();
        }
    }

    /// Wakes those in this process.
    fn wake(&self, announced: bool, told: bool) {
        if announced {
            self.jobs.notify_waiters();
        }
        if told {
            self.events.send_modify(|count| *count += 1);
        }
    }

    /// Comes back when a job was announced.
    pub(crate) fn announced(&self) -> tokio::sync::futures::Notified<'_> {
        self.jobs.notified()
    }

    /// Changes whenever an event was told.
    pub(crate) fn events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    /// Connects this process with the others.
    pub(super) async fn connect(
        self: &Arc<Self>,
        url: &PostgresUrl,
        pool: AnyPool,
    ) -> Result<Lines, ArchiveError> {
        let listener = listen(url).await.doing("listening to the database")?;
        let sender = tokio::spawn(Arc::clone(self).send_on(pool));
        let hearer = tokio::spawn(Arc::clone(self).hear(url.clone(), listener));
        Ok(Lines([sender, hearer]))
    }

    async fn send_on(self: Arc<Self>, pool: AnyPool) {
        loop {
            self.due.notified().await;
            self.send(&pool).await;
            sleep(GATHER).await;
        }
    }

    /// Sends what was gathered.
    pub(super) async fn send(&self, pool: &AnyPool) {
        let announced = self.announced.swap(false, Ordering::Relaxed);
        let told = self.told.swap(false, Ordering::Relaxed);
        if announced || told {
            let text = format!("{} {}", self.me, u8::from(announced) + 2 * u8::from(told));
            // A server that can't be reached has no one else to tell either.
            let telling = sqlx::query(TELL).bind(text).fetch_one(pool);
            _ = timeout(LIMIT, telling).await.is_ok();
        }
    }

    async fn hear(self: Arc<Self>, url: PostgresUrl, first: PgListener) {
        let mut listener = Some(first);
        let mut pause = PAUSES.0;
        loop {
            let Some(line) = &mut listener else {
                sleep(pause).await;
                pause = PAUSES.1.min(pause * 2);
                listener = timeout(LIMIT, listen(&url)).await.ok().and_then(Result::ok);
                // Whatever was told meanwhile was not heard.
                self.wake(listener.is_some(), listener.is_some());
                continue;
            };
            match timeout(SILENCE, line.try_recv()).await {
                Ok(Ok(Some(heard))) => {
                    pause = PAUSES.0;
                    let mut what = self.others(heard.payload());
                    self.wake(what & 1 != 0, what & 2 != 0);
                    sleep(GATHER).await;
                    what = 0;
                    while let Some(more) = line.next_buffered() {
                        what |= self.others(more.payload());
                    }
                    self.wake(what & 1 != 0, what & 2 != 0);
                }
                Ok(Ok(None) | Err(_)) => listener = None,
                Err(_) => {
                    let asked = timeout(ANSWER, sqlx::query("select 1").execute(&mut *line)).await;
                    if !matches!(asked, Ok(Ok(_))) {
                        listener = None;
                    }
                }
            }
        }
    }

    /// What another process tells: 1 for a job, 2 for an event, 3 for both; 0 when it is this one.
    fn others(&self, payload: &str) -> u8 {
        match payload.split_once(' ') {
            Some((who, what)) if who != self.me.to_string() => what.parse().unwrap_or(3),
            _ => 0,
        }
    }
}

async fn listen(url: &PostgresUrl) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect(url.text()).await?;
    // A lost connection must show, for what was told meanwhile is lost with it.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
