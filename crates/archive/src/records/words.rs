//! What became of lookups' answers: shown to the citizen, used, or declined.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::api::{DossierState, Lookup, LookupSaid, LookupWord, SayOfLookup};
use schemas::audit::{Act, AuditLine};
use schemas::clock::day_of;
use schemas::ids::{ComponentId, DossierCode, LookupId, PrincipalId};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::held::{By, Held};
use super::lookups::{hash, in_use, lookup};
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, LookupError};
use crate::rows::{Columns, word};

const BY_ID: &str = "select body, chain_hash from lookup where lookup_id = $1";

const DOSSIER: &str = "select dossier_id from dossier where code = $1";

const WORDS: &str = "
    select lookup_id, word, reason, said_by, at from lookup_word where lookup_id = $1
    order by place";

const WORDS_FOR: &str = "
    select lookup_id, word, reason, said_by, at from lookup_word where dossier = $1
    order by lookup_id, place";

const SAY: &str = "
    insert into lookup_word (lookup_id, place, word, dossier, component, reason, said_by,
        principal, at)
    select $1, coalesce(max(place), 0) + 1, $2, $3, $4, $5, $6, $7, $8
    from lookup_word where lookup_id = $1";

// At the same moment the later word of a lookup counts.
const OF_COMPONENTS: &str = "
    select component, word from lookup_word
    where dossier = $1 and component is not null and word in ('used', 'declined')
    order by at, lookup_id, place";

impl Records {
    /// A lookup, as it was answered.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn lookup(&self, id: LookupId) -> Result<Option<Lookup>, ArchiveError> {
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&self.db.readers).await;
        row.doing("reading a lookup")?.as_ref().map(lookup).transpose()
    }

    /// Leaves a line that a lookup's answer is read again.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn read_again(
        &self,
        principal: PrincipalId,
        lookup: &Lookup,
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let id = lookup.id.to_string();
        let body = sqlx::query(BY_ID).bind(id).fetch_one(&self.db.readers).await;
        let body = body.doing("reading a lookup")?;
        self.leave_alone(&[line(&body, lookup, (Act::ReadAgain, principal), now)?]).await
    }

    /// Keeps what becomes of a lookup's answer, beside what was said before. Says whether it was
    /// kept: once its dossier is closed it is neither used nor declined.
    ///
    /// # Errors
    /// [`LookupError::NotUsable`] when it shall be used and that version of the record is not in
    /// use any more or has run out.
    pub async fn say_of_lookup(
        &self,
        principal: PrincipalId,
        lookup: &Lookup,
        said: &SayOfLookup,
        now: Timestamp,
    ) -> Result<bool, LookupError> {
        let mut change = self.db.change().await?;
        if said.word != LookupWord::Shown
            && let Some(dossier) = &lookup.dossier
            && !is_open(&mut change, dossier).await?
        {
            return Ok(false);
        }
        let act = match said.word {
            LookupWord::Shown => Act::LookupShown,
            LookupWord::Used => Act::LookupUsed,
            LookupWord::Declined => Act::LookupDeclined,
        };
        if said.word == LookupWord::Used {
            let has_run_out = lookup.record.valid_until.is_some_and(|last| last < day_of(now));
            if has_run_out || !in_use(&mut change, &lookup.record).await? {
                return Err(LookupError::NotUsable);
            }
        }
        sqlx::query(SAY)
            .bind(lookup.id.to_string())
            .bind(word(&said.word)?)
            .bind(lookup.dossier.as_ref().map(DossierCode::as_str))
            .bind(lookup.component.as_ref().map(ComponentId::as_str))
            .bind(&said.reason)
            .bind(&said.by)
            .bind(principal.to_string())
            .bind(micros(now))
            .execute(change.on())
            .await
            .doing("keeping what becomes of a lookup")?;
        let body = sqlx::query(BY_ID).bind(lookup.id.to_string()).fetch_one(change.on()).await;
        let body = body.doing("reading a lookup")?;
        leave(&mut change, &[line(&body, lookup, (act, principal), now)?]).await?;
        change.commit().await?;
        Ok(true)
    }

    /// What was said of a lookup's answer, earliest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn words_of(&self, lookup: LookupId) -> Result<Vec<LookupSaid>, ArchiveError> {
        let rows = sqlx::query(WORDS).bind(lookup.to_string()).fetch_all(&self.db.readers).await;
        rows.doing("reading what became of a lookup")?.iter().map(said).collect()
    }

    /// The same of all lookups made for a dossier.
    pub(super) async fn words_for(
        &self,
        dossier: &DossierCode,
    ) -> Result<BTreeMap<LookupId, Vec<LookupSaid>>, ArchiveError> {
        let rows = sqlx::query(WORDS_FOR).bind(dossier.as_str()).fetch_all(&self.db.readers).await;
        let mut words: BTreeMap<LookupId, Vec<LookupSaid>> = BTreeMap::new();
        for row in rows.doing("reading what became of lookups")? {
            words.entry(row.parsed("lookup_id")?).or_default().push(said(&row)?);
        }
        Ok(words)
    }

    /// Components of a dossier for which the citizen declined the record, and did not agree to it
    /// since.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn declined(&self, dossier: &DossierCode) -> Result<Vec<ComponentId>, ArchiveError> {
        let rows = sqlx::query(OF_COMPONENTS).bind(dossier.as_str());
        let rows = rows.fetch_all(&self.db.readers).await.doing("reading what was declined")?;
        let mut declined: BTreeMap<ComponentId, bool> = BTreeMap::new();
        for row in rows {
            let is_declined = row.word::<LookupWord>("word")? == LookupWord::Declined;
            declined.insert(row.parsed("component")?, is_declined);
        }
        Ok(declined.into_iter().filter_map(|(of, declined)| declined.then_some(of)).collect())
    }
}

/// Whether that dossier is open, and stays so until the transaction ends.
async fn is_open(change: &mut Change<'_>, code: &DossierCode) -> Result<bool, ArchiveError> {
    let row = sqlx::query(DOSSIER).bind(code.as_str()).fetch_optional(change.on()).await;
    let row = row.doing("keeping what becomes of a lookup")?;
    let Some(row) = row else { return Ok(false) };
    let held = Held::take(change, By::Id(row.parsed("dossier_id")?)).await?;
    Ok(held.is_some_and(|held| held.state == DossierState::Open))
}

/// A line about a lookup that was kept. What it was for stands in the lookup: from before purposes
/// were looked at it may name somebody.
fn line(
    row: &AnyRow,
    lookup: &Lookup,
    (act, principal): (Act, PrincipalId),
    now: Timestamp,
) -> Result<AuditLine, ArchiveError> {
    Ok(AuditLine {
        principal: Some(principal),
        record: Some(lookup.record.id),
        version: Some(lookup.record.version),
        lookup: Some(lookup.id),
        dossier: lookup.dossier.clone(),
        component: lookup.component.clone(),
        content: Some(hash(row.take("body")?)),
        ..AuditLine::new(act, now)
    })
}

fn said(row: &AnyRow) -> Result<LookupSaid, ArchiveError> {
    Ok(LookupSaid {
        word: row.word("word")?,
        by: row.take("said_by")?,
        reason: row.take::<Option<String>>("reason")?,
        at: row.time("at")?.to_string(),
    })
}
