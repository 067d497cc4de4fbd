//! From a filed document to the draft of its record: PDF/A, fields, owners, validity.

use std::collections::HashMap;

use archive::{Dossier, FiledDocument, Page, Scan};
use filing::{Described, Parties, describe};
use schemas::catalogue::Procedure;
use schemas::ids::{Blake3, ComponentId, RecordId, ResultCode, ScanId};
use schemas::kind::Kind;
use schemas::message::Lane;
use schemas::reading::{PageImage, PageReading};
use schemas::record::{Owner, Record, RecordPage, RecordState};
use sealing::{SealError, SealPage, Title};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::consume::{Desk, Failure};
use crate::sign::sign;

/// A document could not be made a PDF/A.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealFailed {
    #[error("document can't be sealed")]
    Sealing(#[from] SealError),
    #[error("document has no {0}")]
    Lacks(&'static str),
    #[error("page images of more than {} MB", MOST_IMAGES >> 20)]
    TooLarge,
    #[error("sealing panicked")]
    Panicked,
}

/// Longest that the page images of a document may be in all, in bytes as they are stored: nearly as
/// long as a scan, unless an intake is told to take longer ones. Sealing takes three times as much
/// at most: the images, the PDF, and once more what was kept as PNG.
const MOST_IMAGES: u32 = 256 << 20;

/// Permits are bytes of page images of a lane that are sealed at this moment, by the whole process:
/// however many hands there are, what they seal is no longer than the largest document. The counter
/// has its own, so that nobody there waits for the backlog's.
static COUNTER_ROOM: Semaphore = Semaphore::const_new(MOST_IMAGES as usize);
static BACKLOG_ROOM: Semaphore = Semaphore::const_new(MOST_IMAGES as usize);

/// A page with all that sealing needs of it.
struct Leaf<'p> {
    page: &'p Page,
    scan: Scan,
    reading: &'p PageReading,
    image: PageImage,
    key: Blake3,
}

/// Everything of a record that publishing doesn't hand out itself: version, digitisation code,
/// time and hash stay empty here. What a person put right in the version `before`, fields or
/// owners, is kept.
pub(crate) async fn draft(
    desk: &Desk,
    dossier: &Dossier,
    document: &FiledDocument,
    pages: &[Page],
    before: Option<&Record>,
) -> Result<Record, Failure> {
    let leaves = leaves(desk, pages).await?;
    let first = leaves.first().ok_or(SealFailed::Lacks("pages"))?;
    let component = document.component.clone().ok_or(SealFailed::Lacks("component"))?;
    let guess = document.kind.as_ref().ok_or(SealFailed::Lacks("kind"))?;
    let kind = desk.kinds.get(&guess.id).ok_or(SealFailed::Lacks("known kind"))?.clone();

    let entry =
        desk.archive.records.procedure_version(&dossier.procedure, dossier.procedure_version);
    let procedure = entry.await?.ok_or(SealFailed::Lacks("procedure"))?.procedure;

    let readings: Vec<&PageReading> = leaves.iter().map(|leaf| leaf.reading).collect();
    let corrections = before.map_or_else(Vec::new, Record::corrections);
    let parties = Parties { people: dossier.people(), whose: procedure.whose(&component) };
    let Described { fields, valid_until, owners } =
        describe(&desk.kinds, &kind, parties, &readings, &corrections);
    let said = before.and_then(Record::said_owners);

    let created = first.scan.received_at;
    // Others may have scanned the pages that follow.
    let scanned_by = first.scan.scanned_by;
    let record_pages = leaves.iter().map(Leaf::record_page).collect();
    let room = room(desk, dossier.lane, &leaves).await?;
    let pdf = seal(desk, &leaves, kind.name.clone(), created).await?;
    let (pdf, pdf_bytes) = sign(desk, pdf, scanned_by).await?;
    drop(room);

    Ok(Record {
        id: RecordId::of(document.id),
        version: 0,
        document: document.id,
        result: result_of(&procedure, &kind, &component),
        kind: kind.id,
        name: kind.name,
        digitisation_code: String::new(),
        owners: said.map_or(owners, <[Owner]>::to_vec),
        owners_said: said.is_some(),
        fields,
        validity: kind.validity,
        valid_until,
        state: RecordState::Published,
        superseded_by: None,
        sensitive: kind.sensitive,
        dossier: dossier.code.clone(),
        office: dossier.office.clone(),
        procedure: dossier.procedure.clone(),
        procedure_version: dossier.procedure_version,
        component,
        pages: record_pages,
        pdf,
        pdf_bytes,
        published_at: String::new(),
        before: None,
        corrected: None,
        hash: None,
    })
}

/// The result that a paper is: the one it was filed as, whether our kinds know it or not, or the
/// only one that its kind can be. A refusal is filed as none.
fn result_of(procedure: &Procedure, kind: &Kind, component: &ComponentId) -> Option<ResultCode> {
    let mut ends = procedure.evidence().chain(&kind.results);
    let filed_as = ends.find(|code| code.to_string() == component.as_str());
    let only = || kind.results.first().filter(|_| kind.results.len() == 1);
    filed_as.or_else(only).cloned()
}

