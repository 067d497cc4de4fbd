//! A copy of the keys, in a file that is kept apart from backups. There is one, and each replaces
//! the one before: an older one still has what was erased since.
//!
//! A head, a line for each key, and a last line that tells whether the file is whole. Keys are
//! wrapped as they are in the database: the file opens nothing without the master key.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, AssertSqlSafe};
use tokio::fs::{self, File};
use tracing::warn;

use super::Masters;
use super::cipher::Wrapping;
use crate::backup::sheet::{Sheet, SheetEntry, lines};
use crate::backup::{BackupError, Keys};
use crate::database::dialect::Dialect;
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json};

const SAVING: &str = "saving keys";
const LOADING: &str = "loading keys";

/// Version of this format.
const FORMAT: u32 = 1;

/// Keys read, or put, at a time.
const BATCH: usize = 500;

const PAGE: &str = "
    select key_id, about, wrapped, made_at, erased_at from data_key
    where key_id > $1 order by key_id limit $2";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    sohoa_keys: u32,
    /// Which archive's they are.
    archive: String,
    /// When they were saved, RFC 3339.
    at: String,
}

/// `[key_id, about, wrapped, made_at, erased_at]`
type Line = (String, String, Option<String>, i64, Option<i64>);

/// Writes every key that there is, over the copy from before; answers how many.
pub(crate) async fn save(
    view: &mut AnyConnection,
    archive: &str,
    file: &Path,
) -> Result<u64, ArchiveError> {
    let part = file.with_added_extension("part");
    if fs::try_exists(&part).await.doing(SAVING)? {
        fs::remove_file(&part).await.doing(SAVING)?;
    }
    let (archive, at) = (archive.to_owned(), Timestamp::now().to_string());
    let mut sheet = Sheet::begin(&part).await?;
    sheet.line(&json(&Head { sohoa_keys: FORMAT, archive, at })?).await?;
    let (mut last, mut count) = (String::new(), 0);
    loop {
        let page = sqlx::query(PAGE).bind(&last).bind(i64::try_from(BATCH).unwrap_or(i64::MAX));
        let page = page.fetch_all(&mut *view).await.doing(SAVING)?;
        let Some(end) = page.last() else { break };
        last = end.take("key_id")?;
        for row in &page {
            let (key, about) = (row.take("key_id")?, row.take("about")?);
            let (wrapped, made) = (row.take("wrapped")?, row.take("made_at")?);
            let line: Line = (key, about, wrapped, made, row.take("erased_at")?);
            sheet.line(&json(&line)?).await?;
            count += 1;
        }
    }
    let entry = sheet.sum().await?;
    sheet.line(&json(&entry)?).await?;
    sheet.finish().await?;
    fs::rename(&part, file).await.doing(SAVING)?;
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = File::open(dir.unwrap_or(Path::new("."))).await.doing(SAVING)?;
    dir.sync_all().await.doing(SAVING)?;
    Ok(count)
}

/// Refuses a copy that is damaged, or of which the master keys open none. Where they open some, it
/// tells how many others there are: a check then names what those were of.
pub(crate) async fn look(file: &Path, masters: Option<&Masters>) -> Result<Keys, BackupError> {
    let damaged = || BackupError::Damaged(file.display().to_string());
    let mut from = lines(file).await.map_err(|_| damaged())?;
    let (mut sum, mut before) = (Sum::default(), None::<String>);
    let mut head = None;
    let mut keys = Keys::default();
    let mut opened = 0_u64;
    while let Some(line) = from.next_line().await.map_err(|_| damaged())? {
        let Some(line) = before.replace(line) else { continue };
        sum.update(&line);
        if head.is_none() {
            let read: Head = serde_json::from_str(&line).map_err(|_| damaged())?;
            if read.sohoa_keys > FORMAT {
                return Err(BackupError::Newer);
            }
            head = Some(read);
            continue;
        }
        let (id, about, wrapped, ..): Line = serde_json::from_str(&line).map_err(|_| damaged())?;
        keys.erased += u64::from(wrapped.is_none());
        keys.all += 1;
        let Some(wrapped) = wrapped else { continue };
        let id = id.parse().map_err(|_| damaged())?;
        let opens = masters.and_then(|all| Wrapping { id, about: &about }.open(all, &wrapped));
        match opens {
            Some(_) => opened += 1,
            None => _ = keys.shut.insert(id),
        }
    }
    let entry: SheetEntry =
        before.and_then(|line| serde_json::from_str(&line).ok()).ok_or_else(damaged)?;
    let head = head.ok_or_else(damaged)?;
    if !sum.is(&entry) {
        return Err(damaged());
    }
    match (opened, keys.shut.len()) {
        (_, 0) => {}
        (0, _) => return Err(ArchiveError::OtherMaster.into()),
        (opened, shut) => {
            warn!(keys.opened = opened, keys.shut = shut, "no master key opens some of the keys");
        }
    }
    keys.archive = head.archive;
    Ok(keys)
}

/// Puts the keys of a copy that was looked at.
pub(crate) async fn load(
    on: &mut AnyConnection,
    dialect: Dialect,
    file: &Path,
) -> Result<(), ArchiveError> {
    let sql = format!(
        "insert into data_key (key_id, about, wrapped, made_at, erased_at)
         select value ->> 0, value ->> 1, value ->> 2, cast(value ->> 3 as bigint),
            cast(value ->> 4 as bigint) from {} where true
         on conflict (key_id) do nothing",
        dialect.json_lines()
    );
    let mut from = lines(file).await?;
    let mut batch: Vec<Line> = Vec::new();
    loop {
        let line = from.next_line().await.doing(LOADING)?;
        let ended = line.is_none();
        // Neither the first nor the last is one of a key.
        batch.extend(line.and_then(|line| serde_json::from_str(&line).ok()));
        if batch.len() >= BATCH || (ended && !batch.is_empty()) {
            let put = sqlx::query(AssertSqlSafe(sql.clone())).bind(json(&batch)?);
            put.execute(&mut *on).await.doing(LOADING)?;
            batch.clear();
        }
        if ended {
            return Ok(());
        }
    }
}

/// Whether lines are those that were written.
#[derive(Default)]
struct Sum {
    hasher: blake3::Hasher,
    lines: u64,
    bytes: u64,
}

impl Sum {
    fn update(&mut self, line: &str) {
        self.hasher.update(line.as_bytes()).update(b"\n");
        self.lines += 1;
        self.bytes += line.len() as u64 + 1;
    }

    fn is(&self, entry: &SheetEntry) -> bool {
        (self.lines, self.bytes) == (entry.lines, entry.bytes)
            && *self.hasher.finalize().as_bytes() == entry.blake3.0
    }
}
