//! Many stations at once.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::StatusCode;
use schemas::api::{DossierView, Receipt};
use tests::{opening, somebody};
use tokio::task::JoinSet;

use crate::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_stations_at_once_are_told_when_to_come_back_and_lose_nothing() {
    let config = "[intake]\nmax_uploads = 4\nmax_waiting_jobs = 60\n";
    let stage = Stage::start_with(config).await;
    let mut dossiers: Vec<DossierView> = Vec::new();
    for seed in 0..200 {
        dossiers.push(stage.open(&opening(&somebody(seed % 20))).await);
    }
    let mut stations = JoinSet::new();
    for (seed, dossier) in (0..).zip(dossiers) {
        let (http, url) =
            (stage.http.clone(), stage.url(&format!("/v1/dossiers/{}/scans", dossier.code)));
        // Blank pages: quick to read, and unlike each other.
        let scan = blank(seed);
        stations.spawn(async move {
            let mut told_to_wait = 0_u32;
            loop {
                let response = http.post(&url).body(scan.clone()).send().await.unwrap();
                if response.status() == StatusCode::TOO_MANY_REQUESTS {
                    told_to_wait += 1;
                    let wait = response.headers()["retry-after"].to_str().unwrap();
                    let wait: u64 = wait.parse().unwrap();
                    assert!((1..=120).contains(&wait), "{wait}");
                    tokio::time::sleep(Duration::from_secs(wait.min(5))).await;
                    continue;
                }
                assert_eq!(response.status(), StatusCode::CREATED);
                return (dossier, response.json::<Receipt>().await.unwrap(), told_to_wait);
            }
        });
    }
    let (mut scans, mut waits) = (BTreeSet::new(), 0);
    for (dossier, receipt, waited) in stations.join_all().await {
        let view = stage.settled(&dossier).await;
        assert_eq!(view.scans.len(), 1);
        assert_eq!(view.scans[0].blake3, receipt.blake3);
        scans.insert(receipt.scan);
        waits += waited;
    }
    assert_eq!(scans.len(), 200);
    assert_ne!(waits, 0, "nobody was asked to wait: the test is too easy");
    let check = stage.check();
    assert_eq!(check["check"]["findings"], serde_json::json!([]), "{check}");
}

/// A small white page with its seed after the picture, so that no two are the same bytes.
fn blank(seed: u64) -> Vec<u8> {
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg)
        .encode(&vec![255; 400 * 560], 400, 560, image::ExtendedColorType::L8)
        .unwrap();
    jpeg.extend_from_slice(&seed.to_be_bytes());
    jpeg
}
