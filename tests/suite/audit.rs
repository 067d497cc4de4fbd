//! The audit of a running office: bound, signed, carried elsewhere, tampered with; and what a data
//! subject has a right to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use schemas::api::{AccessAnswer, DossierView};
use schemas::audit::{Act, SignedHead};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{jpeg_page, opening, raw, somebody, with_key};

use crate::Stage;

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Exit code and findings of `sohoa check --audit`.
pub(crate) fn checked(stage: &Stage, more: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = stage.command(&[&["check", "--audit", "--json"], more].concat());
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = told["check"]["findings"].as_array().unwrap().iter();
    (output.status.code(), findings.map(|own| own["code"].as_str().unwrap().to_owned()).collect())
}

pub(crate) async fn held(stage: &Stage) -> DossierView {
    let page = jpeg_page(1);
    stage.put_through(&opening(&somebody(1)), &[page.as_slice()]).await
}

/// The key that signs heads wherever they are kept, and the file of its certificate.
pub(crate) fn shared_key(folder: &TempDir) -> (String, PathBuf) {
    let make = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/compose/secrets.sh");
    assert!(Command::new(make).arg(folder.path()).status().unwrap().success());
    let [key, certificate] =
        ["audit_key", "audit_certificate"].map(|name| folder.path().join(name));
    let config = format!("audit.key_file = {key:?}\naudit.certificate_file = {certificate:?}\n");
    (config, certificate)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_office_binds_and_signs_what_was_done_and_tampering_shows() {
    let keys = TempDir::new().unwrap();
    let (shared, certificate) = shared_key(&keys);
    let trusting = ["--trust", text(&certificate)];
    let mut stage = Stage::start_with(&shared).await;
    let view = held(&stage).await;
    let paper = view.documents.iter().find(|own| own.record.is_some()).unwrap();
    let page = stage.url(&format!("/v1/pages/{}/image", paper.pages[0]));
    assert_eq!(stage.http.get(page).send().await.unwrap().status(), 200);
    let asked = json!({ "subject": raw(&somebody(1)), "purpose": "Chủ sở hữu yêu cầu" });
    let since = Instant::now();
    loop {
        let told: AccessAnswer = stage.post("/v1/subjects/access", &asked).await;
        assert!(!told.records.is_empty());
        // What just happened is bound a moment later.
        let done = |act| told.accesses.iter().filter(|access| access.act == act).count();
        if (done(Act::Published), done(Act::PageShown)) == (1, 1) {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{told:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let auditor = stage.new_key(&["auditor", "--role", "administrator", "--everywhere"]);
    assert!(stage.terminate().success());

    let heads = stage.audit().join("heads.jsonl");
    let written = std::fs::read_to_string(&heads).unwrap();
    assert!(!written.is_empty(), "signed at shutdown at the latest");
    let with_heads = [&trusting[..], &["--head", text(&heads)]].concat();
    assert_eq!(checked(&stage, &with_heads), (Some(0), Vec::new()));

    stage.launch();
    let http = with_key(&auditor);
    let answer = http.get(stage.url("/v1/audit/heads")).send().await.unwrap();
    let served: Vec<SignedHead> = answer.json().await.unwrap();
    let lines: Vec<SignedHead> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(served[..lines.len()], lines);
    let anchor = keys.path().join("anchor.json");
    std::fs::write(&anchor, serde_json::to_vec(&served).unwrap()).unwrap();
    assert!(stage.terminate().success());

    // The last line taken out, the chain and its heads with it: only the anchor tells.
    stage.sql("delete from audit_line where place > 1");
    stage.sql("delete from audit_head");
    stage.sql(
        "update chain set length = 1, hash = (select hash from audit_line where place = 1)
         where name = 'audit'",
    );
    let (_, found) = checked(&stage, &trusting);
    assert!(!found.iter().any(|code| code.starts_with("audit.")), "{found:?}");
    let (code, found) = checked(&stage, &[&trusting[..], &["--head", text(&anchor)]].concat());
    assert_eq!(code, Some(5));
    assert!(found.contains(&"audit.anchor_differs".to_owned()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_gets_a_copy_and_is_erased_where_the_law_lets_go() {
    let folder = TempDir::new().unwrap();
    let (shared, certificate) = shared_key(&folder);
    let mut stage = Stage::start_with(&shared).await;
    let view = held(&stage).await;
    let closed: DossierView =
        stage.post(&format!("/v1/dossiers/{}/close", view.code), &json!({})).await;
    let record = closed.documents.iter().find_map(|own| own.record).unwrap();
    let who = raw(&somebody(1));
    let subject = |config: &str, what: &str, more: &[&str]| {
        let schemas::api::RawSubject::Citizen { number, name, born } = &who else { unreachable!() };
        let born = born.to_string();
        let of = ["subject", what, "--citizen", number, "--name", name, "--born", &born];
        let words = [&of[..], &["--reason", "Đơn số 13/2026"], more].concat();
        let output = stage.command_with(config, &words);
        let told = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
        (output.status.code(), told.concat())
    };
    // A reason stands in the audit, which outlives what is kept of them.
    let schemas::api::RawSubject::Citizen { number, name, born } = &who else { unreachable!() };
    let named = name.to_uppercase();
    let spaced = format!("{} {}", &number[..6], &number[6..]);
    for named in [format!("Đơn của bà {named}"), format!("Đơn số 13, số {spaced}")] {
        let born = born.to_string();
        let of = ["subject", "erase", "--citizen", number, "--name", name, "--born", &born];
        let output = stage.command(&[&of[..], &["--reason", &named]].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("must not name the subject") && !told.contains(&*named), "{told}");
    }
    let copy = folder.path().join("copy");
    let (code, told) = subject("", "export", &["--to", text(&copy)]);
    assert_eq!(code, Some(0), "{told}");
    let pdf = std::fs::read(copy.join(format!("{record}-v1.pdf"))).unwrap();
    assert!(pdf.starts_with(b"%PDF"));
    let records: Value =
        serde_json::from_slice(&std::fs::read(copy.join("records.json")).unwrap()).unwrap();
    assert_eq!(records[0]["id"], json!(record));
    assert!(copy.join("accesses.json").is_file() && copy.join("dossiers.json").is_file());

    let (code, told) = subject("", "erase", &["--yes"]);
    assert_eq!(code, Some(5), "nothing says how long it must be kept: {told}");
    assert!(told.contains("GIỮ LẠI") && told.contains("[retention]"), "{told}");
    let kind = records[0]["kind"].as_str().unwrap();
    let years = |years: u32| format!("[retention]\n{kind} = {years}\n");
    let over = years(0);
    let retention = |config: &str, more: &[&str]| {
        let output = stage.command_with(config, &[&["retention"], more].concat());
        let told = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
        (output.status.code(), told.concat())
    };
    let (code, told) = retention("", &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("chưa khai thời hạn lưu của {kind}")), "{told}");
    let (_, told) = retention(&years(2), &[]);
    assert!(told.contains("1 hồ sơ chưa hết thời hạn lưu"), "{told}");
    let (code, told) = retention(&over, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("{}: sẽ xoá 1 giấy tờ số hoá", view.code)), "{told}");
    let (code, told) = retention("", &["--yes"]);
    assert_eq!(code, Some(2), "nobody's decision: {told}");
    let (code, told) = subject(&over, "erase", &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Chưa xoá gì"), "{told}");
    let (code, told) = subject(&over, "erase", &["--yes"]);
    assert_eq!(code, Some(0), "{told}");
    let url = stage.url(&format!("/v1/records/{record}/versions"));
    assert_eq!(stage.http.get(url).send().await.unwrap().status(), 410);
    // Another, of two people, whose time is over.
    let view = held(&stage).await;
    let record = view.documents.iter().find_map(|own| own.record).unwrap();
    let office = with_key(&stage.new_key(&["chu", "--role", "back_office", "--office", "H26.01"]));
    let both = json!({
        "version": 1, "add_owners": [raw(&somebody(2))], "reason": "Của cả hai", "by": "can-bo-7",
    });
    let place = stage.url(&format!("/v1/records/{record}/correct"));
    assert_eq!(office.post(place).json(&both).send().await.unwrap().status(), 200);
    let _: DossierView = stage.post(&format!("/v1/dossiers/{}/close", view.code), &json!({})).await;
    let raw = raw(&somebody(2));
    let schemas::api::RawSubject::Citizen { name, .. } = &raw else { unreachable!() };
    let names = format!("Quyết định huỷ giấy của {name}");
    let (code, told) = retention(&over, &["--yes", "--reason", &names]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("must not name anybody"), "{told}");
    let decided = ["--yes", "--reason", "Quyết định huỷ số 14/QĐ-UBND"];
    let (code, told) = retention(&over, &decided);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("{}: đã xoá 1 giấy tờ số hoá", view.code)), "{told}");
    let (_, told) = retention(&over, &[]);
    assert!(told.contains("Không có hồ sơ nào"), "{told}");
    assert!(stage.terminate().success());
    assert_eq!(checked(&stage, &["--trust", text(&certificate)]), (Some(0), Vec::new()));
    let check = stage.check();
    assert_eq!(check["check"]["findings"], json!([]), "{check}");
}

/// Somebody's number, name and birth date, as options have them.
pub(crate) fn typed(who: &schemas::subject::Subject) -> [String; 3] {
    let schemas::subject::Subject::Citizen { number, name, born } = who else { unreachable!() };
    [number.reveal().to_owned(), name.reveal().to_owned(), born.to_string()]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_named_in_anothers_dossier_gets_a_copy_of_that() {
    let stage = Stage::start().await;
    let ([number, name, born], other) = (typed(&somebody(1)), typed(&somebody(2)));
    let folder = tempfile::tempdir().unwrap();
    let paper = folder.path().join("giay.jpg");
    std::fs::write(&paper, jpeg_page(1)).unwrap();
    let server = ["--server", stage.desk("/v1/dossiers"), "--close", "--no-wait", "--json"];
    let named = other.join(",");
    let who = ["--citizen", &number, "--name", &name, "--born", &born, "--other", &named];
    let push = [&["push", text(&paper), "--procedure", "1.001193"], &server[..], &who].concat();
    let output = stage.command(&push);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let opened: DossierView = serde_json::from_slice(&output.stdout).unwrap();
    let view = stage.settled(&opened).await;

    let subject = |what: &str, more: &[&str]| {
        let of =
            ["subject", what, "--citizen", &other[0], "--name", &other[1], "--born", &other[2]];
        let output = stage.command(&[&of[..], &["--reason", "Đơn số 14/2026"], more].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let copy = folder.path().join("copy");
    let (code, told) = subject("export", &["--to", text(&copy)]);
    assert_eq!(code, Some(0), "{told}");
    let dossiers = std::fs::read_to_string(copy.join("dossiers.json")).unwrap();
    assert!(dossiers.contains(opened.code.as_str()) && dossiers.contains(&other[1]), "{dossiers}");
    assert!(!dossiers.contains(&number) && !dossiers.contains(&name), "nothing of the applicant");
    let (code, told) = subject("erase", &["--yes"]);
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("hồ sơ của người khác, có nêu người này"), "{told}");
    // Nor does the reason name them for which the dossier goes: its applicant's, or that its time
    // is over.
    let own = view.documents.iter().find(|document| document.record.is_some()).unwrap();
    let over = format!("[retention]\n{} = 0\n", own.kind.as_ref().unwrap().as_str());
    let reason = format!("Quyết định huỷ hồ sơ có nêu {}", other[1]);
    let erase = ["subject", "erase", "--citizen", &number, "--name", &name, "--born", &born];
    for words in [&erase[..], &["retention"]] {
        let words = [words, &["--yes", "--reason", &reason]].concat();
        let output = stage.command_with(&over, &words);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("must not name anybody") && !told.contains(&other[1]), "{told}");
    }
}
