//! Whether a backup is what was written.

use std::path::Path;

use futures_util::{TryStreamExt, stream};
use schemas::ids::Blake3;
use serde::Serialize;

use super::sheet::lines;
use super::{BackupError, Hears, Moment, Progress, Step, carry, folder, rows};
use crate::error::{ArchiveError, Doing};

/// Blobs read at once: as many as there are cores to hash them, on most machines.
const AT_ONCE: usize = 4;

/// What a look at a backup came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Number of the moment, the newest.
    pub moment: u64,
    /// When its rows were read, RFC 3339.
    pub at: String,
    /// Rows of that moment.
    pub rows: u64,
    /// Blobs that they name.
    pub blobs: u64,
    /// Files of rows that are not what was written.
    pub damaged_files: Vec<String>,
    /// Blobs that are not in the backup.
    pub missing: Vec<Blake3>,
    /// Blobs of the backup that are damaged.
    pub damaged: Vec<Blake3>,
    /// Blobs that the archive itself did not have when the backup was made.
    pub lacking: Vec<Blake3>,
}

impl Verified {
    /// Whether an archive restored from it would hold everything.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged_files.is_empty()
            && self.missing.is_empty()
            && self.damaged.is_empty()
            && self.lacking.is_empty()
    }
}

/// Reads the newest moment of a backup, every blob of it too, and names what is not as it was
/// written.
///
/// # Errors
/// [`BackupError::NotABackup`], [`BackupError::Unfinished`], [`BackupError::Newer`].
pub async fn verify(backup: &Path, hears: Hears<'_>) -> Result<Verified, BackupError> {
    let (number, dir, moment) = folder::newest(backup).await?;
    let mut verified = Verified {
        moment: number,
        damaged_files: damaged_files(&dir, &moment).await,
        at: moment.at,
        rows: moment.tables.iter().map(|table| table.rows).sum(),
        blobs: moment.blobs.lines,
        missing: Vec::new(),
        damaged: Vec::new(),
        lacking: moment.lacking,
    };
    // Without the list nothing can be said of blobs, and that it is damaged was said.
    if verified.damaged_files.iter().any(|file| file == "blobs.txt") {
        return Ok(verified);
    }
    let blobs = folder::blobs(backup).await?;
    let lines = lines(&carry::file(&dir)).await?;
    let keys = stream::try_unfold(lines, |mut lines| async {
        let line = lines.next_line().await.doing("reading a backup")?;
        Ok::<_, ArchiveError>(line.and_then(|line| Some((line.parse().ok()?, lines))))
    });
    let blobs = &blobs;
    let looked = keys.map_ok(|key: Blake3| async move { Ok((key, blobs.is_whole(key).await)) });
    let mut looked = std::pin::pin!(looked.try_buffer_unordered(AT_ONCE));
    let mut done = 0;
    while let Some((key, sound)) = looked.try_next().await? {
        match sound {
            Ok(true) => {}
            Err(ArchiveError::Missing(_)) if verified.lacking.contains(&key) => {}
            Err(ArchiveError::Missing(_)) => verified.missing.push(key),
            Ok(false) | Err(_) => verified.damaged.push(key),
        }
        done += 1;
        hears(Progress { step: Step::Blobs, done, all: verified.blobs });
    }
    Ok(verified)
}

/// Files of the moment that are not what was written.
pub(super) async fn damaged_files(dir: &Path, moment: &Moment) -> Vec<String> {
    let mut damaged = Vec::new();
    for table in &moment.tables {
        if !table.sheet.is_true(&rows::file(dir, &table.name)).await {
            damaged.push(format!("{}.jsonl", table.name));
        }
    }
    if !moment.blobs.is_true(&carry::file(dir)).await {
        damaged.push("blobs.txt".to_owned());
    }
    damaged
}
