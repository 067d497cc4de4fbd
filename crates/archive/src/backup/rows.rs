//! Rows as lines of JSON, out of one engine and into either.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::sheet::{Sheet, lines};
use super::tables::{Kind, Table};
use super::{BACKING_UP, BackupError, TableEntry};
use crate::database::dialect::Dialect;
use crate::error::{ArchiveError, Doing};
use crate::rows::unreadable;

const RESTORING: &str = "restoring rows";

/// Rows that are put at a time, unless they are long.
const BATCH_ROWS: usize = 500;

/// Bytes of rows that are put at a time.
const BATCH_BYTES: usize = 4 << 20;

/// Where the rows of a table stand.
pub(super) fn file(dir: &Path, table: &str) -> PathBuf {
    dir.join("rows").join(format!("{table}.jsonl"))
}

/// Writes every row that the view sees.
pub(super) async fn export(
    view: &mut AnyConnection,
    table: &Table,
    dir: &Path,
) -> Result<TableEntry, ArchiveError> {
    let mut sheet = Sheet::begin(&file(dir, &table.name)).await?;
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    sheet.line(&serde_json::json!(names).to_string()).await?;
    // Names are those that the database told, of a schema of ours.
    let sql = format!("select {} from {}", names.join(", "), table.name);
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(view);
    let mut count = 0;
    while let Some(row) = rows.try_next().await.doing(BACKING_UP)? {
        sheet.line(&line(&row, table)?).await?;
        count += 1;
    }
    Ok(TableEntry { name: table.name.clone(), rows: count, sheet: sheet.finish().await? })
}

fn line(row: &AnyRow, table: &Table) -> Result<String, ArchiveError> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (nth, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            Kind::Text => row.try_get::<Option<String>, _>(nth).map(Value::from),
            Kind::Whole => row.try_get::<Option<i64>, _>(nth).map(Value::from),
            Kind::Share => row.try_get::<Option<f64>, _>(nth).map(Value::from),
        };
        values.push(value.map_err(|_| unreadable("of a backup"))?);
    }
    Ok(Value::Array(values).to_string())
}

/// Puts every row of a backup's table into the database.
pub(super) async fn load(
    on: &mut AnyConnection,
    dialect: Dialect,
    tables: &[Table],
    entry: &TableEntry,
    dir: &Path,
) -> Result<u64, BackupError> {
    let damaged = || BackupError::Damaged(format!("{}.jsonl", entry.name));
    let table = tables.iter().find(|table| table.name == entry.name).ok_or_else(damaged)?;
    let mut lines = lines(&file(dir, &entry.name)).await?;
    let head = lines.next_line().await.doing(RESTORING)?.ok_or_else(damaged)?;
    let columns: Vec<String> = serde_json::from_str(&head).map_err(|_| damaged())?;
    let sql = insert(table, &columns, dialect).ok_or_else(damaged)?;
    let (mut batch, mut held, mut count) = (String::new(), 0, 0);
    while let Some(line) = lines.next_line().await.doing(RESTORING)? {
        batch.push(if held == 0 { '[' } else { ',' });
        batch.push_str(&line);
        held += 1;
        if held == BATCH_ROWS || batch.len() >= BATCH_BYTES {
            count += put(on, &sql, &mut batch).await?;
            held = 0;
        }
    }
    if held > 0 {
        count += put(on, &sql, &mut batch).await?;
    }
    if count == entry.rows { Ok(count) } else { Err(damaged()) }
}

/// A statement that takes many rows as one JSON text. Columns that the backup does not know get
/// what the schema gives them.
fn insert(table: &Table, columns: &[String], dialect: Dialect) -> Option<String> {
    let mut values = Vec::with_capacity(columns.len());
    for (nth, name) in columns.iter().enumerate() {
        let column = table.columns.iter().find(|column| column.name == *name)?;
        values.push(format!("cast(value ->> {nth} as {})", column.kind.sql()));
    }
    let (names, values, lines) = (columns.join(", "), values.join(", "), dialect.json_lines());
    Some(format!("insert into {} ({names}) select {values} from {lines}", table.name))
}

async fn put(on: &mut AnyConnection, sql: &str, batch: &mut String) -> Result<u64, ArchiveError> {
    batch.push(']');
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(std::mem::take(batch));
    Ok(query.execute(on).await.doing(RESTORING)?.rows_affected())
}
