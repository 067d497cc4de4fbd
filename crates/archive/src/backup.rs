//! Backups: everything an archive holds, in a folder that either form can be restored from.
//!
//! The rows are of one moment, read in one view while work goes on; they stand as JSON lines, one
//! file a table, the same whichever engine they came from. Then every blob that those rows name is
//! copied: a blob is there before its row and never changes, so rows first and blobs after is
//! whole. Blobs that the folder has already are not copied again, which also is how a backup that
//! was cut off goes on; but for those that it has under a key that was erased, and that came again
//! since.
//!
//! Blobs are copied as they are stored, and keys are not in the folder: they go into a file of
//! their own, which is kept elsewhere and written over each time ([`crate::vault::copy`]). So what
//! is erased with its key is erased in every backup, however old, and whoever has a backup alone
//! can read no paper of it.
//!
//! ```text
//! sohoa-backup.json           which archive it is of
//! blobs/ab/cdef…              blobs of all its moments, named by their hash
//! moments/000007/             one moment; under `000007.part` until it is whole
//!     moment.json             what belongs to it, with hashes
//!     blobs.txt               the blobs that its rows name
//!     rows/TABLE.jsonl        columns, then one line a row
//! ```

mod carry;
mod folder;
mod restore;
mod rows;
pub(crate) mod sheet;
mod tables;
mod verify;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemas::Uuid;
use schemas::ids::Blake3;
use serde::{Deserialize, Serialize};

use crate::Archive;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;
use crate::vault::copy;
use folder::Folder;
use sheet::SheetEntry;

pub use restore::Restored;
pub use verify::{Verified, verify};

const BACKING_UP: &str = "backing up";

/// A backup can't be made, or not be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something else is in that folder.
    #[error("{} is not a backup", .0.display())]
    NotABackup(PathBuf),
    /// Another archive's backup is in that folder.
    #[error("{} is the backup of another archive", .0.display())]
    OtherArchive(PathBuf),
    /// No backup in that folder was ever finished.
    #[error("no backup in {} was finished", .0.display())]
    Unfinished(PathBuf),
    /// A later version of the program wrote it.
    #[error("the backup was written by a later version of the program")]
    Newer,
    /// Restoring is into an empty place only.
    #[error("the archive to restore into is not empty")]
    NotEmpty,
    /// The rows of the backup are not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// Papers are encrypted, and it wasn't said where the copy of their keys is.
    #[error("papers are encrypted: their keys need a file of their own")]
    KeysNowhere,
    /// The copy of the keys would be in the backup itself.
    #[error("{} is in the backup, from which keys are kept apart", .0.display())]
    KeysInside(PathBuf),
    /// The outside world failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// What a copy of keys holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// Whose they are.
    #[serde(skip)]
    pub(crate) archive: String,
    /// Keys that there ever were.
    pub all: u64,
    /// Those of them that were erased.
    pub erased: u64,
    /// Those of them that no master key opened, where it was tried.
    #[serde(skip)]
    pub(crate) shut: HashSet<Uuid>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// With what.
    pub step: Step,
    /// So much is done.
    pub done: u64,
    /// Of so much.
    pub all: u64,
}

/// What a backup or a restoration is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Tables.
    Rows,
    /// Blobs.
    Blobs,
}

/// Hears how far it is.
pub type Hears<'a> = &'a (dyn Fn(Progress) + Sync);

/// What a backup came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// Number of the moment in that folder.
    pub moment: u64,
    /// Rows of that moment.
    pub rows: u64,
    /// Blobs that they name.
    pub blobs: u64,
    /// Blobs that the folder did not have yet, or only plain or under a key that was erased.
    pub copied: u64,
    /// Bytes of those.
    pub copied_bytes: u64,
    /// Blobs that the archive itself has lost: `sohoa check` tells whose they are.
    pub missing: Vec<Blake3>,
    /// Blobs that are damaged in the archive itself.
    pub damaged: Vec<Blake3>,
    /// Keys that were copied into the file of theirs, those erased among them.
    pub keys: u64,
}

/// One moment of an archive: `moment.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moment {
    /// Version of this format.
    format: u32,
    /// When its rows were read, RFC 3339.
    at: String,
    /// Version of the program that wrote it.
    program: String,
    /// Newest migration of the schema that the rows are of.
    schema: i64,
    tables: Vec<TableEntry>,
    /// `blobs.txt`.
    blobs: SheetEntry,
    /// Blobs that the archive itself had lost, or held damaged: they are not in the backup.
    lacking: Vec<Blake3>,
    /// Keys that were copied with it; its blobs can't be read without them.
    #[serde(default)]
    keys: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableEntry {
    name: String,
    rows: u64,
    sheet: SheetEntry,
}

/// Version of the format that is written, and the newest that is read.
const FORMAT: u32 = 2;

const IDENTITY: &str = "select id from identity where name = 'archive'";

const CHOOSE: &str = "
    insert into identity (name, id) values ('archive', $1)
    on conflict (name) do nothing";

