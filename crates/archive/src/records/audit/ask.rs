//! Asking the audit: lines by record, by who did it, by time, the newest first.

use jiff::Timestamp;
use schemas::audit::LinkedLine;
use schemas::ids::{OfficeCode, PrincipalId, RecordId};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, query};

use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::records::Records;
use crate::rows::{Columns, number};

/// Which lines are asked for; all of them, where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct LinesAsked {
    /// Of this record.
    pub record: Option<RecordId>,
    /// By this principal.
    pub principal: Option<PrincipalId>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Before this place in the chain.
    pub before: Option<u64>,
}

const OFFICE: &str = "
    select d.office from record r join dossier d on d.dossier_id = r.dossier_id
    where r.record_id = $1 limit 1";

impl Records {
    /// Lines of the audit, the newest first. Those of the last second may not be there yet.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn audit(
        &self,
        asked: &LinesAsked,
        limit: u32,
    ) -> Result<Vec<LinkedLine>, ArchiveError> {
        // Only what is said stands in the statement, so that each has its index.
        let mut sql = "select place, hash, body from audit_line where place < $1".to_owned();
        let mut binds = Vec::new();
        let mut and = |condition: &str, value: Option<String>| {
            if let Some(value) = value {
                binds.push(value);
                sql.push_str(
                    &format!(" and {condition}").replace('?', &format!("${}", binds.len() + 2)),
                );
            }
        };
        and("record_id = ?", asked.record.map(|id| id.to_string()));
        and("principal_id = ?", asked.principal.map(|id| id.to_string()));
        let moment = |at: Option<Timestamp>| at.map(|at| micros(at).to_string());
        and("at >= cast(? as bigint)", moment(asked.from));
        and("at < cast(? as bigint)", moment(asked.until));
        sql.push_str(" order by place desc limit $2");
        let before = asked.before.map_or(i64::MAX, number);
        let mut query = query(AssertSqlSafe(sql)).bind(before).bind(i64::from(limit));
        for value in binds {
            query = query.bind(value);
        }
        let rows = query.fetch_all(&self.db.readers).await.doing("reading the audit")?;
        rows.iter().map(linked).collect()
    }
}

impl Records {
    /// The office that a record came from.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn office_of(&self, record: RecordId) -> Result<Option<OfficeCode>, ArchiveError> {
        let row = query(OFFICE).bind(record.to_string()).fetch_optional(&self.db.readers).await;
        row.doing("reading the office of a record")?.map(|row| row.parsed("office")).transpose()
    }
}

pub(super) fn linked(row: &AnyRow) -> Result<LinkedLine, ArchiveError> {
    Ok(LinkedLine { place: row.int("place")?, hash: row.parsed("hash")?, line: row.json("body")? })
}
