//! A dossier held for a change. Taking hold of it is the first statement of every transaction
//! that touches what is in it, so that two such transactions go one after the other, and "was
//! this the last unread page?" has one answer.

use schemas::api::{DossierEvent, DossierState};
use schemas::ids::{
    DocumentId, DossierCode, DossierId, OfficeCode, PageId, ProcedureCode, RecordId, ScanId,
};
use schemas::message::{Job, Lane};

use super::deliveries::deliver;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::outbox;
use crate::rows::{Columns, json};

/// A dossier that nobody else changes until the transaction ends.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) id: DossierId,
    pub(crate) code: DossierCode,
    pub(crate) procedure: ProcedureCode,
    pub(crate) office: OfficeCode,
    pub(crate) lane: Lane,
    pub(crate) state: DossierState,
    /// Number of this change; grows.
    pub(crate) turn: i64,
}

/// What to take hold of a dossier by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Id(DossierId),
    Scan(ScanId),
    Page(PageId),
    Document(DocumentId),
    Record(RecordId),
}

macro_rules! hold {
    ($which:literal) => {
        concat!(
            "update dossier set turn = turn + 1 where dossier_id = ",
            $which,
            " returning dossier_id, code, procedure, office, lane, state, turn"
        )
    };
}
const HOLD: &str = hold!("$1");
const HOLD_SCAN: &str = hold!("(select dossier_id from scan where scan_id = $1)");
const HOLD_PAGE: &str = hold!("(select dossier_id from page where page_id = $1)");
const HOLD_RECORD: &str =
    hold!("(select dossier_id from record where record_id = $1 order by version desc limit 1)");
const HOLD_DOCUMENT: &str = hold!("(select dossier_id from document where document_id = $1)");

const NEXT_TURN: &str = "update dossier set turn = turn + 1 where dossier_id = $1 returning turn";

const NEXT_TURN_UNSETTLED: &str = "
    update dossier set turn = turn + 1, settled = 0 where dossier_id = $1 returning turn";

const TELL: &str = "
    insert into dossier_event (dossier_id, turn, at, body) values ($1, $2, $3, $4)";

const UNREAD: &str = "
    select exists (select 1 from scan where dossier_id = $1 and state = 'received')
        or exists (select 1 from page where dossier_id = $1 and state = 'waiting') as unread,
        (select count(*) from scan where dossier_id = $1) as scans";

const UNFILE: &str = "update dossier set filed_pages = -1 where dossier_id = $1";

const UNSETTLE: &str = "update dossier set settled = 0 where dossier_id = $1";

// Conditions of `SETTLE` and of `dossier.not_settled` in the check are the same.
const SETTLE: &str = "
    update dossier set settled = 1
    where dossier_id = $1 and settled = 0
      and not exists (select 1 from scan where dossier_id = $1 and state = 'received')
      and not exists (select 1 from page where dossier_id = $1 and state = 'waiting')
      and not exists (select 1 from document where dossier_id = $1 and seal = 'waiting')
      and filed_pages = (select count(*) from page where dossier_id = $1 and state = 'read')";

impl Held {
    /// Takes hold of a dossier; none when there is no such thing.
    pub(crate) async fn take(
        change: &mut Change<'_>,
        by: By,
    ) -> Result<Option<Self>, ArchiveError> {
        let (sql, id) = match by {
            By::Id(id) => (HOLD, id.as_uuid()),
            By::Scan(id) => (HOLD_SCAN, id.as_uuid()),
            By::Page(id) => (HOLD_PAGE, id.as_uuid()),
            By::Record(id) => (HOLD_RECORD, id.as_uuid()),
            By::Document(id) => (HOLD_DOCUMENT, id.as_uuid()),
        };
        let row = sqlx::query(sql).bind(id.to_string()).fetch_optional(change.on()).await;
        let Some(row) = row.doing("taking hold of a dossier")? else { return Ok(None) };
        Ok(Some(Self {
            id: row.parsed("dossier_id")?,
            code: row.parsed("code")?,
            procedure: row.parsed("procedure")?,
            office: row.parsed("office")?,
            lane: row.word("lane")?,
            state: row.word("state")?,
            turn: row.int("turn")?,
        }))
    }

