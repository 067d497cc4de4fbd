//! Blobs on their way from one place to another, several at a time, as they are stored: what is
//! encrypted stays so, and no key is needed. Each is looked at whether it is what was written.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use futures_util::{TryStreamExt, stream};
use schemas::Uuid;
use schemas::ids::Blake3;
use sqlx::{AnyConnection, AssertSqlSafe};
use tokio::io::AsyncReadExt;

use super::sheet::{Sheet, SheetEntry, lines};
use super::{BACKING_UP, BackupError, Hears, Progress, Step};
use crate::blobs::Blobs;
use crate::error::{ArchiveError, Doing};
use crate::needed;
use crate::rows::Columns;
use crate::vault::stream::{Wholeness, key_id};

/// Blobs on their way at once: a store answers late but many.
const AT_ONCE: usize = 8;

/// Bytes of each in memory.
const CHUNK: usize = 1 << 18;

const OPENS: &str = "
    select exists (select 1 from data_key where key_id = $1 and wrapped is not null) as opens";

/// What came of carrying blobs.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) copied: u64,
    pub(super) copied_bytes: u64,
    /// Not where they should come from.
    pub(super) missing: Vec<Blake3>,
    /// Not what their names promise.
    pub(super) damaged: Vec<Blake3>,
    /// There already, but under this key, and not under the one that they would come with.
    pub(super) other: Vec<(Blake3, Uuid)>,
    /// There already, plain, and since then encrypted under this key where they come from.
    pub(super) plain: Vec<(Blake3, Uuid)>,
}

/// What the keys of a moment tell of its blobs.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Blobs that a key was erased of.
    erased: HashSet<Blake3>,
    /// Blobs that have no key.
    plain: HashSet<Blake3>,
}

impl Carried {
    fn add(&mut self, key: Blake3, fate: Fate) {
        match fate {
            Fate::There => {}
            Fate::Other(under) => self.other.push((key, under)),
            Fate::Plain(under) => self.plain.push((key, under)),
            Fate::Copied(bytes) => {
                self.copied += 1;
                self.copied_bytes += bytes;
            }
            Fate::Missing => self.missing.push(key),
            Fate::Damaged => self.damaged.push(key),
        }
    }

    fn sort(&mut self) {
        self.missing.sort_unstable();
        self.damaged.sort_unstable();
    }
}

enum Fate {
    /// It was there already.
    There,
    /// It was there already, under that other key.
    Other(Uuid),
    /// It was there already, plain; by now it is under that key.
    Plain(Uuid),
    Copied(u64),
    Missing,
    Damaged,
}

/// Where the names of a moment's blobs stand.
pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join("blobs.txt")
}

/// Writes the names of all blobs that rows of the view need; answers with what their keys tell,
/// too.
pub(super) async fn list(
    view: &mut AnyConnection,
    dir: &Path,
) -> Result<(SheetEntry, Known), ArchiveError> {
    let sql = format!(
        "select blob, exists (select 1 from data_key
            where about = wanted.blob and wrapped is null) as erased,
            exists (select 1 from data_key
            where about = wanted.blob and wrapped is not null) as keyed
         from ({}) as wanted order by blob",
        needed::EVERY
    );
    let (mut sheet, mut known) = (Sheet::begin(&file(dir)).await?, Known::default());
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(view);
    while let Some(row) = rows.try_next().await.doing(BACKING_UP)? {
        sheet.line(row.take("blob")?).await?;
        if row.flag("erased")? {
            known.erased.insert(row.parsed("blob")?);
        }
        if !row.flag("keyed")? {
            known.plain.insert(row.parsed("blob")?);
        }
    }
    Ok((sheet.finish().await?, known))
}

/// Carries every blob of the list that is not there yet, and names those that are there under
/// another key: among those that a key was erased of where that is known, or among all. Where it is
/// known it names those, too, that were encrypted since they came. Where they go to no key is
/// known, so that they are kept as they come.
pub(super) async fn all(
    from: &Blobs,
    to: &Blobs,
    dir: &Path,
    count: u64,
    known: Option<&Known>,
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
    let fates = keys
        .map_ok(|key| async move { Ok::<_, BackupError>((key, one(from, to, key, known).await?)) });
    let mut fates = std::pin::pin!(fates.try_buffer_unordered(AT_ONCE));
    let mut done = 0;
    while let Some((key, fate)) = fates.try_next().await? {
        carried.add(key, fate);
        done += 1;
        hears(Progress { step: Step::Blobs, done, all: count });
    }
    carried.sort();
    Ok(carried)
}

/// Leaves as it is what is there under another key that is among those of the database: it can be
/// read.
pub(super) async fn spare(
    on: &mut AnyConnection,
    carried: &mut Carried,
    shut: &HashSet<Uuid>,
) -> Result<(), ArchiveError> {
    let mut lost = Vec::new();
    for (key, under) in std::mem::take(&mut carried.other) {
        let row = sqlx::query(OPENS).bind(under.to_string()).fetch_one(&mut *on).await;
        if shut.contains(&under) || !row.doing("looking for keys")?.flag("opens")? {
            lost.push((key, under));
        }
    }
    carried.other = lost;
    Ok(())
}

/// Carries the others over what is there under another key.
pub(super) async fn over(
    from: &Blobs,
    to: &Blobs,
    carried: &mut Carried,
) -> Result<(), ArchiveError> {
    for (key, _) in std::mem::take(&mut carried.other) {
        let fate = copy(from, to, key, None).await?;
        carried.add(key, fate);
    }
    carried.sort();
    Ok(())
}

/// Carries over what is there plain what was encrypted since. One that was written anew meanwhile
/// stays for the next time: the copy of the keys may lack its key.
pub(super) async fn over_plain(
    from: &Blobs,
    to: &Blobs,
    carried: &mut Carried,
) -> Result<(), ArchiveError> {
    for (key, under) in std::mem::take(&mut carried.plain) {
        if let Fate::Copied(bytes) = copy(from, to, key, Some(under)).await? {
            carried.add(key, Fate::Copied(bytes));
        }
    }
    Ok(())
}

async fn one(
    from: &Blobs,
    to: &Blobs,
    key: Blake3,
    known: Option<&Known>,
) -> Result<Fate, ArchiveError> {
    if !to.contains(key).await? {
        return copy(from, to, key, None).await;
    }
    let look = known.is_none_or(|known| known.erased.contains(&key));
    if look
        && let Some(under) = key_of(to, key).await?
        && key_of(from, key).await? != Some(under)
    {
        return Ok(Fate::Other(under));
    }
    if known.is_some_and(|known| !known.plain.contains(&key))
        && key_of(to, key).await?.is_none()
        && let Some(under) = key_of(from, key).await?
    {
        return Ok(Fate::Plain(under));
    }
    Ok(Fate::There)
}

/// The key that the blob is encrypted with; none when it isn't, or isn't there.
async fn key_of(blobs: &Blobs, key: Blake3) -> Result<Option<Uuid>, ArchiveError> {
    match blobs.key_of(key).await {
        Err(ArchiveError::Missing(_)) => Ok(None),
        found => found,
    }
}

/// Copies it; where a key is named, only if it is encrypted with that one.
async fn copy(
    from: &Blobs,
    to: &Blobs,
    key: Blake3,
    under: Option<Uuid>,
) -> Result<Fate, ArchiveError> {
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
    if under.is_some() && key_id(incoming.head()) != under {
        return Ok(Fate::There);
    }
    let bytes = incoming.len();
    incoming.finish_as(key).await?;
    Ok(Fate::Copied(bytes))
}
