//! Putting right what a check found. A finding that is out of date does no harm: at worst a job
//! is done once more, and changes nothing.

use std::str::FromStr;

use schemas::ids::{Blake3, DocumentId, DossierId, PageId, RecordId, ScanId};
use schemas::message::Job;
use tracing::warn;

use super::rules::{Cure, RULES};
use super::{Finding, Findings, ORPHAN_AGE, ORPHAN_MICROS};
use crate::Archive;
use crate::database::Change;
use crate::error::{ArchiveError, DatabaseTrouble, Doing};
use crate::needed;
use crate::queue;
use crate::records::held::{By, Held};
use crate::records::scans::put_pages;
use crate::removal;
use crate::rows::Columns;
use crate::vault;

const RECEIVE_AGAIN: &str = "
    update scan set state = 'received', reason = null
    where scan_id = $1 and state in ('received', 'parked')";

const PAGES: &str = "select pages from scan where scan_id = $1 and state = 'unpacked'";

const WAIT_AGAIN: &str = "update page set state = 'waiting', reason = null where page_id = $1";

const SEAL_AGAIN: &str = "
    update document set seal = 'waiting'
    where document_id = $1 and seal in ('waiting', 'parked')
    returning revision";

const SEAL_ANEW: &str = "
    update document set seal = 'waiting', record_version = null
    where document_id = $1 and record_version is not null
    returning revision";

const PROVE: &str = "
    update document set seal = 'waiting'
    where document_id = $1 and seal = 'sealed' and record_version is not null
    returning revision";

const IMAGE: &str = "
    select image_blake3 as blob from page where page_id = $1 and image_blake3 is not null";

const PDF: &str = "select pdf as blob from record where record_id = $1 and version = $2";

const DOCUMENT: &str = "
    select document.document_id from record
    join document on document.document_id = record.document_id
        and document.record_version = record.version
    where record_id = $1 and version = $2 and record.state = 'published'";

const DROP: [&str; 2] =
    ["delete from job where job_id = $1", "delete from outbox where job_id = $1"];

const YOUNG_KEYS: &str = "
    select count(*) as keys from data_key where about = $1 and made_at > $2";

/// PostgreSQL's word for a lock that was not had in time.
const LATE: &str = "55P03";

/// How a blob came that no row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// Somehow: within the hour, its row may be about to be written.
    Somehow,
    /// From this process, just now, encrypted under a key of its own.
    FromHere,
}

impl Archive {
    /// Puts right what can be put right, each finding in a transaction of its own; answers with
    /// those that were. What has to be read or sealed again is announced, and there when the
    /// worker has done it.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; earlier findings stay mended.
    pub async fn mend(&self, findings: &Findings) -> Result<Vec<Finding>, ArchiveError> {
        let mut mended = Vec::new();
        for finding in findings.findings.iter().filter(|finding| finding.mendable) {
            if self.mend_one(finding).await? {
                mended.push(finding.clone());
            }
        }
        Ok(mended)
    }

    async fn mend_one(&self, finding: &Finding) -> Result<bool, ArchiveError> {
        let what = finding.what.as_str();
        if let Some(blob) = self.blob_of(finding).await?
            && !self.is_amiss(blob).await?
        {
            return Ok(false);
        }
        if matches!(finding.code, "blob.orphan" | "key.orphan") {
            return self.remove_unneeded(id(what)?).await;
        }
        let mut change = self.records.db.change().await?;
        let mended = match finding.code {
            "blob.upload" => {
                self.blobs.clear(what).await?;
                return Ok(true);
            }
            "page.image_missing" | "page.image_damaged" => {
                cure(&mut change, Cure::Read, what).await?
            }
            "record.pdf_missing" | "record.pdf_damaged" => {
                match document_of(&mut change, what).await? {
                    Some(document) => cure(&mut change, Cure::SealAnew, &document).await?,
                    None => false,
                }
            }
            code => match RULES.iter().find(|rule| rule.code == code) {
                Some(rule) => cure(&mut change, rule.cure, what).await?,
                None => false,
            },
        };
        change.commit().await?;
        Ok(mended)
    }

