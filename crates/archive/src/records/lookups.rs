//! Lookups: every question and the answer as it was, each with its line in the audit.

use jiff::Timestamp;
use schemas::api::{Lookup, LookupRequest};
use schemas::audit::{Act, AuditLine};
use schemas::clock::day_of;
use schemas::ids::{Blake3, DossierCode, LookupId, PrincipalId};
use schemas::record::Record;
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, LookupError};
use crate::rows::{Columns, json};

const BY_ID: &str = "select question, body, chain_hash from lookup where lookup_id = $1";

const PUT: &str = "
    insert into lookup (lookup_id, record_id, asked_at, question, body, chain_hash, dossier)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (lookup_id) do nothing";

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
            chain_hash: Blake3([0; 32]),
        };
        let body = json(&lookup)?;
        let line = AuditLine {
            principal,
            record: Some(record.id),
            version: Some(record.version),
            lookup: Some(id),
            dossier: request.dossier.clone(),
            purpose: Some(request.purpose.clone()),
            legal_basis: request.legal_basis.clone(),
            content: Some(hash(&body)),
            ..AuditLine::new(Act::LookedUp, now)
        };
        lookup.chain_hash = hash(&json(&line)?);
        let put = sqlx::query(PUT)
            .bind(id.to_string())
            .bind(record.id.to_string())
            .bind(micros(now))
            .bind(&question)
            .bind(body)
            .bind(lookup.chain_hash.to_string())
            .bind(request.dossier.as_ref().map(DossierCode::as_str))
            .execute(change.on())
            .await
            .doing(doing)?;
        if put.rows_affected() == 0 {
            // The same request came twice at once, and the other was first.
            let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_one(change.on()).await;
            return same(&row.doing(doing)?, &question, principal);
        }
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(lookup)
    }
}

fn hash(text: &str) -> Blake3 {
    Blake3(*blake3::hash(text.as_bytes()).as_bytes())
}

pub(super) async fn in_use(change: &mut Change<'_>, record: &Record) -> Result<bool, ArchiveError> {
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

pub(super) fn lookup(row: &AnyRow) -> Result<Lookup, ArchiveError> {
    let mut lookup: Lookup = row.json("body")?;
    lookup.chain_hash = row.parsed("chain_hash")?;
    Ok(lookup)
}
