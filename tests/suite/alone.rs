//! Life of a process that has a machine to itself: what it misses, and what it leaves to others.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use schemas::api::{Duty, GivenPassword, PageState, PersonView, SessionView};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    Given, PersonThere, Stage, Story, binary, cookie_of, expect, opening, somebody, with_cookie,
};

use crate::audit::{checked, held, shared_key, text};
use crate::life::{DRAIN, hang, stage};
use crate::metrics::series;
use crate::people::{ask, code, standing};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_loses_its_lease_and_its_page_goes_elsewhere() {
    let mut stage = stage().await;
    let (dossier, _flag) = hang(&stage).await;
    // Its worker is not heard of any more.
    stage.sql("update job set due_at = 0 where lease is not null");
    let view = stage.settled(&dossier).await;
    assert_eq!(view.scans[0].pages[0].state, PageState::Read);
    let asked = Instant::now();
    assert_eq!(stage.terminate().code(), Some(0));
    assert!(asked.elapsed() < DRAIN, "{:?}", asked.elapsed());
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_the_process_lives_on() {
    let stage = Stage::start().await;
    let (status, told) = ready(&stage).await;
    assert_eq!(status, StatusCode::OK);
    let all = json!({ "database": "ok", "broker": "ok", "store": "ok", "readers": "ok" });
    assert_eq!(told, json!({ "ready": true, "dependencies": all }));
    assert!(stage.metrics().await.contains("sohoa_dependency_ready{dependency=\"store\"} 1.0"));

    let (blobs, away) = (stage.data().join("blobs"), stage.data().join("away"));
    std::fs::rename(&blobs, &away).unwrap();
    let (status, told) = ready(&stage).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told["dependencies"]["store"], "missing");
    assert_eq!(told["dependencies"]["database"], "ok");
    assert!(stage.metrics().await.contains("sohoa_dependency_ready{dependency=\"store\"} 0.0"));
    let alive = stage.http.get(stage.url("/healthz")).send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    std::fs::rename(&away, &blobs).unwrap();
    assert_eq!(ready(&stage).await.0, StatusCode::OK);
}

