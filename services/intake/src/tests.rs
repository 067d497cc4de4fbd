//! The intake over a real archive in a folder of its own, asked as a counter or a station asks.

use std::convert::Infallible;
use std::time::Duration;

use access::Asker;
use archive::{Archive, Place, Subscriber};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use bytes::Bytes;
use filing::Kinds;
use futures_util::{StreamExt, stream};
use jiff::civil::date;
use schemas::access::Reach;
use schemas::api::{
    ComponentStatus, DeliveryFate, DossierEvent, DossierView, ProcedureSummary, Receipt,
};
use schemas::catalogue::{Procedure, ProcedureVersion};
use schemas::code::Reason;
use schemas::event::EventKind;
use schemas::ids::PrincipalId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{IntakeDesk, IntakeSettings, router};

#[path = "../../../crates/problem/tests/support/answered.rs"]
mod answered;
mod crowd;
mod followers;
mod wire;

use answered::Answered;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// An office with two procedures: `1.000001` with a paper to hand in, one only to show and one
/// never to be digitised; `1.000002` with two cases.
struct Office {
    archive: Archive,
    desk: IntakeDesk,
    router: Router,
    _dir: TempDir,
}

async fn office() -> Office {
    office_with(|_, _| {}).await
}

async fn office_with(change: impl FnOnce(&mut IntakeSettings, &mut Place)) -> Office {
    let dir = TempDir::new().unwrap();
    let mut place = Place::at(dir.path().join("data"));
    let mut settings = IntakeSettings::of("H26".parse().unwrap());
    change(&mut settings, &mut place);
    let archive = Archive::open(&place).await.unwrap();
    archive.records.import(&catalogue(), date(2026, 1, 1)).await.unwrap();
    let desk = IntakeDesk::new(archive.clone(), Kinds::shipped(), settings);
    let router =
        problem::everywhere(router(desk.clone()).split_for_parts().0).layer(Extension(anyone()));
    Office { archive, desk, router, _dir: dir }
}

fn catalogue() -> Vec<Procedure> {
    let catalogue = json!([
        {
            "code": "1.000001",
            "name": "Đăng ký khai sinh",
            "field": "Hộ tịch",
            "components": [
                { "id": "TP01", "name": "Giấy chứng sinh", "required": true, "order": 1 },
                { "id": "TP02", "name": "Thẻ căn cước", "required": true, "order": 2, "submit": "present_only" },
                { "id": "TP03", "name": "Giấy tờ mật", "required": true, "order": 3, "digitise": "never" },
                { "id": "TP04", "name": "Ghi chú", "required": false, "order": 4, "submit": "note" },
            ],
        },
        {
            "code": "1.000002",
            "name": "Đăng ký thường trú",
            "cases": [{ "id": "c1", "label": "Về ở với người thân" }, { "id": "c2", "label": "Thuê nhà" }],
            "components": [
                { "id": "TP01", "case": "c1", "name": "Tờ khai", "required": true, "order": 1 },
                { "id": "TP02", "case": "c2", "name": "Hợp đồng thuê nhà", "required": true, "order": 2 },
            ],
        },
    ]);
    serde_json::from_value(catalogue).unwrap()
}

fn citizen() -> Value {
    json!({ "type": "citizen", "number": "001199000013", "name": "Nguyễn Thị Mẫu", "born": "1999-01-01" })
}

