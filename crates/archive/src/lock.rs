//! One process has the folder. The kernel gives the lock back when that process dies, so whoever
//! holds it knows that the one before is dead.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{ArchiveError, Doing};

/// The lock on a folder; given back when dropped.
pub(crate) struct Lock {
    /// The lock belongs to the open file. Children don't inherit it.
    _file: File,
}

impl Lock {
    /// Makes the folder, for its owner alone, and locks it.
    pub(crate) fn take(dir: &Path) -> Result<Self, ArchiveError> {
        let doing = "locking the data folder";
        DirBuilder::new().recursive(true).mode(0o700).create(dir).doing(doing)?;
        let mut open = OpenOptions::new();
        let file = open.create(true).truncate(false).write(true).mode(0o600).open(dir.join("lock"));
        let file = file.doing(doing)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ArchiveError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(error).doing(doing),
        }
    }
}
