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
    /// [`LookupError::Reused`] when the request id was used for another question, as what another
    /// principal asked is.
    pub async fn answered(
        &self,
        request: &LookupRequest,
        principal: PrincipalId,
    ) -> Result<Option<Lookup>, LookupError> {
        let question = hash(&json(request)?).to_string();
        let id = LookupId::of(request.request).to_string();
        let row = sqlx::query(BY_ID).bind(id).fetch_optional(&self.db.readers).await;
        row.doing("reading a lookup")?.map(|row| same(&row, &question, principal)).transpose()
    }

    /// Keeps a lookup and its answer. The same request of the same principal again gets the
    /// answer as it was.
    ///
    /// # Errors
    /// [`LookupError::Reused`] when the request id was used for another question, as what another
    /// principal asked is; [`LookupError::NotUsable`] when that version of the record is not in
    /// use any more or has run out.
    pub async fn put_lookup(
        &self,
        principal: PrincipalId,
        request: &LookupRequest,
        record: &Record,
        now: Timestamp,
    ) -> Result<Lookup, LookupError> {
        let id = LookupId::of(request.request);
        let mut lookup = Lookup {
            id,
            asked_at: now.to_string(),
            purpose: request.purpose.clone(),
            legal_basis: request.legal_basis.clone(),
            dossier: request.dossier.clone(),
            asked_by: request.asked_by.clone(),
            on_behalf_of: request.on_behalf_of.clone(),
            component: request.component.clone(),
            principal: Some(principal),
            answer_hash: hash(&json(record)?),
            record: record.clone(),
            chain_hash: Blake3([0; 32]),
        };
        let body = json(&lookup)?;
        let line = AuditLine {
            principal: Some(principal),
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
        let has_run_out = record.valid_until.is_some_and(|last| last < day_of(now));
        let question = hash(&json(request)?).to_string();
        if !has_run_out && self.keep(&lookup, now, &question, body, line).await? {
            return Ok(lookup);
        }
        // The same request may have come before.
        let doing = "reading a lookup";
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(self.db.writer()).await;
        row.doing(doing)?
            .map_or(Err(LookupError::NotUsable), |row| same(&row, &question, principal))
    }

    /// Keeps a lookup with its line, if the record is in use and the lookup isn't there yet.
    async fn keep(
        &self,
        lookup: &Lookup,
        now: Timestamp,
        question: &str,
        body: String,
        line: AuditLine,
    ) -> Result<bool, ArchiveError> {
        let doing = "keeping a lookup";
        let record = &lookup.record;
        let put = |sql: &'static str| {
            sqlx::query(sql)
                .bind(lookup.id.to_string())
                .bind(record.id.to_string())
                .bind(micros(now))
                .bind(question)
                .bind(body)
                .bind(lookup.chain_hash.to_string())
                .bind(lookup.dossier.as_ref().map(DossierCode::as_str))
        };
        if let Some(sql) = self.db.dialect.keep_lookup() {
            let put = put(sql).bind(i64::from(record.version));
            let put = put.bind(line.id.to_string()).bind(json(&line)?);
            let put = put.execute(self.db.writer()).await.doing(doing)?;
            return Ok(0 < put.rows_affected());
        }
        let mut change = self.db.change().await?;
        if !in_use(&mut change, record).await?
            || put(PUT).execute(change.on()).await.doing(doing)?.rows_affected() == 0
        {
            return Ok(false);
        }
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(true)
    }
}

pub(super) fn hash(text: &str) -> Blake3 {
    Blake3::of(text.as_bytes())
}

pub(super) async fn in_use(change: &mut Change<'_>, record: &Record) -> Result<bool, ArchiveError> {
    let sql = change.db.dialect.in_use();
    let query = sqlx::query(sql).bind(record.id.to_string()).bind(i64::from(record.version));
    let row = query.fetch_optional(change.on()).await.doing("keeping a lookup")?;
    Ok(row.is_some())
}

/// The kept answer, if the question is the same: what another has asked is another question. Old
/// lookups don't say who asked.
fn same(row: &AnyRow, question: &str, principal: PrincipalId) -> Result<Lookup, LookupError> {
    let kept = lookup(row)?;
    let asked_by = kept.principal.is_none_or(|asked| asked == principal);
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
