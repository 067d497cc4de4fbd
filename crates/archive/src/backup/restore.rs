//! An archive made again from a backup, in either form, whichever form it came from.
//!
//! Blobs first, then every row in one transaction: cut off, it leaves a place that is still empty,
//! and the next attempt goes on where the blobs stopped.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;
use schemas::ids::Blake3;
use serde::Serialize;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::tables::{Table, tables};
use super::verify::damaged_files;
use super::{BackupError, Hears, Moment, Progress, Step, carry, folder, rows};
use crate::blobs::Blobs;
use crate::database::{Database, micros};
use crate::error::Doing;
use crate::lock::Lock;
use crate::rows::Columns;
use crate::vault::{Masters, copy};
use crate::{Archive, Place};

const RESTORING: &str = "restoring";

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Number of the moment in the backup.
    pub moment: u64,
    /// When its rows were read, RFC 3339.
    pub at: String,
    /// Rows put.
    pub rows: u64,
    /// Blobs that they name.
    pub blobs: u64,
    /// Blobs put; the others were there already, and can be read.
    pub copied: u64,
    /// Blobs that are not in the backup.
    pub missing: Vec<Blake3>,
    /// Blobs that are damaged in the backup, and were not put.
    pub damaged: Vec<Blake3>,
}

// What an office fills. A catalogue may be there: `sohoa migrate` puts one, and the backup's takes
// its place.
const EMPTY: &str = "
    select not exists (select 1 from dossier) and not exists (select 1 from subject)
        and not exists (select 1 from record) and not exists (select 1 from lookup)
        and not exists (select 1 from job) and not exists (select 1 from outbox) as empty";

// The hands that held jobs, and the broker that carried them, are not those of this archive.
const LET_GO: &str = "update job set lease = null, sent_at = null, due_at =
    case when lease is null then due_at else $1 end";

const FORGET_KEYS: &str = "delete from data_key";

// The first who opens it finds which master key these keys are under.
const CHOOSE_ANEW: &str = "update schema_floor set master = null";

impl Archive {
    /// Fills an empty place with the newest moment of a backup, and with the keys of a copy: those
    /// of today, not of the moment. Blobs that are damaged or missing there are named, and
    /// everything else is restored.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`], [`BackupError::Damaged`] when rows or keys are not what was
    /// written, [`BackupError::NotABackup`], [`BackupError::Unfinished`], [`BackupError::Newer`],
    /// [`BackupError::KeysNowhere`], [`BackupError::OtherArchive`] for keys of another one, and
    /// [`ArchiveError::OtherMaster`] when the place's master key opens none of them. No row is put
    /// then.
    pub async fn restore(
        place: &Place,
        backup: &Path,
        keys: Option<&Path>,
        hears: Hears<'_>,
    ) -> Result<Restored, BackupError> {
        let (number, dir, moment) = folder::newest(backup).await?;
        if let Some(file) = damaged_files(&dir, &moment).await.into_iter().next() {
            return Err(BackupError::Damaged(file));
        }
        let lock = Lock::take(&place.dir)?;
        if keys.is_none() && moment.keys > 0 {
            return Err(BackupError::KeysNowhere);
        }
        let mut shut = HashSet::new();
        if let Some(keys) = keys {
            let masters = match &place.masters {
                None if place.database.is_none() => Masters::of_folder(&place.dir, false)?,
                masters => masters.clone(),
            };
            let looked = copy::look(keys, masters.as_ref()).await?;
            if looked.archive != folder::archive(backup).await? {
                return Err(BackupError::OtherArchive(keys.to_owned()));
            }
            shut = looked.shut;
        }
        // Empty, or brought up to date already; never further than the backup by us, so that
        // migrations since then change its rows, too.
        let bare = Database::bare(place, moment.schema).await?;
        let mut tx = bare.begin().await?;
        let empty = sqlx::query(EMPTY).fetch_one(&mut *tx).await.doing(RESTORING)?;
        if !empty.flag("empty")? {
            return Err(BackupError::NotEmpty);
        }
        tx.rollback().await.doing(RESTORING)?;

        let (from, to) = (folder::blobs(backup).await?, Blobs::open_beside(place).await?);
        let mut carried = carry::all(&from, &to, &dir, moment.blobs.lines, None, hears).await?;
        // Blobs of a database that was lost may be here still. One that the keys open may be the
        // last of its name that can be read; the others were written anew after the keys were
        // copied. The keys are put for this look alone: rows and keys come in one transaction.
        if !carried.other.is_empty()
            && let Some(keys) = keys
        {
            let mut tx = bare.begin().await?;
            copy::load(&mut tx, bare.dialect, keys).await?;
            carry::spare(&mut tx, &mut carried, &shut).await?;
            tx.rollback().await.doing(RESTORING)?;
        }
        carry::over(&from, &to, &mut carried).await?;

        let mut tx = bare.begin().await?;
        let tables = tables(&mut tx, bare.dialect).await?;
        // Somebody may have begun to work here meanwhile.
        let empty = sqlx::query(EMPTY).fetch_one(&mut *tx).await.doing(RESTORING)?;
        if !empty.flag("empty")? {
            return Err(BackupError::NotEmpty);
        }
        clear(&mut tx, &tables).await?;
        let rows = load(&mut tx, &bare, &tables, &moment, &dir, hears).await?;
        if let Some(keys) = keys {
            // Of somebody who was here before: nothing of theirs is.
            sqlx::query(FORGET_KEYS).execute(&mut *tx).await.doing(RESTORING)?;
            copy::load(&mut tx, bare.dialect, keys).await?;
        }
        tx.commit().await.doing(RESTORING)?;
        bare.close().await;
        drop(lock);

        Database::migrate(place).await?;
        let bare = Database::bare(place, moment.schema).await?;
        let mut tx = bare.begin().await?;
        let now = micros(Timestamp::now());
        sqlx::query(LET_GO).bind(now).execute(&mut *tx).await.doing(RESTORING)?;
        if keys.is_some() {
            sqlx::query(CHOOSE_ANEW).execute(&mut *tx).await.doing(RESTORING)?;
        }
        tx.commit().await.doing(RESTORING)?;
        bare.close().await;
        Ok(Restored {
            moment: number,
            at: moment.at,
            rows,
            blobs: moment.blobs.lines,
            copied: carried.copied,
            missing: carried.missing,
            damaged: carried.damaged,
        })
    }
}

/// Removes what migrations put into tables that the backup fills.
async fn clear(on: &mut AnyConnection, tables: &[Table]) -> Result<(), BackupError> {
    for table in tables.iter().rev() {
        let sql = AssertSqlSafe(format!("delete from {}", table.name));
        sqlx::query(sql).execute(&mut *on).await.doing(RESTORING)?;
    }
    Ok(())
}

async fn load(
    on: &mut AnyConnection,
    bare: &crate::database::Bare,
    tables: &[Table],
    moment: &Moment,
    dir: &Path,
    hears: Hears<'_>,
) -> Result<u64, BackupError> {
    let (all, mut put) = (moment.tables.len() as u64, 0);
    // In the order of this database, which knows who refers to whom.
    let mut entries: Vec<_> = moment.tables.iter().collect();
    entries.sort_by_key(|entry| tables.iter().position(|table| table.name == entry.name));
    for (done, entry) in (0..).zip(entries) {
        hears(Progress { step: Step::Rows, done, all });
        put += rows::load(on, bare.dialect, tables, entry, dir).await?;
    }
    hears(Progress { step: Step::Rows, done: all, all });
    Ok(put)
}
