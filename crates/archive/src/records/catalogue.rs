//! The catalogue: procedures, versioned by the days they are in force.

use schemas::Date;
use schemas::api::{ImportCounts, ProcedureSummary};
use schemas::catalogue::{Procedure, ProcedureVersion, Whose};
use schemas::ids::{Blake3, ComponentId, ProcedureCode};
use schemas::text::fold;
use sqlx::any::AnyRow;

use super::Records;
use super::dossiers::Dossier;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json, number, unreadable};

const CURRENT: &str = "
    select version, digest from procedure_version where code = $1 and valid_to is null";

const END: &str = "
    update procedure_version set valid_to = $3 where code = $1 and version = $2";

const PUT: &str = "
    insert into procedure_version
        (code, version, valid_from, digest, name, field, folded, components, body)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const FORGET_REPLACES: &str = "delete from outcome_replaces where code = $1";

const PUT_REPLACES: &str = "
    insert into outcome_replaces (code, result, replaced) values ($1, $2, $3)
    on conflict (code, result, replaced) do nothing";

const ON: &str = "
    select version, valid_from, valid_to, digest, body from procedure_version
    where code = $1 and valid_from <= $2 and (valid_to is null or valid_to >= $2)
    order by version desc limit 1";

const VERSION: &str = "
    select version, valid_from, valid_to, digest, body from procedure_version
    where code = $1 and version = $2";

// A search looks through all names in force, some thousands; letters in the middle of a word
// match too, which no index serves.
const LIST: &str = r"
    select code, name, field, version, components from procedure_version p
    where valid_from <= $4 and (valid_to is null or valid_to >= $4)
      and not exists (select 1 from procedure_version later
        where later.code = p.code and later.version > p.version and later.valid_from <= $4
          and (later.valid_to is null or later.valid_to >= $4))
      and folded like $1 escape '\'
    order by code limit $2 offset $3";

const ANY: &str = "select 1 as here from procedure_version limit 1";

impl Records {
    /// Takes procedures in, all or none. What is equal to the current version stays as it is;
    /// what differs becomes the next version from `valid_from` on.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; nothing is taken in then.
    pub async fn import(
        &self,
        procedures: &[Procedure],
        valid_from: Date,
    ) -> Result<ImportCounts, ArchiveError> {
        let mut change = self.db.change().await?;
        if let Some(sql) = self.db.dialect.hold_catalogue() {
            sqlx::query(sql).execute(change.on()).await.doing("importing a catalogue")?;
        }
        let mut counts = ImportCounts::default();
        for procedure in procedures {
            let count = match import_one(&mut change, procedure, valid_from).await? {
                Imported::Added => &mut counts.added,
                Imported::Changed => &mut counts.changed,
                Imported::Unchanged => &mut counts.unchanged,
            };
            *count += 1;
        }
        change.commit().await?;
        Ok(counts)
    }

    /// The version in force on a day.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn procedure(
        &self,
        code: &ProcedureCode,
        on: Date,
    ) -> Result<Option<ProcedureVersion>, ArchiveError> {
        let query = sqlx::query(ON).bind(code.as_str()).bind(on.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a procedure")?;
        row.as_ref().map(version).transpose()
    }

    /// A version by its number.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn procedure_version(
        &self,
        code: &ProcedureCode,
        number: u32,
    ) -> Result<Option<ProcedureVersion>, ArchiveError> {
        let query = sqlx::query(VERSION).bind(code.as_str()).bind(i64::from(number));
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a procedure")?;
        row.as_ref().map(version).transpose()
    }

    /// The version of its procedure that a dossier was opened under.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn procedure_of(&self, dossier: &Dossier) -> Result<ProcedureVersion, ArchiveError> {
        let (code, version) = (&dossier.procedure, dossier.procedure_version);
        let entry = self.procedure_version(code, version).await?;
        entry.ok_or_else(|| ArchiveError::Missing(format!("procedure {code}, version {version}")))
    }

    /// Whose paper a component of the dossier asks for, where its procedure says so. Nobody asks
    /// where all papers are the applicant's.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn whose(
        &self,
        dossier: &Dossier,
        component: &ComponentId,
    ) -> Result<Option<Whose>, ArchiveError> {
        if dossier.others.is_empty() {
            return Ok(None);
        }
        let entry = self.procedure_version(&dossier.procedure, dossier.procedure_version).await?;
        Ok(entry.and_then(|entry| entry.procedure.whose(component)))
    }

    /// Whether there is any procedure, in force or not.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn has_procedures(&self) -> Result<bool, ArchiveError> {
        let found = sqlx::query(ANY).fetch_optional(&self.db.readers).await;
        Ok(found.doing("listing procedures")?.is_some())
    }

    /// Versions in force on a day, in order of their codes; with `search`, those whose code, name
    /// or field holds it, accents and case aside.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn procedures(
        &self,
        search: Option<&str>,
        on: Date,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ProcedureSummary>, ArchiveError> {
        let query = sqlx::query(LIST).bind(pattern(search.unwrap_or_default()));
        let query = query.bind(i64::from(limit)).bind(i64::from(offset)).bind(on.to_string());
        let rows = query.fetch_all(&self.db.readers).await.doing("listing procedures")?;
        let summary = |row: &AnyRow| {
            Ok(ProcedureSummary {
                code: row.parsed("code")?,
                name: row.take("name")?,
                field: row.take("field")?,
                version: row.int("version")?,
                components: row.int("components")?,
            })
        };
        rows.iter().map(summary).collect()
    }
}

