//! Why a reader has no answer, and what that says of the reader.

use std::time::Duration;

use schemas::code::Reason;
use schemas::reader::Wall;
use vitals::Death;

/// Why a reader has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The reader refused the scan or page, for good.
    #[error("refused: {detail}")]
    Refused {
        /// Why.
        reason: Reason,
        /// What the decoder said.
        detail: String,
    },
    /// The reader was late and has been killed.
    #[error("reader passed its time limit of {} s", .0.as_secs())]
    TimeLimit(Duration),
    /// The reader asked for more memory than it may have.
    #[error("reader passed its memory limit")]
    MemoryLimit,
    /// The reader died, or its engine stopped, and it is not asked again.
    #[error("reader died: {0}")]
    Crashed(String),
    /// The reader's answer can't be what it must be.
    #[error("reader answered nonsense: {0}")]
    Nonsense(&'static str),
    /// The reader can't be started.
    #[error("reader can't be started: {0}")]
    Unstartable(String),
    /// The kernel can't give a wall that the configuration doesn't say to go without.
    #[error("reader has no {wall} wall: {detail}")]
    NoWall {
        /// Which.
        wall: Wall,
        /// What the kernel said.
        detail: String,
    },
}

impl ReaderError {
    /// The stable reason of the failure.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            ReaderError::Refused { reason, .. } => *reason,
            ReaderError::TimeLimit(_) => Reason::ReaderTimeLimit,
            ReaderError::MemoryLimit => Reason::ReaderMemoryLimit,
            ReaderError::Crashed(_) => Reason::ReaderCrashed,
            ReaderError::Nonsense(_) => Reason::ReaderNonsense,
            ReaderError::Unstartable(_) => Reason::Unavailable,
            ReaderError::NoWall { .. } => Reason::ReaderNoWall,
        }
    }

    /// What it means for the reader; a refusal doesn't end it.
    pub(super) fn death(&self) -> Option<Death> {
        match self {
            ReaderError::Refused { .. } => None,
            ReaderError::TimeLimit(_) => Some(Death::TimeLimit),
            ReaderError::MemoryLimit => Some(Death::MemoryLimit),
            ReaderError::Crashed(_) => Some(Death::Crashed),
            ReaderError::Nonsense(_) => Some(Death::Nonsense),
            ReaderError::Unstartable(_) | ReaderError::NoWall { .. } => Some(Death::Unstartable),
        }
    }
}
