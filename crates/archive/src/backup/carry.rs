//! Blobs on their way from one place to another, several at a time, as they are stored: what is
//! encrypted stays so, and no key is needed. Each is looked at whether it is what was written.

use std::path::{Path, PathBuf};

use futures_util::{TryStreamExt, stream};
use schemas::ids::Blake3;
use sqlx::{AnyConnection, AssertSqlSafe};
use tokio::io::AsyncReadExt;

use super::sheet::{Sheet, SheetEntry, lines};
use super::{BACKING_UP, BackupError, Hears, Progress, Step};
use crate::blobs::Blobs;
use crate::check;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;
use crate::vault::stream::Wholeness;

/// Blobs on their way at once: a store answers late but many.
const AT_ONCE: usize = 8;

/// Bytes of each in memory.
const CHUNK: usize = 1 << 18;

/// What came of carrying blobs.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) copied: u64,
    pub(super) copied_bytes: u64,
    /// Not where they should come from.
    pub(super) missing: Vec<Blake3>,
    /// Not what their names promise.
    pub(super) damaged: Vec<Blake3>,
}

enum Fate {
    /// It was there already.
    There,
    Copied(u64),
    Missing,
    Damaged,
}

/// Where the names of a moment's blobs stand.
pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join("blobs.txt")
}

/// Writes the names of all blobs that rows of the view need.
pub(super) async fn list(view: &mut AnyConnection, dir: &Path) -> Result<SheetEntry, ArchiveError> {
    let mut sheet = Sheet::begin(&file(dir)).await?;
    let mut rows = sqlx::query(AssertSqlSafe(check::every_blob())).fetch(view);
    while let Some(row) = rows.try_next().await.doing(BACKING_UP)? {
        sheet.line(row.take("blob")?).await?;
    }
    sheet.finish().await
}

/// Carries every blob of the list that is not there yet. Where they go to no key is known, so that
/// they are kept as they come.
pub(super) async fn all(
    from: &Blobs,
    to: &Blobs,
    dir: &Path,
    count: u64,
    hears: Hears<'_>,
) -> Result<Carried, BackupError> {
    let mut carried = Carried::default();
    let lines = lines(&file(dir)).await?;
    let keys = stream::try_unfold(lines, |mut lines| async {
        let line = lines.next_line().await.doing("reading a backup")?;
        let Some(line) = line else { return Ok(None) };
        let key = line.parse::<Blake3>();
        let key = key.map_err(|_| BackupError::Damaged("blobs.txt".to_owned()))?;
        Ok(Some((key, lines)))
    });
    let fates =
        keys.map_ok(|key| async move { Ok::<_, BackupError>((key, one(from, to, key).await?)) });
    let mut fates = std::pin::pin!(fates.try_buffer_unordered(AT_ONCE));
    let mut done = 0;
    while let Some((key, fate)) = fates.try_next().await? {
        match fate {
            Fate::There => {}
            Fate::Copied(bytes) => {
                carried.copied += 1;
                carried.copied_bytes += bytes;
            }
            Fate::Missing => carried.missing.push(key),
            Fate::Damaged => carried.damaged.push(key),
        }
        done += 1;
        hears(Progress { step: Step::Blobs, done, all: count });
    }
    carried.missing.sort_unstable();
    carried.damaged.sort_unstable();
    Ok(carried)
}

async fn one(from: &Blobs, to: &Blobs, key: Blake3) -> Result<Fate, ArchiveError> {
    if to.contains(key).await? {
        return Ok(Fate::There);
    }
    let mut reader = match from.raw(key).await {
        Ok((reader, _)) => reader,
        Err(ArchiveError::Missing(_)) => return Ok(Fate::Missing),
        Err(error) => return Err(error),
    };
    let mut incoming = to.receive(None).await?;
    let (mut wholeness, mut chunk) = (Wholeness::default(), vec![0; CHUNK]);
    loop {
        match reader.read(&mut chunk).await.doing("reading a blob")? {
            0 => break,
            read => {
                wholeness.update(&chunk[..read]);
                incoming.write(&chunk[..read]).await?;
            }
        }
    }
    // What is not what was written gets no name at all.
    if !wholeness.is_of(key) {
        return Ok(Fate::Damaged);
    }
    let bytes = incoming.len();
    incoming.finish_as(key).await?;
    Ok(Fate::Copied(bytes))
}