fn child() -> Value {
    json!({ "type": "citizen", "number": "001220000027", "name": "Trần Thị Mẫu", "born": "2020-05-04" })
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

    async fn put(&self, uri: &str, body: &Value) -> Answered {
        let request = Request::put(uri).header(header::CONTENT_TYPE, "application/json");
        self.answer(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Opens a dossier of `1.000001`.
    async fn open(&self) -> DossierView {
        let asked = json!({ "procedure": "1.000001", "subject": citizen() });
        self.post("/v1/dossiers", &asked).await.json()
    }

    async fn send(
        &self,
        dossier: &DossierView,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answered {
        let mut request = Request::post(format!("/v1/dossiers/{}/scans", dossier.code));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    /// Checks that nothing of any scan was kept.
    async fn keeps_nothing(&self, dossier: &DossierView) {
        assert!(self.archive.blobs.list().await.unwrap().is_empty());
        let view: DossierView = self.get(&format!("/v1/dossiers/{}", dossier.code)).await.json();
        assert!(view.scans.is_empty());
    }
}

#[tokio::test]
async fn an_opened_dossier_has_a_code_an_address_and_the_state_of_each_component() {
    let office = office().await;
    let asked = json!({ "procedure": "1.000001", "subject": citizen(), "office": "H26.01" });
    let answered = office.post("/v1/dossiers", &asked).await;
    assert_eq!(answered.status, StatusCode::CREATED);
    let view: DossierView = answered.json();
    assert!(view.code.as_str().starts_with("H26.01-"), "{}", view.code);
    let place = format!("/v1/dossiers/{}", view.code);
    assert_eq!(answered.headers[header::LOCATION], place.as_str());
    let states: Vec<_> = view.components.iter().map(|c| (c.id.as_str(), c.status)).collect();
    assert_eq!(
        states,
        [
            ("TP01", ComponentStatus::Needed),
            ("TP02", ComponentStatus::PresentOnly),
            ("TP03", ComponentStatus::Needed),
        ]
    );
    assert_eq!(office.get(&place).await.json::<DossierView>(), view);
}

#[tokio::test]
async fn a_key_opens_one_dossier_of_whoever_shows_it() {
    let office = office().await;
    let told = Subscriber { name: "x".to_owned(), listens: true, events: Vec::new(), office: None };
    office.archive.records.put_subscribers(&[told]).await.unwrap();
    let open = async |router: &Router, key: &str, asked: &Value| {
        let request = Request::post("/v1/dossiers").header("Idempotency-Key", key);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        Answered::by(router, request.body(Body::from(asked.to_string())).unwrap()).await
    };
    let asked = json!({ "procedure": "1.000001", "subject": citizen(), "others": [child()] });
    let first = open(&office.router, "k1", &asked).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let view: DossierView = first.json();
    let case = json!({ "procedure": "1.000002", "case": "c1", "subject": citizen() });
    assert_eq!(open(&office.router, "k2", &case).await.status, StatusCode::CREATED);

    // As it is asked now, whatever has become of the dossier and of its procedure.
    let close = format!("/v1/dossiers/{}/close", view.code);
    assert_eq!(office.post(&close, &Value::Null).await.status, StatusCode::OK);
    let mut later = catalogue();
    later[0].notes.push("Sửa đổi".to_owned());
    office.archive.records.import(&later, date(2026, 1, 2)).await.unwrap();
    let again = open(&office.router, "k1", &asked).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.headers[header::LOCATION], first.headers[header::LOCATION]);
    let same: DossierView = again.json();
    assert_eq!((&same.code, same.procedure_version), (&view.code, 1));
    let records = &office.archive.records;
    let told = records.deliveries(&Reach::Everywhere, DeliveryFate::Waiting, 100).await.unwrap();
    let opened = told.iter().filter(|of| of.event == EventKind::Opened && of.dossier == view.code);
    assert_eq!(opened.count(), 1);

    let with = |field: &str, value: Value| {
        let mut other = asked.clone();
        other[field] = value;
        other
    };
    for (key, other) in [
        ("k1", with("procedure", json!("1.000002"))),
        ("k1", with("subject", child())),
        ("k1", with("others", json!([]))),
        ("k1", with("others", json!([citizen()]))),
        ("k1", with("office", json!("H26.01"))),
        ("k1", with("lane", json!("backlog"))),
        ("k2", json!({ "procedure": "1.000002", "case": "c2", "subject": citizen() })),
    ] {
        open(&office.router, key, &other).await.refused(Reason::KeyReused);
    }
    let long = "k".repeat(201);
    open(&office.router, &long, &asked).await.refused(Reason::RequestInvalid);

    // Another's key of the same letters is another key.
    let router = router(office.desk.clone()).split_for_parts().0;
    let router = problem::everywhere(router).layer(Extension(anyone()));
    let others = open(&router, "k1", &asked).await;
    assert_eq!(others.status, StatusCode::CREATED);
    assert_ne!(others.json::<DossierView>().code, view.code);
}

#[tokio::test]
async fn questions_are_answered_after_the_opening_too() {
    let office = office().await;
    let procedure: Procedure = serde_json::from_value(json!({
        "code": "1.000003",
        "name": "Đăng ký khai tử",
        "components": [
            { "id": "TP01", "name": "Giấy báo tử", "required": true, "order": 1 },
            { "id": "TP02", "name": "Văn bản uỷ quyền", "required": false, "order": 2, "condition": "trong trường hợp uỷ quyền" },
            { "id": "TP03", "name": "Giấy tờ tùy thân", "required": false, "order": 3, "condition": "đối với người nước ngoài" },
        ],
    }))
    .unwrap();
    office.archive.records.import(&[procedure], date(2026, 1, 1)).await.unwrap();
    let asked = json!({ "procedure": "1.000003", "subject": citizen() });
    let opened: DossierView = office.post("/v1/dossiers", &asked).await.json();
    let place = format!("/v1/dossiers/{}/answers", opened.code);
    let stand = |view: &DossierView| view.components.iter().map(|c| c.status).collect::<Vec<_>>();
    let answer = async |answers: &Value| office.put(&place, answers).await;
    let (needed, conditional) = (ComponentStatus::Needed, ComponentStatus::Conditional);
    assert_eq!(stand(&opened), [needed, conditional, conditional]);
    for _ in 0..2 {
        let view: DossierView = answer(&json!({ "TP02": false })).await.json();
        assert_eq!(stand(&view), [needed, ComponentStatus::NotNeeded, conditional]);
    }
    // The answer to another question leaves the first as it is.
    let view: DossierView = answer(&json!({ "TP03": true })).await.json();
    assert_eq!(stand(&view), [needed, ComponentStatus::NotNeeded, needed]);
    let view: DossierView = answer(&json!({ "TP02": true })).await.json();
    assert_eq!(stand(&view), [needed, needed, needed]);
    assert_eq!(view, office.get(&format!("/v1/dossiers/{}", opened.code)).await.json());
    let dossier = office.archive.records.dossier(&opened.code).await.unwrap().unwrap();
    let events = office.archive.records.events(dossier.id, 0, 100).await.unwrap();
    let told = events.iter().filter(|(_, event)| *event == DossierEvent::QuestionsAnswered);
    assert_eq!(told.count(), 3, "answering alike tells nothing");

    for nothing_asked in [json!({ "TP01": true }), json!({ "TP02": false, "TP09": true })] {
        let detail = answer(&nothing_asked).await.refused(Reason::ComponentUnknown);
        assert!(detail.contains("TP02 (Văn bản uỷ quyền)"), "{detail}");
    }
    answer(&json!({ "TP02": "maybe" })).await.refused(Reason::RequestInvalid);
    let nowhere = "/v1/dossiers/H26-000000-9999/answers";
    office.put(nowhere, &json!({ "TP02": true })).await.refused(Reason::DossierUnknown);
    let _: DossierView =
        office.post(&format!("/v1/dossiers/{}/close", opened.code), &json!({})).await.json();
    answer(&json!({ "TP02": false })).await.refused(Reason::DossierClosed);
    let kept = office.archive.records.dossier(&opened.code).await.unwrap().unwrap().answers;
    assert_eq!(kept, dossier.answers);
}

#[tokio::test]
async fn what_cannot_be_a_dossier_is_refused_with_its_code() {
    let office = office().await;
    let refused = async |asked: Value, reason: Reason| {
        office.post("/v1/dossiers", &asked).await.refused(reason)
    };
    let with = |change: &[(&str, &str)]| {
        let mut subject = citizen();
        for (field, value) in change {
            subject[*field] = json!(value);
        }
        json!({ "procedure": "1.000001", "subject": subject })
    };
    let of = |procedure: &str, case: Option<&str>| json!({ "procedure": procedure, "case": case, "subject": citizen() });
    refused(of("1.999999", None), Reason::ProcedureUnknown).await;
    let cases = refused(of("1.000002", None), Reason::CaseNeeded).await;
    assert!(cases.contains("c1 (Về ở với người thân)") && cases.contains("c2"), "{cases}");
    refused(of("1.000002", Some("c9")), Reason::CaseUnknown).await;
    refused(of("1.000001", Some("c1")), Reason::CaseUnknown).await;
    refused(with(&[("number", "123")]), Reason::NumberDigits).await;
    refused(with(&[("number", "003199000013")]), Reason::NumberProvince).await;
    refused(with(&[("born", "1998-01-01")]), Reason::BornDiffers).await;
    let name = refused(with(&[("name", "  ")]), Reason::RequestInvalid).await;
    assert!(name.contains("subject.name"), "{name}");
    let detail = refused(with(&[("born", "nonsense")]), Reason::RequestInvalid).await;
    assert!(!detail.contains("nonsense"), "{detail}");
    refused(of("nonsense", None), Reason::RequestInvalid).await;
    office.open().await;
    refused(with(&[("name", "Trần Văn Khác")]), Reason::SubjectDiffers).await;
    let mut checked = with(&[("name", "Trần Văn Khác")]);
    checked["identity_checked"] = json!(true);
    assert_eq!(office.post("/v1/dossiers", &checked).await.status, StatusCode::CREATED);
    office.get("/v1/dossiers/H26-000000-9999").await.refused(Reason::DossierUnknown);
    office.get("/v1/dossiers/no%20code").await.refused(Reason::DossierUnknown);
}

#[tokio::test]
async fn a_scan_gets_a_receipt_and_its_repeat_the_same_one() {
    let office = office().await;
    let dossier = office.open().await;
    let headers =
        [("Idempotency-Key", "k1"), ("Sohoa-Station", "quay-3"), ("Sohoa-Component", "TP01")];
    let first = office.send(&dossier, &headers, PNG).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let receipt: Receipt = first.json();
    assert_eq!((receipt.bytes, receipt.media_type.as_str()), (16, "image/png"));
    assert!(!receipt.repeated && receipt.warnings.is_empty());
    assert_eq!(office.archive.blobs.get(receipt.blake3).await.unwrap(), PNG);
    for headers in [&headers[..], &[]] {
        let again = office.send(&dossier, headers, PNG).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(again.json::<Receipt>().scan, receipt.scan);
    }
    let other = [PNG, b"other"].concat();
    office.send(&dossier, &headers, other).await.refused(Reason::KeyReused);
    let view: DossierView = office.get(&format!("/v1/dossiers/{}", dossier.code)).await.json();
    assert_eq!(view.scans.len(), 1);
    assert!(!view.settled);
}

#[tokio::test]
async fn a_paper_that_must_not_be_scanned_gets_a_warning_that_says_why() {
    let office = office().await;
    let dossier = office.open().await;
    for (component, says) in [("TP02", "chỉ xuất trình"), ("TP03", "không số hoá")] {
        let bytes = [PNG, component.as_bytes()].concat();
        let answered = office.send(&dossier, &[("Sohoa-Component", component)], bytes).await;
        let receipt: Receipt = answered.json();
        assert_eq!(receipt.warnings[0].code, "component.present_only");
        assert!(receipt.warnings[0].text.contains(says), "{}", receipt.warnings[0].text);
    }
    for unknown in ["TP04", "TP09", "no component"] {
        let answered = office.send(&dossier, &[("Sohoa-Component", unknown)], PNG).await;
        answered.refused(Reason::ComponentUnknown);
    }
}

#[tokio::test]
async fn a_body_cut_short_leaves_nothing() {
    let office = office().await;
    let dossier = office.open().await;
    let short = office.send(&dossier, &[("Content-Length", "1000")], PNG).await;
    assert_eq!(short.refused(Reason::BodyCutShort), "16 bytes of 1000 came");
    let broken = stream::iter([Ok(Bytes::from_static(PNG)), Err(std::io::Error::other("gone"))]);
    office.send(&dossier, &[], Body::from_stream(broken)).await.refused(Reason::BodyCutShort);
    office.keeps_nothing(&dossier).await;
}

#[tokio::test]
async fn what_is_no_scan_is_refused_and_leaves_nothing() {
    let office = office_with(|settings, _| settings.max_scan_bytes = 5000).await;
    let dossier = office.open().await;
    office.send(&dossier, &[], Body::empty()).await.refused(Reason::ScanEmpty);
    office
        .send(&dossier, &[("Content-Length", "0")], Body::empty())
        .await
        .refused(Reason::ScanEmpty);
    office.send(&dossier, &[], "just text").await.refused(Reason::ScanUnknownFormat);
    office.send(&dossier, &[], vec![b'x'; 4000]).await.refused(Reason::ScanUnknownFormat);
    let promised = office.send(&dossier, &[("Content-Length", "6000")], PNG).await;
    promised.refused(Reason::ScanTooLarge);
    let chunks =
        [PNG, &[0; 3000], &[0; 3000]].map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c)));
    let unpromised = Body::from_stream(stream::iter(chunks));
    office.send(&dossier, &[], unpromised).await.refused(Reason::ScanTooLarge);
    let key = "k".repeat(201);
    office.send(&dossier, &[("Idempotency-Key", &key)], PNG).await.refused(Reason::RequestInvalid);
    office.keeps_nothing(&dossier).await;
}

