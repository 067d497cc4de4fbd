//! Erasing: a dossier goes as a whole, with its scans, pages and records, and what stays of it are
//! ids and hashes. The audit stays whole, for no line of it is touched.

use std::collections::BTreeSet;

use failpoints::{Point, here};
use jiff::Timestamp;
use schemas::api::{DossierState, RecordChange};
use schemas::audit::{Act, Actor, AuditLine};
use schemas::ids::{Blake3, DossierCode, DossierId, RecordId};
use schemas::record::{Record, RecordState};
use serde::Serialize;
use tracing::warn;

use crate::Archive;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::needed;
use crate::records::audit::leave;
use crate::records::held::{By, Held};
use crate::records::publish::{record, record_columns};
use crate::records::relied::note;
use crate::rows::Columns;

/// Why a dossier can't be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It is open: somebody works on it.
    Open,
    /// Something of it is still to be read, filed or published.
    Unsettled,
    /// A record of it belongs to somebody else, alone or as well. What is several people's is not
    /// erased for one of them; whose it isn't, a person takes off its owners.
    Shared,
    /// It is somebody else's application, and names them: that goes with it.
    Named,
    /// The law has it kept, or it isn't known how long: the caller's policy says so.
    ByPolicy,
}

/// What a dossier is erased for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Its subject asks for it: what is somebody else's as well stays.
    Request,
    /// Its papers have been kept for as long as they had to be, whoever's they are.
    Period,
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// Records, each with all its versions.
    pub records: Vec<RecordId>,
    /// Scans, page images and PDFs whose bytes are gone.
    pub blobs: u64,
    /// Those that something else needs, too, that came within the hour and can't be told from what
    /// is arriving, or that couldn't be removed in time: `sohoa check --mend` removes these later.
    pub blobs_left: u64,
}

const ABOUT: &str = "select settled, number from dossier where dossier_id = $1";

const NAMED: &str = "select number from dossier_subject where dossier_id = $1";

const RECORDS: &str = concat!(
    "select ",
    record_columns!(),
    " from record where dossier_id = $1 order by record_id, version"
);

// A dossier that was erased may be opened again with its key and get the same papers.
const TOMBSTONES: &str = "
    insert into erased (record_id, version, dossier, hash, erased_at)
    select r.record_id, r.version, d.code, r.hash, $2
    from record r join dossier d on d.dossier_id = r.dossier_id where r.dossier_id = $1
    on conflict (record_id, version) do update set dossier = excluded.dossier,
        hash = excluded.hash, erased_at = excluded.erased_at";

macro_rules! of_records {
    ($table:literal) => {
        concat!(
            "delete from ",
            $table,
            " where record_id in (select record_id from erased e join dossier d on d.code = e.dossier
              where d.dossier_id = $1)"
        )
    };
}

// In an order that no row refers to one that is gone.
const ERASE: &[&str] = &[
    of_records!("record_owner"),
    of_records!("record_proof"),
    "delete from lookup_word where lookup_id in (select lookup_id from lookup where record_id in
        (select record_id from record where dossier_id = $1))",
    of_records!("lookup"),
    of_records!("near_match"),
    "delete from signed_pdf where pdf in (select pdf from record where dossier_id = $1)",
    "delete from officer_pdf where pdf in (select pdf from record where dossier_id = $1)",
    "delete from record where dossier_id = $1",
    of_records!("digitisation"),
    "delete from document where dossier_id = $1",
    "delete from page_reading where page_id in (select page_id from page where dossier_id = $1)",
    "delete from page where dossier_id = $1",
    "delete from ask_again where dossier_id = $1",
    "delete from scan_key where dossier_id = $1",
    "delete from scan where dossier_id = $1",
    "delete from relied_change where dossier_id = $1",
    "delete from relied where dossier_id = $1",
    "delete from parked where dossier_id = $1",
    "delete from dropped where dossier_id = $1",
    "delete from outbox where dossier_id = $1",
    "delete from job where dossier_id = $1",
    "delete from dossier_event where dossier_id = $1",
    "delete from synced_result where dossier_id = $1",
    "delete from inquiry_word where dossier_id = $1",
    "delete from inquiry_file where inquiry_id in
        (select inquiry_id from inquiry where dossier_id = $1)",
    "delete from inquiry where dossier_id = $1",
    "delete from delivery where dossier_id = $1",
    "delete from dossier_subject where dossier_id = $1",
];

const ERASE_DOSSIER: &str = "delete from dossier where dossier_id = $1";

macro_rules! of_subject {
    ($table:literal) => {
        concat!(
            "delete from ",
            $table,
            " where number = $1 and not exists (select 1 from dossier where dossier.number = $1)
              and not exists (select 1 from dossier_subject s where s.number = $1)"
        )
    };
}

macro_rules! of_owner {
    ($table:literal) => {
        concat!(
            of_subject!($table),
            " and not exists (select 1 from record_owner where record_owner.number = $1)"
        )
    };
}

// Of its subject, of everyone whose its papers were, and of everyone whom it named. What tells that
// somebody is an owner is needed while a paper in another's dossier is theirs, too.
const FORGET_SUBJECT: &[&str] =
    &[of_subject!("subject"), of_owner!("same_person"), of_owner!("old_number")];

const IS_ERASED: &str = "select record_id from erased where record_id = $1 limit 1";