const SCHEMA: &str = "select max(version) as newest from _sqlx_migrations";

impl Archive {
    /// Adds the present moment to the backup in `target`, which is begun when the folder is empty
    /// or not there, and writes the keys of everything into the file `keys`, over what was there.
    /// Work goes on meanwhile.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`], [`BackupError::OtherArchive`], [`BackupError::Newer`] for a
    /// folder that it must not write to; [`BackupError::KeysNowhere`], [`BackupError::KeysInside`];
    /// [`ArchiveError::Locked`] when another backup goes there.
    pub async fn back_up(
        &self,
        target: &Path,
        keys: Option<&Path>,
        hears: Hears<'_>,
    ) -> Result<BackedUp, BackupError> {
        match keys {
            None if self.records.vault.is_some() => return Err(BackupError::KeysNowhere),
            Some(keys) if is_within(keys, target)? => {
                return Err(BackupError::KeysInside(keys.to_owned()));
            }
            _ => {}
        }
        let archive = self.identity().await?;
        let folder = Folder::begin(target, &archive).await?;
        let (number, dir) = folder.next().await?;
        let (mut moment, known) = self.write_rows(&dir, hears).await?;
        let (from, to) = (&self.blobs, &folder.blobs);
        let carried = carry::all(from, to, &dir, moment.blobs.lines, Some(&known), hears);
        let mut carried = carried.await?;
        let mut view = self.records.db.view().await?;
        carry::spare(&mut view, &mut carried, &HashSet::new()).await?;
        drop(view);
        carry::over(from, to, &mut carried).await?;
        // After the blobs: some may have been written anew since the rows were read.
        if let Some(keys) = keys {
            let mut view = self.records.db.view().await?;
            moment.keys = copy::save(&mut view, &archive, keys).await?;
        }
        let rows = moment.tables.iter().map(|table| table.rows).sum();
        let blobs = moment.blobs.lines;
        moment.lacking = [carried.missing.as_slice(), &carried.damaged].concat();
        folder.finish(number, &moment).await?;
        // Now that their keys are copied, and that there is a moment which can't do without.
        carry::over_plain(from, to, &mut carried).await?;
        Ok(BackedUp {
            moment: number,
            rows,
            blobs,
            copied: carried.copied,
            copied_bytes: carried.copied_bytes,
            missing: carried.missing,
            damaged: carried.damaged,
            keys: moment.keys,
        })
    }

    /// Every row of one moment, and the names of the blobs they need; answers with what their keys
    /// tell, too.
    async fn write_rows(
        &self,
        dir: &Path,
        hears: Hears<'_>,
    ) -> Result<(Moment, carry::Known), BackupError> {
        let db = &self.records.db;
        let mut view = db.view().await?;
        let row = sqlx::query(SCHEMA).fetch_one(&mut *view).await.doing(BACKING_UP)?;
        let schema = row.int_or("newest")?.unwrap_or(0);
        // The moment of the view is that of its first statement.
        let at = Timestamp::now();
        let tables = tables::tables(&mut view, db.dialect).await?;
        let all = tables.len() as u64;
        let mut entries = Vec::new();
        for (done, table) in (0..).zip(&tables) {
            hears(Progress { step: Step::Rows, done, all });
            entries.push(rows::export(&mut view, table, dir).await?);
        }
        hears(Progress { step: Step::Rows, done: all, all });
        let (blobs, known) = carry::list(&mut view, dir).await?;
        let moment = Moment {
            format: FORMAT,
            at: at.to_string(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            tables: entries,
            blobs,
            lacking: Vec::new(),
            keys: 0,
        };
        Ok((moment, known))
    }

    /// Which archive this is; chosen now if nobody asked before.
    async fn identity(&self) -> Result<String, ArchiveError> {
        let mut change = self.records.db.change().await?;
        let chosen = Uuid::new_v4().to_string();
        sqlx::query(CHOOSE).bind(chosen).execute(change.on()).await.doing(BACKING_UP)?;
        let row = sqlx::query(IDENTITY).fetch_one(change.on()).await.doing(BACKING_UP)?;
        let id = row.take("id")?;
        change.commit().await?;
        Ok(id)
    }
}

/// Whether a file would be in that folder.
fn is_within(file: &Path, dir: &Path) -> Result<bool, ArchiveError> {
    let (file, dir) = (absolute(file)?, absolute(dir)?);
    Ok(file.starts_with(dir))
}

/// The path with its links followed, as far as it is there.
fn absolute(path: &Path) -> Result<PathBuf, ArchiveError> {
    let path = std::path::absolute(path).doing(BACKING_UP)?;
    let mut there = path.as_path();
    loop {
        if let Ok(found) = there.canonicalize() {
            let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
            return Ok(if rest.as_os_str().is_empty() { found } else { found.join(rest) });
        }
        match there.parent() {
            Some(parent) => there = parent,
            None => return Ok(path),
        }
    }
}
