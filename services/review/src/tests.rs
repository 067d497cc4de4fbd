//! The back office over a real archive in a folder of its own.

use std::time::Duration;

use access::Asker;
use archive::{Archive, Dossier, FiledDocument, NewDossier, NewScan, Place, Reliance, revision_of};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use filing::Kinds;
use jiff::Timestamp;
use jiff::civil::date;
use schemas::Uuid;
use schemas::access::Reach;
use schemas::api::{DocumentVerdict, PageState, ParkedView};
use schemas::catalogue::Procedure;
use schemas::code::Reason;
use schemas::ids::{Blake3, DocumentId, DossierId, PageId, PrincipalId};
use schemas::message::{Job, Lane, Message};
use schemas::reading::{PageImage, PageReading};
use schemas::subject::Subject;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ReviewDesk, router};

#[path = "../../../crates/problem/tests/support/answered.rs"]
mod answered;

use answered::Answered;

/// An office with a dossier, and a scan of two pages in it.
struct Office {
    archive: Archive,
    router: Router,
    dossier: Dossier,
    pages: [PageId; 2],
    _dir: TempDir,
}

async fn office() -> Office {
    let dir = TempDir::new().unwrap();
    let archive = Archive::open(&Place::at(dir.path().join("data"))).await.unwrap();
    let procedure: Procedure = serde_json::from_value(json!({
        "code": "1.000001",
        "name": "Đăng ký thường trú",
        "components": [
            { "id": "TP01", "name": "Giấy khai sinh", "required": true, "order": 1 },
            { "id": "TP02", "name": "Lưu ý", "required": false, "order": 2, "submit": "note" },
        ],
    }))
    .unwrap();
    let records = &archive.records;
    records.import(&[procedure], date(2026, 1, 1)).await.unwrap();
    let new = NewDossier {
        id: DossierId::new(),
        office: "H26".parse().unwrap(),
        procedure: "1.000001".parse().unwrap(),
        procedure_version: 1,
        case: None,
        lane: Lane::Counter,
        subject: Subject::Citizen {
            number: "001199000013".parse().unwrap(),
            name: "Nguyễn Thị Mẫu".parse().unwrap(),
            born: date(1999, 1, 1),
        },
        others: Vec::new(),
        identity_checked: false,
    };
    let (by, reliance) = (PrincipalId::random(), Reliance::default());
    let dossier = records.open_dossier(by, &new, &reliance, Timestamp::now()).await.unwrap();
    let scan = NewScan {
        dossier: dossier.id,
        blake3: archive.blobs.put(b"scan").await.unwrap(),
        bytes: 4,
        media_type: "image/tiff".to_owned(),
        idempotency_key: None,
        component: None,
        station: None,
        scanned_by: by,
        stated: None,
        judged_by: None,
    };
    let scan = records.accept_scan(&scan, Timestamp::now()).await.unwrap().scan;
    records.unpacked(scan.id, 2, "image/tiff", &[]).await.unwrap();
    let pages = [0, 1].map(|seq| PageId::nth(scan.id, seq));
    let desk = ReviewDesk::new(archive.clone(), Kinds::shipped());
    let router = problem::everywhere(router(desk).split_for_parts().0).layer(Extension(anyone()));
    Office { archive, router, dossier, pages, _dir: dir }
}

fn reading(seq: u32, image: Blake3) -> PageReading {
    PageReading {
        width: 16,
        height: 2,
        rotation_deg: 90,
        skew_deg: 0.5,
        text: "GIẤY KHAI SINH".to_owned(),
        confidence: 0.9,
        ..PageReading::unread(seq, image)
    }
}

/// Somebody whom the guard let through for every office.
fn anyone() -> Asker {
    Asker { id: PrincipalId::random(), reach: Reach::Everywhere, granted: Vec::new() }
}

impl Office {
    async fn answer(&self, request: Request<Body>) -> Answered {
        Answered::by(&self.router, request).await
    }

