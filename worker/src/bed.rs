//! A desk in a folder of its own, and papers on it, for tests.

use std::sync::Arc;
use std::time::Duration;

use archive::{
    Archive, Delivery, FiledDocument, NewDossier, NewScan, Place, Reliance, revision_of,
};
use filing::Kinds;
use jiff::Timestamp;
use jiff::civil::date;
use schemas::api::DocumentVerdict;
use schemas::catalogue::Procedure;
use schemas::ids::{ComponentId, DocumentId, DossierId, PageId, PrincipalId};
use schemas::message::{Job, Lane};
use schemas::reading::{KindGuess, PageImage, PageReading};
use schemas::subject::Subject;
use tempfile::TempDir;

use crate::consume::Desk;
use crate::readers::{ReaderLimits, ReaderProgram, Readers};
use crate::sign::Signing;

const PROCEDURE: &str = "1.001193";

/// A desk with a job whose readers are what a shell makes of that; it all goes with the folder.
pub(crate) async fn desk_with(reader: &str, longest_job: Duration) -> (TempDir, Arc<Desk>) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(&Place::at(folder.path())).await.unwrap();
    let subject = Subject::Citizen {
        number: "001199000013".parse().unwrap(),
        name: "Nguyễn Thị Mẫu".parse().unwrap(),
        born: date(1999, 1, 1),
    };
    let new = NewDossier {
        id: DossierId::new(),
        office: "H26.01".parse().unwrap(),
        procedure: PROCEDURE.parse().unwrap(),
        procedure_version: 1,
        case: None,
        lane: Lane::Counter,
        subject,
        others: Vec::new(),
        identity_checked: false,
    };
    let (who, now) = (PrincipalId::random(), Timestamp::now());
    archive.records.open_dossier(who, &new, &Reliance::default(), now).await.unwrap();
    let scan = NewScan {
        dossier: new.id,
        blake3: archive.blobs.put(b"scan").await.unwrap(),
        bytes: 4,
        media_type: "image/jpeg".to_owned(),
        idempotency_key: None,
        component: None,
        station: None,
        scanned_by: who,
        stated: None,
        judged_by: None,
    };
    archive.records.accept_scan(&scan, now).await.unwrap();
    let program = ReaderProgram {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), reader.into()],
        limits: ReaderLimits::default(),
    };
    let desk = Desk {
        archive,
        readers: Arc::new(Readers::new(program, 1)),
        kinds: Kinds::shipped(),
        quiet: Duration::ZERO,
        longest_job,
        signing: Signing::default(),
        made_by: "test".to_owned(),
    };
    (folder, Arc::new(desk))
}

/// A grey JPEG of that length, as far as sealing looks into one: 100 by 100 pixels.
pub(crate) fn grey_jpeg(len: usize) -> Vec<u8> {
    let head = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 100, 0, 100, 1, 1, 0x11, 0];
    let mut bytes = head.to_vec();
    bytes.resize(len, 0);
    bytes
}

/// The desk's scan is a paper of so many pages, all of which look like that, read and filed. The
/// job that is left is to seal it.
pub(crate) async fn to_be_sealed(desk: &Desk, pages: u32, image: &[u8]) -> Delivery {
    let Archive { records, blobs, queue } = &desk.archive;
    let procedure: Procedure = serde_json::from_value(serde_json::json!({
        "code": PROCEDURE, "name": "Đăng ký khai sinh", "components": [],
    }))
    .unwrap();
    records.import(&[procedure], date(2026, 1, 1)).await.unwrap();
    let blob = blobs.put(image).await.unwrap();
    let image = PageImage::Jpeg { width: 100, height: 100, components: 1 };
    loop {
        let job = queue.next().await.unwrap();
        match job.message.job {
            Job::Unpack { scan } => {
                records.unpacked(scan, pages, "image/jpeg", &[]).await.unwrap();
            }
            Job::Read { page } => {
                let seq = records.page(page).await.unwrap().unwrap().seq;
                let reading =
                    PageReading { width: 100, height: 100, ..PageReading::unread(seq, blob) };
                records.page_read(page, &reading, image, blob).await.unwrap();
            }
            Job::File { .. } => file(desk, job.message.dossier).await,
            Job::Seal { .. } => return job,
        }
        queue.done(job).await.unwrap();
    }
}

/// All of a dossier's pages are one paper.
async fn file(desk: &Desk, dossier: DossierId) {
    let records = &desk.archive.records;
    let sheets = records.sheets(dossier).await.unwrap();
    let pages: Vec<PageId> = sheets.iter().map(|page| page.id).collect();
    let kind = KindGuess { id: "birth_certificate".parse().unwrap(), confidence: 0.9 };
    let component: ComponentId = "TP01".parse().unwrap();
    let document = FiledDocument {
        id: DocumentId::starting_at(pages[0]),
        revision: revision_of(&pages, Some(&kind.id), Some(&component)),
        pages,
        kind: Some(kind),
        component: Some(component),
        confidence: 0.9,
        verdict: DocumentVerdict::Filed,
        why: "Đúng tên giấy tờ.".to_owned(),
    };
    let seen = (sheets.len(), None);
    assert!(records.put_filing(dossier, seen, &[document], &[], desk.quiet).await.unwrap());
}
