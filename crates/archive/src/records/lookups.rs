//! Lookups: every question and the answer as it was, each bound to the one before by its hash.

use jiff::Timestamp;
use schemas::api::{Lookup, LookupRequest, NearMatch};
use schemas::clock::day_of;
use schemas::ids::{Blake3, DossierCode, LookupId, OfficeCode, PrincipalId};
use schemas::record::Record;
use sqlx::any::AnyRow;

use super::Records;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, LookupError};
use crate::rows::{Columns, json};

// First of all, so that lookups go one after the other.
const NEXT: &str = "
    update chain set length = length + 1 where name = 'lookup' returning length, hash";

const LINK: &str = "update chain set hash = $1 where name = 'lookup'";

const BY_ID: &str = "select question, body, chain_hash from lookup where lookup_id = $1";

const PUT: &str = "
    insert into lookup (lookup_id, place, record_id, asked_at, question, body, chain_hash, dossier)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const PUT_NEAR: &str = "
    insert into near_match (request, record_id, asked_at, asked_by) values ($1, $2, $3, $4)
    on conflict (request) do nothing";

const NEAR: &str = "
    select request, record_id, asked_at, asked_by,
        (select d.office from record r join dossier d on d.dossier_id = r.dossier_id
         where r.record_id = n.record_id limit 1) as office
    from near_match n order by asked_at, request limit 1000";

impl Records {
    /// The answer that the request was given before; none when it is new.
    ///
    /// # Errors
    /// [`LookupError::Reused`] when the request id was used for another question.
    pub async fn answered(
        &self,
        request: &LookupRequest,
        principal: Option<PrincipalId>,
    ) -> Result<Option<Lookup>, LookupError> {
        let question = hash(&json(request)?).to_string();
        let id = LookupId::of(request.request).to_string();
        let row = sqlx::query(BY_ID).bind(id).fetch_optional(&self.db.readers).await;
        row.doing("reading a lookup")?.map(|row| same(&row, &question, principal)).transpose()
    }

    /// A lookup with its answer as it was given.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn lookup(&self, id: LookupId) -> Result<Option<Lookup>, ArchiveError> {
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&self.db.readers).await;
        row.doing("reading a lookup")?.as_ref().map(lookup).transpose()
    }

    /// Keeps, for a person to look at, that a lookup was stopped since its subject is nearly an
    /// owner of the record. Nothing of the subject is kept.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_near(
        &self,
        request: &LookupRequest,
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let put = sqlx::query(PUT_NEAR).bind(request.request.to_string());
        let put = put.bind(request.record.to_string()).bind(micros(now)).bind(&request.asked_by);
        put.execute(change.on()).await.doing("keeping a near match")?;
        change.commit().await
    }

    /// The thousand oldest lookups that were stopped since their subject is nearly an owner, each
    /// with the office that the record came from.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn near_matches(&self) -> Result<Vec<(OfficeCode, NearMatch)>, ArchiveError> {
        let rows = sqlx::query(NEAR).fetch_all(&self.db.readers).await;
        let near = |row: &AnyRow| {
            let near = NearMatch {
                request: row.parsed("request")?,
                record: row.parsed("record_id")?,
                asked_at: row.time("asked_at")?.to_string(),
                asked_by: row.take("asked_by")?,
            };
            Ok((row.parsed("office")?, near))
        };
        rows.doing("reading near matches")?.iter().map(near).collect()
    }

    /// Keeps a lookup and its answer. The same request again gets the answer as it was.
    ///
    /// # Errors
    /// [`LookupError::Reused`] when the request id was used for another question,
    /// [`LookupError::NotUsable`] when that version of the record is not in use any more or has
    /// run out.
    pub async fn put_lookup(
        &self,
        request: &LookupRequest,
        record: &Record,
        now: Timestamp,
    ) -> Result<Lookup, LookupError> {
        self.put_lookup_by(None, request, record, now).await
    }

    /// The same, asked by a principal. What another has asked is another question.
    ///
    /// # Errors
    /// As [`Records::put_lookup`].
    pub async fn put_lookup_by(
        &self,
        principal: Option<PrincipalId>,
        request: &LookupRequest,
        record: &Record,
        now: Timestamp,
    ) -> Result<Lookup, LookupError> {
        let doing = "keeping a lookup";
        let id = LookupId::of(request.request);
        let question = hash(&json(request)?).to_string();
        let mut change = self.db.change().await?;
        let next = sqlx::query(NEXT).fetch_one(change.on()).await.doing(doing)?;
        let before: Blake3 = next.parsed("hash")?;
        let asked = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(change.on()).await;
        if let Some(row) = asked.doing(doing)? {
            return same(&row, &question, principal);
        }
        let has_run_out = record.valid_until.is_some_and(|last| last < day_of(now));
        if has_run_out || !in_use(&mut change, record).await? {
            return Err(LookupError::NotUsable);
        }
        let mut lookup = Lookup {
            id,
            asked_at: now.to_string(),
            purpose: request.purpose.clone(),
            legal_basis: request.legal_basis.clone(),
            dossier: request.dossier.clone(),
            asked_by: request.asked_by.clone(),
            on_behalf_of: request.on_behalf_of.clone(),
            component: request.component.clone(),
            principal,
            answer_hash: hash(&json(record)?),
            record: record.clone(),
            chain_hash: before,
        };
        let body = json(&lookup)?;
        lookup.chain_hash = link(before, &body);
        sqlx::query(PUT)
            .bind(id.to_string())
            .bind(next.int::<i64>("length")?)
            .bind(record.id.to_string())
            .bind(micros(now))
            .bind(question)
            .bind(body)
            .bind(lookup.chain_hash.to_string())
            .bind(request.dossier.as_ref().map(DossierCode::as_str))
            .execute(change.on())
            .await
            .doing(doing)?;
        let last = sqlx::query(LINK).bind(lookup.chain_hash.to_string());
        last.execute(change.on()).await.doing(doing)?;
        change.commit().await?;
        Ok(lookup)
    }
}

/// Hash of a lookup: of the chain before it and of its own JSON, in which the chain hash is still
/// the one before.
pub(crate) fn link(before: Blake3, body: &str) -> Blake3 {
    let mut hash = blake3::Hasher::new();
    hash.update(&before.0).update(body.as_bytes());
    Blake3(*hash.finalize().as_bytes())
}

fn hash(text: &str) -> Blake3 {
    Blake3(*blake3::hash(text.as_bytes()).as_bytes())
}

async fn in_use(change: &mut Change<'_>, record: &Record) -> Result<bool, ArchiveError> {
    let sql = change.db.dialect.in_use();
    let query = sqlx::query(sql).bind(record.id.to_string()).bind(i64::from(record.version));
    let row = query.fetch_optional(change.on()).await.doing("keeping a lookup")?;
    Ok(row.is_some())
}

/// The kept answer, if the question is the same: what another has asked is another question.
fn same(
    row: &AnyRow,
    question: &str,
    principal: Option<PrincipalId>,
) -> Result<Lookup, LookupError> {
    let kept = lookup(row)?;
    let asked_by = kept.principal.is_none() || kept.principal == principal;
    if asked_by && row.take::<&str>("question")? == question {
        Ok(kept)
    } else {
        Err(LookupError::Reused)
    }
}

fn lookup(row: &AnyRow) -> Result<Lookup, ArchiveError> {
    let mut lookup: Lookup = row.json("body")?;
    lookup.chain_hash = row.parsed("chain_hash")?;
    Ok(lookup)
}
