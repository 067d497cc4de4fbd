//! How a process ends that was asked to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use schemas::api::{DossierView, PageState};
use serde_json::json;
use tempfile::TempDir;
use tests::{binary, jpeg_page, opening, somebody};

use crate::Stage;

/// Longest that a process may take to end.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// A page over which the first reader hangs, and the next one doesn't.
fn hanging_once(flag: &Path) -> Vec<u8> {
    [jpeg_page(2).as_slice(), b"#once:", flag.to_str().unwrap().as_bytes()].concat()
}

/// A Sohoa whose readers do as its pages say.
pub(crate) async fn stage() -> Stage {
    let scripted = binary("scripted-reader");
    let config = format!("reader.program = {scripted:?}\nreader.read_seconds = 100\n");
    Stage::start_with(&config).await
}

/// Sends a page over which a reader hangs, and waits until one does. The folder is where the next
/// one sees that.
pub(crate) async fn hang(stage: &Stage) -> (DossierView, TempDir) {
    let folder = TempDir::new().unwrap();
    let flag = folder.path().join("hung");
    let dossier = stage.open(&opening(&somebody(1))).await;
    stage.scan(&dossier, &hanging_once(&flag)).await;
    let since = Instant::now();
    while !flag.exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "nobody reads");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (dossier, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_asked_to_stop_ends_within_ten_seconds_and_hands_its_page_back() {
    let mut stage = stage().await;
    let (dossier, _flag) = hang(&stage).await;
    let asked = Instant::now();
    let status = stage.terminate();
    assert!(asked.elapsed() < DRAIN, "{:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));
    assert!(stage.log().contains("job handed back"));

    // The attempt that was cut short was none.
    stage.launch();
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
    stage.launch();
    assert_eq!(stage.settled(&dossier).await.pages.read, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_asked_twice_ends_at_once() {
    let mut stage = stage().await;
    let (dossier, _flag) = hang(&stage).await;
    stage.ask_to_stop();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    assert_eq!(stage.terminate().code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    stage.launch();
    assert_eq!(stage.settled(&dossier).await.pages.read, 1);
}
