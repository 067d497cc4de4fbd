//! What each job does: values in from the archive, one pure or jailed computation, results out
//! in one transaction. Each may run twice and changes nothing the second time.

use std::collections::HashMap;
use std::sync::Arc;

use archive::{
    ArchiveError, Dossier, FiledDocument, FilingError, InUse, Page, Relied, revision_of,
};
use failpoints::{Point, here};
use filing::standing::standing;
use filing::{Filing, Kinds, Sheet, Verdict};
use schemas::api::{DocumentVerdict, PageState, ScanState};
use schemas::catalogue::Procedure;
use schemas::ids::{
    CaseId, ComponentId, DocumentId, DossierCode, DossierId, KindId, PageId, RecordId, ScanId,
};
use schemas::message::Lane;
use schemas::reading::Flaw;
use tokio::sync::oneshot;
use tracing::{Instrument, info_span, warn};
use vitals::PageFate;

use crate::consume::{Desk, Failure};
use crate::readers::Unpacked;
use crate::sign::prove;

/// A scan of many pages becomes pages.
pub(crate) async fn unpack(desk: &Desk, lane: Lane, scan: ScanId) -> Result<(), Failure> {
    let scan = found(desk.archive.records.scan(scan).await?, "scan")?;
    if scan.state == ScanState::Unpacked {
        return Ok(());
    }
    let bytes = desk.archive.blobs.get(scan.blake3).await?;
    let Unpacked { pages, media_type, signatures } = desk.readers.unpack(lane, &bytes).await?;
    here(Point::ScanUnpacked);
    desk.archive.records.unpacked(scan.id, pages, &media_type, &signatures).await?;
    Ok(())
}

/// One page goes its way.
pub(crate) async fn read(desk: &Desk, lane: Lane, page: PageId) -> Result<(), Failure> {
    let page = found(desk.archive.records.page(page).await?, "page")?;
    if page.state == PageState::Read {
        return Ok(());
    }
    let scan = found(desk.archive.records.scan(page.scan).await?, "scan")?;
    let bytes = desk.archive.blobs.get(scan.blake3).await?;
    let (seen, told) = oneshot::channel::<Vec<Flaw>>();
    let tell = async {
        // Nothing is sent of a page without flaws.
        let Ok(flaws) = told.await else { return };
        if let Err(error) = desk.archive.records.page_seen(page.id, &flaws).await {
            // With the reading they are told again.
            warn!(error = &error as &dyn std::error::Error, "flaws not told");
        }
    };
    let (read, ()) = tokio::join!(desk.readers.read(lane, &bytes, page.seq, seen), tell);
    let read = read?;
    vitals::trace::stages(&read.reading.millis);
    here(Point::PageRead);
    let image = desk.archive.blobs.put(&read.bytes).await?;
    here(Point::ImageKept);
    desk.archive.records.page_read(page.id, &read.reading, read.image, image).await?;
    for (stage, millis) in &read.reading.millis {
        vitals::stage(stage, *millis);
    }
    vitals::page(if read.reading.blank { PageFate::Blank } else { PageFate::Read });
    Ok(())
}

/// A dossier's pages are sorted into documents, and these laid on its components.
pub(crate) async fn file(desk: &Desk, dossier: DossierId) -> Result<(), Failure> {
    let records = &desk.archive.records;
    let dossier = found(records.dossier_by_id(dossier).await?, "dossier")?;
    let procedure = Arc::new(records.procedure_of(&dossier).await?.procedure);
    let pages = records.sheets(dossier.id).await?;
    let scans = records.scans(dossier.id).await?.into_iter();
    let said = scans.filter_map(|(scan, _)| Some((scan.id, scan.component?))).collect();
    let count = pages.len();
    let pile = Pile {
        kinds: desk.kinds.clone(),
        procedure: procedure.clone(),
        case: dossier.case.clone(),
        code: dossier.code.clone(),
        pages,
        said,
    };
    let Sorted { documents, same_as, unsaid } = sorted(pile).await?;
    loop {
        let (held, in_use) = held(desk, &dossier, &procedure, &unsaid).await?;
        records.rely_on(dossier.id, &held).await?;
        here(Point::DossierFiled);
        let seen = (count, in_use.as_ref());
        match records.put_filing(dossier.id, seen, &documents, &same_as, desk.quiet).await {
            Ok(_) => return Ok(()),
            // What came into use meanwhile may spare a paper, too.
            Err(FilingError::Changed) => {}
            Err(FilingError::Archive(error)) => return Err(error.into()),
        }
    }
}

/// A dossier's pages, and what they are sorted by.
struct Pile {
    kinds: Kinds,
    procedure: Arc<Procedure>,
    case: Option<CaseId>,
    code: DossierCode,
    pages: Vec<Page>,
    /// What scans were said to be for.
    said: HashMap<ScanId, ComponentId>,
}

