//! A dossier as it stands, put together from what is known of it.

use archive::{DocumentRow, Dossier, PageSummary, Scan};
use filing::Kinds;
use filing::standing::{Situation, standing};
use problem::{Answer, Problem};
use schemas::api::{
    DocumentVerdict, DocumentView, DossierView, PageCounts, PageState, PageView, ScanView,
};
use schemas::catalogue::ProcedureVersion;
use schemas::code::Reason;

use crate::desk::IntakeDesk;
use crate::elsewhere::elsewhere;

/// How a filed document stands whose record a person withdrew.
const WITHDRAWN: &str =
    "Cán bộ đã thu hồi bản số hoá của giấy tờ này; cán bộ xếp lại thì mới số hoá lại.";

/// How a dossier stands now.
pub(crate) async fn of_dossier(desk: &IntakeDesk, dossier: Dossier) -> Answer<DossierView> {
    let records = &desk.archive.records;
    let entry = procedure_of(desk, &dossier).await?;
    // Asked first: what is settled by now can be seen in what is read after it.
    let settled = !records.unsettled(dossier.id).await?;
    let scans = records.scans(dossier.id).await?;
    let documents: Vec<DocumentView> = records
        .documents(dossier.id)
        .await?
        .into_iter()
        .map(|row| of_document(&desk.kinds, row))
        .collect();
    let held = records.records_of(dossier.subject.reveal_number()).await?;
    let inquiries = records.inquiries(dossier.id).await?;
    let answered: Vec<_> = inquiries.iter().map(|asked| (asked, asked.papers())).collect();
    let components = standing(
        &desk.kinds,
        &entry.procedure,
        Situation {
            case: dossier.case.as_ref(),
            answers: &dossier.answers,
            office: &dossier.office,
            declined: &records.declined(&dossier.code).await?,
            elsewhere: &elsewhere(&entry.procedure, &inquiries, &answered),
        },
        &documents,
        &held,
        &dossier.subject,
        schemas::clock::today(),
    );
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
        scans: scans.into_iter().map(|(scan, pages)| of_scan(scan, pages)).collect(),
    })
}

/// The version of the procedure that the dossier was opened under.
pub(crate) async fn procedure_of(desk: &IntakeDesk, dossier: &Dossier) -> Answer<ProcedureVersion> {
    let (code, version) = (&dossier.procedure, dossier.procedure_version);
    match desk.archive.records.procedure_version(code, version).await? {
        Some(entry) => Ok(entry),
        None => {
            tracing::error!(procedure.code = %code, version, "a dossier's procedure is not there");
            Err(Problem::new(Reason::Internal))
        }
    }
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

fn of_document(kinds: &Kinds, row: DocumentRow) -> DocumentView {
    let doc = row.doc;
    let kind = doc.kind.map(|guess| guess.id);
    let withdrawn = row.withdrawn && doc.verdict == DocumentVerdict::Filed;
    DocumentView {
        id: doc.id,
        kind_name: kind.as_ref().and_then(|id| kinds.get(id)).map(|kind| kind.name.clone()),
        kind,
        component: doc.component,
        confidence: doc.confidence,
        verdict: doc.verdict,
        why: if withdrawn { WITHDRAWN.to_owned() } else { doc.why },
        pages: doc.pages,
        record: row.record.map(|(id, _)| id),
        record_version: row.record.map(|(_, version)| version),
    }
}

fn of_scan(scan: Scan, pages: Vec<PageSummary>) -> ScanView {
    ScanView {
        id: scan.id,
        blake3: scan.blake3,
        bytes: scan.bytes,
        media_type: scan.media_type,
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

#[cfg(test)]
mod tests {
    use archive::FiledDocument;
    use schemas::Uuid;
    use schemas::ids::DocumentId;

    use super::*;

    #[test]
    fn a_filed_document_says_that_its_record_was_withdrawn() {
        let why = |verdict, withdrawn| {
            let doc = FiledDocument {
                id: DocumentId::from_uuid(Uuid::nil()),
                revision: String::new(),
                pages: Vec::new(),
                kind: None,
                component: None,
                confidence: 0.9,
                verdict,
                why: "Đúng tên giấy tờ.".to_owned(),
            };
            let row = DocumentRow { doc, assigned_by: None, record: None, withdrawn };
            of_document(&Kinds::shipped(), row).why
        };
        assert_eq!(why(DocumentVerdict::Filed, true), WITHDRAWN);
        assert_eq!(why(DocumentVerdict::Filed, false), "Đúng tên giấy tờ.");
        assert_eq!(why(DocumentVerdict::Unsure, true), "Đúng tên giấy tờ.");
    }
}
