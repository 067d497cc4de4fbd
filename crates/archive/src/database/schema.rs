//! Bringing the schema up to date, and telling whether it will do. How migrations are written is
//! said in `schemas/sql/README.md`.

use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr};

use crate::error::{ArchiveError, Doing, code_of};
use crate::rows::Columns;

/// The migrations are part of the program. What `sqlx` has for it would build its drivers twice.
static MIGRATIONS: LazyLock<Migrator> =
    LazyLock::new(|| Migrator::with_migrations(SQL.files().filter_map(migration).collect()));

static SQL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas/sql");

const APPLIED: &str = "select max(version) as newest from _sqlx_migrations";

const FLOOR: &str = "select oldest from schema_floor";

/// PostgreSQL's word for a table that is not there.
const NO_TABLE: &str = "42P01";

/// What a file `NUMBER_WHAT_IT_DOES.sql` brings.
fn migration(file: &'static File<'_>) -> Option<Migration> {
    let (version, what) = file.path().to_str()?.strip_suffix(".sql")?.split_once('_')?;
    let (version, what) = (version.parse().ok()?, what.replace('_', " "));
    let sql = file.contents_utf8()?.into_sql_str();
    Some(Migration::new(version, what.into(), MigrationType::Simple, sql, false))
}

/// Brings the schema up to date.
pub(super) async fn migrate(writer: &AnyPool) -> Result<(), ArchiveError> {
    done(MIGRATIONS.run(writer).await)
}

fn done(migrated: Result<(), MigrateError>) -> Result<(), ArchiveError> {
    let doing = "bringing the database up to date";
    match migrated {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            Err(ArchiveError::NewerSchema)
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(error).doing(doing)
        }
        Err(error) => Err(ArchiveError::Unavailable { what: doing, source: error.into() }),
    }
}

/// Brings the schema to where it was with that migration, if it is not further already.
pub(super) async fn migrate_to(writer: &AnyPool, version: i64) -> Result<(), ArchiveError> {
    if MIGRATIONS.iter().all(|migration| migration.version != version) {
        return Err(ArchiveError::NewerSchema);
    }
    done(MIGRATIONS.run_to(version, writer).await)
}

/// Whether this program can work with the schema as it is: it holds all that the program knows,
/// and the program is not older than the oldest that it still serves.
pub(super) async fn fits(on: &AnyPool) -> Result<(), ArchiveError> {
    let doing = "looking at the schema";
    let mine = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    let newest = match sqlx::query(APPLIED).fetch_one(on).await {
        Err(error) if code_of(&error).as_deref() == Some(NO_TABLE) => None,
        row => row.doing(doing)?.int_or::<i64>("newest")?,
    };
    if newest.is_none_or(|newest| newest < mine) {
        return Err(ArchiveError::OlderSchema);
    }
    let oldest: i64 = sqlx::query(FLOOR).fetch_one(on).await.doing(doing)?.int("oldest")?;
    if mine < oldest { Err(ArchiveError::NewerSchema) } else { Ok(()) }
}
