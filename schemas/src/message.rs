//! Messages on the queue: a job for a worker. Fields are only ever added, and only with a
//! default; goldens of every version ever sent stand in the tests.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{DocumentId, DossierId, OfficeCode, PageId, ScanId};

/// A job, with what the queue needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Version of the message's form; [`Message::VERSION`] when sent by this program.
    pub version: u16,
    /// Who waits for it.
    pub lane: Lane,
    /// The office it is done for; offices within a lane take turns.
    pub office: OfficeCode,
    /// The dossier it belongs to.
    pub dossier: DossierId,
    /// What is to be done.
    pub job: Job,
    /// The trace that its announcement belongs to, as W3C Trace Context writes it; none where
    /// traces are not exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Message {
    /// The version that this program sends, and the latest that it understands.
    pub const VERSION: u16 = 1;
}

/// What is to be done. Each may be done twice and changes nothing the second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Job {
    /// Count a scan's pages and announce each.
    Unpack {
        /// The scan.
        scan: ScanId,
    },
    /// Take one page its way.
    Read {
        /// The page.
        page: PageId,
    },
    /// Sort a dossier's pages into documents and lay them on its components.
    File {
        /// How many scans the dossier had when the job was announced.
        #[serde(default)]
        scans: u32,
    },
    /// Make a filed document a PDF/A and publish it as a record.
    Seal {
        /// The document.
        document: DocumentId,
        /// Its content at the time: a later filing makes the job void.
        #[serde(default)]
        revision: String,
    },
}

impl Job {
    /// Its name in storage and in metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Job::Unpack { .. } => "unpack",
            Job::Read { .. } => "read",
            Job::File { .. } => "file",
            Job::Seal { .. } => "seal",
        }
    }

    /// The scan, page, dossier or document that it is done to.
    #[must_use]
    pub fn target(&self, dossier: DossierId) -> Uuid {
        match self {
            Job::Unpack { scan } => scan.as_uuid(),
            Job::Read { page } => page.as_uuid(),
            Job::File { .. } => dossier.as_uuid(),
            Job::Seal { document, .. } => document.as_uuid(),
        }
    }
}

/// Who waits for a job.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A citizen at a counter.
    #[default]
    Counter,
    /// Nobody in particular: an archive being digitised.
    Backlog,
}

impl Lane {
    /// Every lane, in the order they are served in.
    pub const ALL: [Self; 2] = [Self::Counter, Self::Backlog];

    /// Its name in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Counter => "counter",
            Lane::Backlog => "backlog",
        }
    }
}
