//! A story told from end to end, through real processes and with papers that a scanner would
//! send: a birth is registered, and from then on nobody asks for the certificate again.
//! `make story` tells it with what came out.
#![expect(clippy::print_stdout, reason = "it is told as it goes")]

use std::time::Duration;

use papers::{Family, Kind, Press, Scan, Wear};
use schemas::api::{
    AccessAnswer, AccessView, ComponentStatus, ComponentView, DocumentVerdict, DossierEvent,
    DossierView, Lookup, LookupSaid, LookupWord, NearMatch, OpenDossier, RecordChange,
    Requirements,
};
use schemas::audit::Act;
use schemas::ids::RecordId;
use schemas::message::Lane;
use schemas::record::{FieldName, Record};
use schemas::subject::Subject;
use serde_json::{Value, json};
use tests::{opening, problem, raw, with_key};

use crate::Stage;

/// Whose story it is.
const FAMILY: u64 = 20;
/// What birth registration ends with.
const CERTIFICATE: &str = "KQ.G15.000031";
/// Residence registration of a family, in a home that is not one's own.
const RESIDENCE: &str = "1.004222";
const WITH_FAMILY: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";
/// What proves that they are a family.
const KINSHIP: &str = "1.004222-TP07";

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_is_registered_and_nobody_asks_for_the_certificate_again() {
    let stage = Stage::start().await;
    let family = Family::new(FAMILY);
    let child = family.child.subject();
    let back_office =
        with_key(&stage.new_key(&["doi-chieu", "--role", "back_office", "--office", "H26.01"]));

    tell(
        "1",
        "Người cha đăng ký khai sinh cho con (1.001193); quầy quét tờ khai và giấy chứng sinh.",
    );
    let birth = stage.open(&opening(&family.father.subject())).await;
    for kind in [Kind::BirthDeclaration, Kind::BirthNote] {
        stage.scan(&birth, &paper(kind)).await;
    }
    let birth = stage.settled(&birth).await;
    show_components(&birth.components);
    assert_eq!(component(&birth.components, "1.001193-TP01").status, ComponentStatus::Filed);

    tell("2", "Ủy ban cấp giấy khai sinh; kết quả được quét và số hoá như một thành phần.");
    stage.scan(&birth, &paper(Kind::BirthCertificate)).await;
    let birth = stage.settled(&birth).await;
    let certificate = birth
        .documents
        .iter()
        .find(|document| document.component.as_ref().is_some_and(|id| id.as_str() == CERTIFICATE));
    let certificate = certificate.unwrap_or_else(|| panic!("{:#?}", birth.documents));
    assert_eq!(certificate.verdict, DocumentVerdict::Filed, "{}", certificate.why);
    let record = certificate.record.unwrap();
    println!("  {} → bản ghi {record}", certificate.why);
    let _: DossierView =
        stage.post(&format!("/v1/dossiers/{}/close", birth.code), &json!({})).await;

    tell("3", "Đăng ký thường trú cho con (1.004222): giấy khai sinh đã có, không yêu cầu nộp.");
    let asked: Requirements = stage.post("/v1/requirements", &requirements(&child)).await;
    show_components(&asked.components);
    let held = component(&asked.components, KINSHIP);
    assert_eq!(
        (held.status, held.record),
        (ComponentStatus::Held, Some(record)),
        "{}",
        held.reason
    );
    let residence = stage.open(&residence(&child)).await;
    assert_eq!(component(&residence.components, KINSHIP).status, ComponentStatus::Held);

    tell("4", "Cán bộ tra cứu, cho người dân xem, người dân đồng ý dùng.");
    let lookup: Lookup = stage.post("/v1/lookups", &question(record, &residence, &child)).await;
    assert_eq!(lookup.record.result.as_ref().unwrap().to_string(), CERTIFICATE);
    show_record(&lookup.record);
    let words = format!("/v1/lookups/{}/words", lookup.id);
    let used = json!({ "word": "used", "by": "can-bo-3" });
    let (status, refusal) = stage.refused(&words, &used).await;
    assert_eq!((status, refusal.code.as_str()), (409, "lookup.not_shown"));
    let file = stage.http.get(stage.url(&format!("/v1/lookups/{}/file", lookup.id))).send().await;
    assert!(file.unwrap().bytes().await.unwrap().starts_with(b"%PDF-"));
    let _: Value = stage.post(&words, &json!({ "word": "shown", "by": "can-bo-3" })).await;
    let said: Vec<LookupSaid> = stage.post(&words, &used).await;
    assert_eq!(said.last().unwrap().word, LookupWord::Used);

    tell("5", "Quầy khác yêu cầu nộp lại giấy khai sinh: bị từ chối, kèm các lý do hợp pháp.");
    let again = send(&stage, &residence, &paper(Kind::BirthCertificate)).await;
    let (status, refusal) = problem(again).await;
    println!("  {status} {}: {}", refusal.code, refusal.title);
    assert_eq!((status, refusal.code.as_str()), (409, "component.held"));

    tell("6", "Giấy khai sinh được đính chính; hồ sơ đang mở được báo.");
    let fields = json!([{ "name": "signer", "value": "Nguyễn Văn Mẫu" }]);
    correct(&stage, &back_office, (record, 1), fields).await;
    let warned: DossierView = stage.get(&format!("/v1/dossiers/{}", residence.code)).await;
    let changes: Vec<_> = warned.warnings.iter().map(|warning| warning.change).collect();
    assert_eq!(changes, [RecordChange::Corrected]);
    println!("  {}", warned.warnings[0].text);
    let events = followed(&stage, &residence).await;
    let heard = |event: &DossierEvent| matches!(event, DossierEvent::RecordChanged { .. });
    assert!(events.iter().any(heard), "{events:?}");
    let next: Lookup = stage.post("/v1/lookups", &question(record, &residence, &child)).await;
    let signer = next.record.fields.iter().find(|field| field.name == FieldName::Signer);
    assert_eq!((next.record.version, signer.unwrap().value.as_str()), (2, "Nguyễn Văn Mẫu"));
    // What was answered before stays as it was answered.
    let before: Lookup = stage.get(&format!("/v1/lookups/{}", lookup.id)).await;
    assert_eq!(before, lookup);

    tell("7", "Đúng họ tên nhưng số của người khác: dừng lại, chờ cán bộ đối chiếu.");
    let wrong = Subject::Citizen {
        number: slipped(family.child.number.reveal()).parse().unwrap(),
        name: family.child.name.parse().unwrap(),
        born: family.child.born,
    };
    let stopped = question(record, &residence, &wrong);
    let (status, refusal) = stage.refused("/v1/lookups", &stopped).await;
    println!("  {status} {}: {}", refusal.code, refusal.title);
    assert_eq!((status, refusal.code.as_str()), (409, "subject.near"));
    compared(&stage, &back_office, (false, "Thẻ căn cước ghi số khác")).await;
    let (status, refusal) = stage.refused("/v1/lookups", &stopped).await;
    println!("  sau khi đối chiếu: {status} {}", refusal.code);
    assert_eq!((status, refusal.code.as_str()), (404, "record.unknown"));

    tell("8", "Đúng số nhưng họ tên viết thiếu: đối chiếu là một người, hồ sơ mở được.");
    let short = Subject::Citizen {
        number: family.child.number.reveal().parse().unwrap(),
        name: shortened(&family.child.name).parse().unwrap(),
        born: family.child.born,
    };
    let (status, refusal) = stage.refused("/v1/dossiers", &self::residence(&short)).await;
    println!("  {status} {}: {}", refusal.code, refusal.title);
    assert_eq!((status, refusal.code.as_str()), (409, "subject.differs"));
    let (_, refusal) = stage.refused("/v1/lookups", &question(record, &residence, &short)).await;
    assert_eq!(refusal.code.as_str(), "subject.near");
    compared(&stage, &back_office, (true, "Tờ khai viết thiếu chữ đệm")).await;
    let opened = stage.open(&self::residence(&short)).await;
    println!("  sau khi đối chiếu: {}", opened.code);
    assert_eq!(component(&opened.components, KINSHIP).status, ComponentStatus::Held);

    tell("9", "Người dân đổi ý, không dùng bản số hoá: bản giấy được nhận, không cần thêm lý do.");
    let declined = json!({ "word": "declined", "by": "can-bo-3", "reason": "Muốn nộp bản giấy" });
    let _: Value = stage.post(&words, &declined).await;
    let again = send(&stage, &residence, &paper(Kind::BirthCertificate)).await;
    assert_eq!(again.status().as_u16(), 201);
    let settled = stage.settled(&residence).await;
    assert_eq!(component(&settled.components, KINSHIP).status, ComponentStatus::Filed);
    assert!(settled.asked_again.iter().all(|again| !again.reasons.is_empty()));

    assert_eq!(settled.lookups.len(), 2);
    let words: Vec<_> = settled.lookups[0].words.iter().map(|said| said.word).collect();
    assert_eq!(words, [LookupWord::Shown, LookupWord::Used, LookupWord::Declined]);

    tell("10", "Người dân hỏi ai đã xem giấy tờ của con mình (POST /v1/subjects/access).");
    let told = accesses(&stage, &child).await;
    for record in &told.records {
        println!("  «{}» {}, phiên bản {}", record.name, record.id, record.version);
    }
    told.accesses.iter().rev().for_each(show_access);
    let looked = told.accesses.iter().filter(|access| access.act == Act::LookedUp);
    let looked: Vec<_> = looked.map(|access| (access.record, access.asked_by.as_deref())).collect();
    assert_eq!(looked, [(Some(record), Some("can-bo-3")); 2]);
    for act in [
        Act::Relied,
        Act::LookupShown,
        Act::LookupUsed,
        Act::ReadAgain,
        Act::Corrected,
        Act::FoundOther,
        Act::FoundSame,
    ] {
        assert!(told.accesses.iter().any(|access| access.act == act), "{act:?}");
    }
    let stranger = accesses_of(&stage, &wrong).await;
    assert!(stranger.records.is_empty() && stranger.accesses.is_empty(), "to nobody else");
    assert_eq!(stage.check()["check"]["findings"], json!([]), "everything is as it should be");
}

