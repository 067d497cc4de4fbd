//! Many stations at once: some are asked to come back, and nothing is lost.

use std::time::Duration;

use axum::http::{StatusCode, header};
use futures_util::future::join_all;
use schemas::api::{DossierView, Receipt};
use schemas::code::Reason;

use super::{Office, PNG, office_with};

/// Sends until the scan is taken, and tells how often the station was asked to come back.
async fn insist(office: &Office, dossier: &DossierView, station: u8) -> (Receipt, u32) {
    let mut refused = 0;
    loop {
        let answered = office.send(dossier, &[], [PNG, &[station]].concat()).await;
        if answered.status == StatusCode::CREATED {
            return (answered.json(), refused);
        }
        answered.refused(Reason::Busy);
        assert!(answered.headers.contains_key(header::RETRY_AFTER));
        refused += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_stations_at_once_lose_nothing() {
    let office = office_with(|settings, _| {
        settings.max_uploads = 2;
        settings.turn = Duration::from_millis(20);
    })
    .await;
    let dossier = office.open().await;
    let all = join_all((0..200).map(|station| insist(&office, &dossier, station)));
    let told = tokio::time::timeout(Duration::from_secs(120), all).await.unwrap();
    assert!(told.iter().any(|(_, refused)| 0 < *refused), "the crowd was never asked to wait");
    for (receipt, _) in &told {
        assert!(office.archive.blobs.contains(receipt.blake3).await.unwrap());
    }
    let view: DossierView = office.get(&format!("/v1/dossiers/{}", dossier.code)).await.json();
    assert_eq!(view.scans.len(), 200);
}
