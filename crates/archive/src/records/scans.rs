//! Scans: accepted once however often they are sent, then cut into pages.

use jiff::Timestamp;
use schemas::api::{DossierEvent, DossierState, ScanState};
use schemas::code::Reason;
use schemas::ids::{Blake3, ComponentId, DossierId, PageId, PrincipalId, ScanId};
use schemas::message::Job;
use schemas::signature::DigitalSignature;
use sqlx::any::AnyRow;

use super::Records;
use super::again::{Stated, keep_reason};
use super::at_hand::InUse;
use super::dossiers;
use super::held::{By, Held};
use super::pages::{PageSummary, summaries};
use crate::database::{Change, micros};
use crate::error::{AcceptError, ArchiveError, Doing};
use crate::removal;
use crate::rows::{Columns, json, number};

/// A scan whose bytes are durable already.
#[derive(Debug, Clone)]
pub struct NewScan {
    /// The dossier.
    pub dossier: DossierId,
    /// blake3 of the bytes.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type, told by content.
    pub media_type: String,
    /// The sender's key; within a dossier a key stands for one scan.
    pub idempotency_key: Option<String>,
    /// The officer's hint.
    pub component: Option<ComponentId>,
    /// Station that sent it.
    pub station: Option<String>,
    /// Who was let in with it.
    pub scanned_by: PrincipalId,
    /// Why it is taken, where a record stands for its component.
    pub stated: Option<Stated>,
    /// What the guard went by, where one looked at it.
    pub judged_by: Option<InUse>,
}

/// A scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Its id.
    pub id: ScanId,
    /// The dossier.
    pub dossier: DossierId,
    /// blake3 of the bytes.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type, told by content.
    pub media_type: String,
    /// The officer's hint.
    pub component: Option<ComponentId>,
    /// Station that sent it.
    pub station: Option<String>,
    /// Who sent it first; none where it came before that was kept.
    pub scanned_by: Option<PrincipalId>,
    /// How it stands.
    pub state: ScanState,
    /// Pages, once counted.
    pub pages: Option<u32>,
    /// Why it is parked.
    pub reason: Option<Reason>,
    /// When it was received.
    pub received_at: Timestamp,
    /// Digital signatures, once unpacked.
    pub signatures: Vec<DigitalSignature>,
}

impl Scan {
    /// A scan as it is received; its moment is kept to the microsecond.
    fn received(new: &NewScan, now: Timestamp) -> Self {
        Self {
            id: ScanId::of(new.dossier, new.blake3),
            dossier: new.dossier,
            blake3: new.blake3,
            bytes: new.bytes,
            media_type: new.media_type.clone(),
            component: new.component.clone(),
            station: new.station.clone(),
            scanned_by: Some(new.scanned_by),
            state: ScanState::Received,
            pages: None,
            reason: None,
            received_at: Timestamp::from_microsecond(micros(now)).unwrap_or(now),
            signatures: Vec::new(),
        }
    }
}

/// What came of accepting a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The scan.
    pub scan: Scan,
    /// Whether the same bytes had been received before.
    pub repeated: bool,
}

/// How much is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Jobs not done yet; counted up to the limit only.
    pub jobs: u32,
    /// When the oldest of them was announced.
    pub oldest: Option<Timestamp>,
    /// How many more may: with none, stations should come back later.
    pub room: u32,
}

const KEYED: &str = "
    select scan_id from scan_key where dossier_id = $1 and idempotency_key = $2";

const PUT_KEY: &str = "
    insert into scan_key (dossier_id, idempotency_key, scan_id) values ($1, $2, $3)
    on conflict (dossier_id, idempotency_key) do nothing";

const PUT: &str = "
    insert into scan (scan_id, dossier_id, place, blake3, bytes, media_type, component, station,
        scanned_by, state, received_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'received', $10)
    on conflict (scan_id) do nothing";

macro_rules! scan {
    ($which:literal) => {
        concat!(
            "select scan_id, dossier_id, blake3, bytes, media_type, component, station, ",
            "scanned_by, state, pages, reason, received_at, signatures from scan where ",
            $which
        )
    };
}
const BY_ID: &str = scan!("scan_id = $1");
const OF_DOSSIER: &str = scan!("dossier_id = $1 order by place");

// Counting stops at the limit: beyond it the figure doesn't matter.
const WAITING: &str = "
    select (select count(*) from (select 1 from outbox limit $1) as announced)
         + (select count(*) from (select 1 from job limit $1) as queued) as jobs,
        (select min(made_at) from outbox) as announced,
        (select min(made_at) from job) as queued";

