//! Pages and what was read off them. The words stand in a table of their own, so that the view
//! of a dossier doesn't load them.

use std::collections::HashMap;

use schemas::api::{DossierEvent, FlawView, PageState};
use schemas::code::Reason;
use schemas::ids::{Blake3, DossierId, PageId, ScanId};
use schemas::reading::{Flaw, KindGuess, PageImage, PageReading};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Records;
use super::held::{By, Held};
use crate::error::{ArchiveError, Doing};
use crate::removal;
use crate::rows::{Columns, json, share, unreadable};

/// A page with all that was read off it.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its id.
    pub id: PageId,
    /// The scan it was cut from.
    pub scan: ScanId,
    /// The dossier.
    pub dossier: DossierId,
    /// Place in the scan, from 0.
    pub seq: u32,
    /// How it stands.
    pub state: PageState,
    /// What was read.
    pub reading: Option<PageReading>,
    /// How the page image is kept, and its blob.
    pub image: Option<(PageImage, Blake3)>,
    /// The page in this dossier that is the same paper, scanned before.
    pub same_as: Option<PageId>,
    /// Why it is parked.
    pub reason: Option<Reason>,
}

/// A page without the words.
#[derive(Debug, Clone, PartialEq)]
pub struct PageSummary {
    /// Its id.
    pub id: PageId,
    /// Place in the scan, from 0.
    pub seq: u32,
    /// How it stands.
    pub state: PageState,
    /// Whether it is blank; false while it is not read.
    pub blank: bool,
    /// Mean confidence of its words, once read.
    pub confidence: Option<f32>,
    /// Kind of paper it looks like the first page of.
    pub kind: Option<KindGuess>,
    /// Why it should be scanned again; none while it is not read.
    pub flaws: Vec<Flaw>,
    /// How the page image is kept, and its blob.
    pub image: Option<(PageImage, Blake3)>,
    /// The page in this dossier that is the same paper, scanned before.
    pub same_as: Option<PageId>,
    /// Why it is parked.
    pub reason: Option<Reason>,
}

macro_rules! page {
    ($which:literal) => {
        concat!(
            "select page_id, scan_id, page.dossier_id, seq, page.state, image, image_blake3, ",
            "same_as, page.reason, body from page left join page_reading using (page_id) ",
            $which
        )
    };
}
const BY_ID: &str = page!("where page_id = $1");
const SHEETS: &str = page!(
    "join scan using (scan_id) where page.dossier_id = $1 and page.state = 'read'
     order by scan.place, seq"
);

const SUMMARIES: &str = "
    select page_id, scan_id, seq, state, blank, confidence, kind, kind_confidence, flaws,
        image, image_blake3, same_as, reason
    from page where dossier_id = $1 order by scan_id, seq";

const READ: &str = "
    update page set state = 'read', blank = $2, confidence = $3, kind = $4,
        kind_confidence = cast($5 as double precision), image = $6, image_blake3 = $7, flaws = $8,
        reason = null
    where page_id = $1 and state = 'waiting'";

const WAITS: &str = "select 1 from page where page_id = $1 and state = 'waiting'";

const PUT_READING: &str = "
    insert into page_reading (page_id, body) values ($1, $2)
    on conflict (page_id) do update set body = excluded.body";

impl Records {
    /// A page.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn page(&self, id: PageId) -> Result<Option<Page>, ArchiveError> {
        let query = sqlx::query(BY_ID).bind(id.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a page")?;
        row.as_ref().map(page).transpose()
    }

