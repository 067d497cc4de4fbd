//! What other Kho have is used, and what this office has reaches the national portal. Whatever form
//! the office has, the other Kho is one machine.

use std::collections::BTreeSet;
use std::time::Duration;

use papers::{Family, Kind, Press, Scan, Wear};
use reqwest::Response;
use schemas::api::{ComponentStatus, ComponentView, DossierView, OpenDossier};
use schemas::subject::Subject;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Station, Story, jpeg_page, opening, problem, raw, somebody, turn, with_key};

use crate::Stage;
use crate::audit::typed;
use crate::contracts::{MARRIAGE, WITH_FAMILY, against};
use crate::receiver::Receiver;

/// What proves that they are a family.
const KINSHIP: &str = "1.004222-TP07";

/// Đăng ký việc nuôi con nuôi trong nước: health certificates of whoever adopts, and of the child.
const ADOPTION: &str = "2.001263";
const ADOPTERS: &str = "2.001263-TP03";
const CHILDS: &str = "2.001263-TP07";

/// Giấy khai sinh.
const BIRTH: &str = "KQ.G15.000031";

fn ask(kho: &str, dossier: &DossierView) -> Value {
    json!({
        "request": schemas::Uuid::new_v4(),
        "kho": kho,
        "dossier": dossier.code,
        "component": KINSHIP,
        "results": [MARRIAGE],
        "asked_by": "Cán bộ một cửa",
        "asked_by_number": "001099000027",
    })
}

async fn kinship(stage: &Station, dossier: &DossierView) -> ComponentView {
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    view.components.into_iter().find(|component| component.id.as_str() == KINSHIP).unwrap()
}