enum Imported {
    Added,
    Changed,
    Unchanged,
}

async fn import_one(
    change: &mut Change<'_>,
    procedure: &Procedure,
    valid_from: Date,
) -> Result<Imported, ArchiveError> {
    let doing = "importing a procedure";
    let body = json(procedure)?;
    let digest = Blake3(*blake3::hash(body.as_bytes()).as_bytes());
    let current = sqlx::query(CURRENT).bind(procedure.code.as_str());
    let current = current.fetch_optional(change.on()).await.doing(doing)?;
    let before: Option<u32> = match &current {
        Some(row) if row.parsed::<Blake3>("digest")? == digest => {
            // Older programs neither kept nor forgot what it replaces.
            put_replaces(change, procedure).await?;
            return Ok(Imported::Unchanged);
        }
        Some(row) => Some(row.int("version")?),
        None => None,
    };
    if let Some(before) = before {
        let last_day = valid_from.yesterday().map_err(|_| unreadable("valid_from"))?;
        let end = sqlx::query(END).bind(procedure.code.as_str()).bind(i64::from(before));
        end.bind(last_day.to_string()).execute(change.on()).await.doing(doing)?;
    }
    put_replaces(change, procedure).await?;
    let folded = format!("{} {} {}", procedure.code, procedure.name, procedure.field);
    sqlx::query(PUT)
        .bind(procedure.code.as_str())
        .bind(i64::from(before.unwrap_or(0)) + 1)
        .bind(valid_from.to_string())
        .bind(digest.to_string())
        .bind(&procedure.name)
        .bind(&procedure.field)
        .bind(fold(&folded))
        .bind(number(procedure.components.len()))
        .bind(body)
        .execute(change.on())
        .await
        .doing(doing)?;
    Ok(if before.is_some() { Imported::Changed } else { Imported::Added })
}

/// Keeps which of its results take the place of others, and no more.
async fn put_replaces(change: &mut Change<'_>, of: &Procedure) -> Result<(), ArchiveError> {
    let doing = "importing a procedure";
    let forget = sqlx::query(FORGET_REPLACES).bind(of.code.as_str());
    forget.execute(change.on()).await.doing(doing)?;
    for outcome in of.results.iter().filter(|outcome| outcome.evidence) {
        let Some(code) = &outcome.code else { continue };
        for replaced in &outcome.replaces {
            let put = sqlx::query(PUT_REPLACES).bind(of.code.as_str()).bind(code.to_string());
            let put = put.bind(replaced.to_string()).execute(change.on()).await;
            put.doing(doing)?;
        }
    }
    Ok(())
}

fn version(row: &AnyRow) -> Result<ProcedureVersion, ArchiveError> {
    Ok(ProcedureVersion {
        version: row.int("version")?,
        valid_from: row.parsed("valid_from")?,
        valid_to: row.parsed_or("valid_to")?,
        digest: row.parsed("digest")?,
        procedure: row.json("body")?,
    })
}

/// What holds these letters, for `like`.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    // No name holds a NUL, and PostgreSQL takes none.
    for letter in fold(search).chars().filter(|&letter| letter != '\0') {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
