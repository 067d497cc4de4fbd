//! The database: connections that write, others that read, and the announcements that go with a
//! commit. Embedded it is SQLite, in the cluster PostgreSQL; statements are one text for both,
//! and what differs stands in `dialect`.
//!
//! # What keeps many writers right
//! SQLite has one writer at a time. PostgreSQL has many, so every change takes what it needs in
//! this order, and none waits for another that waits for it:
//! 1. the dossier ([`crate::records::held::Held::take`] updates its row);
//! 2. a counter of codes, which is one statement, then what the code belongs to;
//! 3. everything else of that dossier, which nobody changes without holding it.
//!
//! Taking a job holds the row of its office in `office_turn`, then the job, and no dossier.
//! Beginning a session holds the person, then sessions; so does changing what they log in with.

pub(crate) mod dialect;
mod url;

mod calls;
mod clock;
mod schema;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Row, Transaction};
use tokio::time::timeout;

use crate::Place;
use crate::codes::Template;
use crate::error::{ArchiveError, Doing};
use crate::lock::Lock;
use calls::{Calls, Lines};
use clock::Clock;
use dialect::Dialect;

pub use url::{PostgresUrl, PostgresUrlError};

/// The database, and what goes with it.
pub(crate) struct Database {
    pub(crate) dialect: Dialect,
    writer: AnyPool,
    /// For single statements that only read.
    pub(crate) readers: AnyPool,
    clock: Clock,
    /// Wakes those who wait.
    pub(crate) calls: Arc<Calls>,
    /// Codes of dossiers.
    pub(crate) dossier_codes: Template,
    /// Codes of records.
    pub(crate) digitisation_codes: Template,
    /// Jobs that may wait.
    pub(crate) max_waiting_jobs: u32,
    lines: Option<Lines>,
    _lock: Option<Lock>,
}

impl Database {
    /// Opens the database. The one in the place's folder is made and brought up to date; one on a
    /// server must have been ([`Database::migrate`]), for other processes work with it.
    pub(crate) async fn open(place: &Place, lock: Option<Lock>) -> Result<Self, ArchiveError> {
        let dossier_codes = Template::of_dossiers(&place.code_template)?;
        let digitisation_codes = Template::of_digitisation(&place.digitisation_template)?;
        let Pools { dialect, writer, readers } = Pools::of(place)?;
        let calls = Calls::new();
        let lines = match &place.database {
            None => {
                schema::migrate(&writer).await?;
                None
            }
            Some(url) => {
                schema::fits(&readers).await?;
                Some(calls.connect(url, writer.clone()).await?)
            }
        };
        Ok(Self {
            dialect,
            writer,
            readers,
            clock: Clock::new(dialect),
            calls,
            dossier_codes,
            digitisation_codes,
            max_waiting_jobs: place.max_waiting_jobs,
            lines,
            _lock: lock,
        })
    }

    /// Brings the database on a server up to date, while programs of the version before work
    /// with it. One that a later version brought further is left as it is, if it still serves.
    pub(crate) async fn migrate(place: &Place) -> Result<(), ArchiveError> {
        let Pools { writer, readers, .. } = Pools::of(place)?;
        let done = match schema::migrate(&writer).await {
            Err(ArchiveError::NewerSchema) => schema::fits(&readers).await,
            done => done,
        };
        readers.close().await;
        writer.close().await;
        done
    }

    /// Makes a database that rows of an earlier time can be put into, with the schema of that
    /// time where there is none yet.
    pub(crate) async fn bare(place: &Place, schema: i64) -> Result<Bare, ArchiveError> {
        let Pools { dialect, writer, .. } = Pools::of(place)?;
        schema::migrate_to(&writer, schema).await?;
        Ok(Bare { dialect, writer })
    }

    /// For a statement that writes and needs no other.
    pub(crate) fn writer(&self) -> &AnyPool {
        &self.writer
    }