/// Waits until the component stands so.
async fn stands(stage: &Station, dossier: &DossierView, status: ComponentStatus) -> ComponentView {
    for _ in 0..300 {
        let view = kinship(stage, dossier).await;
        if view.status == status {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{:?}", kinship(stage, dossier).await);
}

/// Hands the paper of that component in all the same.
async fn hand_in(stage: &Station, dossier: &DossierView, reason: Option<&str>) -> Response {
    let place = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
    let mut request = stage.http.post(place).header("Sohoa-Component", KINSHIP);
    if let Some(reason) = reason {
        request = request.header("Sohoa-Ask-Again", reason);
    }
    request.body(jpeg_page(3)).send().await.unwrap()
}

/// The figure of that name of the year: numerator and denominator.
async fn counted(stage: &Station, dossier: &DossierView, figure: &str) -> (u64, u64) {
    let report: Value = stage.get(&format!("/v1/reports?period={}", &dossier.opened_at[..4])).await;
    let all = report["rows"][0]["indicators"].as_array().unwrap().clone();
    let of = all.iter().find(|of| of["figure"] == figure).unwrap();
    (of["of"].as_u64().unwrap(), of["all"].as_u64().unwrap())
}

/// What somebody is told of questions to another Kho, once they are told of any.
async fn told_of_kho(stage: &Station, subject: &Subject) -> Vec<Value> {
    let asked = json!({ "subject": raw(subject), "purpose": "Công dân yêu cầu" });
    for _ in 0..100 {
        let told: Value = stage.post("/v1/subjects/access", &asked).await;
        let told = told["accesses"].as_array().unwrap().iter();
        let told: Vec<Value> = told.filter(|one| one["act"] == "kho_asked").cloned().collect();
        if !told.is_empty() {
            return told;
        }
        // Lines are bound a moment after what they tell of.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody is told");
}

/// The papers of the one dossier that there is, as it is exported.
async fn exported(stage: &Station) -> Vec<Value> {
    let day = schemas::clock::today();
    let all: Value = stage.get(&format!("/v1/export/dossiers?from={day}&to={day}")).await;
    against("dong-bo-ho-so", &all).unwrap();
    all["data"][0]["TaiLieuNop"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_of_another_kho_is_used_and_not_asked_for_again() {
    // What the Kho has was read before the office is there.
    let turn = turn().await;
    let mut kho = tests::Stage::start_beside("").await;
    let story = Story::told("thuong-tru");
    kho.put_through(&story.opening(Some(WITH_FAMILY)), &story.scans()).await;
    let folder = TempDir::new().unwrap();
    let key_file = folder.path().join("key");
    let key = kho.new_key(&["kho-xa", "--role", "system", "--office", "H26.01.02"]);
    std::fs::write(&key_file, key).unwrap();
    kho.kill();
    let address = kho.address().to_owned();
    drop(turn);
    let office = Stage::start_with(&format!(
        "[exchange]\nfirst_pause_seconds = 1\n\
         [exchange.national]\nfiles = \"https://sohoa.example.vn\"\n\
         [[exchange.kho]]\nname = \"kho-quoc-gia\"\nnational = true\n\
         results = \"{address}/v1/kho/results\"\nfiles = \"{address}/v1/kho/files\"\n\
         plain = true\ninside = true\nkey_file = {key_file:?}"
    ))
    .await;

    // As long as nobody answers it is waited for, and nothing is to be said.
    let dossier = office.open(&story.opening(Some(WITH_FAMILY))).await;
    assert_eq!(kinship(&office, &dossier).await.status, ComponentStatus::Database);
    let question = ask("kho-quoc-gia", &dossier);
    let asked: Value = office.post("/v1/inquiries", &question).await;
    let pending = kinship(&office, &dossier).await;
    assert_eq!(pending.status, ComponentStatus::Pending, "{}", pending.reason);
    assert_eq!(pending.reason, "Đang chờ Kho «kho-quoc-gia» trả lời.");
    assert_eq!(json!(pending.inquiry), asked["id"]);
    let words = format!("/v1/inquiries/{}/words", asked["id"].as_str().unwrap());
    let word = |word: &str| json!({ "word": word, "by": "can-bo-3" });
    let refused = async |said: &Value| office.refused(&words, said).await.1.code;
    assert_eq!(refused(&word("shown")).await, "inquiry.not_usable");

    // Once it has, a person shows it to the citizen, who agrees.
    kho.launch();
    let found = stands(&office, &dossier, ComponentStatus::Unsure).await;
    assert!(found.reason.contains("cho người dân xem"), "{}", found.reason);
    assert_eq!(counted(&office, &dossier, "reused").await, (0, 1));
    assert_eq!(refused(&word("used")).await, "inquiry.not_shown");
    let other = json!({ "word": "shown", "paper": 7, "by": "can-bo-3" });
    assert_eq!(refused(&other).await, "inquiry.not_usable");
    let file = format!("/v1/inquiries/{}/files/0", asked["id"].as_str().unwrap());
    let shown = office.http.get(office.url(&file)).send().await.unwrap().bytes().await.unwrap();
    assert!(shown.starts_with(b"%PDF-"));
    let _: Value = office.post(&words, &word("shown")).await;
    let said: Value = office.post(&words, &word("used")).await;
    assert_eq!(
        (&said["words"][1]["word"], &said["words"][1]["paper"]),
        (&json!("used"), &json!(0))
    );
    let held = kinship(&office, &dossier).await;
    assert_eq!((held.status, held.record), (ComponentStatus::Held, None));
    assert!(held.reason.starts_with("Lấy từ Kho «kho-quoc-gia»: «"), "{}", held.reason);

    // The guard and everything that is told of it go by that.
    let (status, refusal) = problem(hand_in(&office, &dossier, None).await).await;
    assert_eq!((status, refusal.code.as_str()), (409, "component.held"));
    for figure in ["digitised", "reused", "synced"] {
        assert_eq!(counted(&office, &dossier, figure).await, (1, 1), "{figure}");
    }
    let papers = exported(&office).await;
    let [paper] = papers.as_slice() else { panic!("{papers:?}") };
    for (field, value) in [
        ("MaThanhPhanHoSo", KINSHIP),
        ("DuocSoHoa", "1"),
        ("DuocTaiSuDung", "2"),
        ("DuocLayTuKhoDMQG", "1"),
        ("MaKetQuaThayThe", MARRIAGE),
    ] {
        assert_eq!(paper[field], value, "{field}");
    }
    assert_eq!(paper["DuongDanTaiTepTin"], format!("https://sohoa.example.vn{file}"));

    // A citizen may think better of it: the paper is taken without a further reason.
    let _: Value = office.post(&words, &word("declined")).await;
    let declined = kinship(&office, &dossier).await;
    assert_eq!(declined.status, ComponentStatus::Database, "{}", declined.reason);
    assert_eq!(exported(&office).await, [json!(null); 0]);
    assert_eq!(counted(&office, &dossier, "synced").await, (0, 1));
    assert_eq!(hand_in(&office, &dossier, None).await.status().as_u16(), 201);
    let close = format!("/v1/dossiers/{}/close", dossier.code);
    let _: Value = office.post(&close, &json!({})).await;
    assert_eq!(refused(&word("used")).await, "dossier.closed");
    let late = office.refused("/v1/inquiries", &ask("kho-quoc-gia", &dossier)).await;
    assert_eq!(late.1.code, "dossier.closed", "nobody's papers are asked for in vain");
    let again: Value = office.post("/v1/inquiries", &question).await;
    assert_eq!((&again["id"], &again["state"]), (&asked["id"], &json!("answered")), "it was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kho_is_asked_for_whose_paper_it_is_and_where_it_is_silent_that_is_taken() {
    let kho = Receiver::start().await;
    kho.answers(&[410]);
    let port = kho.port;
    let stage = Stage::start_with(&format!(
        "[[exchange.kho]]\nname = \"kho-tinh\"\nresults = \"http://127.0.0.1:{port}/\"\n\
         files = \"http://127.0.0.1:{port}/\"\nplain = true\ninside = true"
    ))
    .await;
    let story = Story::told("thuong-tru");
    let dossier = stage.open(&story.opening(Some(WITH_FAMILY))).await;
    let asked: Value = stage.post("/v1/inquiries", &ask("kho-tinh", &dossier)).await;
    let silent = stands(&stage, &dossier, ComponentStatus::Database).await;
    assert!(silent.reason.contains("không trả lời"), "{}", silent.reason);
    assert!(silent.reason.contains("source_silent"), "{}", silent.reason);
    assert_eq!(json!(silent.inquiry), asked["id"]);
    let taken = hand_in(&stage, &dossier, Some("source_silent")).await;
    assert_eq!(taken.status().as_u16(), 201);

    // Whose papers it is asked for depends on whose the component asks for.
    kho.answers(&[410, 410]);
    let Family { father, mother, child, .. } = Family::new(33);
    let adoption = async |others: &[Subject]| {
        let asked = OpenDossier {
            procedure: ADOPTION.parse().unwrap(),
            others: others.iter().map(raw).collect(),
            ..opening(&father.subject())
        };
        stage.open(&asked).await
    };
    let about = |dossier: &DossierView, component: &str| {
        let mut asked = ask("kho-tinh", dossier);
        asked["component"] = json!(component);
        asked
    };
    let dossier = adoption(&[child.subject()]).await;
    for component in [ADOPTERS, CHILDS] {
        let _: Value = stage.post("/v1/inquiries", &about(&dossier, component)).await;
    }
    let heard = kho.heard(3).await;
    let owners = heard.iter().map(|heard| -> Value {
        let question: Value = serde_json::from_str(&heard.body).unwrap();
        question["SoDinhDanhChuSoHuu"].clone()
    });
    let people = [story.dossier.subject, father.subject(), child.subject()];
    assert_eq!(
        owners.collect::<Vec<_>>(),
        people.iter().map(|one| json!(one.reveal_number())).collect::<Vec<_>>()
    );
    // Each is told of what was asked of theirs, and of nothing else.
    for person in [&child, &father] {
        let told = told_of_kho(&stage, &person.subject()).await;
        assert_eq!((told.len(), &told[0]["dossier"]), (1, &json!(dossier.code)), "{told:?}");
    }
    let folder = TempDir::new().unwrap();
    let (copy, [number, name, born]) = (folder.path().join("copy"), typed(&child.subject()));
    let of = ["subject", "export", "--citizen", &number, "--name", &name, "--born", &born];
    let to = ["--reason", "Đơn số 15/2026", "--to", copy.to_str().unwrap()];
    let output = stage.command(&[&of[..], &to].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let accesses = std::fs::read_to_string(copy.join("accesses.json")).unwrap();
    assert_eq!(accesses.matches("\"kho_asked\"").count(), 1, "{accesses}");
    let nowhere = stage.refused("/v1/inquiries", &about(&dossier, KINSHIP)).await;
    assert_eq!((nowhere.0, nowhere.1.code.as_str()), (422, "component.unknown"));
    for others in [&[][..], &[mother.subject(), child.subject()]] {
        let asked = about(&adoption(others).await, CHILDS);
        let refused = stage.refused("/v1/inquiries", &asked).await;
        assert_eq!((refused.0, refused.1.code.as_str()), (400, "request.invalid"));
    }

    // For a dossier it is asked so often and no more, and what was asked before stays answered.
    let dossier = adoption(&[child.subject()]).await;
    let first = about(&dossier, ADOPTERS);
    let asked: Value = stage.post("/v1/inquiries", &first).await;
    for _ in 1..100 {
        let _: Value = stage.post("/v1/inquiries", &about(&dossier, ADOPTERS)).await;
    }
    let refused = stage.refused("/v1/inquiries", &about(&dossier, ADOPTERS)).await;
    assert_eq!((refused.0, refused.1.code.as_str()), (409, "inquiry.too_many"));
    let again: Value = stage.post("/v1/inquiries", &first).await;
    assert_eq!(again["id"], asked["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_synced_once_the_portal_has_taken_its_address() {
    const FAMILY: u64 = 20;
    let portal = Receiver::start().await;
    let refused = (200, r#"{"error_code":"-1","message":"Sai"}"#);
    portal.answers.lock().unwrap().extend([refused; 500]);
    let stage = Stage::start_with(&format!(
        "[exchange]\nfirst_pause_seconds = 1\nlongest_pause_seconds = 1\n[exchange.national]\n\
         url = \"http://127.0.0.1:{}/\"\nfiles = \"https://sohoa.example.vn\"\n\
         plain = true\ninside = true",
        portal.port
    ))
    .await;
    let paper = |kind| {
        let scan = Scan { wear: Wear::light(FAMILY), ..Scan::default() };
        scan.jpeg(&Press::open().unwrap().paper(kind, FAMILY)[0]).unwrap()
    };
    let applicant = Family::new(FAMILY).father.subject();
    let dossier =
        stage.put_through(&opening(&applicant), &[paper(Kind::BirthCertificate).as_slice()]).await;
    let issued = &dossier.documents[0];
    assert_eq!(issued.component.as_ref().unwrap().as_str(), BIRTH, "{}", issued.why);
    let record = issued.record.unwrap();
    portal.heard(3).await;
    assert_eq!(counted(&stage, &dossier, "synced").await, (0, 1), "it was refused");
    // A result is nothing that was handed in.
    assert_eq!(counted(&stage, &dossier, "digitised").await, (0, 1));
    assert_eq!(exported(&stage).await, [json!(null); 0]);
    stage.scan(&dossier, &paper(Kind::BirthDeclaration)).await;
    stage.settled(&dossier).await;
    assert_eq!(counted(&stage, &dossier, "digitised").await, (1, 1));

    portal.answers.lock().unwrap().clear();
    let mut tries = 0..300;
    while counted(&stage, &dossier, "synced").await == (0, 1) {
        assert!(tries.next().is_some(), "not taken");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let heard = portal.heard(1).await;
    let last: Value = serde_json::from_str(&heard.last().unwrap().body).unwrap();
    let result = &last["data"][0]["DanhSachGiayToKetQua"][0];
    assert_eq!((&result["MaGiayToKetQua"], &result["GiayToId"]), (&json!(BIRTH), &json!(record)));
    let address = format!("https://sohoa.example.vn/v1/records/{record}/file");
    assert_eq!(result["DuongDanTepTinKetQua"], address);
    // That it was handed on stands in the audit: by the program, and by whoever had it exported.
    exported(&stage).await;
    let auditor = stage.new_key(&["auditor", "--role", "administrator", "--everywhere"]);
    let lines = stage.url(&format!("/v1/audit?record={record}"));
    let mut tries = 0..100;
    loop {
        let told = with_key(&auditor).get(&lines).send().await.unwrap();
        let told: Value = told.json().await.unwrap();
        let lines = told["lines"].as_array().unwrap().iter().map(|line| &line["line"]);
        let handed_on = lines.filter(|line| line["act"] == "dossier_exported");
        let by: BTreeSet<bool> = handed_on.map(|line| line["principal"].is_string()).collect();
        if by.len() == 2 {
            break;
        }
        assert!(tries.next().is_some(), "{told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Another dossier is synced by nothing of this one.
    stage.open(&opening(&somebody(1))).await;
    assert_eq!(counted(&stage, &dossier, "synced").await, (1, 2));
}
