//! Whoever dies at a named moment of a page's life, every page that was acknowledged is there once,
//! and what was in hand is done by whoever comes after.

use std::time::{Duration, Instant};

use failpoints::Point;
use reqwest::Client;
use schemas::api::{PageState, Receipt};
use schemas::ids::Blake3;
use serde_json::json;
use tests::{jpeg_page, opening, somebody};

use crate::Stage;

/// The moments, in the order in which a page comes by. At some others `succession.rs`, `proof.rs`
/// and the faults of a cluster kill.
const MOMENTS: [Point; 6] = [
    Point::ScanKept,
    Point::ScanAccepted,
    Point::JobsSent,
    Point::ImageKept,
    Point::DossierFiled,
    Point::ResultStored,
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_at_a_moment_of_a_pages_life_every_page_is_there_once() {
    let mut stage = Stage::start().await;
    let mut sent = Vec::new();
    for (seed, point) in (1..).zip(MOMENTS).filter(|(_, point)| Stage::comes_by(*point)) {
        let dossier = stage.open(&opening(&somebody(seed))).await;
        let url = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
        stage.arm(point);
        let sending = tokio::spawn(send(stage.http.clone(), url, jpeg_page(seed)));
        stage.died();
        stage.launch();
        let (scan, _) = sending.await.unwrap();
        sent.push((point, dossier, scan));
    }
    for (point, dossier, scan) in &sent {
        let view = stage.settled(dossier).await;
        let [kept] = view.scans.as_slice() else { panic!("{point:?}: {:?}", view.scans) };
        assert_eq!(kept.blake3, *scan, "{point:?}");
        let states: Vec<PageState> = kept.pages.iter().map(|page| page.state).collect();
        assert_eq!(states, [PageState::Read], "{point:?}");
        assert_eq!(view.documents.len(), 1, "{point:?}: {:?}", view.documents);
    }
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

/// Sends a scan as a station does: again and again, until somebody is there to acknowledge it.
/// Tells what was acknowledged, and how often it was sent.
pub(crate) async fn send(http: Client, url: String, scan: Vec<u8>) -> (Blake3, u32) {
    let since = Instant::now();
    let mut times = 0;
    loop {
        times += 1;
        let sent = http.post(&url).body(scan.clone()).send().await;
        let receipt = match sent {
            Ok(response) if response.status().is_success() => response.json::<Receipt>().await,
            Ok(response) => panic!("{}", response.text().await.unwrap()),
            Err(error) => Err(error),
        };
        match receipt {
            Ok(receipt) => return (receipt.blake3, times),
            Err(error) => assert!(since.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
