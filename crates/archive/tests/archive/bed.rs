//! An archive in a folder of its own, and the few things tests do to it over and over.

use std::collections::BTreeMap;
use std::time::Duration;

use archive::{
    Accepted, Archive, ArchiveError, Delivery, Dossier, FiledDocument, Masters, NewDossier,
    NewScan, OpenError, Place, Records, Reliance, Scan, revision_of,
};
use jiff::Timestamp;
use jiff::civil::date;
use schemas::Uuid;
use schemas::api::{DocumentVerdict, LookupRequest, RawSubject};
use schemas::ids::{Blake3, DocumentId, DossierId, PageId, PrincipalId, ScanId};
use schemas::kind::Validity;
use schemas::message::{Job, Lane};
use schemas::reading::{KindGuess, PageImage, PageReading};
use schemas::record::{BoundBy, Owner, Record, RecordState};
use schemas::subject::Subject;
use sqlx::Connection;

use crate::form::Form;

pub(crate) struct Bed {
    pub(crate) form: Form,
    pub(crate) place: Place,
    pub(crate) archive: Archive,
}

const TICK: Duration = Duration::from_millis(20);

pub(crate) const NUMBER: &str = "001199000013";

/// Who asks and changes, where it doesn't matter who.
pub(crate) const SOMEBODY: PrincipalId = PrincipalId::from_uuid(Uuid::from_u128(7));

pub(crate) async fn bed() -> Bed {
    bed_with(|_| {}).await
}

/// A bed whose place is not quite the usual one.
pub(crate) async fn bed_with(change: impl FnOnce(&mut Place)) -> Bed {
    let form = Form::new().await;
    let mut place = form.place();
    change(&mut place);
    let archive = Archive::open(&place).await.unwrap();
    Bed { form, place, archive }
}

impl Bed {
    /// Ends as a crash does, without a word, and starts again.
    pub(crate) async fn again(self) -> Bed {
        self.again_with(|_| {}).await
    }

    /// The same, in a place that has changed meanwhile.
    pub(crate) async fn again_with(self, change: impl FnOnce(&mut Place)) -> Bed {
        let Bed { form, mut place, archive } = self;
        drop(archive);
        change(&mut place);
        // Tasks of the process that "died" let go of the folder a moment later.
        for _ in 0..200 {
            match Archive::open(&place).await {
                Err(ArchiveError::Locked(_)) => tokio::time::sleep(TICK).await,
                opened => return Bed { form, place, archive: opened.unwrap() },
            }
        }
        panic!("the folder stays locked");
    }

    /// Somebody with a tool of their own changes the database.
    pub(crate) async fn tamper(&self, sql: &'static str) -> u64 {
        let mut on = self.form.tool().await;
        let done = sqlx::query(sql).execute(&mut on).await.unwrap().rows_affected();
        on.close().await.unwrap();
        done
    }

    pub(crate) fn blob(&self, key: Blake3) -> std::path::PathBuf {
        let name = key.to_string();
        self.form.dir().join("blobs").join(&name[..2]).join(&name[2..])
    }

    pub(crate) async fn dossier(&self) -> Dossier {
        open(&self.archive, "H26.01", Lane::Counter).await
    }

    pub(crate) async fn scan(&self, dossier: DossierId, bytes: &[u8]) -> Scan {
        accept(&self.archive, dossier, bytes).await.scan
    }

    /// Does what a worker does with scans and pages, until something else is to be done.
    pub(crate) async fn read(&self, pages: u32) -> Option<Delivery> {
        read(&self.archive, pages).await
    }

    /// A dossier with one scan of so many pages, read, its filing job taken and done.
    pub(crate) async fn read_dossier(&self, pages: u32) -> (Dossier, Vec<PageId>) {
        let dossier = self.dossier().await;
        let scan = self.scan(dossier.id, b"one scan").await;
        let filing = self.read(pages).await.unwrap();
        assert!(matches!(filing.message.job, Job::File { scans: 1 }), "{filing:?}");
        self.archive.queue.done(filing).await.unwrap();
        (dossier, (0..pages).map(|seq| PageId::nth(scan.id, seq)).collect())
    }

    /// Files these documents, to be sealed at once, and does not take the jobs.
    pub(crate) async fn file(&self, dossier: DossierId, documents: &[FiledDocument]) -> bool {
        let seen = self.archive.records.sheets(dossier).await.unwrap().len();
        let records = &self.archive.records;
        records.put_filing(dossier, (seen, None), documents, &[], Duration::ZERO).await.unwrap()
    }

    /// Publishes a document at its present revision.
    pub(crate) async fn publish(&self, dossier: &Dossier, id: DocumentId) -> Record {
        let (_, row) = self.archive.records.document(id).await.unwrap().unwrap();
        let pdf = self.archive.blobs.put(row.doc.revision.as_bytes()).await.unwrap();
        let draft = draft(dossier, id, pdf);
        let records = &self.archive.records;
        let record = records.publish(id, &row.doc.revision, draft, Timestamp::now()).await;
        record.unwrap().unwrap()
    }
}

/// Every byte of the master key that tests have.
pub(crate) const MASTER: &str = "5e";

/// A folder whose papers are encrypted under a master key that every test has.
pub(crate) fn at(dir: impl Into<std::path::PathBuf>) -> Place {
    Place { masters: Some(masters(MASTER, &[])), ..Place::at(dir) }
}

/// Master keys of one byte each, over and over.
pub(crate) fn masters(current: &str, former: &[&str]) -> Masters {
    let key = |byte: &str| byte.repeat(32).parse().unwrap();
    Masters { current: key(current), former: former.iter().map(|byte| key(byte)).collect() }
}

