//! Life of a process that has a machine to itself: what it misses, and what it leaves to others.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use schemas::api::PageState;
use serde_json::{Value, json};
use tests::{Stage, binary};

use crate::life::{DRAIN, hang, stage};

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
