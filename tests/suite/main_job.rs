//! The main job: papers in, records out, and the next procedure need not ask.

use std::process::Command;

use schemas::api::{
    ComponentStatus, DocumentVerdict, DossierView, Lookup, LookupRequest, RecordChange,
    Requirements, RequirementsRequest,
};
use schemas::ids::{ComponentId, RecordId};
use schemas::record::{BoundBy, FieldName, Record};
use tests::{Story, opening, problem, raw, somebody};

use crate::Stage;

/// The case of residence registration that the sample is about: with family, in a home that is
/// not one's own.
const WITH_FAMILY: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_of_scans_is_filed_under_the_right_components() {
    let stage = Stage::start().await;
    let story = Story::told("khai-sinh");
    let view = stage.put_through(&story.opening(None), &story.scans()).await;

    // What the generator says each page is, against what the dossier says it became.
    let mut pages = view.scans.iter().flat_map(|scan| &scan.pages);
    for told in story.dossier.files.iter().flat_map(|file| &file.pages) {
        let page = pages.next().unwrap();
        let document = view.documents.iter().find(|d| d.pages.contains(&page.id));
        let Some(document) = document else {
            assert!(page.blank && told.kind == "blank_back", "{}", told.kind);
            continue;
        };
        match told.kind.as_str() {
            // Shown, compared, handed back; and a paper that nobody asked for.
            "identity_card" | "decision" => {
                assert_ne!(document.verdict, DocumentVerdict::Filed, "{}", told.kind);
                assert_eq!(document.record, None, "{}", told.kind);
            }
            kind => {
                assert_eq!(document.verdict, DocumentVerdict::Filed, "{kind}");
                assert_eq!(document.component, told.component, "{kind}");
                assert!(document.record.is_some(), "{kind}");
            }
        }
    }
    assert_eq!(view.pages.blank, 1);
    nothing_personal_is_told(&stage, &story);
    assert_eq!((view.pages.waiting, view.pages.parked), (0, 0));
    let status = |id: &str| status_of(&view, id);
    assert_eq!(status("1.001193-TP01"), ComponentStatus::Filed);
    assert_eq!(status("1.001193-TP06"), ComponentStatus::Filed);
    assert_eq!(status("1.001193-TP08"), ComponentStatus::PresentOnly);
    assert_eq!(status("1.001193-TP04"), ComponentStatus::Conditional);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_procedure_asks_sohoa_and_not_the_citizen() {
    let stage = Stage::start().await;
    let story = Story::told("thuong-tru");
    let first = stage.put_through(&story.opening(Some(WITH_FAMILY)), &story.scans()).await;
    assert_eq!(status_of(&first, "1.004222-TP07"), ComponentStatus::Filed);

    let asked: Requirements = stage.post("/v1/requirements", &requirements(&story)).await;
    let family = asked.components.iter().find(|c| c.id.as_str() == "1.004222-TP07").unwrap();
    assert_eq!(family.status, ComponentStatus::Held, "{}", family.reason);
    let form = asked.components.iter().find(|c| c.id.as_str() == "1.004222-TP01").unwrap();
    assert_eq!(form.status, ComponentStatus::Needed, "each form is written for one dossier");

    // A second dossier doesn't ask again.
    let second: DossierView = stage.open(&story.opening(Some(WITH_FAMILY))).await;
    assert_eq!(status_of(&second, "1.004222-TP07"), ComponentStatus::Held);

    asked_again(&stage, &second, &story).await;
    let record = look_up(&stage, &story, family.record.unwrap()).await;
    assert_eq!(record.kind.as_str(), "marriage_certificate");
    assert_eq!(record.owners[0].bound_by, BoundBy::Number);
    assert!(record.digitisation_code.starts_with(story.dossier.subject.reveal_number()));
    let issuer = record.fields.iter().find(|field| field.name == FieldName::Issuer);
    assert!(issuer.is_none_or(|field| !field.value.is_empty()));

    // Somebody else's number finds nothing, the right number with a wrong name neither.
    let other = RequirementsRequest { subject: raw(&somebody(77)), ..requirements(&story) };
    let asked: Requirements = stage.post("/v1/requirements", &other).await;
    let family = asked.components.iter().find(|c| c.id.as_str() == "1.004222-TP07").unwrap();
    assert_ne!(family.status, ComponentStatus::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_lookup_gets_the_answer_as_it_was_and_a_stranger_none() {
    let stage = Stage::start().await;
    let story = Story::told("thuong-tru");
    let view = stage.put_through(&story.opening(Some(WITH_FAMILY)), &story.scans()).await;
    let asked: Requirements = stage.post("/v1/requirements", &requirements(&story)).await;
    let record = asked.components.iter().find_map(|component| component.record).unwrap();

    let request = lookup(&story, record);
    let first: Lookup = stage.post("/v1/lookups", &request).await;
    let again: Lookup = stage.post("/v1/lookups", &request).await;
    assert_eq!(first, again);

    let stranger = LookupRequest {
        request: schemas::Uuid::from_u128(2),
        subject: raw(&somebody(77)),
        ..lookup(&story, record)
    };
    let (status, refusal) = stage.refused("/v1/lookups", &stranger).await;
    assert_eq!((status, refusal.code.as_str()), (404, "record.unknown"));

    // Reading a record without saying why is refused.
    let bare = stage.http.get(stage.url(&format!("/v1/records/{record}"))).send().await.unwrap();
    assert_eq!(problem(bare).await.0, 400);
    assert!(view.settled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_a_searchable_archival_pdf_of_the_scans_own_pixels() {
    let stage = Stage::start().await;
    let story = Story::told("thuong-tru");
    let view = stage.put_through(&story.opening(Some(WITH_FAMILY)), &story.scans()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for document in view.documents.iter().filter(|document| document.record.is_some()) {
        let url = stage.url(&format!("/v1/records/{}/file", document.record.unwrap()));
        let request = stage
            .http
            .get(url)
            .header("sohoa-purpose", "Kiem thu")
            .header("sohoa-asked-by", "test");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/pdf");
        let path = folder.path().join(format!("{}.pdf", document.id));
        std::fs::write(&path, response.bytes().await.unwrap()).unwrap();
        files.push(path);
    }
    assert_eq!(files.len(), 3);

    let verapdf = concat!(env!("CARGO_MANIFEST_DIR"), "/verapdf/verapdf.sh");
    let verdict = Command::new(verapdf).args(&files).output().unwrap();
    let told = String::from_utf8_lossy(&verdict.stdout).into_owned()
        + &String::from_utf8_lossy(&verdict.stderr);
    assert!(verdict.status.success(), "{told}");

    let texts: Vec<String> = files.iter().map(|file| text_of(file)).collect();
    assert!(texts.iter().any(|text| text.contains("GIẤY CHỨNG NHẬN KẾT HÔN")), "{texts:?}");
    // The scan's own JPEG is in the PDF, byte for byte.
    let pdfs: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    for scan in story.scans() {
        let inside = |pdf: &Vec<u8>| pdf.windows(scan.len()).any(|window| window == scan);
        assert!(pdfs.iter().any(inside));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_published_again_when_more_papers_arrive() {
    let stage = Stage::start().await;
    let story = Story::told("khai-sinh");
    let dossier = stage.open(&opening(&story.dossier.subject)).await;
    for scan in &story.scans()[..2] {
        stage.scan(&dossier, scan).await;
    }
    let before = stage.settled(&dossier).await;
    stage.scan(&dossier, story.scans().last().unwrap()).await;
    let after = stage.settled(&dossier).await;
    let records = |view: &DossierView| -> Vec<(RecordId, Option<u32>)> {
        view.documents.iter().filter_map(|d| Some((d.record?, d.record_version))).collect()
    };
    assert_eq!(records(&before).len(), 2);
    assert_eq!(records(&before), records(&after));
}

/// Neither the numbers nor the names that went in stand in the log, whoever wrote it.
fn nothing_personal_is_told(stage: &Stage, story: &Story) {
    let log = stage.log();
    assert!(log.contains("job done"), "nothing was logged at all");
    let subject = &story.dossier.subject;
    for secret in [subject.reveal_number(), subject.name().reveal()] {
        assert!(!log.contains(secret));
    }
    // What a paper says: a title is on every one of them.
    assert!(!log.contains("TỜ KHAI") && !log.contains("CỘNG HÒA"));
}

fn status_of(view: &DossierView, id: &str) -> ComponentStatus {
    let id: ComponentId = id.parse().unwrap();
    view.components.iter().find(|component| component.id == id).unwrap().status
}

fn requirements(story: &Story) -> RequirementsRequest {
    RequirementsRequest {
        procedure: story.dossier.procedure.clone(),
        case: Some(WITH_FAMILY.parse().unwrap()),
        subject: raw(&story.dossier.subject),
        others: Vec::new(),
        purpose: "Đăng ký thường trú".to_owned(),
        answers: schemas::api::Answers::new(),
        office: None,
    }
}

fn lookup(story: &Story, record: RecordId) -> LookupRequest {
    LookupRequest {
        request: schemas::Uuid::from_u128(1),
        record,
        subject: raw(&story.dossier.subject),
        purpose: "Đăng ký thường trú".to_owned(),
        legal_basis: None,
        dossier: None,
        asked_by: "canbo-01".to_owned(),
        on_behalf_of: None,
        component: None,
    }
}

async fn look_up(stage: &Stage, story: &Story, record: RecordId) -> Record {
    let lookup: Lookup = stage.post("/v1/lookups", &lookup(story, record)).await;
    assert_eq!(lookup.record.id, record);
    lookup.record
}

fn text_of(pdf: &std::path::Path) -> String {
    let output = Command::new("pdftotext").arg(pdf).arg("-").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What is held is not collected again without a lawful reason; what becomes of the record is
/// told to the dossier that relies on it.
async fn asked_again(stage: &Stage, dossier: &DossierView, story: &Story) {
    let place = format!("/v1/dossiers/{}", dossier.code);
    let send = async |component: &str, reason: Option<&str>| {
        let mut request = stage.http.post(stage.url(&format!("{place}/scans")));
        request = request.header("Sohoa-Component", component).body(story.scans()[0].to_vec());
        if let Some(reason) = reason {
            request =
                request.header("Sohoa-Ask-Again", reason).header("Sohoa-Asked-By", "canbo-01");
        }
        request.send().await.unwrap()
    };
    let held = "1.004222-TP07";
    let (status, refusal) = problem(send(held, None).await).await;
    assert_eq!((status, refusal.code.as_str()), (409, "component.held"));
    assert!(refusal.detail.unwrap().contains("authenticity"));
    assert_eq!(problem(send(held, Some("because")).await).await.0, 400);
    let (status, refusal) = problem(send("1.004222-TP99", None).await).await;
    assert_eq!((status, refusal.code.as_str()), (422, "component.unknown"));
    assert!(refusal.detail.unwrap().contains(held), "the list is shown");
    let view: DossierView = stage.get(&place).await;
    assert!(view.scans.is_empty(), "nothing was kept");
    assert_eq!(send(held, Some("authenticity")).await.status().as_u16(), 201);
    stage.settled(dossier).await;

    // The record is put right, and the open dossier that relies on it hears of it.
    let component = dossier.components.iter().find(|c| c.id.as_str() == held).unwrap();
    let place_of = format!("/v1/records/{}/correct", component.record.unwrap());
    let fields = [serde_json::json!({ "name": "scope", "value": "Toàn quốc" })];
    let word = serde_json::json!({
        "version": component.record_version, "fields": fields, "reason": "Đọc sót", "by": "canbo-01",
    });
    let _: serde_json::Value = stage.post(&place_of, &word).await;
    let view: DossierView = stage.get(&place).await;
    let warned: Vec<_> = view.warnings.iter().map(|w| (w.component.as_str(), w.change)).collect();
    assert_eq!(warned, [(held, RecordChange::Corrected)]);
    let report =
        stage.command(&["report", "2026", "--json", "--server", stage.desk("/v1/reports")]);
    assert_eq!(report.status.code(), Some(0), "{}", String::from_utf8_lossy(&report.stderr));
}
