//! What goes to others has the shape that they document, as another program sees it.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Response};
use schemas::api::{DossierView, OpenDossier};
use schemas::ids::ResultCode;
use schemas::subject::Subject;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Station, Story, expect, opening, problem, raw, somebody, with_key};

use crate::Stage;
use crate::receiver::Receiver;

/// The case of residence registration that the sample is about.
pub(crate) const WITH_FAMILY: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";

/// Holds a value against a documented shape; says what is wrong with it.
pub(crate) fn against(contract: &str, value: &Value) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), value.to_string()).unwrap();
    let output = Command::new(root.join(".parts/deploy/bin/check-jsonschema"))
        .arg("--schemafile")
        .arg(root.join("schemas/contracts").join(format!("{contract}.json")))
        .arg(file.path())
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{value:#}\n{}", String::from_utf8_lossy(&output.stdout)))
}

#[tokio::test(flavor = "multi_thread")]
async fn dossiers_are_exported_in_the_documented_shape() {
    let files = "[exchange.national]\nfiles = \"https://sohoa.example.vn\"";
    let stage = Stage::start_with(files).await;
    let first = stage.open(&opening(&somebody(1))).await;
    let second = stage.open(&opening(&somebody(2))).await;
    let day = schemas::clock::today().to_string();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ho-so.json");
    let told =
        ["export", "--server", stage.desk("/v1/export"), "dossiers", "--from", &day, "--to", &day];
    let output = stage.command(&[&told[..], &["--out", path.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    against("dong-bo-ho-so", &all).unwrap();
    let codes: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|one| one["MaHoSo"].as_str().unwrap()).collect();
    assert_eq!(codes, [first.code.as_str(), second.code.as_str()]);
    let one = &all["data"][0];
    assert_eq!(one["SoGiayToChuHoSo"], somebody(1).reveal_number());
    assert_eq!(one["DinhDanhCHS"][0]["LoaiDinhDanh"], "1");
    assert_eq!((&one["TrangThaiHoSo"], &one["HoSoCoThanhPhanSoHoa"]), (&json!("2"), &json!("0")));

    // The shape is one that can be missed.
    for (field, wrong) in [("NgayTiepNhan", json!("2026-11-27")), ("TrichYeuHoSo", json!(5))] {
        let mut broken = all.clone();
        broken["data"][0][field] = wrong;
        assert!(against("dong-bo-ho-so", &broken).is_err(), "{field}");
    }
    let mut broken = all.clone();
    broken["data"][0].as_object_mut().unwrap().remove("DanhSachGiayToKetQua");
    assert!(against("dong-bo-ho-so", &broken).is_err());

    // A part at a time, and of no other office.
    let url = format!("/v1/export/dossiers?from={day}&to={day}&limit=1");
    let answer = stage.http.get(stage.url(&url)).send().await.unwrap();
    let next = answer.headers()["sohoa-next"].to_str().unwrap().to_owned();
    assert_eq!(next, first.code.as_str());
    let rest: Value = stage.get(&format!("{url}&after={next}")).await;
    assert_eq!(rest["data"][0], all["data"][1]);
    let none: Value = stage.get(&format!("{url}&office=H26.01.03")).await;
    assert_eq!(none["data"], json!([]));
    // The applicant is told each time that it left.
    let told = accesses(&stage, &somebody(1), "dossier_exported", 2).await;
    assert_eq!(told.len(), 2, "{told:?}");
    let of_first = |one: &Value| one["dossier"] == json!(first.code) && one["record"].is_null();
    assert!(told.iter().all(of_first), "{told:?}");

    // Of another office nobody is told so much as a code, not even as a place to go on after.
    let office = Some("H26.01.01".parse().unwrap());
    let theirs = OpenDossier { office, ..opening(&somebody(3)) };
    let key = stage.new_key(&["hang-xom", "--role", "officer", "--office", "H26.01.01"]);
    let request = with_key(&key).post(stage.url("/v1/dossiers")).json(&theirs);
    let theirs: DossierView = expect(request.send().await.unwrap(), "opening").await;
    let approver = |name: &str, office: &str| {
        with_key(&stage.new_key(&[name, "--role", "back_office", "--office", office]))
    };
    let (here, above) = (approver("tai-day", "H26.01.02"), approver("cap-tren", "H26.01"));
    let ours = [first.code.to_string(), second.code.to_string()];
    let mut all = [&ours[..], &[theirs.code.to_string()]].concat();
    all.sort_unstable();
    for (http, office, wanted) in [
        (&here, "", &ours[..]),
        (&here, "&office=H26.01", &ours[..]),
        (&above, "&office=H26.01.02", &ours[..]),
        (&above, "", &all[..]),
    ] {
        let query = format!("from={day}&to={day}{office}");
        let [told, named] = one_by_one(&stage, http, &query).await;
        assert_eq!((&told[..], &named[..]), (wanted, wanted), "{query}");
    }
}

/// Codes of the dossiers that are exported one at a time, and those that were named to go on after.
async fn one_by_one(stage: &Station, http: &Client, query: &str) -> [Vec<String>; 2] {
    let (mut told, mut named) = (Vec::new(), Vec::new());
    let mut url = format!("/v1/export/dossiers?{query}&limit=1");
    loop {
        let answer = http.get(stage.url(&url)).send().await.unwrap();
        let next = answer.headers().get("sohoa-next").map(|next| next.to_str().unwrap().to_owned());
        let part: Value = expect(answer, "export").await;
        let part = part["data"].as_array().unwrap().iter();
        told.extend(part.map(|one| one["MaHoSo"].as_str().unwrap().to_owned()));
        let Some(next) = next else { return [told, named] };
        url = format!("/v1/export/dossiers?{query}&limit=1&after={next}");
        named.push(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_is_told_by_the_national_contract_until_it_is_taken() {
    let receiver = Receiver::start().await;
    // Refused in words, then in silence.
    let refused = (200, r#"{"error_code":"-1","message":"Sai"}"#);
    receiver.answers.lock().unwrap().extend([refused, (200, "")]);
    let stage = Stage::start_with(&format!(
        "[exchange]\nfirst_pause_seconds = 1\n[exchange.national]\n\
         url = \"http://127.0.0.1:{}/\"\nplain = true\ninside = true",
        receiver.port
    ))
    .await;
    let story = Story::told("thuong-tru");
    let first = stage.open(&story.opening(Some(WITH_FAMILY))).await;
    // It is taken before it has any paper.
    receiver.heard(3).await;
    for scan in story.scans() {
        stage.scan(&first, scan).await;
    }
    stage.settled(&first).await;
    // The next one relies on what the first one left.
    let second = stage.open(&story.opening(Some(WITH_FAMILY))).await;
    let body =
        |heard: &crate::receiver::Heard| -> Value { serde_json::from_str(&heard.body).unwrap() };
    let of = |bodies: &[Value], code: &str| -> Vec<Value> {
        let mine = bodies.iter().filter(|body| body["data"][0]["MaHoSo"] == code);
        mine.cloned().collect()
    };
    let mut count = 4;
    let bodies: Vec<Value> = loop {
        let heard = receiver.heard(count).await;
        let bodies: Vec<Value> = heard.iter().map(body).collect();
        let told = of(&bodies, first.code.as_str());
        let last = told.last().map(|last| last["data"][0]["TaiLieuNop"].as_array().unwrap().len());
        if last == Some(3) && !of(&bodies, second.code.as_str()).is_empty() {
            break bodies;
        }
        count = heard.len() + 1;
    };
    for body in &bodies {
        against("dong-bo-ho-so", body).unwrap();
    }
    let told = of(&bodies, first.code.as_str());
    let updating: Vec<bool> =
        told.iter().map(|body| body["isUpdating"].as_bool().unwrap()).collect();
    assert_eq!(updating[..4], [false, false, false, true], "until it was taken");
    let last = &told.last().unwrap()["data"][0];
    assert_eq!(last["HoSoCoThanhPhanSoHoa"], "1");
    for paper in last["TaiLieuNop"].as_array().unwrap() {
        assert_eq!((&paper["DuocSoHoa"], &paper["DuocTaiSuDung"]), (&json!("1"), &json!("0")));
    }
    let told = of(&bodies, second.code.as_str());
    let reused = told[0]["data"][0]["TaiLieuNop"].as_array().unwrap();
    let family = reused.iter().find(|paper| paper["MaThanhPhanHoSo"] == "1.004222-TP07").unwrap();
    assert_eq!((&family["DuocSoHoa"], &family["DuocTaiSuDung"]), (&json!("1"), &json!("2")));
    assert_eq!(family["MaKetQuaThayThe"], MARRIAGE);

    // Put right, the record stands still; withdrawn, it doesn't.
    let reused = async || -> bool {
        let day = schemas::clock::today();
        let all: Value = stage.get(&format!("/v1/export/dossiers?from={day}&to={day}")).await;
        let papers = all["data"][1]["TaiLieuNop"].as_array().unwrap();
        papers.iter().any(|paper| paper["MaThanhPhanHoSo"] == "1.004222-TP07")
    };
    let record = format!("/v1/records/{}", family["TepDinhKemId"].as_str().unwrap());
    let fields = json!([{ "name": "scope", "value": "Toàn quốc" }]);
    let right = json!({ "version": 1, "fields": fields, "reason": "Đọc sót", "by": "can-bo-7" });
    let _: Value = stage.post(&format!("{record}/correct"), &right).await;
    assert!(reused().await);
    let withdrawn = json!({ "reason": "Cấp sai người", "by": "can-bo-7" });
    let _: Value = stage.post(&format!("{record}/revoke"), &withdrawn).await;
    assert!(!reused().await);
}

/// Giấy chứng nhận kết hôn.
pub(crate) const MARRIAGE: &str = "KQ.G15.000032";

#[tokio::test(flavor = "multi_thread")]
async fn another_kho_is_asked_and_a_late_answer_is_kept_with_the_dossier() {
    // The Kho that is asked has the marriage certificate of the sample.
    let mut kho = Stage::start().await;
    let story = Story::told("thuong-tru");
    kho.put_through(&story.opening(Some(WITH_FAMILY)), &story.scans()).await;
    let key = kho.new_key(&["kho-xa", "--role", "system", "--office", "H26.01.02"]);
    let folder = TempDir::new().unwrap();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, &key).unwrap();
    let number = story.dossier.subject.reveal_number();
    let question = json!({
        "SoDinhDanhChuSoHuu": number,
        "HoTenNguoiYeuCau": "Cán bộ một cửa",
        "KenhThucHien": "1",
        "SoDinhDanhNguoiYeuCau": "001099000027",
        "MaThuTuc": "1.004222",
        "DanhSachDanhMucKetQua": [{ "MaKetQua": MARRIAGE, "SoKyHieu": "" }],
    });
    let path = the_kho_answers_in_the_documented_shape(&kho, &key, &question).await;
    // The owner is told that the paper itself was read: once, as another didn't get it.
    let read = accesses(&kho, &story.dossier.subject, "read_again", 1).await;
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0]["version"], 1);

    // An office on a machine of its own asks it, while it is away.
    kho.kill();
    let address = kho.desk("/v1/kho").to_owned();
    let named = |name: &str| {
        format!(
            "[[exchange.kho]]\nname = {name:?}\nresults = \"{address}/v1/kho/results\"\n\
             files = \"{address}/v1/kho/files\"\nplain = true\ninside = true\n\
             key_file = {key_file:?}\n"
        )
    };
    let config = "[exchange]\nfirst_pause_seconds = 1\n".to_owned();
    let asking =
        tests::Stage::start_beside(&(config + &named("kho-tinh") + &named("kho-khac"))).await;
    let dossier = asking.open(&story.opening(Some(WITH_FAMILY))).await;
    let ask = json!({
        "request": schemas::Uuid::from_u128(7),
        "kho": "kho-tinh",
        "dossier": dossier.code,
        "component": "1.004222-TP07",
        "results": [MARRIAGE.parse::<ResultCode>().unwrap()],
        "asked_by": "Cán bộ một cửa",
        "asked_by_number": "001099000027",
    });
    for _ in 0..2 {
        let asked: Value = asking.post("/v1/inquiries", &ask).await;
        assert_eq!(asked["state"], "pending");
    }
    let mut elsewhere = ask.clone();
    elsewhere["kho"] = json!("kho-la");
    assert_eq!(asking.refused("/v1/inquiries", &elsewhere).await.1.code, "kho.unknown");
    for (field, other) in [
        ("kho", json!("kho-khac")),
        ("component", json!("1.004222-TP01")),
        ("component", json!(null)),
        ("results", json!(["KQ.G15.000031"])),
        ("results", json!([MARRIAGE, "KQ.G15.000031"])),
    ] {
        let mut another = ask.clone();
        another[field] = other;
        let (status, refusal) = asking.refused("/v1/inquiries", &another).await;
        assert_eq!((status, refusal.code.as_str()), (409, "idempotency.reused"), "{another}");
    }
    let waits: Value = asking.get("/v1/deliveries").await;
    assert_eq!(waits.as_array().unwrap().len(), 1, "asked once");
    assert_eq!(waits[0]["event"], "sohoa.dossier.asked");

    kho.launch();
    let of_dossier = format!("/v1/dossiers/{}/inquiries", dossier.code);
    let since = std::time::Instant::now();
    let answered = loop {
        let all: Value = asking.get(&of_dossier).await;
        if all[0]["state"] == "answered" {
            break all[0].clone();
        }
        assert_eq!(all[0]["state"], "pending", "{all}");
        assert!(since.elapsed().as_secs() < 60, "{all}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert_eq!(answered["papers"][0]["MaKetQua"], MARRIAGE);
    assert_eq!(answered["component"], "1.004222-TP07");
    let file = format!("/v1/inquiries/{}/files/0", answered["id"].as_str().unwrap());
    let kept = asking.http.get(asking.url(&file)).send().await.unwrap().bytes().await.unwrap();
    let theirs = fetch(&kho, &key, &path).await.json::<String>().await.unwrap();
    assert_eq!(kept, STANDARD.decode(theirs).unwrap(), "byte for byte");
    assert!(kept.starts_with(b"%PDF-"));
    // Its applicant is told that both were read.
    let read = accesses(&asking, &story.dossier.subject, "inquiry_read", 2).await;
    assert_eq!(read.len(), 2, "the answer and its file");
    assert_eq!(asking.check()["check"]["findings"], json!([]), "the file belongs to somebody");
    assert_eq!(kho.check()["check"]["lookups"], 5, "each answer left a lookup");
}

/// What a subject is told of such accesses, once there are so many.
async fn accesses(stage: &Station, subject: &Subject, act: &str, enough: usize) -> Vec<Value> {
    let asked = json!({ "subject": raw(subject), "purpose": "Công dân yêu cầu" });
    for _ in 0..100 {
        let told: Value = stage.post("/v1/subjects/access", &asked).await;
        let told = told["accesses"].as_array().unwrap().iter();
        let found: Vec<Value> = told.filter(|one| one["act"] == act).cloned().collect();
        if enough <= found.len() {
            return found;
        }
        // Lines are bound a moment after what they tell of.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("nobody is told of {act}");
}

async fn fetch(kho: &Stage, key: &str, path: &str) -> Response {
    let question = json!({ "CoQuanChuQuan": "H26.01.02", "DuongDan": path });
    against("kho-tep", &question).unwrap();
    let request = with_key(key).post(kho.url("/v1/kho/files")).json(&question);
    request.send().await.unwrap()
}

/// Asks the Kho; tells by what the file that it names is asked for.
async fn the_kho_answers_in_the_documented_shape(
    kho: &Stage,
    key: &str,
    question: &Value,
) -> String {
    against("kho-cau-hoi", question).unwrap();
    let ask = async |question: &Value| -> Value {
        let request = with_key(key).post(kho.url("/v1/kho/results")).json(question);
        request.send().await.unwrap().json().await.unwrap()
    };
    let answer = ask(question).await;
    against("kho-tra-loi", &answer).unwrap();
    assert_eq!(answer["errorCode"], "0");
    let papers = answer["result"]["DanhSachGiayToKetQua"].as_array().unwrap();
    assert_eq!((papers.len(), &papers[0]["CoQuanChuQuan"]), (1, &json!("H26.01.02")));
    let path = papers[0]["DanhSachTepDinhKem"][0]["DuongDan"].as_str().unwrap().to_owned();
    let file: String = fetch(kho, key, &path).await.json().await.unwrap();
    assert!(STANDARD.decode(file).unwrap().starts_with(b"%PDF-"));
    // Named to one, it is not there for another.
    let other = kho.new_key(&["kho-khac", "--role", "system", "--office", "H26.01.02"]);
    let (status, refusal) = problem(fetch(kho, &other, &path).await).await;
    assert_eq!((status, refusal.code.as_str()), (404, "file.unknown"));
    // Nothing is an answer, too: another result, another owner.
    for (field, value) in [
        ("DanhSachDanhMucKetQua", json!([{ "MaKetQua": "KQ.G15.000031", "SoKyHieu": "" }])),
        ("SoDinhDanhChuSoHuu", json!(somebody(77).reveal_number())),
    ] {
        let mut other = question.clone();
        other[field] = value;
        let answer = ask(&other).await;
        against("kho-tra-loi", &answer).unwrap();
        assert_eq!(answer["result"]["DanhSachGiayToKetQua"], json!([]), "{field}");
    }
    // A number is known however it is typed, and refused by what is wrong with it.
    let of = |number: &str| {
        let mut other = question.clone();
        other["SoDinhDanhChuSoHuu"] = json!(number);
        other
    };
    let number = question["SoDinhDanhChuSoHuu"].as_str().unwrap();
    let spaced = [&number[..3], &number[3..6], &number[6..9], &number[9..]].join(" ");
    for typed in [spaced.clone(), spaced.replace(' ', "."), format!(" {number} ")] {
        let answer = ask(&of(&typed)).await;
        let papers = answer["result"]["DanhSachGiayToKetQua"].as_array().unwrap();
        assert_eq!(papers.len(), 1, "{typed:?}");
    }
    for (wrong, code) in [
        ("00119900001", "subject.number.digits"),
        ("000199000013", "subject.number.province"),
        ("0100109107", "subject.number.check_digit"),
    ] {
        assert_eq!(ask(&of(wrong)).await["code"], code, "{wrong}");
    }
    path
}
