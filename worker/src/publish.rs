//! From a filed document to the draft of its record: PDF/A, fields, owners, validity.

use std::collections::HashMap;

use archive::{Dossier, FiledDocument, Page, Scan};
use filing::{Described, Parties, describe};
use schemas::catalogue::Procedure;
use schemas::ids::{Blake3, ComponentId, RecordId, ResultCode, ScanId};
use schemas::kind::Kind;
use schemas::reading::{PageImage, PageReading};
use schemas::record::{Owner, Record, RecordPage, RecordState};
use sealing::{SealError, SealPage, Title};

use crate::consume::{Desk, Failure};
use crate::sign::sign;

/// A document could not be made a PDF/A.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealFailed {
    #[error("document can't be sealed")]
    Sealing(#[from] SealError),
    #[error("document has no {0}")]
    Lacks(&'static str),
    #[error("sealing panicked")]
    Panicked,
}

/// A page with all that sealing needs of it.
struct Leaf {
    page: Page,
    scan: Scan,
    reading: PageReading,
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

    let readings: Vec<&PageReading> = leaves.iter().map(|leaf| &leaf.reading).collect();
    let corrections = before.map_or_else(Vec::new, Record::corrections);
    let parties = Parties { people: dossier.people(), whose: procedure.whose(&component) };
    let Described { fields, valid_until, owners } =
        describe(&desk.kinds, &kind, parties, &readings, &corrections);
    let said = before.and_then(Record::said_owners);

    let created = first.scan.received_at;
    // Others may have scanned the pages that follow.
    let scanned_by = first.scan.scanned_by;
    let record_pages = leaves.iter().map(Leaf::record_page).collect();
    let pdf = seal(desk, leaves, kind.name.clone(), created).await?;
    let (pdf, pdf_bytes) = sign(desk, pdf, scanned_by).await?;

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

async fn leaves(desk: &Desk, pages: &[Page]) -> Result<Vec<Leaf>, Failure> {
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
        let reading = page.reading.clone().ok_or(SealFailed::Lacks("reading"))?;
        let (image, key) = page.image.ok_or(SealFailed::Lacks("page image"))?;
        leaves.push(Leaf { page: page.clone(), scan, reading, image, key });
    }
    Ok(leaves)
}

impl Leaf {
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

/// The PDF/A. Equal documents give equal bytes: the date in it is when the first page came in.
async fn seal(
    desk: &Desk,
    leaves: Vec<Leaf>,
    title: String,
    created: jiff::Timestamp,
) -> Result<Vec<u8>, Failure> {
    let mut images = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        images.push(desk.archive.blobs.get(leaf.key).await?);
    }
    let made_by = desk.made_by.clone();
    #[expect(clippy::disallowed_methods, reason = "the worker's one door to CPU work of its own")]
    let sealed = tokio::task::spawn_blocking(move || {
        let pages: Vec<SealPage<'_>> = leaves
            .iter()
            .zip(&images)
            .map(|(leaf, bytes)| SealPage { image: leaf.image, bytes, reading: &leaf.reading })
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
    use filing::Kinds;

    use super::*;

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