    /// Tells that a page which still waits to be read should be scanned again.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such page.
    pub async fn page_seen(&self, id: PageId, flaws: &[Flaw]) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Page(id)).await?.ok_or_else(|| missing(id))?;
        let waits = sqlx::query(WAITS).bind(id.to_string()).fetch_optional(change.on()).await;
        if waits.doing("telling flaws")?.is_some() {
            let flaws = flaws.iter().copied().map(FlawView::from).collect();
            held.tell(&mut change, &DossierEvent::PageSeen { page: id, flaws }).await?;
        }
        change.commit().await
    }

    /// The page was read. With the dossier's last unread page, filing is announced. A page that
    /// doesn't wait to be read stays as it is.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such page.
    pub async fn page_read(
        &self,
        id: PageId,
        reading: &PageReading,
        image: PageImage,
        blob: Blake3,
    ) -> Result<(), ArchiveError> {
        let doing = "keeping a reading";
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Page(id)).await?.ok_or_else(|| missing(id))?;
        let kind = reading.kind.as_ref();
        let read = sqlx::query(READ)
            .bind(id.to_string())
            .bind(i64::from(reading.blank))
            .bind(f64::from(reading.confidence))
            .bind(kind.map(|kind| kind.id.as_str()))
            .bind(share(kind.map(|kind| kind.confidence)))
            .bind(json(&image)?)
            .bind(blob.to_string())
            .bind(json(&reading.flaws)?);
        if read.execute(change.on()).await.doing(doing)?.rows_affected() == 0 {
            return Ok(());
        }
        removal::refuse_during(&mut change, blob).await?;
        let put = sqlx::query(PUT_READING).bind(id.to_string()).bind(json(reading)?);
        put.execute(change.on()).await.doing(doing)?;
        let flaws = reading.flaws.iter().copied().map(FlawView::from).collect();
        let event = DossierEvent::PageRead { page: id, blank: reading.blank, flaws };
        held.tell(&mut change, &event).await?;
        held.file_when_read(&mut change).await?;
        change.commit().await
    }

    /// A dossier's read pages, in order of the scans' arrival, then of their place in the scan.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn sheets(&self, dossier: DossierId) -> Result<Vec<Page>, ArchiveError> {
        let query = sqlx::query(SHEETS).bind(dossier.to_string());
        let rows = query.fetch_all(&self.db.readers).await.doing("reading pages")?;
        rows.iter().map(page).collect()
    }
}

/// A dossier's pages without their words, by scan and in order.
pub(crate) async fn summaries(
    view: &mut AnyConnection,
    dossier: DossierId,
) -> Result<HashMap<ScanId, Vec<PageSummary>>, ArchiveError> {
    let rows = sqlx::query(SUMMARIES).bind(dossier.to_string()).fetch_all(view).await;
    let mut pages: HashMap<ScanId, Vec<PageSummary>> = HashMap::new();
    for row in rows.doing("reading pages")? {
        pages.entry(row.parsed("scan_id")?).or_default().push(summary(&row)?);
    }
    Ok(pages)
}

pub(crate) fn missing(id: PageId) -> ArchiveError {
    ArchiveError::Missing(format!("page {id}"))
}

/// A guess in the columns `kind` and `kind_confidence`.
pub(crate) fn guess(row: &AnyRow) -> Result<Option<KindGuess>, ArchiveError> {
    Ok(match (row.parsed_or("kind")?, row.share_or("kind_confidence")?) {
        (Some(id), Some(confidence)) => Some(KindGuess { id, confidence }),
        (None, None) => None,
        _ => return Err(unreadable("kind")),
    })
}

fn image(row: &AnyRow) -> Result<Option<(PageImage, Blake3)>, ArchiveError> {
    Ok(row.json_or("image")?.zip(row.parsed_or("image_blake3")?))
}

fn summary(row: &AnyRow) -> Result<PageSummary, ArchiveError> {
    Ok(PageSummary {
        id: row.parsed("page_id")?,
        seq: row.int("seq")?,
        state: row.word("state")?,
        blank: row.int::<i64>("blank")? != 0,
        confidence: row.share_or("confidence")?,
        kind: guess(row)?,
        flaws: row.json_or("flaws")?.unwrap_or_default(),
        image: image(row)?,
        same_as: row.parsed_or("same_as")?,
        reason: row.word_or("reason")?,
    })
}

fn page(row: &AnyRow) -> Result<Page, ArchiveError> {
    Ok(Page {
        id: row.parsed("page_id")?,
        scan: row.parsed("scan_id")?,
        dossier: row.parsed("dossier_id")?,
        seq: row.int("seq")?,
        state: row.word("state")?,
        reading: row.json_or("body")?,
        image: image(row)?,
        same_as: row.parsed_or("same_as")?,
        reason: row.word_or("reason")?,
    })
}