    async fn get(&self, uri: &str) -> Answered {
        self.answer(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, uri: &str, body: &Value) -> Answered {
        let request = Request::post(uri).header(header::CONTENT_TYPE, "application/json");
        self.answer(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn read(&self, nth: usize, image: PageImage, bytes: &[u8]) {
        let blob = self.archive.blobs.put(bytes).await.unwrap();
        let seq = u32::try_from(nth).unwrap();
        let reading = reading(seq, blob);
        self.archive.records.page_read(self.pages[nth], &reading, image, blob).await.unwrap();
    }

    /// Lays the reading of a page aside.
    async fn park(&self, nth: usize) {
        let message = Message {
            version: Message::VERSION,
            lane: Lane::Counter,
            office: "H26".parse().unwrap(),
            dossier: self.dossier.id,
            job: Job::Read { page: self.pages[nth] },
            traceparent: None,
        };
        self.archive.records.park(&message, 3, Reason::ScanEncrypted, "").await.unwrap();
    }

    async fn parked(&self, query: &str) -> Vec<ParkedView> {
        self.get(&format!("/v1/parked{query}")).await.json()
    }
}

#[tokio::test]
async fn a_parked_job_is_seen_explained_and_tried_again() {
    let office = office().await;
    let message = Message {
        version: Message::VERSION,
        lane: Lane::Counter,
        office: "H26".parse().unwrap(),
        dossier: office.dossier.id,
        job: Job::Read { page: office.pages[0] },
        traceparent: None,
    };
    let records = &office.archive.records;
    records.park(&message, 3, Reason::ReaderCrashed, "signal 11").await.unwrap();
    let listed: Vec<ParkedView> = office.get("/v1/parked").await.json();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].code.as_str(), listed[0].attempts), ("reader.crashed", 3));
    assert_eq!(listed[0].reason, Reason::ReaderCrashed.vi());
    let place = format!("/v1/parked/{}", listed[0].id);
    assert_eq!(office.get(&place).await.json::<ParkedView>(), listed[0]);
    let retried = office.post(&format!("{place}/retry"), &Value::Null).await;
    assert_eq!(retried.status, StatusCode::ACCEPTED);
    assert!(office.get("/v1/parked").await.json::<Vec<ParkedView>>().is_empty());
    office.post(&format!("{place}/retry"), &Value::Null).await.refused(Reason::ParkedUnknown);
    office.get(&place).await.refused(Reason::ParkedUnknown);
    office.get("/v1/parked/nonsense").await.refused(Reason::ParkedUnknown);
    office.get("/v1/parked?limit=0").await.refused(Reason::RequestInvalid);
}

#[tokio::test]
async fn a_parked_job_that_is_given_up_is_seen_no_more_and_its_page_stays_parked() {
    let office = office().await;
    office.park(0).await;
    let parked = office.parked("").await.remove(0);
    let place = format!("/v1/parked/{}", parked.id);
    let drop = format!("{place}/drop");
    let because = |reason: &str| json!({ "reason": reason });
    for wrong in [json!({}), because(" sai "), because(&"x".repeat(501))] {
        office.post(&drop, &wrong).await.refused(Reason::RequestInvalid);
    }
    let nowhere = format!("/v1/parked/{}/drop", Uuid::nil());
    office.post(&nowhere, &because("Có mật khẩu")).await.refused(Reason::ParkedUnknown);
    assert_eq!(office.parked("").await.len(), 1);
    let dropped = office.post(&drop, &because(" Có mật khẩu ")).await;
    assert_eq!(dropped.status, StatusCode::NO_CONTENT);
    assert_eq!(office.parked("").await, []);
    assert_eq!(office.archive.records.vitals().await.unwrap().parked, 0);

    let shown: ParkedView = office.get(&place).await.json();
    let word = shown.dropped.clone().unwrap();
    assert_eq!(word.reason, "Có mật khẩu");
    assert_eq!(shown, ParkedView { dropped: Some(word), ..parked });
    for again in [drop, format!("{place}/retry")] {
        office.post(&again, &because("Có mật khẩu")).await.refused(Reason::ParkedUnknown);
    }
    let page = office.archive.records.page(office.pages[0]).await.unwrap().unwrap();
    assert_eq!((page.state, page.reason), (PageState::Parked, Some(Reason::ScanEncrypted)));
}

#[tokio::test]
async fn parked_jobs_are_listed_a_part_at_a_time() {
    let office = office().await;
    office.park(0).await;
    office.park(1).await;
    let all = office.parked("").await;
    let first = office.get("/v1/parked?limit=1").await;
    let next = first.headers["sohoa-next"].to_str().unwrap().to_owned();
    assert_eq!(first.json::<Vec<ParkedView>>(), all[..1]);
    // The one that was listed last may be done with meanwhile.
    let retry = format!("/v1/parked/{}/retry", all[0].id);
    assert_eq!(office.post(&retry, &Value::Null).await.status, StatusCode::ACCEPTED);
    let second = office.get(&format!("/v1/parked?limit=1&after={next}")).await;
    let last = second.headers["sohoa-next"].to_str().unwrap().to_owned();
    assert_eq!(second.json::<Vec<ParkedView>>(), all[1..]);
    assert_eq!(office.parked(&format!("?after={last}")).await, []);
    for wrong in ["", ",", "2026", "2026-11-20T01:02:03Z,1"] {
        let listed = office.get(&format!("/v1/parked?after={wrong}")).await;
        listed.refused(Reason::RequestInvalid);
    }
}

