//! Readers that eat memory or answer nonsense, which parks the page as a crash does, and one that can
//! go no further: that is between a worker and its reader, so one machine is enough.

use schemas::api::PageState;
use tempfile::TempDir;
use tests::{binary, jpeg_page, opening, somebody};

use crate::Stage;
use crate::metrics::series;
use crate::readers::check;

/// How many readers are gone for that reason.
async fn deaths(stage: &Stage, reason: &str) -> f64 {
    let text = stage.metrics().await;
    series(&text)[format!("sohoa_reader_deaths_total{{reason=\"{reason}\"}}").as_str()]
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
    let stage = check("#liar", "reader.nonsense").await;
    // Nor asked again: each of the page's two attempts cost one.
    assert_eq!(deaths(&stage, "nonsense").await, 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_engine_stopped_gives_way_to_one_that_reads_the_page() {
    let scripted = binary("scripted-reader");
    let stage = Stage::start_with(&format!("reader.program = {scripted:?}\n")).await;
    let (dossier, folder) = (stage.open(&opening(&somebody(1))).await, TempDir::new().unwrap());
    let flag = folder.path().join("stopped");
    let marker = format!("#stop-once:{}", flag.display());
    let poisoned = [jpeg_page(2).as_slice(), marker.as_bytes()].concat();
    stage.scan(&dossier, &poisoned).await;
    let view = stage.settled(&dossier).await;
    assert!(flag.exists());
    assert_eq!(view.scans[0].pages[0].state, PageState::Read);
    assert_eq!(deaths(&stage, "crashed").await, 1.0);
}
