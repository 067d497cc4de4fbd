//! What is kept of a subject: for whoever asks for it by right, and for who erases it.

mod erase;
mod told;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::api::Lookup;
use schemas::audit::{Act, Actor, AuditLine, LinkedLine};
use schemas::ids::{DossierCode, DossierId, RecordId};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::Records;
use super::dossiers::{Dossier, dossier};
use super::publish::{record, record_columns};
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json, number};

pub use erase::{Erasure, Ground, Kept};
pub use told::DossiersOf;

// Whatever became of them, and whoever else they belong to.
const OWNED: &str = concat!(
    "select ",
    record_columns!(),
    " from record r
     where r.record_id in (select record_id from record_owner where number = $1)
     order by r.record_id, r.version"
);

macro_rules! dossiers {
    ($which:literal) => {
        concat!(
            "select d.dossier_id, d.code, d.office, d.procedure, d.procedure_version, d.case_id,
                d.lane, d.subject, d.others, d.state, d.opened_at, d.answers ",
            $which,
            " order by d.opened_at, d.dossier_id"
        )
    };
}
const DOSSIERS: &str = dossiers!("from dossier d where d.number = $1");

const NAMING: &str = dossiers!(
    "from dossier_subject n join dossier d on d.dossier_id = n.dossier_id where n.number = $1"
);

// Those that `erase_dossier` would take.
const ENDED: &str = concat!(
    "select dossier_id, ",
    record_columns!(),
    " from record r
     where r.dossier_id in (
        select d.dossier_id from dossier d
        where d.dossier_id > $1 and d.state = 'closed' and d.settled = 1
          and exists (select 1 from record r where r.dossier_id = d.dossier_id)
        order by d.dossier_id limit $2)
     order by r.dossier_id, r.record_id, r.version"
);

/// Something that was done with a record, or with a dossier.
#[derive(Debug, Clone, Serialize)]
pub struct Access {
    /// The line of the audit.
    #[serde(flatten)]
    pub line: LinkedLine,
    /// The lookup that goes with it, while it is kept.
    #[serde(skip)]
    pub lookup: Option<Lookup>,
    /// Name of whoever did it, where somebody did: of the principal, or of who ran a command line.
    pub principal: Option<String>,
}

impl Records {
    /// Every version of every record that has that number among its owners, those not in use any
    /// more among them.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn ever_owned(
        &self,
        number: &str,
    ) -> Result<Vec<schemas::record::Record>, ArchiveError> {
        let rows = sqlx::query(OWNED).bind(number).fetch_all(&self.db.readers).await;
        rows.doing("reading records")?.iter().map(record).collect()
    }

    /// Every dossier of that number's holder.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn dossiers_of(&self, number: &str) -> Result<Vec<Dossier>, ArchiveError> {
        let rows = sqlx::query(DOSSIERS).bind(number).fetch_all(&self.db.readers).await;
        rows.doing("reading dossiers")?.iter().map(dossier).collect()
    }

    /// Every dossier of somebody else that needs papers of that number's holder.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn dossiers_naming(&self, number: &str) -> Result<Vec<Dossier>, ArchiveError> {
        let rows = sqlx::query(NAMING).bind(number).fetch_all(&self.db.readers).await;
        rows.doing("reading dossiers")?.iter().map(dossier).collect()
    }

    /// Dossiers that are closed, each with every version of its records, in the order of their ids
    /// and after that one; those that have no record are left out. At most `limit`.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn ended_dossiers(
        &self,
        after: Option<DossierId>,
        limit: u32,
    ) -> Result<BTreeMap<DossierId, Vec<schemas::record::Record>>, ArchiveError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = sqlx::query(ENDED).bind(after).bind(i64::from(limit));
        let rows = query.fetch_all(&self.db.readers).await.doing("reading dossiers")?;
        let mut dossiers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &rows {
            dossiers.entry(row.parsed("dossier_id")?).or_default().push(record(row)?);
        }
        Ok(dossiers)
    }

    /// What was done with these records, and with these dossiers where no record was concerned,
    /// the newest first, before that place of the audit.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn accesses(
        &self,
        (records, dossiers): (&[RecordId], &[DossierCode]),
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Access>, ArchiveError> {
        let ids: Vec<[RecordId; 1]> = records.iter().map(|id| [*id]).collect();
        let codes: Vec<[&DossierCode; 1]> = dossiers.iter().map(|code| [code]).collect();
        let list = self.db.dialect.json_lines();
        let (of_records, of_dossiers) = (list, list.replace("$1", "$4"));
        let sql = format!(
            "select a.place, a.hash, a.body,
                (select l.body from lookup l where l.lookup_id = a.lookup_id) as lookup,
                (select l.chain_hash from lookup l where l.lookup_id = a.lookup_id) as chain_hash,
                (select p.name from principal p where p.principal_id = a.principal_id) as name
             from (
                select * from (
                    select place, hash, body, lookup_id, principal_id from audit_line
                    where record_id is not null and place < $2
                      and record_id in (select value ->> 0 from {of_records})
                    order by place desc limit $3) as of_records
                union all select * from (
                    select place, hash, body, lookup_id, principal_id from audit_line
                    where dossier is not null and record_id is null and place < $2
                      and dossier in (select value ->> 0 from {of_dossiers})
                    order by place desc limit $3) as of_dossiers) as a
             order by a.place desc limit $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(json(&ids)?);
        let query = query.bind(before.map_or(i64::MAX, number)).bind(i64::from(limit));
        let query = query.bind(json(&codes)?);
        let rows = query.fetch_all(&self.db.readers).await.doing("reading who looked")?;
        rows.iter().map(access).collect()
    }

    /// Leaves lines that these records were shown or handed to their owner; that these dossiers
    /// were, where there is no record.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn note_given(
        &self,
        act: Act,
        (records, dossiers): (&[RecordId], &[DossierCode]),
        (by, purpose): (&Actor, &str),
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let line =
            || AuditLine { purpose: Some(purpose.to_owned()), ..AuditLine::by(by, act, now) };
        let mut lines: Vec<AuditLine> =
            records.iter().map(|record| AuditLine { record: Some(*record), ..line() }).collect();
        if lines.is_empty() {
            let of = |code: &DossierCode| AuditLine { dossier: Some(code.clone()), ..line() };
            lines.extend(dossiers.iter().map(of));
        }
        if lines.is_empty() { Ok(()) } else { self.leave_alone(&lines).await }
    }
}

fn access(row: &AnyRow) -> Result<Access, ArchiveError> {
    let mut lookup: Option<Lookup> = row.json_or("lookup")?;
    if let Some(lookup) = &mut lookup {
        lookup.chain_hash = row.parsed("chain_hash")?;
    }
    let line =
        LinkedLine { place: row.int("place")?, hash: row.parsed("hash")?, line: row.json("body")? };
    let principal = row.take::<Option<String>>("name")?.or_else(|| line.line.operator.clone());
    Ok(Access { line, lookup, principal })
}