    /// The blob that a finding says is to be made again; none where it says nothing of the kind.
    async fn blob_of(&self, finding: &Finding) -> Result<Option<Blake3>, ArchiveError> {
        let what = finding.what.as_str();
        let query = match (finding.code, what.split_once('/')) {
            ("page.image_missing" | "page.image_damaged", _) => sqlx::query(IMAGE).bind(what),
            ("record.pdf_missing" | "record.pdf_damaged", Some((record, version))) => {
                sqlx::query(PDF).bind(record).bind(id::<i64>(version)?)
            }
            _ => return Ok(None),
        };
        let row = query.fetch_optional(&self.records.db.readers).await.doing("mending")?;
        row.map(|row| row.parsed("blob")).transpose()
    }

    /// Whether a blob that was found lost or damaged is so still.
    async fn is_amiss(&self, key: Blake3) -> Result<bool, ArchiveError> {
        match self.blobs.look_at(key).await {
            Ok(looked) => Ok(!looked.is_true),
            Err(ArchiveError::Missing(_) | ArchiveError::Corrupt { .. }) => Ok(true),
            // What was erased stays so, and a key may still be found.
            Err(ArchiveError::Erased(_) | ArchiveError::NoKey(_)) => Ok(false),
            Err(error) if error.is_lost() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Removes a blob and its keys if no row needs it; false when one does, when it came so lately
    /// that its row may be about to be written, when a dossier is held for so long that everyone
    /// would wait, or when the store doesn't say that it did.
    pub(crate) async fn remove_unneeded(&self, key: Blake3) -> Result<bool, ArchiveError> {
        self.remove_blob(key, Came::Somehow).await
    }

    /// The same of a blob that this process has written just now for a row that may be gone by
    /// then; false also when somebody else may have sent it within the hour.
    pub(crate) async fn take_back(&self, key: Blake3) -> Result<bool, ArchiveError> {
        self.remove_blob(key, Came::FromHere).await
    }

    async fn remove_blob(&self, key: Blake3, came: Came) -> Result<bool, ArchiveError> {
        let mut change = self.records.db.change().await?;
        let dialect = change.db.dialect;
        // One at a time as far as its beginning: no other removal ends between a blob's age and the
        // word that it is being removed, so whoever sends it again meanwhile finds it there.
        if let Some(sql) = dialect.hold_removal() {
            sqlx::query(sql).execute(change.on()).await.doing("holding the removal of blobs")?;
        }
        if is_needed(&mut change, key).await? || !removal::begin(&mut change, key).await? {
            return Ok(false);
        }
        // Somebody may have sent it again since it was found, and not written its row yet.
        let is_there = match self.blobs.age_seconds(key).await {
            Ok(age) if age < ORPHAN_AGE && came == Came::Somehow => return Ok(false),
            Ok(_) => true,
            Err(ArchiveError::Missing(_)) => false,
            Err(error) => return Err(error),
        };
        // Whoever writes such a row takes hold of its dossier first.
        for sql in dialect.hold_all() {
            let held = sqlx::query(*sql).execute(change.on()).await.doing("holding every dossier");
            if unless_late(held)?.is_none() {
                return Ok(false);
            }
        }
        if is_needed(&mut change, key).await? {
            return Ok(false);
        }
        let until = change.now - ORPHAN_MICROS;
        // Whoever sends it has kept a key before. From whom keeps one after this a page image or a
        // PDF may be taken, which `check` has made again; whoever acknowledges looks once more.
        if came == Came::FromHere && young_keys(&mut change, key, until).await? > 1 {
            return Ok(false);
        }
        // Without its keys nobody can read it in a backup either.
        let erased = vault::erase(&mut change, &key.to_string(), until).await;
        let Some(keys) = unless_late(erased)? else { return Ok(false) };
        if !is_there {
            removal::end(&mut change, key).await?;
        }
        change.commit().await?;
        if !is_there {
            return Ok(keys > 0);
        }
        // With it goes what was kept since its age was read: who acknowledges that looks once more
        // when its row is there.
        if let Err(error) = self.blobs.remove(key).await {
            let error = &error as &dyn std::error::Error;
            warn!(blob.blake3 = %key, error, "left for another time: the store doesn't remove a blob");
            return Ok(false);
        }
        let mut change = self.records.db.change().await?;
        removal::end(&mut change, key).await?;
        change.commit().await?;
        Ok(true)
    }
}

/// What came of a statement; none where what it takes was not to be had in time.
fn unless_late<T>(done: Result<T, ArchiveError>) -> Result<Option<T>, ArchiveError> {
    let is_late = |error: &ArchiveError| {
        let ArchiveError::Unavailable { source, .. } = error else { return false };
        source.downcast_ref::<DatabaseTrouble>().is_some_and(|said| said.code == LATE)
    };
    match done {
        Err(error) if is_late(&error) => Ok(None),
        done => done.map(Some),
    }
}

/// Keys of a blob that were made since.
async fn young_keys(change: &mut Change<'_>, key: Blake3, since: i64) -> Result<i64, ArchiveError> {
    let query = sqlx::query(YOUNG_KEYS).bind(key.to_string()).bind(since);
    query.fetch_one(change.on()).await.doing("looking for keys")?.int("keys")
}

/// Whether a row needs the blob.
async fn is_needed(change: &mut Change<'_>, key: Blake3) -> Result<bool, ArchiveError> {
    let row = sqlx::query(needed::IN_USE).bind(key.to_string()).fetch_one(change.on()).await;
    row.doing("looking for a blob's uses")?.flag("used")
}

async fn cure(change: &mut Change<'_>, cure: Cure, what: &str) -> Result<bool, ArchiveError> {
    let doing = "mending";
    let by = match cure {
        Cure::Unpack | Cure::PutPages => By::Scan(id::<ScanId>(what)?),
        Cure::Read => By::Page(id::<PageId>(what)?),
        Cure::File | Cure::Settle => By::Id(id::<DossierId>(what)?),
        Cure::Seal | Cure::SealAnew | Cure::Prove => By::Document(id::<DocumentId>(what)?),
        Cure::DropJob => {
            for sql in DROP {
                sqlx::query(sql).bind(what).execute(change.on()).await.doing(doing)?;
            }
            return Ok(true);
        }
        Cure::Relay => {
            queue::relay(change).await?;
            change.announced = true;
            return Ok(true);
        }
    };
    let Some(held) = Held::take(change, by).await? else { return Ok(false) };
    match (cure, by) {
        (Cure::Unpack, By::Scan(scan)) => {
            let again = sqlx::query(RECEIVE_AGAIN).bind(what).execute(change.on()).await;
            if again.doing(doing)?.rows_affected() == 0 {
                return Ok(false);
            }
            held.unsettle(change).await?;
            held.announce_now(change, Job::Unpack { scan }).await?;
        }
        (Cure::PutPages, By::Scan(scan)) => {
            let row = sqlx::query(PAGES).bind(what).fetch_optional(change.on()).await;
            let Some(row) = row.doing(doing)? else { return Ok(false) };
            let pages = row.int_or("pages")?.unwrap_or(0);
            held.unsettle(change).await?;
            put_pages(change, &held, scan, pages).await?;
        }
        (Cure::Read, By::Page(page)) => {
            sqlx::query(WAIT_AGAIN).bind(what).execute(change.on()).await.doing(doing)?;
            held.unsettle(change).await?;
            held.announce_now(change, Job::Read { page }).await?;
        }
        (Cure::Seal | Cure::SealAnew | Cure::Prove, By::Document(document)) => {
            let sql = match cure {
                Cure::Seal => SEAL_AGAIN,
                Cure::Prove => PROVE,
                _ => SEAL_ANEW,
            };
            let row = sqlx::query(sql).bind(what).fetch_optional(change.on()).await;
            let Some(row) = row.doing(doing)? else { return Ok(false) };
            let revision = row.take("revision")?;
            held.unsettle(change).await?;
            held.announce_now(change, Job::Seal { document, revision }).await?;
        }
        (Cure::Settle, _) => return held.settle(change).await,
        (Cure::File, _) => held.file(change).await?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The document whose present record that version is, if it is in use.
async fn document_of(change: &mut Change<'_>, what: &str) -> Result<Option<String>, ArchiveError> {
    let Some((record, version)) = what.split_once('/') else { return Ok(None) };
    let (record, version) = (id::<RecordId>(record)?, id::<i64>(version)?);
    let query = sqlx::query(DOCUMENT).bind(record.to_string()).bind(version);
    let row = query.fetch_optional(change.on()).await.doing("mending")?;
    row.map(|row| row.take("document_id")).transpose()
}

fn id<T: FromStr>(text: &str) -> Result<T, ArchiveError> {
    text.parse().map_err(|_| ArchiveError::Missing(format!("thing {text}")))
}
