//! The guard: a paper that a record stands for isn't collected again, however it comes in; and
//! answers and results that arrive later.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::stream;
use papers::{Family, Kind, Press, Scan, Wear};
use reqwest::{Body, Response};
use schemas::api::{
    AccessAnswer, ComponentStatus, DossierEvent, DossierView, HeldAgain, Lookup, OpenDossier,
    Receipt,
};
use schemas::audit::Act;
use schemas::ids::{DocumentId, RecordId};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{expect, opening, problem, raw};
use tokio::sync::mpsc;

use crate::Stage;

const FAMILY: u64 = 21;

/// A procedure that asks for a birth certificate on a condition, and ends with a result that no
/// kind of ours names.
const PROCEDURE: &str = "1.990001";
const LICENCE: &str = "KQ.G99.000999";

fn procedure() -> Value {
    json!({
        "code": PROCEDURE,
        "name": "Cấp giấy phép",
        "components": [
            { "id": "TP01", "name": "Tờ khai đăng ký khai sinh", "required": true, "order": 1, "kinds": ["birth_registration_form"] },
            { "id": "TP02", "name": "Giấy khai sinh", "required": false, "order": 2, "condition": "đối với người chưa có thẻ căn cước", "kinds": ["birth_certificate"] },
        ],
        "results": [
            { "code": LICENCE, "name": "Giấy phép", "evidence": true },
            { "code": "KQ.G01.000067", "name": "Phiếu từ chối", "evidence": false },
        ],
    })
}