fn tell(step: &str, what: &str) {
    println!("\n{step}. {what}");
}

fn show_components(components: &[ComponentView]) {
    for component in components {
        println!("  {:<16} {:?}: {}", component.id.as_str(), component.status, component.reason);
    }
}

/// What stands on the record; nobody is meant by it.
fn show_record(record: &Record) {
    println!(
        "  «{}», mã số hoá {}, phiên bản {}",
        record.name, record.digitisation_code, record.version
    );
    for field in &record.fields {
        println!("    {:?} = {} ({:.2})", field.name, field.value, field.confidence);
    }
}

/// What is told of whoever asks about themselves, or about their child.
async fn accesses_of(stage: &Stage, subject: &Subject) -> AccessAnswer {
    let asked = json!({ "subject": raw(subject), "purpose": "Công dân muốn biết ai đã xem" });
    stage.post("/v1/subjects/access", &asked).await
}

/// The same, once everything stands there: lines are bound a moment after what they tell of.
async fn accesses(stage: &Stage, subject: &Subject) -> AccessAnswer {
    let since = std::time::Instant::now();
    loop {
        let told = accesses_of(stage, subject).await;
        if told.accesses.iter().any(|access| access.act == Act::LookupDeclined) {
            return told;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{told:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn show_access(access: &AccessView) {
    let mut told = vec![access.at[..19].replace('T', " "), access.text.clone()];
    told.extend(access.version.map(|version| format!("phiên bản {version}")));
    told.extend(access.asked_by.clone().or(access.principal.clone()));
    told.extend(access.on_behalf_of.clone());
    told.extend(access.purpose.clone());
    told.extend(access.legal_basis.clone());
    told.extend(access.dossier.as_ref().map(|code| format!("hồ sơ {code}")));
    println!("  {}", told.join(" · "));
}

fn paper(kind: Kind) -> Vec<u8> {
    let press = Press::open().unwrap();
    let scan = Scan { wear: Wear::light(FAMILY), ..Scan::default() };
    scan.jpeg(&press.paper(kind, FAMILY)[0]).unwrap()
}

fn component<'v>(views: &'v [ComponentView], id: &str) -> &'v ComponentView {
    views.iter().find(|view| view.id.as_str() == id).unwrap()
}

fn residence(subject: &Subject) -> OpenDossier {
    OpenDossier {
        procedure: RESIDENCE.parse().unwrap(),
        case: Some(WITH_FAMILY.parse().unwrap()),
        lane: Lane::Counter,
        ..opening(subject)
    }
}

fn requirements(subject: &Subject) -> Value {
    json!({
        "procedure": RESIDENCE, "case": WITH_FAMILY, "subject": raw(subject),
        "purpose": "Đăng ký thường trú cho con",
    })
}

fn question(record: RecordId, dossier: &DossierView, subject: &Subject) -> Value {
    json!({
        "request": schemas::Uuid::new_v4(), "record": record, "subject": raw(subject),
        "purpose": "Đăng ký thường trú cho con", "legal_basis": "Nghị định 118/2025/NĐ-CP",
        "dossier": dossier.code, "component": KINSHIP, "asked_by": "can-bo-3",
        "on_behalf_of": "Công an phường Mẫu",
    })
}

async fn send(stage: &Stage, dossier: &DossierView, scan: &[u8]) -> reqwest::Response {
    let place = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
    let request = stage.http.post(place).header("Sohoa-Component", KINSHIP);
    request.body(scan.to_vec()).send().await.unwrap()
}

async fn correct(stage: &Stage, by: &reqwest::Client, of: (RecordId, u32), fields: Value) {
    let word = json!({ "version": of.1, "fields": fields, "reason": "Đọc sai người ký", "by": "can-bo-7" });
    let place = stage.url(&format!("/v1/records/{}/correct", of.0));
    let corrected = by.post(place).json(&word).send().await.unwrap();
    assert_eq!(corrected.status().as_u16(), 200, "{}", corrected.text().await.unwrap());
}

/// The events of a dossier so far.
async fn followed(stage: &Stage, dossier: &DossierView) -> Vec<DossierEvent> {
    let place = stage.url(&format!("/v1/dossiers/{}/events", dossier.code));
    let mut response = stage.http.get(place).send().await.unwrap();
    let mut text = String::new();
    let quiet = Duration::from_millis(800);
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(quiet, response.chunk()).await {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    let told = text.lines().filter_map(|line| line.strip_prefix("data:"));
    told.map(|body| serde_json::from_str(body).unwrap()).collect()
}

/// Has a person say of the one near match that waits whether they are the same.
async fn compared(stage: &Stage, by: &reqwest::Client, (same, reason): (bool, &str)) {
    let near: Vec<NearMatch> = stage.get("/v1/lookups/near").await;
    let [near] = near.as_slice() else { panic!("{near:?}") };
    let place = stage.url(&format!("/v1/lookups/near/{}/resolve", near.request));
    let found = json!({ "same": same, "reason": reason, "by": "can-bo-7" });
    let resolved = by.post(place).json(&found).send().await.unwrap();
    assert_eq!(resolved.status().as_u16(), 200);
}

/// The name without its second word.
fn shortened(name: &str) -> String {
    let words = name.split(' ').enumerate().filter(|(nth, _)| *nth != 1);
    words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// The number with another last digit.
fn slipped(number: &str) -> String {
    let (head, last) = number.split_at(number.len() - 1);
    format!("{head}{}", if last == "1" { "7" } else { "1" })
}