/// A dossier's pages as the records keep them.
struct Sorted {
    documents: Vec<FiledDocument>,
    /// Pages that are the same paper scanned again: (again, first).
    same_as: Vec<(PageId, PageId)>,
    /// Components that papers were filed under without anybody's word.
    unsaid: Vec<ComponentId>,
}

/// Sorts a pile. One of hundreds of pages takes seconds: leases and whoever asks over HTTP don't
/// wait for that.
async fn sorted(pile: Pile) -> Result<Sorted, Failure> {
    #[expect(clippy::disallowed_methods, reason = "the worker's one door to CPU work of its own")]
    let sorting = tokio::task::spawn_blocking(move || pile.sort());
    sorting.await.map_err(|_| Failure::Panicked)
}

impl Pile {
    fn sort(&self) -> Sorted {
        let sheets: Vec<Sheet<'_>> = self
            .pages
            .iter()
            .filter_map(|page| {
                let said = self.said.get(&page.scan);
                Some(Sheet { page: page.id, reading: page.reading.as_ref()?, said })
            })
            .collect();
        let case = self.case.as_ref();
        let filing = filing::file(&self.kinds, &self.procedure, case, &self.code, &sheets);
        let (documents, same_as) = of_filing(&filing, &sheets);
        Sorted { documents, same_as, unsaid: unsaid(&filing, &sheets) }
    }
}

