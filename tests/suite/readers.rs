//! Readers that crash, hang or can't start: that parks the page, with a reason of its own, and
//! nothing else.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use schemas::api::{DossierView, PageState, ScanState};
use serde_json::json;
use tests::{binary, jpeg_page, opening, somebody};

use crate::Stage;

/// Sends three pages, the second of which makes its reader misbehave; answers with the stage.
pub(crate) async fn check(marker: &str, code: &str) -> Stage {
    let scripted = binary("scripted-reader");
    let config = format!(
        "reader.program = {scripted:?}\nreader.read_seconds = 15\nreader.memory_mb = 1024\n"
    );
    let stage = Stage::start_with(&config).await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let poisoned = [jpeg_page(2).as_slice(), marker.as_bytes()].concat();
    for scan in [jpeg_page(1), poisoned, jpeg_page(3)] {
        stage.scan(&dossier, &scan).await;
    }
    let view: DossierView = stage.settled(&dossier).await;
    let states: Vec<PageState> = view.scans.iter().map(|scan| scan.pages[0].state).collect();
    assert_eq!(states, [PageState::Read, PageState::Parked, PageState::Read], "{marker}");
    let page = &view.scans[1].pages[0];
    assert_eq!(page.code.as_deref(), Some(code), "{marker}");
    assert!(page.reason.as_ref().is_some_and(|reason| reason.ends_with('.')), "{marker}");
    let check = stage.check();
    assert_eq!(check["check"]["findings"], json!([]), "{check}");
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_crashes_parks_the_page_and_nothing_else() {
    check("#crash", "reader.crashed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_hangs_parks_the_page_and_nothing_else() {
    check("#hang", "reader.time_limit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_cannot_start_costs_no_page_its_chances() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("sohoa-reader");
    // The reader of another version, halfway through an upgrade.
    let frame = r#"{"answer":"ready","version":"0.0.1"}"#;
    let lengths = format!("\\{:o}{}", frame.len(), "\\0".repeat(11));
    let script = format!("#!/bin/sh\nprintf '{lengths}'\nprintf '%s' '{frame}'\nread -r _");
    write_program(&program, &script);
    let stage = Stage::start_with(&format!("reader.program = {program:?}\n")).await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    stage.scan(&dossier, &jpeg_page(1)).await;
    let since = Instant::now();
    while stage.log().matches("of another version").count() < 2 {
        assert!(since.elapsed() < Duration::from_secs(30), "{}", stage.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(view.scans[0].state, ScanState::Received);
    assert!(!view.settled);

    // The upgrade is finished: the page is read as if nothing had been.
    let right = format!("#!/bin/sh\nexec {:?} \"$@\"", binary("sohoa-reader"));
    write_program(&place.path().join("new"), &right);
    std::fs::rename(place.path().join("new"), &program).unwrap();
    let view = stage.settled(&dossier).await;
    assert_eq!(view.scans[0].pages[0].state, PageState::Read);
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}
