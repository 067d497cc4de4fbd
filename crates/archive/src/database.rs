//! The database: one connection that writes, several that read, and the announcements that go
//! with a commit.
//!
//! Lines marked `dialect` are those where SQLite and PostgreSQL differ.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, Transaction};
use tokio::sync::{Notify, watch};

use crate::Place;
use crate::codes::Template;
use crate::error::{ArchiveError, Doing};
use crate::lock::Lock;

static MIGRATIONS: Migrator = sqlx::migrate!("../../schemas/sql");

/// Connections that read at the same time.
const READERS: u32 = 4;

/// How long a caller waits for a connection. Writers queue here and not in SQLite, where waiting
/// would end in `SQLITE_BUSY`.
const PATIENCE: Duration = Duration::from_secs(60);

// dialect: take the write lock at the start, so that no transaction fails when it first writes.
const BEGIN_CHANGE: &str = "begin immediate";

/// The database, and what goes with it.
pub(crate) struct Database {
    writer: SqlitePool,
    /// For single statements that only read.
    pub(crate) readers: SqlitePool,
    /// Wakes those who wait for a job.
    pub(crate) jobs: Notify,
    /// Counts commits that held an event.
    pub(crate) events: watch::Sender<u64>,
    /// Codes of dossiers.
    pub(crate) dossier_codes: Template,
    /// Codes of records.
    pub(crate) digitisation_codes: Template,
    /// Jobs that may wait.
    pub(crate) max_waiting_jobs: u32,
    _lock: Option<Lock>,
}

impl Database {
    /// Opens the database in the place's folder and brings it up to date.
    pub(crate) async fn open(place: &Place, lock: Option<Lock>) -> Result<Self, ArchiveError> {
        // dialect: WAL keeps readers and the writer out of each other's way; FULL makes a commit
        // survive a power cut, not just a crash.
        let options = SqliteConnectOptions::new()
            .filename(place.dir.join("sohoa.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .foreign_keys(true);
        let doing = "opening the database";
        let writer = pool(1).connect_with(options.clone()).await.doing(doing)?;
        migrate(&writer).await?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "on"));
        Ok(Self {
            writer,
            readers: readers.await.doing(doing)?,
            jobs: Notify::new(),
            events: watch::Sender::new(0),
            dossier_codes: Template::of_dossiers(&place.code_template)?,
            digitisation_codes: Template::of_digitisation(&place.digitisation_template)?,
            max_waiting_jobs: place.max_waiting_jobs,
            _lock: lock,
        })
    }

    /// Begins a transaction that writes; it ends unless [`Change::commit`] is called.
    pub(crate) async fn change(&self) -> Result<Change<'_>, ArchiveError> {
        let tx = self.writer.begin_with(BEGIN_CHANGE).await.doing("beginning a change")?;
        Ok(Change { db: self, tx, now: micros(Timestamp::now()), announced: false, told: false })
    }

    /// Begins a transaction that reads: all its statements see the same moment.
    pub(crate) async fn view(&self) -> Result<Transaction<'static, Sqlite>, ArchiveError> {
        self.readers.begin().await.doing("beginning to read")
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A transaction that writes.
pub(crate) struct Change<'a> {
    /// The database it changes.
    pub(crate) db: &'a Database,
    tx: Transaction<'static, Sqlite>,
    /// When it began, in microseconds.
    pub(crate) now: i64,
    /// Whether a job was announced.
    pub(crate) announced: bool,
    /// Whether an event was told.
    pub(crate) told: bool,
}

impl Change<'_> {
    /// What statements run on.
    pub(crate) fn on(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }

    /// Makes it durable, then wakes those who wait for it.
    pub(crate) async fn commit(self) -> Result<(), ArchiveError> {
        self.tx.commit().await.doing("committing a change")?;
        if self.announced {
            self.db.jobs.notify_waiters();
        }
        if self.told {
            self.db.events.send_modify(|count| *count += 1);
        }
        Ok(())
    }
}

/// A moment as the database has it.
pub(crate) fn micros(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

fn pool(connections: u32) -> PoolOptions<Sqlite> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // SQLite rolls back by itself when the disk is full, which the driver doesn't notice:
        // to it the connection is in a transaction for ever. Such a connection is thrown away.
        .before_acquire(|connection, _| {
            let usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(usable) })
        })
}

async fn migrate(writer: &SqlitePool) -> Result<(), ArchiveError> {
    let doing = "bringing the database up to date";
    match MIGRATIONS.run(writer).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            Err(ArchiveError::NewerSchema)
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(error).doing(doing)
        }
        Err(error) => Err(ArchiveError::Unavailable { what: doing, source: error.into() }),
    }
}