pub(crate) fn citizen(name: &str) -> Subject {
    Subject::Citizen {
        number: NUMBER.parse().unwrap(),
        name: name.parse().unwrap(),
        born: date(1999, 1, 1),
    }
}

pub(crate) fn new_dossier(office: &str, lane: Lane) -> NewDossier {
    NewDossier {
        id: DossierId::new(),
        office: office.parse().unwrap(),
        procedure: "1.001193".parse().unwrap(),
        procedure_version: 1,
        case: None,
        lane,
        subject: citizen("Nguyễn Thị Mẫu"),
        others: Vec::new(),
        identity_checked: false,
    }
}

pub(crate) async fn open(archive: &Archive, office: &str, lane: Lane) -> Dossier {
    let new = new_dossier(office, lane);
    open_new(&archive.records, &new, Timestamp::now()).await.unwrap()
}

/// Opens a dossier that relies on nothing.
pub(crate) async fn open_new(
    records: &Records,
    new: &NewDossier,
    now: Timestamp,
) -> Result<Dossier, OpenError> {
    records.open_dossier(SOMEBODY, new, &Reliance::default(), now).await
}

pub(crate) fn new_scan(dossier: DossierId, blake3: Blake3, key: Option<&str>) -> NewScan {
    NewScan {
        dossier,
        blake3,
        bytes: 1,
        media_type: "image/jpeg".to_owned(),
        idempotency_key: key.map(str::to_owned),
        component: None,
        station: None,
        scanned_by: SOMEBODY,
        stated: None,
        judged_by: None,
    }
}

pub(crate) async fn accept(archive: &Archive, dossier: DossierId, bytes: &[u8]) -> Accepted {
    let blob = archive.blobs.put(bytes).await.unwrap();
    let new = new_scan(dossier, blob, None);
    archive.records.accept_scan(&new, Timestamp::now()).await.unwrap()
}

pub(crate) async fn read(archive: &Archive, pages: u32) -> Option<Delivery> {
    while let Some(delivery) = archive.queue.take().await.unwrap() {
        match delivery.message.job {
            Job::Unpack { scan } => unpack(archive, scan, pages).await,
            Job::Read { page } => read_page(archive, page).await,
            Job::File { .. } | Job::Seal { .. } => return Some(delivery),
        }
        archive.queue.done(delivery).await.unwrap();
    }
    None
}

pub(crate) async fn unpack(archive: &Archive, scan: ScanId, pages: u32) {
    archive.records.unpacked(scan, pages, "image/jpeg", &[]).await.unwrap();
}

pub(crate) async fn read_page(archive: &Archive, page: PageId) {
    let bytes = format!("image of {page}");
    let blob = archive.blobs.put(bytes.as_bytes()).await.unwrap();
    let image = PageImage::Jpeg { width: 2480, height: 3508, components: 1 };
    let seq = archive.records.page(page).await.unwrap().unwrap().seq;
    archive.records.page_read(page, &reading(seq, blob), image, blob).await.unwrap();
}

pub(crate) fn reading(seq: u32, blake3: Blake3) -> PageReading {
    PageReading {
        width: 2480,
        height: 3508,
        skew_deg: 0.1,
        text: "GIẤY KHAI SINH".to_owned(),
        confidence: 0.91,
        kind: Some(kind()),
        millis: BTreeMap::from([("read".to_owned(), 900)]),
        ..PageReading::unread(seq, blake3)
    }
}

pub(crate) fn kind() -> KindGuess {
    KindGuess { id: "birth_certificate".parse().unwrap(), confidence: 0.87 }
}

pub(crate) fn filed(pages: &[PageId], component: &str) -> FiledDocument {
    let component = component.parse().unwrap();
    FiledDocument {
        id: DocumentId::starting_at(pages[0]),
        revision: revision_of(pages, Some(&kind().id), Some(&component)),
        pages: pages.to_vec(),
        kind: Some(kind()),
        component: Some(component),
        confidence: 0.9,
        verdict: DocumentVerdict::Filed,
        why: "Đúng tên giấy tờ.".to_owned(),
    }
}

pub(crate) fn draft(dossier: &Dossier, document: DocumentId, pdf: Blake3) -> Record {
    Record {
        id: schemas::ids::RecordId::of(document),
        version: 0,
        document,
        kind: kind().id,
        name: "Giấy khai sinh".to_owned(),
        result: None,
        digitisation_code: String::new(),
        owners: vec![Owner { subject: dossier.subject.clone(), bound_by: BoundBy::Name }],
        fields: Vec::new(),
        validity: Validity::Unlimited,
        valid_until: None,
        state: RecordState::Published,
        superseded_by: None,
        sensitive: false,
        dossier: dossier.code.clone(),
        office: dossier.office.clone(),
        procedure: dossier.procedure.clone(),
        procedure_version: 1,
        component: "TP01".parse().unwrap(),
        pages: Vec::new(),
        pdf,
        pdf_bytes: 32,
        published_at: String::new(),
        before: None,
        corrected: None,
        owners_said: false,
        hash: None,
    }
}

pub(crate) fn request(record: &Record, purpose: &str) -> LookupRequest {
    LookupRequest {
        request: Uuid::new_v4(),
        record: record.id,
        subject: RawSubject::Citizen {
            number: NUMBER.to_owned(),
            name: "Nguyễn Thị Mẫu".to_owned(),
            born: jiff::civil::date(1999, 1, 1),
        },
        purpose: purpose.to_owned(),
        legal_basis: None,
        dossier: Some(record.dossier.clone()),
        asked_by: "officer-7".to_owned(),
        on_behalf_of: None,
        component: None,
    }
}

/// Codes of a check's findings, in order.
pub(crate) async fn findings(archive: &Archive) -> Vec<&'static str> {
    let found = archive.check(None).await.unwrap();
    found.findings.iter().map(|finding| finding.code).collect()
}