/// An office that knows the procedure, too.
async fn office() -> Stage {
    let stage = Stage::start().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue.json");
    let catalogue = json!({
        "format": "sohoa-catalogue/1", "valid_from": "2026-01-01", "procedures": [procedure()],
    });
    std::fs::write(&file, catalogue.to_string()).unwrap();
    let imported = stage.command(&["catalogue", "import", file.to_str().unwrap()]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    stage
}

fn applied(answers: &[(&str, bool)]) -> OpenDossier {
    let child = Family::new(FAMILY).child.subject();
    OpenDossier {
        procedure: PROCEDURE.parse().unwrap(),
        answers: answers.iter().map(|(id, holds)| (id.parse().unwrap(), *holds)).collect(),
        ..opening(&child)
    }
}

fn paper(kind: Kind, wear: u64) -> Vec<u8> {
    let press = Press::open().unwrap();
    let scan = Scan { wear: Wear::light(wear), ..Scan::default() };
    scan.jpeg(&press.paper(kind, FAMILY)[0]).unwrap()
}

fn status(view: &DossierView, id: &str) -> ComponentStatus {
    view.components.iter().find(|component| component.id.as_str() == id).unwrap().status
}

/// Puts the child's birth certificate through, and tells which record it became.
async fn certificate(stage: &Stage) -> RecordId {
    let page = paper(Kind::BirthCertificate, FAMILY);
    let view = stage.put_through(&applied(&[]), &[&page]).await;
    assert_eq!(status(&view, "TP02"), ComponentStatus::Filed, "{:#?}", view.documents);
    assert!(view.asked_again.is_empty());
    view.documents[0].record.unwrap()
}

/// What the counter was told to hand back.
async fn handed_back(stage: &Stage, dossier: &DossierView) -> Vec<HeldAgain> {
    let _: DossierView =
        stage.post(&format!("/v1/dossiers/{}/close", dossier.code), &json!({})).await;
    let place = stage.url(&format!("/v1/dossiers/{}/events", dossier.code));
    let told = stage.http.get(place).send().await.unwrap().text().await.unwrap();
    let events = told.lines().filter_map(|line| line.strip_prefix("data:"));
    let held = events.map(|body| match serde_json::from_str(body).unwrap() {
        DossierEvent::Filed { held_again, .. } => held_again,
        _ => Vec::new(),
    });
    held.flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_scanned_without_a_word_though_it_is_held_is_handed_back() {
    let stage = office().await;
    // Opened before there is a record, and after.
    let earlier = stage.open(&applied(&[])).await;
    assert_eq!(status(&earlier, "TP02"), ComponentStatus::Conditional);
    let record = certificate(&stage).await;
    let later = stage.open(&applied(&[])).await;
    assert_eq!(status(&later, "TP02"), ComponentStatus::Held);
    for (dossier, wear) in [(&earlier, 5), (&later, 6)] {
        stage.scan(dossier, &paper(Kind::BirthCertificate, wear)).await;
        let view = stage.settled(dossier).await;
        assert_eq!(status(&view, "TP02"), ComponentStatus::Filed);
        let [again] = view.asked_again.as_slice() else { panic!("{:?}", view.asked_again) };
        assert_eq!((again.component.as_str(), again.record), ("TP02", Some(record)));
        assert!(again.reasons.is_empty());
        let shown = stage.command(&["dossier", dossier.code.as_str(), "--server", stage.address()]);
        let shown = String::from_utf8(shown.stdout).unwrap();
        let warning = format!("Chú ý, thành phần 2 (TP02): {}", HeldAgain::VI);
        assert!(shown.contains(&warning), "{shown}");
        let told = handed_back(&stage, dossier).await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((told.component.as_str(), told.record), ("TP02", Some(record)));
    }
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_whose_record_is_there_before_all_of_it_has_come_is_refused() {
    let stage = office().await;
    let dossier = stage.open(&applied(&[])).await;
    let place = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
    // Behind the image, what takes minutes to send.
    let page = [paper(Kind::BirthCertificate, 5), vec![0; 2 << 20]].concat();
    let (line, mut came) = mpsc::channel::<Vec<u8>>(1);
    let body = stream::poll_fn(move |context| {
        came.poll_recv(context).map(|bytes| bytes.map(Ok::<_, Infallible>))
    });
    let request = stage.http.post(place).header("Sohoa-Component", "TP02");
    let sending = tokio::spawn(request.body(Body::wrap_stream(body)).send());
    // As slowly as an upload may be.
    let mut sent = 0;
    let slowly = async {
        for chunk in page.chunks(4 << 10) {
            line.send(chunk.to_vec()).await.unwrap();
            sent += chunk.len();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let record = tokio::select! {
        record = certificate(&stage) => record,
        () = slowly => panic!("nothing was published meanwhile"),
    };
    line.send(page[sent..].to_vec()).await.unwrap();
    drop(line);
    let (code, refusal) = problem(sending.await.unwrap().unwrap()).await;
    assert_eq!((code, refusal.code.as_str()), (409, "component.held"));
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert!(view.scans.is_empty());
    let held = view.components.iter().find(|component| component.id.as_str() == "TP02").unwrap();
    assert_eq!((held.status, held.record), (ComponentStatus::Held, Some(record)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_taken_before_there_was_a_record_gets_its_receipt_again() {
    let stage = office().await;
    let dossier = stage.open(&applied(&[])).await;
    let place = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
    // Nothing is filed of it.
    let page = paper(Kind::BlankBack, FAMILY);
    let send = async |key: &str| {
        let request = stage.http.post(&place).header("Idempotency-Key", key);
        request.header("Sohoa-Component", "TP02").body(page.clone()).send().await.unwrap()
    };
    let first: Receipt = expect(send("once").await, "the scan").await;
    stage.settled(&dossier).await;
    certificate(&stage).await;
    let (code, refusal) = problem(send("another").await).await;
    assert_eq!((code, refusal.code.as_str()), (409, "component.held"));
    let again: Receipt = expect(send("once").await, "the scan, again").await;
    assert_eq!((again.scan, again.repeated), (first.scan, true));
}

/// Says that a document is what a component asks for.
async fn assign(stage: &Stage, document: DocumentId, again: Option<&str>) -> Response {
    let word = json!({
        "component": "TP02", "kind": "birth_certificate", "by": "can-bo-7", "again": again,
    });
    let place = stage.url(&format!("/v1/documents/{document}/assign"));
    stage.http.post(place).json(&word).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_files_a_paper_under_a_held_component_for_a_lawful_reason_only() {
    let stage = office().await;
    let record = certificate(&stage).await;
    let dossier = stage.open(&applied(&[])).await;
    let outside = paper(Kind::BirthNote, FAMILY);
    stage.scan(&dossier, &outside).await;
    let view = stage.settled(&dossier).await;
    let document = view.documents[0].id;
    assert_eq!(status(&view, "TP02"), ComponentStatus::Held);
    let (code, refusal) = problem(assign(&stage, document, None).await).await;
    assert_eq!((code, refusal.code.as_str()), (409, "component.held"));
    let detail = refusal.detail.unwrap();
    assert!(detail.contains("authenticity") && detail.contains("source_silent"), "{detail}");
    assert_eq!(problem(assign(&stage, document, Some("because")).await).await.0, 400);
    let unchanged: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(unchanged, view);

    assert_eq!(assign(&stage, document, Some("data_wrong")).await.status(), 204);
    let view = stage.settled(&dossier).await;
    let [again] = view.asked_again.as_slice() else { panic!("{:?}", view.asked_again) };
    assert_eq!((again.component.as_str(), again.record), ("TP02", Some(record)));
    let said = again.reasons.iter().map(|said| (said.reason.as_str(), said.by.as_deref()));
    assert_eq!(said.collect::<Vec<_>>(), [("data_wrong", Some("can-bo-7"))]);
    // Filed as it is, it may be filed anew.
    assert_eq!(assign(&stage, document, None).await.status(), 204);
    stage.settled(&dossier).await;
    assert!(handed_back(&stage, &dossier).await.is_empty());
    let since = std::time::Instant::now();
    loop {
        let child = raw(&Family::new(FAMILY).child.subject());
        let asked = json!({ "subject": child, "purpose": "Chủ sở hữu yêu cầu" });
        let told: AccessAnswer = stage.post("/v1/subjects/access", &asked).await;
        let again = told.accesses.iter().find(|access| access.act == Act::AskedAgain);
        if let Some(again) = again {
            assert_eq!((again.record, again.principal.as_deref()), (Some(record), Some("local")));
            assert_eq!(again.dossier.as_ref(), Some(&dossier.code));
            break;
        }
        assert!(since.elapsed().as_secs() < 20, "{told:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let report: Value = stage.get(&format!("/v1/reports?period={}", &view.opened_at[..4])).await;
    let told = report["rows"][0]["indicators"].as_array().unwrap().iter();
    let figure = |name: &str| {
        let found = told.clone().find(|one| one["figure"] == name).unwrap();
        found["of"].as_u64().unwrap()
    };
    assert_eq!((figure("asked_again"), figure("asked_again_unreasoned")), (1, 0));
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_has_asked_for_is_relied_on_where_a_record_stands_for_it() {
    let stage = office().await;
    let record = certificate(&stage).await;
    let dossier = stage.open(&applied(&[("TP02", false)])).await;
    assert_eq!(status(&dossier, "TP02"), ComponentStatus::NotNeeded);
    let relied = || stage.sql("select record_id from relied where component = 'TP02'");
    assert_eq!(relied().trim(), "");
    let place = stage.url(&format!("/v1/dossiers/{}/answers", dossier.code));
    let answer = async |holds: bool| -> DossierView {
        let answers = json!({ "TP02": holds });
        expect(stage.http.put(&place).json(&answers).send().await.unwrap(), "answers").await
    };
    for _ in 0..2 {
        assert_eq!(status(&answer(true).await, "TP02"), ComponentStatus::Held);
        assert!(relied().contains(&record.to_string()), "{}", relied());
    }
    assert_eq!(status(&answer(false).await, "TP02"), ComponentStatus::NotNeeded);
    assert_eq!(relied().trim(), "");
    answer(true).await;
    let held = stage.http.post(stage.url(&format!("/v1/dossiers/{}/scans", dossier.code)));
    let held = held.header("Sohoa-Component", "TP02").body(paper(Kind::BirthCertificate, 7));
    assert_eq!(problem(held.send().await.unwrap()).await.1.code, "component.held");
    // Whoever follows the dossier hears of each change.
    let _: DossierView =
        stage.post(&format!("/v1/dossiers/{}/close", dossier.code), &json!({})).await;
    let events = stage.url(&format!("/v1/dossiers/{}/events", dossier.code));
    let told = stage.http.get(events).send().await.unwrap().text().await.unwrap();
    assert_eq!(told.matches("event: questions_answered").count(), 3, "{told}");
    let late = stage.http.put(&place).json(&json!({ "TP02": false })).send().await.unwrap();
    assert_eq!(problem(late).await.1.code, "dossier.closed");
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_published_under_the_code_it_was_filed_as_though_no_kind_names_it() {
    let stage = office().await;
    let dossier = stage.open(&applied(&[])).await;
    let send = async |component: &str, wear: u64| {
        let request = stage.http.post(stage.url(&format!("/v1/dossiers/{}/scans", dossier.code)));
        let request = request.header("Sohoa-Component", component);
        request.body(paper(Kind::BirthCertificate, wear)).send().await.unwrap()
    };
    let refused = problem(send("KQ.G01.000067", 8).await).await;
    assert_eq!((refused.0, refused.1.code.as_str()), (422, "component.unknown"), "a refusal");
    assert_eq!(send(LICENCE, 9).await.status(), 201);
    let view = stage.settled(&dossier).await;
    let document = &view.documents[0];
    assert_eq!(document.component.as_ref().unwrap().as_str(), LICENCE, "{document:?}");
    let asked = json!({
        "request": schemas::Uuid::new_v4(), "record": document.record.unwrap(),
        "subject": raw(&Family::new(FAMILY).child.subject()),
        "purpose": "Cấp đổi giấy phép", "asked_by": "can-bo-3",
    });
    let lookup: Lookup = stage.post("/v1/lookups", &asked).await;
    assert_eq!(lookup.record.result.unwrap().to_string(), LICENCE);
}
