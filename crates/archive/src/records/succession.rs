//! Papers that take the place of others: by what their kinds end, by what the catalogue says of
//! results, or by a person's word.
//!
//! Whoever publishes a record holds the dossier that it came with, and must not take hold of those
//! of the records that it ends, too. So these are ended afterwards, one at a time, by whoever does
//! the job: the job is done again until that is done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::api::{DossierEvent, RecordChange};
use schemas::audit::{Act, AuditLine};
use schemas::clock::day_of;
use schemas::ids::{DocumentId, KindId, RecordId};
use schemas::kind::EndsOn;
use schemas::message::Job;
use schemas::record::{Record, RecordState};

use super::Records;
use super::audit::leave;
use super::held::Held;
use super::publish::{End, end, latest, record, record_columns};
use super::relied::{note, runs_again};
use super::revise::{Revised, Reviser};
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

// The latest versions; those that the program ended by that record, and no person.
const ENDED_BY: &str = concat!(
    "select ",
    record_columns!(),
    " from record where superseded_by = $1 and state = 'superseded' and ended_by is null and ",
    is_latest!("record"),
    " order by published_at, record_id"
);

const ENDED_SOMETHING: &str = "
    select document_id, revision from record where record_id = $1 and version = $2
      and exists (select 1 from record r where r.superseded_by = $1)";

const REPLACES: &str = "
    select code from outcome_replaces where result = $1 and replaced = $2 limit 1";

// What a person brought back the same paper doesn't end again.
const BROUGHT_BACK: &str = "
    select r.version from record r join document d on d.document_id = r.document_id
    where r.record_id = $1 and r.superseded_by = $2 and r.version <= d.assigned_after limit 1";

// A paper that isn't filed any more comes back when it is: as a version of then.
const RESTORE: &str = "
    update record set state = 'published', superseded_by = null, ended_why = null,
        ended_reason = null, ended_by = null, ended_at = null
    where record_id = $1 and version = $2 and state = 'superseded' and superseded_by = $3
      and exists (select 1 from document d
        where d.document_id = record.document_id and d.verdict = 'filed')
    returning hash";

impl Records {
    /// Ends the records that a record ends or is ended by, and brings those back that it ended and
    /// doesn't any more: withdrawn, or put right. Done after each change of it; doing it again
    /// changes nothing.
    ///
    /// `ends` says whether papers of the one kind bring earlier ones of the other to their end, and
    /// on which day. A record is ended by one that comes later ([`Record::comes_after`]) and whose
    /// paper does so by its kind or its result; which of the two was published first doesn't
    /// matter.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`]; what was
    /// ended until then stays so.
    pub async fn succeed(
        &self,
        id: RecordId,
        ends: &(dyn Fn(&KindId, &KindId) -> Option<EndsOn> + Sync),
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let rule = Rule { ends, today: day_of(now) };
        let mut left = vec![id];
        let mut any = false;
        while let Some(id) = left.pop() {
            let Some(this) = self.record(id, None).await? else { continue };
            for ended in self.ended_by(id).await? {
                if self.restore(ended.id, id, &rule, now).await? {
                    left.push(ended.id);
                }
            }
            if this.state == RecordState::Revoked {
                continue;
            }
            for other in self.beside(&this).await? {
                if rule.may_end(&this, &other) {
                    any |= self.end_by(other.id, id, &rule, now).await?;
                } else if rule.may_end(&other, &this) {
                    any |= self.end_by(id, other.id, &rule, now).await?;
                }
            }
        }
        if any { self.tell_changes().await } else { Ok(()) }
    }

