//! The audit: a line for every read and every change of a record, left by the transaction of what
//! it tells, and bound into one chain a moment later.
//!
//! Whoever reads or changes a record only adds a row and waits for nobody. One process at a time
//! takes the chain and moves into it what waits, in order, some hundreds of lines a statement.
//! So the whole province has one chain, and no row that everyone needs. What it costs: within the
//! second or so that a line waits, taking it out shows nowhere.

mod ask;
pub(crate) mod heads;

use jiff::Timestamp;
use schemas::audit::{Act, AuditLine};
use schemas::ids::{Blake3, DossierCode, PrincipalId, RecordId};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::Records;
use super::pages::Page;
use crate::database::Change;
use crate::database::dialect::Dialect;
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json as text, number};

pub use ask::LinesAsked;

/// Lines moved into the chain in one transaction.
const AT_ONCE: i64 = 1000;

// Its document may be gone by now, or have other pages.
const RECORDS_OF_PAGE: &str = concat!(
    "select record_id, version from record where dossier_id = $1 and body like $2 and ",
    is_latest!("record")
);

const WAITS: &str = "select line_id from audit_pending order by line_id limit 1";

const WAITING: &str = "select line_id, body from audit_pending order by line_id limit $1";

const EXTEND: &str = "update chain set length = $1, hash = $2 where name = 'audit'";

impl Records {
    /// Leaves lines that somebody was told of these records, at these versions, that they are
    /// there, and nothing of their content.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn told(
        &self,
        records: &[(RecordId, u32)],
        (principal, purpose): (PrincipalId, &str),
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        if records.is_empty() {
            return Ok(());
        }
        let lines = records.iter().map(|&(record, version)| AuditLine {
            principal: Some(principal),
            record: Some(record),
            version: Some(version),
            purpose: Some(purpose.to_owned()),
            ..AuditLine::new(Act::Told, now)
        });
        self.leave_alone(&lines.collect::<Vec<_>>()).await
    }

    /// Leaves a line that somebody was shown a page, where that page is one of a record's latest
    /// version, in use or not. A page that is still worked on belongs to none.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn page_shown(
        &self,
        page: &Page,
        dossier: &DossierCode,
        (principal, now): (PrincipalId, Timestamp),
    ) -> Result<(), ArchiveError> {
        let records = sqlx::query(RECORDS_OF_PAGE).bind(page.dossier.to_string());
        let records = records.bind(format!("%\"page\":\"{}\"%", page.id));
        let records =
            records.fetch_all(&self.db.readers).await.doing("reading whose page it is")?;
        if records.is_empty() {
            return Ok(());
        }
        let lines = records.iter().map(|record| {
            Ok(AuditLine {
                principal: Some(principal),
                record: Some(record.parsed("record_id")?),
                version: Some(record.int("version")?),
                dossier: Some(dossier.clone()),
                ..AuditLine::new(Act::PageShown, now)
            })
        });
        self.leave_alone(&lines.collect::<Result<Vec<_>, ArchiveError>>()?).await
    }

    /// Leaves lines that dossiers are handed to another system, each with the records that are told
    /// of with it: by that principal, or by the program.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn exported(
        &self,
        dossiers: &[(DossierCode, Vec<(RecordId, u32)>)],
        (principal, now): (Option<PrincipalId>, Timestamp),
    ) -> Result<(), ArchiveError> {
        let mut lines = Vec::new();
        for (dossier, records) in dossiers {
            let line = || AuditLine {
                principal,
                dossier: Some(dossier.clone()),
                ..AuditLine::new(Act::DossierExported, now)
            };
            lines.push(line());
            lines.extend(records.iter().map(|&(record, version)| AuditLine {
                record: Some(record),
                version: Some(version),
                ..line()
            }));
        }
        if lines.is_empty() { Ok(()) } else { self.leave_alone(&lines).await }
    }

    /// Leaves lines of what changes nothing: a statement of its own is its transaction, which
    /// spares two ways to the database.
    pub(crate) async fn leave_alone(&self, lines: &[AuditLine]) -> Result<(), ArchiveError> {
        let sql = AssertSqlSafe(put_waiting(self.db.dialect));
        let put = sqlx::query(sql).bind(waiting(lines)?).execute(self.db.writer()).await;
        put.doing("leaving a line in the audit").map(|_| ())
    }

    /// Moves the lines that wait into the chain; answers with how many they were. Nothing is done
    /// while another process does it.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; they wait on then.
    pub async fn link_audit(&self) -> Result<u64, ArchiveError> {
        let mut linked = 0;
        loop {
            let waits = sqlx::query(WAITS).fetch_optional(&self.db.readers).await;
            if waits.doing("looking at the audit")?.is_none() {
                return Ok(linked);
            }
            match self.link_some().await? {
                0 => return Ok(linked),
                some => linked += some,
            }
        }
    }

    async fn link_some(&self) -> Result<u64, ArchiveError> {
        let doing = "binding the audit";
        let mut change = self.db.change().await?;
        let dialect = self.db.dialect;
        let chain = sqlx::query(dialect.take_chain()).fetch_optional(change.on()).await;
        let Some(chain) = chain.doing(doing)? else { return Ok(0) };
        let (mut place, mut hash): (u64, Blake3) = (chain.int("length")?, chain.parsed("hash")?);
        let rows = sqlx::query(WAITING).bind(AT_ONCE).fetch_all(change.on()).await.doing(doing)?;
        let (mut linked, mut ids) =
            (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in &rows {
            let (id, body): (&str, &str) = (row.take("line_id")?, row.take("body")?);
            (place, hash) = (place + 1, link(hash, body));
            linked.push(self::row(place, id, body, hash));
            ids.push(id);
        }
        let put = sqlx::query(AssertSqlSafe(put_linked(dialect))).bind(text(&linked)?);
        put.execute(change.on()).await.doing(doing)?;
        let forget = sqlx::query(dialect.forget_linked()).bind(text(&ids)?);
        forget.execute(change.on()).await.doing(doing)?;
        let extend = sqlx::query(EXTEND).bind(number(place)).bind(hash.to_string());
        extend.execute(change.on()).await.doing(doing)?;
        change.commit().await?;
        Ok(linked.len() as u64)
    }
}

