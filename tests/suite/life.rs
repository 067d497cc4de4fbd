//! Life of a process: what it says of itself, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use schemas::api::{DossierView, PageState};
use serde_json::{Value, json};
use tests::{Stage, binary, jpeg_page, opening, somebody};

/// Longest that a process may take to end.
const DRAIN: Duration = Duration::from_secs(10);

/// A page over which the first reader hangs, and the next one doesn't.
fn hanging_once(flag: &Path) -> Vec<u8> {
    [jpeg_page(2).as_slice(), b"#once:", flag.to_str().unwrap().as_bytes()].concat()
}

async fn stage_with_readers(count: u32) -> Stage {
    let scripted = binary("scripted-reader");
    let config = format!("[reader]\nprogram = {scripted:?}\nread_seconds = 100\ncount = {count}\n");
    Stage::start_with(&config).await
}

/// Sends a page over which a reader hangs, and waits until one does.
async fn hang(stage: &Stage) -> DossierView {
    let flag = stage.data().join("hung");
    let dossier = stage.open(&opening(&somebody(1))).await;
    stage.scan(&dossier, &hanging_once(&flag)).await;
    let since = Instant::now();
    while !flag.exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "nobody reads");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    dossier
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_asked_to_stop_ends_within_ten_seconds_and_hands_its_page_back() {
    let mut stage = stage_with_readers(1).await;
    let dossier = hang(&stage).await;
    let asked = Instant::now();
    let status = stage.terminate();
    assert!(asked.elapsed() < DRAIN, "{:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));
    assert!(stage.log().contains("job handed back"));

    // The attempt that was cut short was none.
    stage.launch().await;
    let view = stage.settled(&dossier).await;
    assert_eq!(view.scans[0].pages[0].state, PageState::Read);
    let log = stage.log();
    let done =
        log.lines().find(|line| line.contains("job done") && line.contains("\"job\":\"read\""));
    assert!(done.unwrap().contains("\"attempt\":1"), "{done:?}");
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_on_its_way_is_received_by_a_process_that_was_asked_to_stop() {
    let mut stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let scan = jpeg_page(1);
    let (first, rest) = scan.split_at(scan.len() / 2);
    let address = stage.address().trim_start_matches("http://").to_owned();
    let mut line = TcpStream::connect(&address).unwrap();
    let (code, length, key) = (&dossier.code, scan.len(), stage.key());
    let head = format!(
        "POST /v1/dossiers/{code}/scans HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {key}\r\n\
         content-length: {length}\r\n\r\n"
    );
    line.write_all(head.as_bytes()).unwrap();
    line.write_all(first).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.ask_to_stop();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let refused = TcpStream::connect(&address);
    assert!(refused.is_err(), "nothing new is taken");
    line.write_all(rest).unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(stage.ended().code(), Some(0));
    stage.launch().await;
    assert_eq!(stage.settled(&dossier).await.pages.read, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_asked_twice_ends_at_once() {
    let mut stage = stage_with_readers(1).await;
    let dossier = hang(&stage).await;
    stage.ask_to_stop();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    assert_eq!(stage.terminate().code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    stage.launch().await;
    assert_eq!(stage.settled(&dossier).await.pages.read, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_loses_its_lease_and_its_page_goes_elsewhere() {
    let mut stage = stage_with_readers(2).await;
    let dossier = hang(&stage).await;
    // Its worker is not heard of any more.
    stage.tamper("update job set due_at = 0 where lease is not null");
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
    let held = stage.command(&["migrate", "--data", stage.data().to_str().unwrap()]);
    let told = String::from_utf8(held.stderr).unwrap();
    assert_eq!(held.status.code(), Some(1));
    assert!(told.contains("in use by another process"), "{told}");
}