impl Archive {
    /// Erases a dossier with all that came with it, if `policy` lets each of its records go:
    /// what stays are the ids and hashes of its records, and the lines of the audit, which hold
    /// `reason` and who did it. Open dossiers that rely on one of its records are told, as of one
    /// that is withdrawn. Where `really` isn't set, tells only what would be erased.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`]; nothing is erased then, or only
    /// bytes are left that no row needs.
    pub async fn erase_dossier(
        &self,
        dossier: DossierId,
        (ground, reason): (Ground, &str),
        policy: impl Fn(&Record) -> bool + Send + Sync,
        (really, now): (bool, Timestamp),
        by: &Actor,
    ) -> Result<Result<Erasure, Kept>, ArchiveError> {
        let doing = "erasing a dossier";
        let id = dossier.to_string();
        let mut change = self.records.db.change().await?;
        let held = Held::take(&mut change, By::Id(dossier)).await?;
        let held = held.ok_or_else(|| ArchiveError::Missing(format!("dossier {id}")))?;
        let rows = sqlx::query(RECORDS).bind(&id).fetch_all(change.on()).await.doing(doing)?;
        let records: Vec<Record> = rows.iter().map(record).collect::<Result<_, _>>()?;
        let about = sqlx::query(ABOUT).bind(&id).fetch_one(change.on()).await.doing(doing)?;
        let number: String = about.take("number")?;
        let named = sqlx::query(NAMED).bind(&id).fetch_all(change.on()).await.doing(doing)?;
        let named: Vec<String> =
            named.iter().map(|row| row.take("number")).collect::<Result<_, _>>()?;
        let owners = records.iter().flat_map(|record| &record.owners);
        let mut whose: BTreeSet<&str> = owners.map(|owner| owner.subject.reveal_number()).collect();
        whose.insert(&number);
        let kept = if held.state == DossierState::Open {
            Some(Kept::Open)
        } else if about.int::<i64>("settled")? == 0 {
            Some(Kept::Unsettled)
        } else if ground == Ground::Request && whose.len() > 1 {
            Some(Kept::Shared)
        } else if !records.iter().all(policy) {
            Some(Kept::ByPolicy)
        } else {
            None
        };
        if let Some(kept) = kept {
            return Ok(Err(kept));
        }
        whose.extend(named.iter().map(String::as_str));
        let blobs = sqlx::query(needed::OF_DOSSIER).bind(&id).fetch_all(change.on()).await;
        let blobs: Vec<Blake3> =
            blobs.doing(doing)?.iter().map(|row| row.parsed("blob")).collect::<Result<_, _>>()?;
        let ids: BTreeSet<RecordId> = records.iter().map(|record| record.id).collect();
        let mut erasure = Erasure { records: ids.into_iter().collect(), ..Erasure::default() };
        if !really {
            erasure.blobs = blobs.len() as u64;
            return Ok(Ok(erasure));
        }
        // What was kept of the records until now is seen from here on, and nothing is added.
        if let Some(sql) = change.db.dialect.hold_records() {
            held.run(&mut change, sql).await?;
        }
        let any_noted = note_erased(&mut change, &records).await?;
        let tombstones = sqlx::query(TOMBSTONES).bind(&id).bind(micros(now));
        tombstones.execute(change.on()).await.doing(doing)?;
        for sql in ERASE {
            held.run(&mut change, sql).await?;
        }
        held.run(&mut change, ERASE_DOSSIER).await?;
        for number in whose {
            for sql in FORGET_SUBJECT {
                sqlx::query(*sql).bind(number).execute(change.on()).await.doing(doing)?;
            }
        }
        leave(&mut change, &lines(&held.code, &records, reason, (by, now))).await?;
        change.commit().await?;
        here(Point::DossierErased);
        if any_noted && let Err(error) = self.records.tell_changes().await {
            let error = &error as &dyn std::error::Error;
            warn!(error, "that records were erased is told later");
        }
        for key in blobs {
            match self.remove_unneeded(key).await? {
                true => erasure.blobs += 1,
                false => erasure.blobs_left += 1,
            }
        }
        Ok(Ok(erasure))
    }
}

impl super::Records {
    /// Whether that record was there and was erased.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn is_erased(&self, record: RecordId) -> Result<bool, ArchiveError> {
        let row = sqlx::query(IS_ERASED).bind(record.to_string());
        let row = row.fetch_optional(&self.db.readers).await.doing("reading a record")?;
        Ok(row.is_some())
    }
}

/// Writes down for the open dossiers that rely on them that these records are not in use any more;
/// says whether any was.
async fn note_erased(change: &mut Change<'_>, records: &[Record]) -> Result<bool, ArchiveError> {
    let mut any = false;
    for record in records.iter().filter(|record| record.state == RecordState::Published) {
        note(change, (record.id, record.version), RecordChange::Revoked).await?;
        any = true;
    }
    Ok(any)
}

/// A line for each version; one for the dossier where it has no record.
fn lines(
    dossier: &DossierCode,
    records: &[Record],
    reason: &str,
    (by, now): (&Actor, Timestamp),
) -> Vec<AuditLine> {
    let line = || AuditLine {
        dossier: Some(dossier.clone()),
        purpose: Some(reason.to_owned()),
        ..AuditLine::by(by, Act::Erased, now)
    };
    if records.is_empty() {
        return vec![line()];
    }
    let of = |record: &Record| AuditLine {
        record: Some(record.id),
        version: Some(record.version),
        content: record.hash,
        ..line()
    };
    records.iter().map(of).collect()
}
