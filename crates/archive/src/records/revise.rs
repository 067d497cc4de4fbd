//! Records that a person puts right or withdraws.

use jiff::Timestamp;
use schemas::Date;
use schemas::api::{DossierEvent, RecordChange};
use schemas::ids::{PrincipalId, RecordId};
use schemas::message::Job;
use schemas::record::{Field, Owner, Record, RecordState};

use super::Records;
use super::held::{By, Held};
use super::publish::{End, end, latest, put};
use super::relied::{note, runs_until};
use super::succession::look_again;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// Who changes a record, and why.
#[derive(Debug, Clone, Copy)]
pub struct Reviser<'a> {
    /// Why, in their words.
    pub reason: &'a str,
    /// Who, as they say.
    pub by: &'a str,
    /// Whose key or session it is done with.
    pub principal: PrincipalId,
}

/// What a record says once it is put right.
#[derive(Debug, Clone, PartialEq)]
pub struct PutRight {
    /// Its fields, all of them.
    pub fields: Vec<Field>,
    /// Its last day.
    pub valid_until: Option<Date>,
    /// Whose it is.
    pub owners: Vec<Owner>,
    /// Whether a person said so: that outlives a later reading.
    pub owners_said: bool,
}

/// What came of putting a record right or withdrawing it.
#[derive(Debug, Clone, PartialEq)]
pub enum Revised {
    /// Done; the record as it is now.
    Done(Box<Record>),
    /// It is not in use any more, or not at that version.
    NotInUse,
    /// There is no such record.
    Unknown,
}

const REVISION: &str = "select revision from record where record_id = $1 and version = $2";

// What is to be done is the proof: a document that was filed otherwise since waits for more.
const PUBLISHED_AS: &str = "
    update document set record_version = $2, seal = 'waiting'
    where document_id = $1 and record_version is not null
    returning revision";

const REVOKE_VERSION: &str = "
    update record set state = 'revoked' where record_id = $1 and version = $2";

impl<'a> Reviser<'a> {
    pub(super) fn ends(self, change: RecordChange) -> End<'a> {
        let Self { reason, by, principal } = self;
        End {
            change,
            reason: Some(reason),
            by: Some(by),
            principal: Some(principal),
            superseded_by: None,
        }
    }
}

impl Records {
    /// Withdraws a record for good, also where another paper took its place: nobody is given it any
    /// more, and dossiers that rely on it are told. Withdrawing it twice changes nothing. What it
    /// had ended is looked at again.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn revoke(
        &self,
        id: RecordId,
        who: Reviser<'_>,
        now: Timestamp,
    ) -> Result<Revised, ArchiveError> {
        let mut change = self.db.change().await?;
        let Some((held, latest)) = self.take(&mut change, id).await? else {
            return Ok(Revised::Unknown);
        };
        if latest.state == RecordState::Revoked {
            return Ok(Revised::Done(Box::new(latest)));
        }
        let why = who.ends(RecordChange::Revoked);
        withdraw(&mut change, (id, latest.version), why, now).await?;
        look_again(&mut change, &held, (id, latest.version)).await?;
        let event = DossierEvent::Revoked { record: id, version: latest.version };
        held.tell_others(&mut change, &event).await?;
        change.commit().await?;
        self.tell_changes().await?;
        let state = RecordState::Revoked;
        Ok(Revised::Done(Box::new(Record { state, superseded_by: None, ..latest })))
    }

    /// Puts the version of a record that is in use right: a new version takes its place, and
    /// dossiers that rely on it are told. The paper and its PDF/A are what they were; the agency's
    /// signature over the version follows where the keys are.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn correct(
        &self,
        (id, version): (RecordId, u32),
        put_right: PutRight,
        who: Reviser<'_>,
        now: Timestamp,
    ) -> Result<Revised, ArchiveError> {
        let doing = "correcting a record";
        let mut change = self.db.change().await?;
        let Some((held, latest)) = self.take(&mut change, id).await? else {
            return Ok(Revised::Unknown);
        };
        if latest.version != version || latest.state != RecordState::Published {
            return Ok(Revised::NotInUse);
        }
        let row = sqlx::query(REVISION).bind(id.to_string()).bind(i64::from(version));
        let row = row.fetch_one(change.on()).await.doing(doing)?;
        let revision: String = row.take("revision")?;
        let PutRight { fields, valid_until, owners, owners_said } = put_right;
        let mut corrected = Record {
            version: version + 1,
            before: latest.hash,
            fields,
            valid_until,
            owners,
            owners_said,
            published_at: now.to_string(),
            corrected: None,
            hash: None,
            ..latest.clone()
        };
        let by = (Some(who.principal), now);
        corrected.corrected = Some(corrected.corrected_from(&latest, by));
        end(&mut change, (id, version), who.ends(RecordChange::Corrected), now).await?;
        let put = put(&mut change, &held, &corrected, &revision, by).await?;
        corrected.hash = Some(put);
        note(&mut change, (id, version), RecordChange::Corrected).await?;
        let until = (latest.valid_until, corrected.valid_until);
        runs_until(&mut change, (id, version), until).await?;
        let document = corrected.document;
        let published = sqlx::query(PUBLISHED_AS).bind(document.to_string());
        let published = published.bind(i64::from(corrected.version));
        if let Some(row) = published.fetch_optional(change.on()).await.doing(doing)? {
            let revision = row.take("revision")?;
            held.announce_now(&mut change, Job::Seal { document, revision }).await?;
        }
        let event = DossierEvent::Published { document, record: id, version: corrected.version };
        held.tell(&mut change, &event).await?;
        change.commit().await?;
        self.tell_changes().await?;
        Ok(Revised::Done(Box::new(corrected)))
    }

    /// Takes hold of the dossier that a record came with, and of the record's latest version.
    pub(super) async fn take(
        &self,
        change: &mut Change<'_>,
        id: RecordId,
    ) -> Result<Option<(Held, Record)>, ArchiveError> {
        let Some(held) = Held::take(change, By::Record(id)).await? else { return Ok(None) };
        Ok(latest(change, id).await?.map(|latest| (held, latest)))
    }
}

/// Withdraws the latest version of a record, and writes it down for the dossiers that rely on it;
/// they are yet to be told.
pub(super) async fn withdraw(
    change: &mut Change<'_>,
    (id, version): (RecordId, u32),
    why: End<'_>,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    end(change, (id, version), why, now).await?;
    let revoke = sqlx::query(REVOKE_VERSION).bind(id.to_string()).bind(i64::from(version));
    revoke.execute(change.on()).await.doing("withdrawing a record")?;
    note(change, (id, version), RecordChange::Revoked).await
}
