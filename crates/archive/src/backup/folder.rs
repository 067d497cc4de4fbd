//! The folder of a backup. One process at a time adds to it; a moment is there whole or not at
//! all.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::fs::{self, File};

use super::sheet::Sheet;
use super::{BACKING_UP, BackupError, FORMAT, Moment};
use crate::Place;
use crate::blobs::Blobs;
use crate::error::{ArchiveError, Doing};
use crate::lock::Lock;
use crate::rows::json;

const STAMP: &str = "sohoa-backup.json";

const READING: &str = "reading a backup";

/// Says what the folder is.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    format: u32,
    archive: String,
}

/// A folder that a moment is added to.
pub(super) struct Folder {
    dir: PathBuf,
    pub(super) blobs: Blobs,
    _lock: Lock,
}

impl Folder {
    /// Opens the backup of that archive, or begins one in an empty folder.
    pub(super) async fn begin(dir: &Path, archive: &str) -> Result<Self, BackupError> {
        let stamp = match stamp(dir).await {
            Err(BackupError::NotABackup(dir)) if is_empty(&dir).await? => None,
            stamp => Some(stamp?),
        };
        if stamp.as_ref().is_some_and(|stamp| stamp.archive != archive) {
            return Err(BackupError::OtherArchive(dir.to_owned()));
        }
        let lock = Lock::take(dir)?;
        if stamp.is_none() {
            let stamp = Stamp { format: FORMAT, archive: archive.to_owned() };
            write(dir, STAMP, &json(&stamp)?).await?;
        }
        // Clears what was half received, and keeps whole blobs.
        let blobs = Blobs::open(&Place::at(dir)).await?;
        Ok(Self { dir: dir.to_owned(), blobs, _lock: lock })
    }

    /// A folder for the next moment, and its number.
    pub(super) async fn next(&self) -> Result<(u64, PathBuf), BackupError> {
        let number = numbers(&self.dir).await?.into_iter().max().unwrap_or(0) + 1;
        let part = self.dir.join("moments").join(format!("{number:06}.part"));
        if fs::try_exists(&part).await.doing(BACKING_UP)? {
            fs::remove_dir_all(&part).await.doing(BACKING_UP)?;
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(part.join("rows")).doing(BACKING_UP)?;
        Ok((number, part))
    }

    /// Gives the moment its name, now that everything of it is durable.
    pub(super) async fn finish(&self, number: u64, moment: &Moment) -> Result<(), BackupError> {
        let moments = self.dir.join("moments");
        let part = moments.join(format!("{number:06}.part"));
        write(&part, "moment.json", &json(moment)?).await?;
        sync(&part.join("rows")).await?;
        fs::rename(&part, moments.join(format!("{number:06}"))).await.doing(BACKING_UP)?;
        sync(&moments).await?;
        Ok(sync(&self.dir).await?)
    }
}

/// The newest whole moment of a backup: its number, its folder and what it should hold.
pub(super) async fn newest(dir: &Path) -> Result<(u64, PathBuf, Moment), BackupError> {
    stamp(dir).await?;
    let number = numbers(dir).await?.into_iter().max();
    let number = number.ok_or_else(|| BackupError::Unfinished(dir.to_owned()))?;
    let path = dir.join("moments").join(format!("{number:06}"));
    let file = path.join("moment.json");
    // The format first, for a later one may hold anything.
    let format: Format = read(&file).await?;
    if format.format > FORMAT {
        return Err(BackupError::Newer);
    }
    let moment = read(&file).await?;
    Ok((number, path, moment))
}

/// Which archive a backup is of.
pub(super) async fn archive(dir: &Path) -> Result<String, BackupError> {
    Ok(stamp(dir).await?.archive)
}

/// Blobs of a backup, to be read.
pub(super) async fn blobs(dir: &Path) -> Result<Blobs, ArchiveError> {
    Blobs::open_beside(&Place::at(dir)).await
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

async fn stamp(dir: &Path) -> Result<Stamp, BackupError> {
    let file = dir.join(STAMP);
    if !fs::try_exists(&file).await.doing(READING)? {
        return Err(BackupError::NotABackup(dir.to_owned()));
    }
    let stamp: Stamp = read(&file).await?;
    if stamp.format > FORMAT { Err(BackupError::Newer) } else { Ok(stamp) }
}

async fn read<T: DeserializeOwned>(file: &Path) -> Result<T, BackupError> {
    let damaged = || BackupError::Damaged(file.display().to_string());
    let bytes = fs::read(file).await.map_err(|_| damaged())?;
    serde_json::from_slice(&bytes).map_err(|_| damaged())
}

/// Numbers of the moments that are whole.
async fn numbers(dir: &Path) -> Result<Vec<u64>, ArchiveError> {
    let moments = dir.join("moments");
    let mut numbers = Vec::new();
    if fs::try_exists(&moments).await.doing(READING)? {
        let mut entries = fs::read_dir(moments).await.doing(READING)?;
        while let Some(entry) = entries.next_entry().await.doing(READING)? {
            numbers.extend(entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
        }
    }
    Ok(numbers)
}

/// Whether nothing is there, but what a backup leaves that was cut off before it began.
async fn is_empty(dir: &Path) -> Result<bool, ArchiveError> {
    if !fs::try_exists(dir).await.doing(READING)? {
        return Ok(true);
    }
    let mut entries = fs::read_dir(dir).await.doing(READING)?;
    while let Some(entry) = entries.next_entry().await.doing(READING)? {
        if entry.file_name() != "lock" && entry.file_name() != "sohoa-backup.json.part" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a small file, whole or not at all.
async fn write(dir: &Path, name: &str, text: &str) -> Result<(), ArchiveError> {
    let part = dir.join(format!("{name}.part"));
    if fs::try_exists(&part).await.doing(BACKING_UP)? {
        fs::remove_file(&part).await.doing(BACKING_UP)?;
    }
    let mut sheet = Sheet::begin(&part).await?;
    sheet.line(text).await?;
    sheet.finish().await?;
    fs::rename(&part, dir.join(name)).await.doing(BACKING_UP)?;
    sync(dir).await
}

/// Makes the names in a folder durable.
async fn sync(dir: &Path) -> Result<(), ArchiveError> {
    File::open(dir).await.doing(BACKING_UP)?.sync_all().await.doing(BACKING_UP)
}
