//! The tables that a backup holds, as the database itself describes them: what a migration adds
//! is in the next backup without a word here.

use std::collections::HashSet;

use sqlx::AnyConnection;

use crate::database::dialect::Dialect;
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, unreadable};

/// Of the schema, or of processes that run, and not of the archive; and keys, so that what is
/// erased with its key is erased in every backup.
const LEFT_OUT: [&str; 9] = [
    "_sqlx_migrations",
    "schema_floor",
    "relay_lease",
    "pace",
    "removal",
    "person_session",
    "login_attempt",
    "data_key",
    "directory_visit",
];

pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// Types that the schema uses (`schemas/sql`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Share,
}

impl Kind {
    /// Its name in SQL.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "bigint",
            Self::Share => "double precision",
        }
    }
}

/// Every table of the archive, those that others refer to before them.
pub(super) async fn tables(
    on: &mut AnyConnection,
    dialect: Dialect,
) -> Result<Vec<Table>, ArchiveError> {
    let doing = "asking for the tables";
    let rows = sqlx::query(dialect.columns()).fetch_all(&mut *on).await.doing(doing)?;
    let mut waiting: Vec<Table> = Vec::new();
    for row in &rows {
        let name: String = row.take("tab")?;
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let kind = match row.take::<String>("kind")?.to_ascii_lowercase().as_str() {
            "text" => Kind::Text,
            "bigint" => Kind::Whole,
            "double precision" => Kind::Share,
            _ => return Err(unreadable("of an unknown type")),
        };
        let column = Column { name: row.take("col")?, kind };
        match waiting.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => waiting.push(Table { name, columns: vec![column] }),
        }
    }
    let mut links = HashSet::new();
    for row in sqlx::query(dialect.links()).fetch_all(on).await.doing(doing)? {
        links.insert((row.take::<String>("child")?, row.take::<String>("parent")?));
    }
    Ok(ordered(waiting, &links))
}

fn ordered(mut waiting: Vec<Table>, links: &HashSet<(String, String)>) -> Vec<Table> {
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let names: HashSet<_> = waiting.iter().map(|table| table.name.clone()).collect();
        let waits = |table: &Table| {
            let mut parents = links.iter().filter(|(child, _)| *child == table.name);
            parents.any(|(child, parent)| child != parent && names.contains(parent))
        };
        let (later, now): (Vec<_>, Vec<_>) = waiting.into_iter().partition(waits);
        // Tables that refer to each other in a circle: there is no order, so any will do.
        let stuck = now.is_empty();
        ordered.extend(now);
        waiting = later;
        if stuck {
            ordered.append(&mut waiting);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_after_those_it_refers_to() {
        let tables = ["a", "b", "c"].map(|name| Table { name: name.to_owned(), columns: vec![] });
        let links = [("a", "b"), ("b", "c"), ("c", "c")];
        let links = links.map(|(child, parent)| (child.to_owned(), parent.to_owned())).into();
        let ordered = ordered(tables.into(), &links);
        let names: Vec<_> = ordered.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
    }
}