    /// A person says that another paper took the place of the one that a record is of: nobody is
    /// given it any more, and dossiers that rely on it are told. Saying it twice changes nothing.
    /// `by_record` must be in use, where it is named.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn supersede(
        &self,
        (id, version): (RecordId, u32),
        by_record: Option<RecordId>,
        who: Reviser<'_>,
        now: Timestamp,
    ) -> Result<Revised, ArchiveError> {
        let mut change = self.db.change().await?;
        let Some((held, record)) = self.take(&mut change, id).await? else {
            return Ok(Revised::Unknown);
        };
        match record.state {
            _ if record.version != version => return Ok(Revised::NotInUse),
            RecordState::Published => {}
            RecordState::Superseded if record.superseded_by == by_record => {
                return Ok(Revised::Done(Box::new(record)));
            }
            RecordState::Superseded | RecordState::Revoked => return Ok(Revised::NotInUse),
        }
        if let Some(by) = by_record {
            let by = latest(&mut change, by).await?;
            let by = by.filter(|by| by.state == RecordState::Published);
            let Some(by) = by else { return Ok(Revised::NotInUse) };
            if !stands(&mut change, &by).await? {
                return Ok(Revised::NotInUse);
            }
        }
        let why = End { superseded_by: by_record, ..who.ends(RecordChange::Superseded) };
        replace(&mut change, &held, (id, version), why, now).await?;
        change.commit().await?;
        self.tell_changes().await?;
        let state = RecordState::Superseded;
        Ok(Revised::Done(Box::new(Record { state, superseded_by: by_record, ..record })))
    }

    /// Records that another one ended, by no person's word.
    async fn ended_by(&self, id: RecordId) -> Result<Vec<Record>, ArchiveError> {
        let query = sqlx::query(ENDED_BY).bind(id.to_string());
        let rows = query.fetch_all(&self.db.readers).await.doing("reading what a record ended")?;
        rows.iter().map(record).collect()
    }

    /// Other records with an owner in common.
    async fn beside(&self, this: &Record) -> Result<Vec<Record>, ArchiveError> {
        let mut others = BTreeMap::new();
        for owner in &this.owners {
            for other in self.papers_of(owner.subject.reveal_number()).await? {
                others.insert(other.id, other);
            }
        }
        others.remove(&this.id);
        Ok(others.into_values().collect())
    }

    /// Ends a record by another one, if that is what comes of it.
    async fn end_by(
        &self,
        id: RecordId,
        by: RecordId,
        rule: &Rule<'_>,
        now: Timestamp,
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let Some((held, this)) = self.take(&mut change, id).await? else { return Ok(false) };
        let Some(by) = latest(&mut change, by).await? else { return Ok(false) };
        if this.state != RecordState::Published || !rule.ends(&mut change, &by, &this).await? {
            return Ok(false);
        }
        let back = sqlx::query(BROUGHT_BACK).bind(id.to_string()).bind(by.id.to_string());
        let back = back.fetch_optional(change.on()).await.doing("ending a record by another")?;
        if back.is_some() || !stands(&mut change, &by).await? {
            return Ok(false);
        }
        let why = End {
            change: RecordChange::Superseded,
            reason: None,
            by: None,
            principal: None,
            superseded_by: Some(by.id),
        };
        replace(&mut change, &held, (id, this.version), why, now).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Brings a record back that another one had ended, if it doesn't any more.
    async fn restore(
        &self,
        id: RecordId,
        by: RecordId,
        rule: &Rule<'_>,
        now: Timestamp,
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let Some((held, this)) = self.take(&mut change, id).await? else { return Ok(false) };
        let Some(by) = latest(&mut change, by).await? else { return Ok(false) };
        let version = this.version;
        if rule.ends(&mut change, &by, &this).await? {
            return Ok(false);
        }
        let restore = sqlx::query(RESTORE).bind(id.to_string()).bind(i64::from(version));
        let restored = restore.bind(by.id.to_string()).fetch_optional(change.on()).await;
        let Some(restored) = restored.doing("bringing a record back")? else { return Ok(false) };
        runs_again(&mut change, id).await?;
        let line = AuditLine {
            record: Some(id),
            version: Some(version),
            dossier: Some(held.code.clone()),
            content: Some(restored.parsed("hash")?),
            ..AuditLine::new(Act::Published, now)
        };
        leave(&mut change, &[line]).await?;
        let event = DossierEvent::Published { document: this.document, record: id, version };
        held.tell(&mut change, &event).await?;
        change.commit().await?;
        Ok(true)
    }
}

/// What brings records to their end.
struct Rule<'a> {
    ends: &'a (dyn Fn(&KindId, &KindId) -> Option<EndsOn> + Sync),
    today: Date,
}

impl Rule<'_> {
    /// Whether the one record's paper may bring the other's to its end. One that has come to its
    /// own end since still does; one that was withdrawn doesn't.
    fn may_end(&self, by: &Record, this: &Record) -> bool {
        let on = (self.ends)(&by.kind, &this.kind);
        by.state != RecordState::Revoked
            && by.comes_after(this, on.unwrap_or_default(), self.today)
            && (on.is_some() || (by.result.is_some() && this.result.is_some()))
    }

    /// Whether it does.
    async fn ends(
        &self,
        change: &mut Change<'_>,
        by: &Record,
        this: &Record,
    ) -> Result<bool, ArchiveError> {
        if !self.may_end(by, this) || (self.ends)(&by.kind, &this.kind).is_some() {
            return Ok(self.may_end(by, this));
        }
        let (Some(result), Some(replaced)) = (&by.result, &this.result) else { return Ok(false) };
        let query = sqlx::query(REPLACES).bind(result.to_string()).bind(replaced.to_string());
        let row =
            query.fetch_optional(change.on()).await.doing("reading what a result replaces")?;
        Ok(row.is_some())
    }
}

/// Whether that version of a record was not withdrawn, and it stays so until the transaction is
/// over.
async fn stands(change: &mut Change<'_>, by: &Record) -> Result<bool, ArchiveError> {
    let stands = sqlx::query(change.db.dialect.stands()).bind(by.id.to_string());
    let stands = stands.bind(i64::from(by.version)).fetch_optional(change.on()).await;
    Ok(stands.doing("ending a record by another")?.is_some())
}

/// Ends a version by another paper, and writes it down for those who rely on it or listen.
async fn replace(
    change: &mut Change<'_>,
    held: &Held,
    (id, version): (RecordId, u32),
    why: End<'_>,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    let by_record = why.superseded_by;
    end(change, (id, version), why, now).await?;
    note(change, (id, version), RecordChange::Superseded).await?;
    held.tell_others(change, &DossierEvent::Superseded { record: id, version, by_record }).await
}

/// Has it looked at again what a record ended that was withdrawn just now.
pub(super) async fn look_again(
    change: &mut Change<'_>,
    held: &Held,
    (id, version): (RecordId, u32),
) -> Result<(), ArchiveError> {
    let query = sqlx::query(ENDED_SOMETHING).bind(id.to_string()).bind(i64::from(version));
    let row = query.fetch_optional(change.on()).await.doing("reading what a record ended")?;
    let Some(row) = row else { return Ok(()) };
    let document: DocumentId = row.parsed("document_id")?;
    let revision = row.take("revision")?;
    held.announce_now(change, Job::Seal { document, revision }).await
}
