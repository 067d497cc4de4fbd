//! The outside world: blobs, records and the queue. Only this crate spells a file's place, a
//! queue's name or SQL.
//!
//! Embedded, records and queue are in one SQLite, blobs in a folder beside it, and one process at
//! a time has the folder. In the cluster records are on PostgreSQL and blobs in an S3 store, for
//! as many processes as there are.

mod error;

mod blobs;
mod codes;
mod database;
mod lease;
mod lock;
mod needed;
mod removal;
mod rows;
mod vault;

mod outbox;
mod queue;
mod records;
mod topic;

mod backup;
mod check;
mod reach;

use std::path::PathBuf;
use std::sync::Arc;

pub use backup::{BackedUp, BackupError, Hears, Keys, Progress, Restored, Step, Verified, verify};
pub use blobs::{
    BlobReader, Blobs, Encryption, Incoming, Patience, Received, SecretKey, Store, StoreTrouble,
};
pub use check::{Finding, Findings};
pub use database::{PostgresUrl, PostgresUrlError};
pub use error::{
    AcceptError, ArchiveError, DatabaseTrouble, FilingError, LookupError, NotStated, OpenError,
    RetryError,
};
pub use queue::{Broker, BrokerNode, BrokerUrl, Delivery, LEASE, Queue};
pub use reach::Part;
pub use records::Records;
pub use records::again::Stated;
pub use records::answers::{Answered, Shift};
pub use records::at_hand::{AtHand, InUse};
pub use records::audit::LinesAsked;
pub use records::deliveries::{DueDelivery, Outcome, Subscriber};
pub use records::directory::InDirectory;
pub use records::dossiers::{Dossier, NewDossier};
pub use records::filing::{DocumentRow, FiledDocument, revision_of};
pub use records::inquiries::{
    AskedKho, Drawn, Inquiry, InquiryFile, InquiryWord, MOST_INQUIRIES, NewInquiry, drawn,
};
pub use records::near::{Asked, Near};
pub use records::pages::{Page, PageSummary};
pub use records::persons::{NewPerson, Person};
pub use records::principals::{Key, NewKey, NewPrincipal, Principal};
pub use records::proofs::{Proven, SealedPdf};
pub use records::relied::{Reliance, Relied};
pub use records::revise::{PutRight, Revised, Reviser};
pub use records::scans::{Accepted, NewScan, Scan, Waiting};
pub use records::sessions::{Attempt, NewSession, Session};
pub use records::subjects::{Access, DossiersOf, Erasure, Ground, Kept};
pub use records::vitals::{LaneDepth, RecordVitals};
pub use topic::{Telling, Topic};
pub use vault::{Encrypted, Factor, MasterKey, Masters};

use database::Database;
use lock::Lock;
use vault::Vault;

/// Where an archive lies and how it hands out codes.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder; made if it is not there, readable by its owner alone.
    pub dir: PathBuf,
    /// Template of dossier codes: `{office}`, `{procedure}`, `{yymmdd}` and `{n:4}`, a number
    /// that counts up per everything else, with at least so many digits.
    pub code_template: String,
    /// Template of digitisation codes (mã kết quả số hoá, Circular 01/2023/TT-VPCP, article 10):
    /// `{owner}`, `{kind}`, `{number}`, `{procedure}`, `{component}`, `{office}`, `{yymmdd}` and
    /// `{n:2}`. The grammar is not published; this is what running systems use.
    pub digitisation_template: String,
    /// Where blobs are on many machines; in the folder when left out.
    pub store: Option<Store>,
    /// Jobs that may wait before stations are asked to come back later.
    pub max_waiting_jobs: u32,
    /// The PostgreSQL that many processes share; none for a SQLite in the folder.
    pub database: Option<PostgresUrl>,
    /// What carries jobs to workers; without it they are taken from the database.
    pub broker: Option<Broker>,
    /// Keys over the keys of papers. When left out, the one in the folder where everything is in
    /// the folder, made at the first start; and none where many processes share a database:
    /// papers are then not encrypted.
    pub masters: Option<Masters>,
}

