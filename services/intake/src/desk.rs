//! What the intake works with: the archive, the kinds of paper, its settings, how many uploads it
//! takes at once, and who follows dossiers.

use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use filing::Kinds;
use schemas::ids::OfficeCode;
use tokio::sync::{Semaphore, watch};

use crate::events::Seats;
use crate::pressure::Gauge;

/// Settings of the intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeSettings {
    /// Office that takes in dossiers which name none.
    pub office: OfficeCode,
    /// Longest scan taken, in bytes; at most [`schemas::reader::MAX_BODY`].
    pub max_scan_bytes: u64,
    /// Uploads taken at once; more than the disk can keep up with make all of them slow.
    pub max_uploads: usize,
    /// How long an upload waits for its turn before it is asked to come back later.
    pub turn: Duration,
    /// How long a sender may send nothing in the middle of a scan.
    pub stall: Duration,
}

impl IntakeSettings {
    /// The usual settings for an office: scans of 256 MB, 32 at once, 2 s for a turn, 30 s for
    /// a stalled sender.
    #[must_use]
    pub fn of(office: OfficeCode) -> Self {
        Self {
            office,
            max_scan_bytes: 256 << 20,
            max_uploads: 32,
            turn: Duration::from_secs(2),
            stall: Duration::from_secs(30),
        }
    }
}

/// The desk that the intake's routes are served from. Cheap to clone.
#[derive(Clone)]
pub struct IntakeDesk {
    pub(crate) archive: Archive,
    pub(crate) kinds: Kinds,
    pub(crate) settings: Arc<IntakeSettings>,
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) gauge: Arc<Gauge>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) hung_up: Arc<watch::Sender<bool>>,
}

impl IntakeDesk {
    /// A desk over that archive.
    #[must_use]
    pub fn new(archive: Archive, kinds: Kinds, settings: IntakeSettings) -> Self {
        let turns = Arc::new(Semaphore::new(settings.max_uploads.min(Semaphore::MAX_PERMITS)));
        let hung_up = Arc::new(watch::Sender::new(false));
        let (gauge, seats) = (Arc::default(), Arc::default());
        Self { archive, kinds, settings: Arc::new(settings), turns, gauge, seats, hung_up }
    }

    /// Ends every stream of events, which would otherwise keep a server from shutting down.
    /// Listeners come back to the next process with the number of the last event they saw.
    pub fn hang_up(&self) {
        self.hung_up.send_replace(true);
    }
}
