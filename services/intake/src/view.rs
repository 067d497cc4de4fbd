//! A dossier as it stands, put together from what is known of it.

use std::collections::HashMap;

use archive::{Dossier, PageSummary, Scan};
use filing::Kinds;
use filing::standing::standing;
use problem::Answer;
use schemas::api::{DocumentView, DossierView, PageCounts, PageState, PageView, ScanView};
use schemas::ids::PrincipalId;

use crate::desk::IntakeDesk;

/// How a dossier stands now.
pub(crate) async fn of_dossier(desk: &IntakeDesk, dossier: Dossier) -> Answer<DossierView> {
    let records = &desk.archive.records;
    let entry = records.procedure_of(&dossier).await?;
    // Asked first: what is settled by now can be seen in what is read after it.
    let settled = !records.unsettled(dossier.id).await?;
    let scans = records.scans(dossier.id).await?;
    let scanners = names_of(desk, &scans).await?;
    let at_hand = records.at_hand(&dossier, &entry.procedure).await?;
    let components = standing(
        &desk.kinds,
        &entry.procedure,
        at_hand.situation(&dossier),
        schemas::clock::today(),
    );
    let documents = at_hand.documents.into_iter().map(|document| named(&desk.kinds, document));
    let documents = documents.collect();
    let lookups = records.lookups_for(&dossier.code).await?;
    Ok(DossierView {
        warnings: records.warnings(dossier.id).await?,
        asked_again: records.asked_again(dossier.id).await?,
        lookups,
        code: dossier.code,
        procedure: dossier.procedure,
        procedure_name: entry.procedure.name,
        procedure_version: dossier.procedure_version,
        case: dossier.case,
        office: dossier.office,
        lane: dossier.lane,
        state: dossier.state,
        opened_at: dossier.opened_at.to_string(),
        pages: count(scans.iter().flat_map(|(_, pages)| pages)),
        settled,
        components,
        documents,
        scans: scans.into_iter().map(|(scan, pages)| of_scan(scan, pages, &scanners)).collect(),
    })
}

/// The names of those who scanned.
async fn names_of(
    desk: &IntakeDesk,
    scans: &[(Scan, Vec<PageSummary>)],
) -> Answer<HashMap<PrincipalId, String>> {
    let mut names = HashMap::new();
    for id in scans.iter().filter_map(|(scan, _)| scan.scanned_by) {
        if !names.contains_key(&id)
            && let Some(name) = desk.archive.records.principal_name(id).await?
        {
            names.insert(id, name);
        }
    }
    Ok(names)
}

fn count<'a>(pages: impl Iterator<Item = &'a PageSummary>) -> PageCounts {
    let mut counts = PageCounts::default();
    for page in pages {
        counts.total += 1;
        match page.state {
            PageState::Waiting => counts.waiting += 1,
            PageState::Read if page.blank => counts.blank += 1,
            PageState::Read => counts.read += 1,
            PageState::Parked => counts.parked += 1,
        }
    }
    counts
}

/// The document with what people call its kind.
fn named(kinds: &Kinds, document: DocumentView) -> DocumentView {
    let kind = document.kind.as_ref().and_then(|id| kinds.get(id));
    DocumentView { kind_name: kind.map(|kind| kind.name.clone()), ..document }
}

fn of_scan(
    scan: Scan,
    pages: Vec<PageSummary>,
    scanners: &HashMap<PrincipalId, String>,
) -> ScanView {
    ScanView {
        id: scan.id,
        blake3: scan.blake3,
        bytes: scan.bytes,
        media_type: scan.media_type,
        scanned_by: scan.scanned_by.and_then(|id| scanners.get(&id).cloned()),
        state: scan.state,
        code: scan.reason.map(|reason| reason.code().to_owned()),
        reason: scan.reason.map(|reason| reason.vi().to_owned()),
        signatures: scan.signatures,
        pages: pages.into_iter().map(of_page).collect(),
    }
}

fn of_page(page: PageSummary) -> PageView {
    PageView {
        id: page.id,
        seq: page.seq,
        state: page.state,
        blank: page.blank,
        confidence: page.confidence,
        kind: page.kind,
        flaws: page.flaws.into_iter().map(Into::into).collect(),
        same_as: page.same_as,
        code: page.reason.map(|reason| reason.code().to_owned()),
        reason: page.reason.map(|reason| reason.vi().to_owned()),
    }
}
