//! Records that a person puts right or withdraws.

use jiff::Timestamp;
use schemas::Date;
use schemas::api::{DossierEvent, RecordChange};
use schemas::ids::RecordId;
use schemas::record::{Field, Record, RecordState};

use super::Records;
use super::held::{By, Held};
use super::publish::{End, LATEST, end, put, record};
use super::relied::note;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

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

const PUBLISHED_AS: &str = "
    update document set record_version = $2 where document_id = $1 and record_version is not null";

const REVOKE_VERSION: &str = "
    update record set state = 'revoked' where record_id = $1 and version = $2";

impl Records {
    /// Withdraws a record for good: nobody is given it any more, and dossiers that rely on it are
    /// told. Withdrawing it twice changes nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn revoke(
        &self,
        id: RecordId,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Revised, ArchiveError> {
        let doing = "withdrawing a record";
        let mut change = self.db.change().await?;
        let Some((held, latest)) = self.take(&mut change, id).await? else {
            return Ok(Revised::Unknown);
        };
        match latest.state {
            RecordState::Published => {}
            RecordState::Revoked => return Ok(Revised::Done(Box::new(latest))),
            RecordState::Superseded => return Ok(Revised::NotInUse),
        }
        let why = End { change: RecordChange::Revoked, reason: Some(reason), by: Some(by) };
        end(&mut change, id, why, now).await?;
        let revoke = sqlx::query(REVOKE_VERSION).bind(id.to_string());
        let revoke = revoke.bind(i64::from(latest.version)).execute(change.on()).await;
        revoke.doing(doing)?;
        note(&mut change, (id, latest.version), RecordChange::Revoked).await?;
        let event = DossierEvent::Revoked { record: id, version: latest.version };
        held.tell_others(&mut change, &event).await?;
        change.commit().await?;
        self.tell_changes().await?;
        let state = RecordState::Revoked;
        Ok(Revised::Done(Box::new(Record { state, ..latest })))
    }

    /// Puts the version of a record that is in use right: a new version with these fields and
    /// that last day takes its place, and dossiers that rely on it are told. The paper and its
    /// PDF/A are what they were.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn correct(
        &self,
        (id, version): (RecordId, u32),
        (fields, valid_until): (Vec<Field>, Option<Date>),
        (reason, by): (&str, &str),
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
        let mut corrected = Record {
            version: version + 1,
            before: latest.hash,
            fields,
            valid_until,
            published_at: now.to_string(),
            hash: None,
            ..latest
        };
        let why = End { change: RecordChange::Corrected, reason: Some(reason), by: Some(by) };
        end(&mut change, id, why, now).await?;
        corrected.hash = Some(put(&mut change, &held, &corrected, &revision, now).await?);
        note(&mut change, (id, version), RecordChange::Corrected).await?;
        let document = corrected.document;
        let published = sqlx::query(PUBLISHED_AS).bind(document.to_string());
        let published = published.bind(i64::from(corrected.version)).execute(change.on()).await;
        published.doing(doing)?;
        let event = DossierEvent::Published { document, record: id, version: corrected.version };
        held.tell(&mut change, &event).await?;
        change.commit().await?;
        self.tell_changes().await?;
        Ok(Revised::Done(Box::new(corrected)))
    }

    /// Takes hold of the dossier that a record came with, and of the record's latest version.
    async fn take(
        &self,
        change: &mut Change<'_>,
        id: RecordId,
    ) -> Result<Option<(Held, Record)>, ArchiveError> {
        let Some(held) = Held::take(change, By::Record(id)).await? else { return Ok(None) };
        let latest = sqlx::query(LATEST).bind(id.to_string()).fetch_optional(change.on()).await;
        let latest = latest.doing("reading a record")?.as_ref().map(record).transpose()?;
        Ok(latest.map(|latest| (held, latest)))
    }
}