#[tokio::test]
async fn a_closed_dossier_takes_no_scans() {
    let office = office().await;
    let dossier = office.open().await;
    let place = format!("/v1/dossiers/{}/close", dossier.code);
    for _ in 0..2 {
        let closed: DossierView = office.post(&place, &Value::Null).await.json();
        assert_eq!(closed.state, schemas::api::DossierState::Closed);
    }
    office.send(&dossier, &[], PNG).await.refused(Reason::DossierClosed);
    office.keeps_nothing(&dossier).await;
}

#[tokio::test]
async fn what_was_kept_under_a_key_gets_its_receipt_when_the_dossier_is_closed() {
    let office = office().await;
    let dossier = office.open().await;
    let keyed = [("Idempotency-Key", "k1")];
    let first: Receipt = office.send(&dossier, &keyed, PNG).await.json();
    office.post(&format!("/v1/dossiers/{}/close", dossier.code), &Value::Null).await;
    let again: Receipt = office.send(&dossier, &keyed, PNG).await.json();
    assert!(again.repeated);
    assert_eq!(again.scan, first.scan);
    let other = [PNG, b"other"].concat();
    office.send(&dossier, &keyed, other).await.refused(Reason::DossierClosed);
}

#[tokio::test]
async fn a_sender_that_stalls_is_cut_off_and_gives_its_turn_to_the_next() {
    let office = office_with(|settings, _| {
        settings.max_uploads = 1;
        settings.turn = Duration::from_millis(50);
        settings.stall = Duration::from_millis(400);
    })
    .await;
    let dossier = office.open().await;
    let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(PNG))]);
    let stalled = Body::from_stream(begun.chain(stream::pending()));
    let (stalled, crowded) =
        tokio::join!(office.send(&dossier, &[("Expect", "100-continue")], stalled), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            office.send(&dossier, &[], PNG).await
        });
    crowded.refused(Reason::Busy);
    assert_eq!(crowded.headers[header::RETRY_AFTER], "3");
    stalled.refused(Reason::BodyCutShort);
    office.keeps_nothing(&dossier).await;
    assert_eq!(office.send(&dossier, &[], PNG).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_sender_that_drips_is_cut_off_though_it_is_never_silent_for_long() {
    let stall = Duration::from_millis(300);
    let office = office_with(|settings, _| settings.stall = stall).await;
    let dossier = office.open().await;
    let dripping = stream::repeat(Bytes::from_static(b"\x89")).then(async |drop| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, Infallible>(drop)
    });
    let body = Body::from_stream(dripping);
    let sent = office.send(&dossier, &[("Expect", "100-continue")], body);
    let sent = tokio::time::timeout(10 * stall, sent).await.expect("it drips on");
    sent.refused(Reason::BodyCutShort);
    office.keeps_nothing(&dossier).await;
}