async fn ready(stage: &Stage) -> (StatusCode, Value) {
    // What was found is told for a moment.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let response = stage.http.get(stage.url("/readyz")).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_one_machine_a_role_of_its_own_says_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    for role in ["intake", "records", "review", "work"] {
        let output = std::process::Command::new(binary("sohoa"))
            .args([role, "--data"])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("sohoa all") && told.contains("[database]"), "{told}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_is_a_step_of_its_own_and_may_be_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for _ in 0..2 {
        let output = std::process::Command::new(binary("sohoa"))
            .args(["migrate", "--data"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(data.join("sohoa.sqlite").is_file());
    // Beside a process that has the folder, it says so.
    let stage = Stage::start().await;
    let held = stage.command(&["migrate"]);
    let told = String::from_utf8(held.stderr).unwrap();
    assert_eq!(held.status.code(), Some(1));
    assert!(told.contains("in use by another process"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_was_forged_or_signed_by_a_stranger_is_found() {
    let mut stage = Stage::start().await;
    held(&stage).await;
    assert!(stage.terminate().success());
    let key = std::fs::metadata(stage.audit().join("key.p8")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    // A key of its own is trusted by itself.
    assert_eq!(checked(&stage, &[]), (Some(0), Vec::new()));
    let certificate = stage.audit().join("certificate.pem");
    let elsewhere = stage.data().join("elsewhere.pem");
    std::fs::rename(&certificate, &elsewhere).unwrap();
    let (code, found) = checked(&stage, &[]);
    assert_eq!((code, found.last().unwrap().as_str()), (Some(5), "audit.head_untrusted"));
    assert_eq!(checked(&stage, &["--trust", text(&elsewhere)]), (Some(0), Vec::new()));
    std::fs::rename(&elsewhere, &certificate).unwrap();
    // The same place and hash, another moment: only the signature tells.
    stage.sql("update audit_head set body = replace(body, '\"at\":\"20', '\"at\":\"19')");
    let (code, found) = checked(&stage, &[]);
    assert_eq!((code, found.last().unwrap().as_str()), (Some(5), "audit.head_forged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_signed_with_a_key_that_all_share_are_trusted_by_whoever_is_configured_alike() {
    let keys = TempDir::new().unwrap();
    let (shared, _) = shared_key(&keys);
    let mut stage = Stage::start_with(&shared).await;
    held(&stage).await;
    assert!(stage.terminate().success());
    assert!(stage.audit().join("heads.jsonl").is_file());
    assert!(!stage.audit().join("certificate.pem").exists(), "a key of its own");
    let (code, found) = checked(&stage, &[]);
    assert_eq!((code, found.last().unwrap().as_str()), (Some(5), "audit.head_untrusted"));
    let alike = keys.path().join("alike.toml");
    std::fs::write(&alike, shared).unwrap();
    assert_eq!(checked(&stage, &["--config", text(&alike)]), (Some(0), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_secrets_for_their_owner_alone_and_no_later_one_does() {
    let mut stage = Stage::start().await;
    let key = stage.key();
    for file in ["key", "administrator.password"] {
        let mode = stage.data().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(stage.terminate().code(), Some(0));
    stage.launch();
    assert_eq!(stage.key(), key);
    let parked = stage.http.get(stage.url("/v1/parked")).send().await.unwrap();
    assert_eq!(parked.status(), StatusCode::OK);
    let open = reqwest::get(stage.url("/metrics")).await.unwrap();
    assert_eq!(open.status(), StatusCode::OK, "nothing closes the metrics");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_changes_the_password_and_sets_up_a_second_factor_first() {
    let stage = Stage::start().await;
    let file = stage.data().join("administrator.password");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let given = std::fs::read_to_string(file).unwrap().trim().to_owned();

    let response = stage.log_in("Administrator", &given, None).await;
    assert_eq!(response.status(), 201);
    let cookie = cookie_of(&response);
    let view: SessionView = expect(response, "logging in").await;
    assert_eq!(view.duties, [Duty::ChangePassword, Duty::SetUpSecondFactor]);
    let list = with_cookie(&cookie).get(stage.url("/v1/persons")).send().await.unwrap();
    assert_eq!(code(list).await, "access.password_must_change");

    let first = with_cookie(&cookie);
    let change = async |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        first.put(stage.url("/v1/session/password")).json(&body).send().await.unwrap()
    };
    assert_eq!(code(change(&given, "quá ngắn").await).await, "person.password");
    assert_eq!(code(change(&given, &given).await).await, "person.password");
    assert_eq!(code(change("không phải", "bốn con trâu trắng").await).await, "access.login");
    let response = change(&given, "bốn con trâu trắng").await;
    let changed = cookie_of(&response);
    assert_eq!(standing(&stage, &cookie).await.as_deref(), Some("access.unauthenticated"));
    assert_eq!(code(stage.log_in("administrator", &given, None).await).await, "access.login");
    let list = with_cookie(&changed).get(stage.url("/v1/persons")).send().await.unwrap();
    assert_eq!(code(list).await, "access.second_factor_must_be_set_up");

    let mut administrator = PersonThere {
        name: "administrator".to_owned(),
        password: "bốn con trâu trắng".to_owned(),
        cookie: changed,
        factor: None,
        confirmed: None,
        recovery: Vec::new(),
    };
    stage.set_up_factor(&mut administrator).await;
    let list = ask(&stage, &administrator, Method::GET, "/v1/persons", json!({})).await;
    let list: Vec<PersonView> = expect(list, "listing").await;
    assert_eq!(list.len(), 1);
    assert!(list[0].second_factor && !list[0].password_given);

    // And makes others, who do their work.
    let make = json!({ "name": "can-bo-3", "full_name": "Nguyễn Văn Mẫu",
        "grants": [{ "role": "officer", "office": "H26.01.02" }] });
    let made = ask(&stage, &administrator, Method::POST, "/v1/persons", make.clone()).await;
    let made: GivenPassword = expect(made, "making a person").await;
    let again = ask(&stage, &administrator, Method::POST, "/v1/persons", make).await;
    assert_eq!(code(again).await, "person.name_taken");
    let password = made.password.reveal().to_owned();
    let officer = stage.settle_in(Given { name: made.person.name, password }).await;
    let opened = officer.http().post(stage.url("/v1/dossiers")).json(&opening(&somebody(1)));
    assert_eq!(opened.send().await.unwrap().status(), 201);
    let list = ask(&stage, &officer, Method::GET, "/v1/persons", json!({})).await;
    assert_eq!(code(list).await, "access.forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_and_a_dead_reader_are_counted() {
    let stage = Stage::start_with("[reader]\ncount = 1\n").await;
    let [reader] = stage.readers()[..] else { panic!("one reader is warm") };
    let killed = std::process::Command::new("kill").args(["-KILL", &reader.to_string()]).status();
    assert!(killed.unwrap().success());
    let story = Story::told("thuong-tru");
    let case = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";
    let view = stage.put_through(&story.opening(Some(case)), &story.scans()[1..2]).await;
    let record = view.documents.iter().find_map(|document| document.record).unwrap();
    let pdf = stage.http.get(stage.url(&format!("/v1/records/{record}/file")));
    let pdf = pdf.header("sohoa-purpose", "Kiem thu").header("sohoa-asked-by", "test");
    assert_eq!(pdf.send().await.unwrap().status(), StatusCode::OK);

    let text = stage.metrics().await;
    let told = series(&text);
    assert_eq!(told["sohoa_lookups_total"], 1.0, "{text}");
    assert_eq!(told["sohoa_reader_deaths_total{reason=\"crashed\"}"], 1.0, "{text}");
    assert_eq!(told["sohoa_reader_starts_total"], 2.0, "{text}");
    assert_eq!(told["sohoa_jobs_total{job=\"unpack\",fate=\"retried\"}"], 1.0, "{text}");
}
