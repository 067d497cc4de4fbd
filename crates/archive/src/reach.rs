//! Whether the parts of the outside world are there: one small question to each.

use crate::{Archive, ArchiveError};

/// A part of the outside world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is known.
    Database,
    /// What is to be done.
    Broker,
    /// Bytes.
    Store,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Database, Self::Broker, Self::Store];

    /// Its name in `/readyz` and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Broker => "broker",
            Self::Store => "store",
        }
    }
}

impl Archive {
    /// Asks a part whether it is there. It may take as long as the part does: give it a limit.
    ///
    /// # Errors
    /// What the part said.
    pub async fn reach(&self, part: Part) -> Result<(), ArchiveError> {
        match part {
            Part::Database => self.records.reach().await,
            Part::Broker => self.queue.reach().await,
            Part::Store => self.blobs.ready().await,
        }
    }
}