/// Leaves lines of what a change does, in that change.
pub(crate) async fn leave(
    change: &mut Change<'_>,
    lines: &[AuditLine],
) -> Result<(), ArchiveError> {
    let sql = AssertSqlSafe(put_waiting(change.db.dialect));
    let put = sqlx::query(sql).bind(waiting(lines)?).execute(change.on()).await;
    put.doing("leaving a line in the audit").map(|_| ())
}

/// Lines as rows of those that wait: JSON lists of id and body.
fn waiting(lines: &[AuditLine]) -> Result<String, ArchiveError> {
    let pairs = lines.iter().map(|line| Ok([line.id.to_string(), text(line)?]));
    text(&pairs.collect::<Result<Vec<_>, ArchiveError>>()?)
}

fn put_waiting(dialect: Dialect) -> String {
    let lines = dialect.json_lines();
    format!(
        "insert into audit_pending (line_id, body)
         select cast(value ->> 0 as text), cast(value ->> 1 as text) from {lines}"
    )
}

/// The hash that binds what follows to what was before.
pub(crate) fn link(before: Blake3, body: &str) -> Blake3 {
    let mut hash = blake3::Hasher::new();
    hash.update(&before.0).update(body.as_bytes());
    Blake3(*hash.finalize().as_bytes())
}

/// A line in the chain, in the order of [`COLUMNS`]. What its body doesn't say stays empty: a later
/// program's line is bound like any other, and nothing holds the chain up.
pub(crate) fn row(place: u64, id: &str, body: &str, hash: Blake3) -> Value {
    let line: Value = serde_json::from_str(body).unwrap_or_default();
    let at = line["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    json!([
        place,
        id,
        at.map_or(0, Timestamp::as_microsecond),
        line["act"].as_str().unwrap_or_default(),
        line["principal"].as_str(),
        line["record"].as_str(),
        line["version"].as_u64(),
        line["lookup"].as_str(),
        line["content"].as_str(),
        body,
        hash,
        line["dossier"].as_str(),
    ])
}

/// Columns of `audit_line` and their types.
pub(crate) const COLUMNS: [(&str, &str); 12] = [
    ("place", "bigint"),
    ("line_id", "text"),
    ("at", "bigint"),
    ("act", "text"),
    ("principal_id", "text"),
    ("record_id", "text"),
    ("version", "bigint"),
    ("lookup_id", "text"),
    ("content", "text"),
    ("body", "text"),
    ("hash", "text"),
    ("dossier", "text"),
];

fn put_linked(dialect: Dialect) -> String {
    let values =
        (0..).zip(COLUMNS).map(|(nth, (_, kind))| format!("cast(value ->> {nth} as {kind})"));
    let values: Vec<_> = values.collect();
    let names = COLUMNS.map(|(name, _)| name).join(", ");
    let (values, lines) = (values.join(", "), dialect.json_lines());
    format!("insert into audit_line ({names}) select {values} from {lines}")
}
