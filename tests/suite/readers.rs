//! Readers that crash, hang, eat memory or answer nonsense: that parks the page, with a reason
//! of its own, and nothing else.

use schemas::api::{DossierView, PageState};
use tests::{Stage, binary, jpeg_page, opening, somebody};

/// Sends three pages, the second of which makes its reader misbehave.
#[track_caller]
async fn check(marker: &str, code: &str) {
    let scripted = binary("scripted-reader");
    let config =
        format!("[reader]\nprogram = {scripted:?}\nread_seconds = 8\nmemory_mb = 1024\ncount = 2");
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
async fn a_reader_that_eats_memory_parks_the_page_and_nothing_else() {
    check("#eat", "reader.memory_limit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_answers_nonsense_parks_the_page_and_nothing_else() {
    check("#nonsense", "reader.nonsense").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_answer_cannot_be_is_not_believed() {
    check("#liar", "reader.nonsense").await;
}