const UNPACKED: &str = "
    update scan set state = 'unpacked', pages = $2, media_type = $3, signatures = $4, reason = null
    where scan_id = $1 and state = 'received'";

const PUT_PAGE: &str = "
    insert into page (page_id, scan_id, dossier_id, seq, state)
    values ($1, $2, $3, $4, 'waiting')
    on conflict (page_id) do nothing";

impl Records {
    /// Accepts a scan and announces that it be unpacked. The same bytes again, with the same key
    /// or without, get the same answer, from a closed dossier too.
    ///
    /// # Errors
    /// [`AcceptError::Closed`], [`AcceptError::KeyReused`], [`AcceptError::Changed`];
    /// [`ArchiveError::Missing`] when there is no such dossier.
    pub async fn accept_scan(
        &self,
        new: &NewScan,
        now: Timestamp,
    ) -> Result<Accepted, AcceptError> {
        let id = ScanId::of(new.dossier, new.blake3);
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(new.dossier)).await?;
        let held = held.ok_or_else(|| dossiers::missing(new.dossier))?;
        // In a closed dossier only what had been received before is there.
        let closed = held.state == DossierState::Closed;
        let repeated = closed || !put(&mut change, &held, new, now).await?;
        if let Some(judged_by) = new.judged_by.as_ref().filter(|_| !repeated)
            && !judged_by.still(&mut change, held.id).await?
        {
            return Err(AcceptError::Changed);
        }
        let scan = match repeated {
            false => Scan::received(new, now),
            true => match by_id(&mut change, id).await? {
                Some(row) => scan(&row)?,
                None if closed => return Err(AcceptError::Closed),
                None => return Err(missing(id).into()),
            },
        };
        if let Some(key) = &new.idempotency_key
            && !stands_for(&mut change, &held, key, id).await?
        {
            return Err(AcceptError::KeyReused);
        }
        if let Some(stated) = new.stated.as_ref().filter(|_| !closed) {
            keep_reason(&mut change, (held.id, id), stated, now).await?;
        }
        change.commit().await?;
        Ok(Accepted { scan, repeated })
    }

    /// Whether a scan of the dossier was accepted under that key.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn knows_key(&self, dossier: DossierId, key: &str) -> Result<bool, ArchiveError> {
        let query = sqlx::query(KEYED).bind(dossier.to_string()).bind(key);
        let row = query.fetch_optional(&self.db.readers).await.doing("looking for a key")?;
        Ok(row.is_some())
    }

    /// How much is waiting.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn waiting(&self) -> Result<Waiting, ArchiveError> {
        let limit = self.db.max_waiting_jobs;
        let row = sqlx::query(WAITING).bind(i64::from(limit)).fetch_one(&self.db.readers).await;
        let row = row.doing("counting what waits")?;
        let announced: Option<i64> = row.take("announced")?;
        let oldest = announced.into_iter().chain(row.take::<Option<i64>>("queued")?).min();
        let jobs = row.int::<u32>("jobs")?.min(limit);
        let oldest = oldest.and_then(|at| Timestamp::from_microsecond(at).ok());
        Ok(Waiting { jobs, oldest, room: limit - jobs })
    }

    /// A scan.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn scan(&self, id: ScanId) -> Result<Option<Scan>, ArchiveError> {
        let query = sqlx::query(BY_ID).bind(id.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a scan")?;
        row.as_ref().map(scan).transpose()
    }

    /// A dossier's scans in order of arrival, each with its pages in order.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn scans(
        &self,
        dossier: DossierId,
    ) -> Result<Vec<(Scan, Vec<PageSummary>)>, ArchiveError> {
        let mut view = self.db.view().await?;
        let query = sqlx::query(OF_DOSSIER).bind(dossier.to_string());
        let rows = query.fetch_all(&mut *view).await.doing("reading scans")?;
        let mut pages = summaries(&mut view, dossier).await?;
        let with_pages = |row: &AnyRow| {
            let scan = scan(row)?;
            let pages = pages.remove(&scan.id).unwrap_or_default();
            Ok((scan, pages))
        };
        rows.iter().map(with_pages).collect()
    }

    /// The scan was found to have so many pages, and these signatures; each page is announced to
    /// be read. Done twice, the second changes nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such scan.
    pub async fn unpacked(
        &self,
        id: ScanId,
        pages: u32,
        media_type: &str,
        signatures: &[DigitalSignature],
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Scan(id)).await?.ok_or_else(|| missing(id))?;
        let query = sqlx::query(UNPACKED).bind(id.to_string()).bind(i64::from(pages));
        let query = query.bind(media_type).bind(json(&signatures)?);
        let done = query.execute(change.on()).await.doing("unpacking a scan")?;
        if done.rows_affected() == 0 {
            return Ok(());
        }
        put_pages(&mut change, &held, id, pages).await?;
        held.tell(&mut change, &DossierEvent::ScanUnpacked { scan: id, pages }).await?;
        // Where there is no page to wait for, or each was read before.
        held.file_when_read(&mut change).await?;
        change.commit().await
    }
}