/// Components that papers were filed under without anybody's word: no guard has looked at them when
/// they were scanned.
fn unsaid(filing: &Filing, sheets: &[Sheet<'_>]) -> Vec<ComponentId> {
    let filed = filing.documents.iter().filter(|document| document.verdict == Verdict::Filed);
    let unsaid = filed.filter_map(|document| {
        let component = document.component.as_ref()?;
        let said = |page: &usize| sheets[*page].said == Some(component);
        (!document.pages.iter().any(said)).then(|| component.clone())
    });
    unsaid.collect()
}

/// Records that spare the papers of these components of a dossier by now, and that it doesn't rely
/// on yet; and what that was told by.
async fn held(
    desk: &Desk,
    dossier: &Dossier,
    procedure: &Procedure,
    components: &[ComponentId],
) -> Result<(Vec<Relied>, Option<InUse>), ArchiveError> {
    if components.is_empty() {
        return Ok((Vec::new(), None));
    }
    let records = &desk.archive.records;
    let in_use = records.in_use_for(dossier.id).await?;
    let at_hand = records.at_hand(dossier, procedure).await?;
    let views =
        standing(&desk.kinds, procedure, at_hand.situation(dossier), schemas::clock::today());
    let mut relied: Vec<_> = views.iter().filter_map(Relied::of).collect();
    relied.retain(|relied| !relied.original && components.contains(&relied.component));
    if !relied.is_empty() {
        let known = records.relied(dossier.id).await?;
        relied.retain(|new| !known.iter().any(|known| known.component == new.component));
    }
    Ok((relied, Some(in_use)))
}

/// What a seal job found.
enum Sealed {
    /// The document was filed anew since, or is not to be published: the job is void.
    Void,
    /// It was published by this job.
    Now,
    /// It was published before, as that version: what is left may be a proof.
    Before(u32),
}

/// A filed document becomes a PDF/A and a record, which the agency vouches for and which ends what
/// it takes the place of.
pub(crate) async fn seal(desk: &Desk, document: DocumentId, revision: &str) -> Result<(), Failure> {
    let records = &desk.archive.records;
    let record = RecordId::of(document);
    let sealed = publish(desk, document, revision).await?;
    // Of a record that was withdrawn, too: what it had ended may be in use again.
    let ends = |later: &KindId, earlier: &KindId| desk.kinds.ends(later, earlier);
    records.succeed(record, &ends, jiff::Timestamp::now()).await?;
    match sealed {
        Sealed::Void => Ok(()),
        Sealed::Now => prove(desk, record).await,
        Sealed::Before(version) => {
            prove(desk, record).await?;
            Ok(records.proof_done(document, version).await?)
        }
    }
}

async fn publish(desk: &Desk, document: DocumentId, revision: &str) -> Result<Sealed, Failure> {
    let records = &desk.archive.records;
    let Some((dossier, row)) = records.document(document).await? else { return Ok(Sealed::Void) };
    if row.doc.revision != revision || row.doc.component.is_none() {
        return Ok(Sealed::Void);
    }
    if let Some((_, version)) = row.record {
        // Corrected since, or published by a job that died.
        here(Point::RecordPublished);
        return Ok(Sealed::Before(version));
    }
    let dossier = found(records.dossier_by_id(dossier).await?, "dossier")?;
    let mut pages: Vec<Page> = Vec::new();
    for page in &row.doc.pages {
        pages.push(found(records.page(*page).await?, "page")?);
    }
    let before = records.record(RecordId::of(document), None).await?;
    let draft = crate::publish::draft(desk, &dossier, &row.doc, &pages, before.as_ref()).await?;
    here(Point::DocumentSealed);
    let now = jiff::Timestamp::now();
    let publishing = records.publish(document, revision, draft, now);
    let record = publishing.instrument(info_span!("publish", document.id = %document)).await?;
    let Some(record) = record else { return Ok(Sealed::Void) };
    here(Point::RecordPublished);
    // Done for the second time, it is the record that was published before.
    if record.published_at == now.to_string() {
        vitals::record_published();
    }
    Ok(Sealed::Now)
}

/// Documents as the records keep them, and the pages that are the same paper scanned again.
fn of_filing(filing: &Filing, sheets: &[Sheet<'_>]) -> (Vec<FiledDocument>, Vec<(PageId, PageId)>) {
    let id_of = |i: &usize| sheets[*i].page;
    let documents = filing.documents.iter().filter_map(|document| {
        let pages: Vec<PageId> = document.pages.iter().map(id_of).collect();
        Some(FiledDocument {
            id: DocumentId::starting_at(*pages.first()?),
            revision: revision_of(
                &pages,
                document.kind.as_ref().map(|kind| &kind.id),
                document.component.as_ref(),
            ),
            pages,
            kind: document.kind.clone(),
            component: document.component.clone(),
            confidence: document.confidence,
            verdict: match document.verdict {
                Verdict::Filed => DocumentVerdict::Filed,
                Verdict::Unsure => DocumentVerdict::Unsure,
                Verdict::Outside => DocumentVerdict::Outside,
            },
            why: document.why.clone(),
        })
    });
    let same_as = filing.duplicates.iter().map(|(again, first)| (id_of(again), id_of(first)));
    (documents.collect(), same_as.collect())
}

fn found<T>(thing: Option<T>, what: &str) -> Result<T, ArchiveError> {
    thing.ok_or_else(|| ArchiveError::Missing(what.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;

    use schemas::ids::Blake3;
    use schemas::reading::{PageReading, Word};
    use tokio::runtime;

    use super::*;

    /// A copy of one form for each of so many people. All look alike.
    fn copies(count: u32) -> Pile {
        let dossier = DossierId::new();
        let page = |person: u32| {
            let blake3 = Blake3::of(&person.to_be_bytes());
            let scan = ScanId::of(dossier, blake3);
            let text = format!("Họ và tên Nguyễn Thị Mẫu số định danh 0012200{person:05}");
            let word = |text: &str| Word { text: text.to_owned(), h: 20, ..Word::default() };
            let words = text.split(' ').map(word).collect();
            Page {
                id: PageId::nth(scan, 0),
                scan,
                dossier,
                seq: 0,
                state: PageState::Read,
                reading: Some(PageReading { words, ..PageReading::unread(0, blake3) }),
                image: None,
                same_as: None,
                reason: None,
            }
        };
        let procedure = r#"{ "code": "1.000001", "name": "-", "components": [] }"#;
        Pile {
            kinds: Kinds::shipped(),
            procedure: Arc::new(serde_json::from_str(procedure).unwrap()),
            case: None,
            code: "H26-1".parse().unwrap(),
            pages: (0..count).map(page).collect(),
            said: HashMap::new(),
        }
    }

    #[test]
    fn whoever_works_beside_it_does_not_wait_until_many_copies_of_a_form_are_sorted() {
        // One thread for everything, and one for what takes it long. That one is taken.
        let mut threads = runtime::Builder::new_current_thread();
        threads.max_blocking_threads(1).build().unwrap().block_on(async {
            let (leave, stay) = mpsc::channel::<()>();
            #[expect(clippy::disallowed_methods, reason = "takes the thread behind the door")]
            let taken = tokio::task::spawn_blocking(move || stay.recv());
            let mut sorting = pin!(sorted(copies(100)));
            tokio::select! {
                biased;
                sorted = &mut sorting => panic!("nobody else came to work: {}", sorted.is_ok()),
                () = tokio::task::yield_now() => {}
            }
            drop(leave);
            assert!(taken.await.unwrap().is_err());
            let sorted = sorting.await.unwrap();
            assert!(sorted.same_as.is_empty(), "{:?}", sorted.same_as);
            let pages = sorted.documents.iter().map(|document| document.pages.len());
            assert_eq!(pages.sum::<usize>(), 100);
        });
    }
}