#[tokio::test]
async fn when_too_much_waits_a_station_is_asked_to_come_back() {
    let office = office_with(|_, place| place.max_waiting_jobs = 2).await;
    let dossier = office.open().await;
    for n in 0..2_u8 {
        assert_eq!(
            office.send(&dossier, &[], [PNG, &[n]].concat()).await.status,
            StatusCode::CREATED
        );
    }
    let refused = office.send(&dossier, &[], PNG).await;
    refused.refused(Reason::Busy);
    assert_eq!(refused.headers[header::RETRY_AFTER], "5");
    // A tenth of two jobs, at sixty an hour and at one.
    for (jobs_per_hour, seconds) in [(60, "12"), (1, "120")] {
        office.archive.records.put_throughput(schemas::Uuid::nil(), jobs_per_hour).await.unwrap();
        let refused = office.send(&dossier, &[], PNG).await;
        assert_eq!(refused.headers[header::RETRY_AFTER], seconds);
    }
}

#[tokio::test]
async fn events_are_told_from_the_first_or_after_the_last_one_seen() {
    let office = office().await;
    let dossier = office.open().await;
    office.post(&format!("/v1/dossiers/{}/close", dossier.code), &Value::Null).await;
    // Closed, and nothing in it is waiting: the stream ends by itself.
    let place = format!("/v1/dossiers/{}/events", dossier.code);
    let told = String::from_utf8(office.get(&place).await.body).unwrap();
    assert!(
        told.contains("event: closed") && told.contains(r#"data: {"event":"closed"}"#),
        "{told}"
    );
    let last = told.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let request = Request::get(&place).header("Last-Event-ID", last).body(Body::empty()).unwrap();
    assert_eq!(office.answer(request).await.body, b"");
}

#[tokio::test]
async fn an_event_reaches_who_listens_and_hanging_up_ends_the_stream() {
    let office = office().await;
    let dossier = office.open().await;
    let request = Request::get(format!("/v1/dossiers/{}/events", dossier.code));
    let response =
        office.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut told = response.into_body().into_data_stream();
    office.send(&dossier, &[], PNG).await;
    let first =
        tokio::time::timeout(Duration::from_secs(10), told.next()).await.unwrap().unwrap().unwrap();
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(first.contains("event: scan_received"), "{first}");
    office.desk.hang_up();
    let rest = tokio::time::timeout(Duration::from_secs(10), told.next()).await.unwrap();
    assert!(rest.is_none());
}

#[tokio::test]
async fn procedures_are_found_by_words_without_accents() {
    let office = office().await;
    let found: Vec<ProcedureSummary> = office.get("/v1/procedures?q=khai%20sinh").await.json();
    assert_eq!(found.iter().map(|p| p.code.as_str()).collect::<Vec<_>>(), ["1.000001"]);
    let rest: Vec<ProcedureSummary> = office.get("/v1/procedures?limit=1&offset=1").await.json();
    assert_eq!(rest.iter().map(|p| p.code.as_str()).collect::<Vec<_>>(), ["1.000002"]);
    let shown: ProcedureVersion = office.get("/v1/procedures/1.000002").await.json();
    assert_eq!((shown.version, shown.procedure.cases.len()), (1, 2));
    office.get("/v1/procedures/1.999999").await.refused(Reason::ProcedureUnknown);
    office.get("/v1/procedures/nonsense").await.refused(Reason::ProcedureUnknown);
    office.get("/v1/procedures?limit=many").await.refused(Reason::RequestInvalid);
    office.get("/v1/procedures?limit=501").await.refused(Reason::RequestInvalid);
}