impl Place {
    /// The usual templates, and 10,000 waiting jobs, in `dir`.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            code_template: "{office}-{yymmdd}-{n:4}".to_owned(),
            digitisation_template: "{owner}.{kind}.{number}.{n:2}".to_owned(),
            store: None,
            max_waiting_jobs: 10_000,
            database: None,
            broker: None,
            masters: None,
        }
    }
}

/// Everything outside the process. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    /// Bytes, named by their hash.
    pub blobs: Blobs,
    /// What is known.
    pub records: Records,
    /// What is to be done.
    pub queue: Queue,
}

impl Archive {
    /// Opens the archive: makes the folder, locks it, brings the database up to date, and puts
    /// right what a process that died left behind (leases, half-received scans).
    ///
    /// A PostgreSQL is taken as it is: many processes have it, and [`Archive::migrate`] alone
    /// changes its schema. The folder is then for what is not finished.
    ///
    /// # Errors
    /// [`ArchiveError::Locked`] when another process has the folder, [`ArchiveError::NewerSchema`]
    /// when a later version wrote it, [`ArchiveError::OlderSchema`] when the schema is to be
    /// brought up to date first, [`ArchiveError::Template`] when a template can't be followed,
    /// [`ArchiveError::OtherMaster`] when there are keys, and the master key that they are kept
    /// under is none of the place's.
    pub async fn open(place: &Place) -> Result<Self, ArchiveError> {
        if place.database.is_some() {
            let mut archive = Self::open_shared(place).await?;
            let db = Arc::clone(&archive.records.db);
            archive.queue = Queue::open(db, place.broker.as_ref()).await?;
            return Ok(archive);
        }
        let lock = Lock::take(&place.dir)?;
        let db = Arc::new(Database::open(place, Some(lock)).await?);
        let vault = Vault::open(&db, place, true).await?;
        let blobs = Blobs::open(place).await?.with(vault.clone());
        let queue = Queue::open(Arc::clone(&db), place.broker.as_ref()).await?;
        Ok(Self { blobs, records: Records::new(db, vault), queue })
    }

    /// Opens the archive for a command that looks or imports: as [`Archive::open`] where no
    /// process has the folder, and beside that process, changing nothing of its, where one does.
    /// It must take no job.
    ///
    /// # Errors
    /// As [`Archive::open`], but never [`ArchiveError::Locked`].
    pub async fn open_beside(place: &Place) -> Result<Self, ArchiveError> {
        if place.database.is_none() {
            match Self::open(place).await {
                Err(ArchiveError::Locked(_)) => {}
                opened => return opened,
            }
        }
        Self::open_shared(place).await
    }

    /// Brings the schema up to date, and nothing else. On PostgreSQL other processes may go on
    /// working meanwhile.
    ///
    /// # Errors
    /// As [`Archive::open`], but never [`ArchiveError::OlderSchema`].
    pub async fn migrate(place: &Place) -> Result<(), ArchiveError> {
        if place.database.is_some() {
            return Database::migrate(place).await;
        }
        Self::open(place).await?.close().await;
        Ok(())
    }

    /// Opens what other processes have open too, and takes no part in what goes to the broker.
    async fn open_shared(place: &Place) -> Result<Self, ArchiveError> {
        let db = Arc::new(Database::open(place, None).await?);
        let vault = Vault::open(&db, place, false).await?;
        let blobs = Blobs::open_beside(place).await?.with(vault.clone());
        let records = Records::new(Arc::clone(&db), vault);
        Ok(Self { blobs, records, queue: Queue::beside(db) })
    }

    /// Takes leave of the broker and closes the database. Other clones can't be used any more.
    pub async fn close(self) {
        self.queue.close().await;
        self.records.db.close().await;
    }
}