    /// Begins a transaction that writes; it ends unless [`Change::commit`] is called.
    pub(crate) async fn change(&self) -> Result<Change<'_>, ArchiveError> {
        let doing = "beginning a change";
        let begun =
            async { self.writer.begin_with(self.dialect.begin_change()).await.doing(doing) };
        let tx = self.in_time(doing, begun).await?;
        Ok(Change { db: self, tx, now: self.now().await?, announced: false, told: false })
    }

    /// What time it is, in microseconds: the same for every process that works with the database.
    pub(crate) async fn now(&self) -> Result<i64, ArchiveError> {
        let doing = "asking the database for the time";
        self.in_time(doing, self.clock.now(&self.readers)).await
    }

    /// Begins a transaction that reads: all its statements see the same moment.
    pub(crate) async fn view(&self) -> Result<Transaction<'static, Any>, ArchiveError> {
        let doing = "beginning to read";
        let begun = async { self.readers.begin_with(self.dialect.begin_view()).await.doing(doing) };
        self.in_time(doing, begun).await
    }

    /// Gives up what a server leaves unanswered: where its machine is gone without a word, nothing
    /// would ever come over that connection. Whether a change was made is unknown then, as when a
    /// commit fails. SQLite is here as long as this process is.
    pub(crate) async fn in_time<T>(
        &self,
        what: &'static str,
        asking: impl Future<Output = Result<T, ArchiveError>>,
    ) -> Result<T, ArchiveError> {
        match self.dialect {
            Dialect::Sqlite => asking.await,
            Dialect::Postgres => match timeout(LIMIT, asking).await {
                Ok(answer) => answer,
                Err(late) => Err(ArchiveError::Unavailable { what, source: late.into() }),
            },
        }
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        if let Some(lines) = &self.lines {
            lines.hang_up();
            self.calls.send(&self.writer).await;
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A database that nobody works with yet.
pub(crate) struct Bare {
    pub(crate) dialect: Dialect,
    writer: AnyPool,
}

impl Bare {
    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, ArchiveError> {
        self.writer.begin_with(self.dialect.begin_change()).await.doing("beginning a change")
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.writer.close().await;
    }
}

/// A transaction that writes.
pub(crate) struct Change<'a> {
    /// The database it changes.
    pub(crate) db: &'a Database,
    tx: Transaction<'static, Any>,
    /// When it began, in microseconds.
    pub(crate) now: i64,
    /// Whether a job was announced.
    pub(crate) announced: bool,
    /// Whether an event was told.
    pub(crate) told: bool,
}

impl Change<'_> {
    /// What statements run on.
    pub(crate) fn on(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    /// Makes it durable, then wakes those who wait for it.
    pub(crate) async fn commit(self) -> Result<(), ArchiveError> {
        let doing = "committing a change";
        let (db, tx) = (self.db, self.tx);
        db.in_time(doing, async { tx.commit().await.doing(doing) }).await?;
        db.calls.call(self.announced, self.told);
        Ok(())
    }
}

/// A moment as the database has it.
pub(crate) fn micros(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// Longest time for what is asked of a server. A statement waits as long for a lock at most.
const LIMIT: Duration = Duration::from_secs(30);

/// Longest time for a server to show that a connection is of use.
const ANSWER: Duration = Duration::from_secs(3);

/// Whether the transaction that this is in begins with it.
const NOT_BEFORE: &str = "select now() = statement_timestamp()";

/// A connection that was idle for less is taken to be as good as when it was used last.
const AT_WORK: Duration = Duration::from_secs(1);

/// Connections, made when they are needed.
struct Pools {
    dialect: Dialect,
    writer: AnyPool,
    readers: AnyPool,
}

impl Pools {
    fn of(place: &Place) -> Result<Self, ArchiveError> {
        sqlx::any::install_default_drivers();
        let (dialect, options) = match &place.database {
            None => (Dialect::Sqlite, in_folder(&place.dir)?),
            Some(url) => (Dialect::Postgres, url.options()),
        };
        let (writers, readers, patience) = match dialect {
            // Writers queue for the connection and not in SQLite, where waiting would end in
            // `SQLITE_BUSY`.
            Dialect::Sqlite => (1, 4, Duration::from_secs(60)),
            // Few, for there are many processes, and a server has a hundred. When it is away,
            // callers hear of it soon.
            Dialect::Postgres => (6, 6, Duration::from_secs(10)),
        };
        let writer = pool(dialect, writers, patience, dialect.greet_writer());
        let readers = pool(dialect, readers, patience, dialect.greet_reader());
        Ok(Self {
            dialect,
            writer: writer.connect_lazy_with(options.clone()),
            readers: readers.connect_lazy_with(options),
        })
    }
}

/// The SQLite in a folder; made if it is not there.
fn in_folder(dir: &Path) -> Result<AnyConnectOptions, ArchiveError> {
    let doing = "opening the database";
    let path = std::path::absolute(dir.join("sohoa.sqlite")).doing(doing)?;
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => {
                url.push(char::from(*byte));
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    url.parse::<AnyConnectOptions>().doing(doing)
}

fn pool(
    dialect: Dialect,
    connections: u32,
    patience: Duration,
    greeting: &'static str,
) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .idle_timeout(Duration::from_secs(5 * 60))
        .after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(sqlx::raw_sql(greeting)).await.map(|_| ()) })
        })
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // SQLite rolls back by itself when the disk is full, which the driver doesn't
                // notice: to it the connection is in a transaction for ever. Such a connection is
                // thrown away.
                if connection.is_in_transaction() {
                    return Ok(false);
                }
                // A server that was away has ended it; one that just answered is there.
                if AT_WORK < meta.idle_for {
                    return Ok(matches!(timeout(ANSWER, connection.ping()).await, Ok(Ok(()))));
                }
                Ok(true)
            })
        })
        .after_release(move |connection, _| {
            Box::pin(async move {
                match dialect {
                    Dialect::Sqlite => Ok(true),
                    Dialect::Postgres => {
                        Ok(matches!(timeout(ANSWER, is_free(connection)).await, Ok(Ok(true))))
                    }
                }
            })
        })
}

/// Whether a server's connection is in no transaction. Where somebody stopped waiting while one began
/// the driver doesn't know of it, and what others then did would be undone with it; where the server
/// is silent the connection would keep its place in the pool for ever.
async fn is_free(connection: &mut AnyConnection) -> sqlx::Result<bool> {
    connection.fetch_one(sqlx::raw_sql(NOT_BEFORE)).await?.try_get(0)
}