#[tokio::test]
async fn a_document_is_filed_by_a_persons_word() {
    let office = office().await;
    for nth in 0..2 {
        let image = PageImage::Jpeg { width: 1, height: 1, components: 1 };
        office.read(nth, image, b"jpeg").await;
    }
    let pages = office.pages.to_vec();
    let document = FiledDocument {
        id: DocumentId::starting_at(pages[0]),
        revision: revision_of(&pages, None, None),
        pages,
        kind: None,
        component: None,
        confidence: 0.2,
        verdict: DocumentVerdict::Unsure,
        why: String::new(),
    };
    let id = document.id;
    let records = &office.archive.records;
    let filing = [document];
    let put = records.put_filing(office.dossier.id, (2, None), &filing, &[], Duration::ZERO);
    assert!(put.await.unwrap());
    let place = format!("/v1/documents/{id}/assign");
    let word = |component: &str, kind: Option<&str>, by: &str| json!({ "component": component, "kind": kind, "by": by });
    let known = Some("birth_certificate");
    for (wrong, reason) in [
        (word("TP09", known, "an"), Reason::ComponentUnknown),
        (word("TP02", known, "an"), Reason::ComponentUnknown),
        (word("TP01", Some("no_such_kind"), "an"), Reason::RequestInvalid),
        (word("TP01", None, "an"), Reason::RequestInvalid),
        (word("TP01", known, " "), Reason::RequestInvalid),
    ] {
        office.post(&place, &wrong).await.refused(reason);
    }
    let right = word("TP01", known, "an");
    let nowhere = format!("/v1/documents/{}/assign", Uuid::nil());
    office.post(&nowhere, &right).await.refused(Reason::DocumentUnknown);
    assert_eq!(office.post(&place, &right).await.status, StatusCode::NO_CONTENT);
    let (_, filed) = records.document(id).await.unwrap().unwrap();
    assert_eq!(filed.doc.verdict, DocumentVerdict::Filed);
    assert_eq!(filed.doc.component.unwrap().as_str(), "TP01");
    assert_eq!(filed.assigned_by.as_deref(), Some("an"));
}

#[tokio::test]
async fn a_page_is_shown_as_it_is_kept() {
    let office = office().await;
    let place = |nth: usize, what: &str| format!("/v1/pages/{}/{what}", office.pages[nth]);
    office.get(&place(0, "image")).await.refused(Reason::PageUnknown);
    office.get(&place(0, "reading")).await.refused(Reason::PageUnknown);
    office.read(0, PageImage::Jpeg { width: 16, height: 2, components: 1 }, b"a jpeg").await;
    let shown = office.get(&place(0, "image")).await;
    assert_eq!(shown.headers[header::CONTENT_TYPE], "image/jpeg");
    assert_eq!(shown.body, b"a jpeg");
    office.read(1, PageImage::Png { width: 16, height: 2 }, b"a png").await;
    let drawn = office.get(&place(1, "image")).await;
    assert_eq!(drawn.headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(drawn.body, b"a png");
    let told: PageReading = office.get(&place(0, "reading")).await.json();
    assert_eq!((told.rotation_deg, told.text.as_str()), (90, "GIẤY KHAI SINH"));
    office.get(&format!("/v1/pages/{}/image", Uuid::nil())).await.refused(Reason::PageUnknown);
}

#[tokio::test]
async fn a_page_kept_as_group_four_comes_as_a_tiff_that_viewers_open() {
    let office = office().await;
    let drawn: [[bool; 16]; 2] = [[false; 16], std::array::from_fn(|x| x % 4 == 1)];
    let mut encoder = fax::encoder::Encoder::new(fax::VecWriter::new());
    for line in drawn {
        let colours = line.map(|black| if black { fax::Color::Black } else { fax::Color::White });
        encoder.encode_line(colours.into_iter(), 16).unwrap();
    }
    let strip = encoder.finish().unwrap().finish();
    office.read(1, PageImage::Ccitt { width: 16, height: 2 }, &strip).await;
    let shown = office.get(&format!("/v1/pages/{}/image", office.pages[1])).await;
    assert_eq!(shown.headers[header::CONTENT_TYPE], "image/tiff");
    let mut decoder = tiff::decoder::Decoder::new(std::io::Cursor::new(shown.body)).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (16, 2));
    let tiff::decoder::DecodingResult::U8(pixels) = decoder.read_image().unwrap() else {
        panic!("not a picture of bits");
    };
    // The decoder gives white as 1, whatever the file says.
    let black = |bits: &[u8]| {
        bits.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1 == 0)).collect::<Vec<_>>()
    };
    assert_eq!(black(&pixels), drawn.concat());
}