async fn leaves<'p>(desk: &Desk, pages: &'p [Page]) -> Result<Vec<Leaf<'p>>, Failure> {
    let mut scans: HashMap<ScanId, Scan> = HashMap::new();
    let mut leaves = Vec::with_capacity(pages.len());
    for page in pages {
        let scan = match scans.get(&page.scan) {
            Some(scan) => scan.clone(),
            None => {
                let scan = desk.archive.records.scan(page.scan).await?;
                let scan = scan.ok_or(SealFailed::Lacks("scan"))?;
                scans.insert(page.scan, scan.clone());
                scan
            }
        };
        let reading = page.reading.as_ref().ok_or(SealFailed::Lacks("reading"))?;
        let (image, key) = page.image.ok_or(SealFailed::Lacks("page image"))?;
        leaves.push(Leaf { page, scan, reading, image, key });
    }
    Ok(leaves)
}

impl Leaf<'_> {
    fn record_page(&self) -> RecordPage {
        RecordPage {
            page: self.page.id,
            scan: self.scan.blake3,
            seq: self.page.seq,
            image: self.key,
            dpi: self.reading.dpi,
            rotation_deg: self.reading.rotation_deg,
            skew_deg: self.reading.skew_deg,
            blank: self.reading.blank,
        }
    }
}

/// Room in memory for a document. How long its images are is told without reading them.
async fn room(
    desk: &Desk,
    lane: Lane,
    leaves: &[Leaf<'_>],
) -> Result<Option<SemaphorePermit<'static>>, Failure> {
    let mut bytes: u32 = 0;
    for leaf in leaves {
        let more = desk.archive.blobs.stored(leaf.key).await?;
        let all = u32::try_from(more).ok().and_then(|more| bytes.checked_add(more));
        bytes = all.filter(|all| *all <= MOST_IMAGES).ok_or(SealFailed::TooLarge)?;
    }
    let room = match lane {
        Lane::Counter => &COUNTER_ROOM,
        Lane::Backlog => &BACKLOG_ROOM,
    };
    Ok(room.acquire_many(bytes).await.ok())
}

/// The PDF/A. Equal documents give equal bytes: the date in it is when the first page came in.
async fn seal(
    desk: &Desk,
    leaves: &[Leaf<'_>],
    title: String,
    created: jiff::Timestamp,
) -> Result<Vec<u8>, Failure> {
    let mut sheets = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let bytes = desk.archive.blobs.get(leaf.key).await?;
        sheets.push((leaf.image, bytes, leaf.reading.clone()));
    }
    let made_by = desk.made_by.clone();
    #[expect(clippy::disallowed_methods, reason = "the worker's one door to CPU work of its own")]
    let sealed = tokio::task::spawn_blocking(move || {
        let pages: Vec<SealPage<'_>> = sheets
            .iter()
            .map(|(image, bytes, reading)| SealPage { image: *image, bytes, reading })
            .collect();
        sealing::seal(
            &pages,
            &Title { title: &title, subject: None, creator_tool: &made_by, created },
        )
    });
    let sealed = sealed.await.map_err(|_| SealFailed::Panicked)?;
    Ok(sealed.map_err(SealFailed::Sealing)?)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use filing::Kinds;
    use schemas::message::Job;

    use super::*;
    use crate::bed::{desk_with, grey_jpeg, to_be_sealed};
    use crate::consume::LONGEST_JOB;

    #[tokio::test]
    async fn documents_without_room_beside_each_other_are_sealed_one_after_the_other() {
        let (_folder, desk) = desk_with("exit 1", LONGEST_JOB).await;
        let job = to_be_sealed(&desk, 2, &grey_jpeg(1 << 20)).await;
        let Job::Seal { document, revision } = &job.message.job else { panic!("{job:?}") };
        let record = async || {
            let (_, row) = desk.archive.records.document(*document).await.unwrap().unwrap();
            row.record
        };

        let another = COUNTER_ROOM.acquire_many(MOST_IMAGES - (2 << 20) + 1).await.unwrap();
        let mut sealing = pin!(crate::jobs::seal(&desk, *document, revision));
        let waited = tokio::time::timeout(Duration::from_secs(2), &mut sealing).await;
        assert!(waited.is_err(), "{waited:?}");
        assert_eq!(record().await, None);
        drop(another);
        sealing.await.unwrap();
        assert!(record().await.is_some());
    }

    #[test]
    fn a_result_keeps_the_code_it_was_filed_as_though_no_kind_names_it_and_a_refusal_has_none() {
        let kinds = Kinds::shipped();
        let kind = kinds.get(&"birth_certificate".parse().unwrap()).unwrap();
        let procedure: Procedure = serde_json::from_value(serde_json::json!({
            "code": "1.000001", "name": "Cấp giấy phép", "components": [], "results": [
                { "code": "KQ.G99.000999", "name": "Giấy phép", "evidence": true },
                { "code": "KQ.G01.000067", "name": "Phiếu từ chối", "evidence": false },
            ],
        }))
        .unwrap();
        let result = |component: &str| {
            let found = result_of(&procedure, kind, &component.parse().unwrap());
            found.map(|code| code.to_string())
        };
        assert_eq!(result("KQ.G99.000999").as_deref(), Some("KQ.G99.000999"));
        let only = kind.results.first().filter(|_| kind.results.len() == 1);
        let only = only.map(ToString::to_string);
        assert_eq!(result("TP01"), only);
        assert_eq!(result("KQ.G01.000067"), only, "a refusal proves nothing");
    }
}
