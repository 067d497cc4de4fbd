//! Putting right what a check found. A finding that is out of date does no harm: at worst a job
//! is done once more, and changes nothing.

use std::str::FromStr;

use schemas::ids::{Blake3, DocumentId, DossierId, PageId, RecordId, ScanId};
use schemas::message::Job;

use super::rules::{Cure, RULES};
use super::{Finding, Findings, ORPHAN_AGE, ORPHAN_MICROS};
use crate::Archive;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::queue;
use crate::records::held::{By, Held};
use crate::records::scans::put_pages;
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

const DOCUMENT: &str = "
    select document.document_id from record
    join document on document.document_id = record.document_id
        and document.record_version = record.version
    where record_id = $1 and version = $2 and record.state = 'published'";

const DROP: [&str; 2] =
    ["delete from job where job_id = $1", "delete from outbox where job_id = $1"];

const IN_USE: &str = "
    select exists (select 1 from scan where blake3 = $1)
        or exists (select 1 from page where image_blake3 = $1)
        or exists (select 1 from record where pdf = $1)
        or exists (select 1 from inquiry_file where blake3 = $1) as used";

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
        let mut change = self.records.db.change().await?;
        let mended = match finding.code {
            "blob.orphan" | "key.orphan" => return self.remove_orphan(change, what).await,
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

    /// Removes a blob and its keys if no row needs it; false when one does, or when it came so
    /// lately that its row may be about to be written.
    pub(crate) async fn remove_unneeded(&self, key: Blake3) -> Result<bool, ArchiveError> {
        let change = self.records.db.change().await?;
        self.remove_orphan(change, &key.to_string()).await
    }

    /// The same, while nobody can write such a row.
    async fn remove_orphan(&self, mut change: Change<'_>, key: &str) -> Result<bool, ArchiveError> {
        // Whoever writes such a row takes hold of its dossier first.
        if let Some(sql) = change.db.dialect.hold_all() {
            sqlx::query(sql).execute(change.on()).await.doing("holding every dossier")?;
        }
        let row = sqlx::query(IN_USE).bind(key).fetch_one(change.on()).await;
        if row.doing("looking for a blob's uses")?.flag("used")? {
            return Ok(false);
        }
        let name = id::<Blake3>(key)?;
        // Somebody may have sent it again since it was found, and not written its row yet.
        let old = match self.blobs.age_seconds(name).await {
            Ok(age) => Some(ORPHAN_AGE <= age),
            Err(ArchiveError::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        if old == Some(false) {
            return Ok(false);
        }
        // Without its keys nobody can read it in a backup either.
        let until = change.now - ORPHAN_MICROS;
        let keys = vault::erase(&mut change, key, until).await?;
        if old == Some(true) {
            // With it goes what was kept since its age was read: who acknowledges that looks once
            // more when its row is there.
            self.blobs.remove(name).await?;
        }
        change.commit().await?;
        Ok(old == Some(true) || keys > 0)
    }
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