/// Puts the pages that are not there yet, and announces each of those.
pub(crate) async fn put_pages(
    change: &mut Change<'_>,
    held: &Held,
    scan: ScanId,
    pages: u32,
) -> Result<(), ArchiveError> {
    for seq in 0..pages {
        let page = PageId::nth(scan, seq);
        let put = sqlx::query(PUT_PAGE).bind(page.to_string()).bind(scan.to_string());
        let put = put.bind(held.id.to_string()).bind(i64::from(seq));
        if put.execute(change.on()).await.doing("putting a page")?.rows_affected() > 0 {
            held.announce_now(change, Job::Read { page }).await?;
        }
    }
    Ok(())
}

/// Puts a scan, announces it and tells of it; false when it was there.
async fn put(
    change: &mut Change<'_>,
    held: &Held,
    new: &NewScan,
    now: Timestamp,
) -> Result<bool, ArchiveError> {
    let scan = ScanId::of(new.dossier, new.blake3);
    let put = sqlx::query(PUT)
        .bind(scan.to_string())
        .bind(held.id.to_string())
        .bind(held.turn)
        .bind(new.blake3.to_string())
        .bind(number(new.bytes))
        .bind(&new.media_type)
        .bind(new.component.as_ref().map(ComponentId::as_str))
        .bind(&new.station)
        .bind(new.scanned_by.to_string())
        .bind(micros(now))
        .execute(change.on())
        .await
        .doing("keeping a scan")?;
    if put.rows_affected() == 0 {
        return Ok(false);
    }
    removal::refuse_during(change, new.blake3).await?;
    held.announce_now(change, Job::Unpack { scan }).await?;
    held.tell_unsettled(change, &DossierEvent::ScanReceived { scan }).await?;
    Ok(true)
}

/// Whether the key stands for the scan, which it does from now on where it stood for none of the
/// dossier.
async fn stands_for(
    change: &mut Change<'_>,
    held: &Held,
    key: &str,
    scan: ScanId,
) -> Result<bool, ArchiveError> {
    let (dossier, doing) = (held.id.to_string(), "keeping a key");
    let put = sqlx::query(PUT_KEY).bind(&dossier).bind(key).bind(scan.to_string());
    if put.execute(change.on()).await.doing(doing)?.rows_affected() > 0 {
        return Ok(true);
    }
    let row = sqlx::query(KEYED).bind(dossier).bind(key).fetch_one(change.on()).await;
    Ok(row.doing(doing)?.parsed::<ScanId>("scan_id")? == scan)
}

pub(crate) fn missing(id: ScanId) -> ArchiveError {
    ArchiveError::Missing(format!("scan {id}"))
}

async fn by_id(change: &mut Change<'_>, id: ScanId) -> Result<Option<AnyRow>, ArchiveError> {
    let query = sqlx::query(BY_ID).bind(id.to_string());
    query.fetch_optional(change.on()).await.doing("reading a scan")
}

fn scan(row: &AnyRow) -> Result<Scan, ArchiveError> {
    Ok(Scan {
        id: row.parsed("scan_id")?,
        dossier: row.parsed("dossier_id")?,
        blake3: row.parsed("blake3")?,
        bytes: row.int("bytes")?,
        media_type: row.take("media_type")?,
        component: row.parsed_or("component")?,
        station: row.take("station")?,
        scanned_by: row.parsed_or("scanned_by")?,
        state: row.word("state")?,
        pages: row.int_or("pages")?,
        reason: row.word_or("reason")?,
        received_at: row.time("received_at")?,
        signatures: row.json_or("signatures")?.unwrap_or_default(),
    })
}