    /// Tells those who follow the dossier.
    pub(crate) async fn tell(
        &self,
        change: &mut Change<'_>,
        event: &DossierEvent,
    ) -> Result<(), ArchiveError> {
        self.tell_as(change, NEXT_TURN, event).await
    }

    /// The same, where by that something is to be done again.
    pub(crate) async fn tell_unsettled(
        &self,
        change: &mut Change<'_>,
        event: &DossierEvent,
    ) -> Result<(), ArchiveError> {
        self.tell_as(change, NEXT_TURN_UNSETTLED, event).await
    }

    async fn tell_as(
        &self,
        change: &mut Change<'_>,
        next_turn: &'static str,
        event: &DossierEvent,
    ) -> Result<(), ArchiveError> {
        let doing = "telling an event";
        let id = self.id.to_string();
        let row = sqlx::query(next_turn).bind(&id).fetch_one(change.on()).await.doing(doing)?;
        let (turn, now) = (row.int::<i64>("turn")?, change.now);
        let told = sqlx::query(TELL).bind(&id).bind(turn).bind(now);
        told.bind(json(event)?).execute(change.on()).await.doing(doing)?;
        change.told = true;
        deliver(change, self, turn, event).await
    }

    /// Tells others alone: those who follow the dossier know it without being told.
    pub(crate) async fn tell_others(
        &self,
        change: &mut Change<'_>,
        event: &DossierEvent,
    ) -> Result<(), ArchiveError> {
        let row = sqlx::query(NEXT_TURN).bind(self.id.to_string()).fetch_one(change.on()).await;
        let turn = row.doing("telling an event")?.int("turn")?;
        deliver(change, self, turn, event).await
    }

    /// Announces a job, not to be done before `due_at`.
    pub(crate) async fn announce(
        &self,
        change: &mut Change<'_>,
        job: Job,
        due_at: i64,
    ) -> Result<(), ArchiveError> {
        outbox::announce(change, (self.id, &self.office, self.lane), job, due_at).await
    }

    /// Announces a job to be done as soon as may be.
    pub(crate) async fn announce_now(
        &self,
        change: &mut Change<'_>,
        job: Job,
    ) -> Result<(), ArchiveError> {
        let now = change.now;
        self.announce(change, job, now).await
    }

    /// Announces filing when no scan is left to be unpacked and no page to be read.
    pub(crate) async fn file_when_read(&self, change: &mut Change<'_>) -> Result<(), ArchiveError> {
        let (unread, scans) = self.unread(change).await?;
        if unread { Ok(()) } else { self.announce_filing(change, scans).await }
    }

    /// Announces filing.
    pub(crate) async fn file(&self, change: &mut Change<'_>) -> Result<(), ArchiveError> {
        let (_, scans) = self.unread(change).await?;
        self.announce_filing(change, scans).await
    }

    async fn announce_filing(
        &self,
        change: &mut Change<'_>,
        scans: u32,
    ) -> Result<(), ArchiveError> {
        self.run(change, UNFILE).await?;
        self.unsettle(change).await?;
        self.announce_now(change, Job::File { scans }).await
    }

    async fn unread(&self, change: &mut Change<'_>) -> Result<(bool, u32), ArchiveError> {
        let row = sqlx::query(UNREAD).bind(self.id.to_string()).fetch_one(change.on()).await;
        let row = row.doing("looking for unread pages")?;
        Ok((row.flag("unread")?, row.int("scans")?))
    }

    /// Something is to be done again.
    pub(crate) async fn unsettle(&self, change: &mut Change<'_>) -> Result<(), ArchiveError> {
        self.run(change, UNSETTLE).await.map(|_| ())
    }

    /// Tells it, once, when nothing is left to do.
    pub(crate) async fn settle(&self, change: &mut Change<'_>) -> Result<bool, ArchiveError> {
        let settled = self.run(change, SETTLE).await? > 0;
        if settled {
            self.tell(change, &DossierEvent::Settled).await?;
        }
        Ok(settled)
    }

    /// Runs a statement that takes the dossier alone; answers how many rows it changed.
    pub(crate) async fn run(
        &self,
        change: &mut Change<'_>,
        sql: &'static str,
    ) -> Result<u64, ArchiveError> {
        let done = sqlx::query(sql).bind(self.id.to_string()).execute(change.on()).await;
        Ok(done.doing("changing a dossier")?.rows_affected())
    }
}
