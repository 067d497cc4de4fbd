//! Whatever dies at whatever moment, every page that was acknowledged is there once: a whole office
//! that is one process, or a reader. Who dies at a named moment is in `points.rs`, on both forms; a
//! cluster's processes are killed at random ones by `make bench-faults`. Whoever dies while erasing
//! leaves what a check finds and removes.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use failpoints::Point;
use papers::{Press, Scan};
use schemas::api::{DossierView, PageState, ScanState};
use serde_json::json;
use tests::{Chance, Stage, jpeg_page, opening, somebody};
use tokio::task::JoinSet;

use crate::audit::{checked, typed};
use crate::points::send;

/// Whole processes and single readers killed, in turns.
const KILLS: u64 = 10;
/// Pages sent or read meanwhile, at each, each to a dossier of its own.
const AT_ONCE: u64 = 5;
const PAGES: u64 = KILLS * AT_ONCE;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there_once_after_ten_kills_at_random_moments() {
    let mut stage = Stage::start().await;
    let mut dossiers = Vec::new();
    for seed in 0..AT_ONCE {
        dossiers.push(stage.open(&opening(&somebody(seed))).await);
    }
    let papers: Vec<Vec<u8>> = (0..AT_ONCE).map(jpeg_page).collect();
    let mut chance = Chance(0x5EED);
    let (mut acknowledged, mut sent) = (BTreeSet::new(), 0);
    for kill in 0..KILLS {
        let mut sending = JoinSet::new();
        for (paper, dossier) in papers.iter().zip(&dossiers) {
            // What follows the picture makes it a scan of its own.
            let scan = [paper.as_slice(), &kill.to_be_bytes()].concat();
            let url = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
            sending.spawn(send(stage.http.clone(), url, scan));
        }
        // Half of the moments while the scans come in, half while they are read.
        let until = [60, 4000][usize::try_from(chance.below(2)).unwrap()];
        tokio::time::sleep(Duration::from_millis(chance.below(until))).await;
        if kill % 2 == 0 {
            let orphans = stage.readers();
            stage.kill();
            assert_gone(&orphans).await;
            stage.launch();
        } else {
            kill_a_reader(&stage, &mut chance).await;
        }
        for (scan, times) in sending.join_all().await {
            acknowledged.insert(scan);
            sent += times;
        }
    }
    assert_eq!(acknowledged.len() as u64, PAGES);

    let mut found = BTreeSet::new();
    for dossier in &dossiers {
        let view: DossierView = stage.settled(dossier).await;
        assert_eq!(view.pages.parked, 0, "{view:?}");
        for scan in &view.scans {
            assert_eq!(scan.state, ScanState::Unpacked);
            assert_eq!(scan.pages.len(), 1);
            assert_eq!(scan.pages[0].state, PageState::Read);
            assert!(found.insert(scan.blake3), "a scan is there twice");
        }
    }
    assert_eq!(found, acknowledged);
    let check = stage.check();
    assert_eq!(check["check"]["findings"], serde_json::json!([]), "{check}");
    let again = |line: &&str| line.contains("job done") && !line.contains("\"attempt\":1,");
    let again = stage.log().lines().filter(again).count();
    eprintln!("{PAGES} pages, {KILLS} kills: {sent} times sent, {again} jobs done again");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_end_with_their_worker_in_the_middle_of_a_page() {
    let mut stage = Stage::start_with("[reader]\ncount = 1\n").await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    // Sharp and crowded: it takes some seconds to read.
    stage.scan(&dossier, &slow_page()).await;
    let path = format!("/v1/dossiers/{}", dossier.code);
    while stage.get::<DossierView>(&path).await.pages.waiting == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let orphans = stage.readers();
    assert_eq!(orphans.len(), 1);
    stage.kill();
    assert_gone(&orphans).await;

    stage.launch();
    assert_eq!(stage.settled(&dossier).await.pages.read, 1);
}

fn slow_page() -> Vec<u8> {
    let press = Press::open().unwrap();
    Scan { dpi: 600, ..Scan::default() }.jpeg(&press.page(1)).unwrap()
}

/// Readers end with their worker, whatever page they are in the middle of.
async fn assert_gone(readers: &[u32]) {
    let since = Instant::now();
    while readers.iter().any(|pid| is_alive(*pid)) {
        assert!(since.elapsed() < Duration::from_secs(5), "a reader outlives its worker");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether it runs; one that ended and that nobody asked about doesn't.
fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(format!("{pid}/status")));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

/// Kills one of the readers running, as soon as there is one.
async fn kill_a_reader(stage: &Stage, chance: &mut Chance) {
    let since = Instant::now();
    let readers = loop {
        let readers = stage.readers();
        if !readers.is_empty() {
            break readers;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "nobody reads");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let which = usize::try_from(chance.below(readers.len() as u64)).unwrap();
    // It may have ended by itself.
    drop(Command::new("kill").args(["-KILL", &readers[which].to_string()]).status());
}

/// The blobs whose keys are there.
const KEYS: &str = "select distinct about from data_key where wrapped is not null order by about";

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_dies_once_its_rows_are_gone_leaves_blobs_that_a_check_removes() {
    let mut stage = Stage::start().await;
    let other = stage.put_through(&opening(&somebody(2)), &[jpeg_page(2).as_slice()]).await;
    let others = (blobs(&stage), stage.sql(KEYS));
    let own = stage.put_through(&opening(&somebody(1)), &[jpeg_page(1).as_slice()]).await;
    let _: DossierView = stage.post(&format!("/v1/dossiers/{}/close", own.code), &json!({})).await;
    let document = own.documents.iter().find(|document| document.record.is_some()).unwrap();
    assert!(stage.terminate().success());
    hours_later(&stage);

    let over = format!("[retention]\n{} = 0\n", document.kind.as_ref().unwrap().as_str());
    let [number, name, born] = typed(&somebody(1));
    let of = ["subject", "erase", "--citizen", &number, "--name", &name, "--born", &born];
    let erase = [&of[..], &["--reason", "Đơn số 13/2026", "--yes"]].concat();
    stage.arm(Point::DossierErased);
    let died = stage.command_with(&over, &erase);
    assert_eq!(died.status.signal(), Some(9), "{died:?}");

    // The subject is gone, and no blob yet.
    let again = stage.command_with(&over, &erase);
    assert_eq!(again.status.code(), Some(3), "{again:?}");
    let left: Vec<String> = blobs(&stage).difference(&others.0).cloned().collect();
    assert!(!left.is_empty());
    let check = stage.check();
    let found = check["check"]["findings"].as_array().unwrap().iter();
    let found: Vec<[&str; 2]> =
        found.map(|own| ["code", "what"].map(|key| own[key].as_str().unwrap())).collect();
    let orphans: Vec<[&str; 2]> = left.iter().map(|blob| ["blob.orphan", blob]).collect();
    assert_eq!(found, orphans);

    // They go with their keys, and nothing else does.
    let mended = stage.command(&["check", "--mend", "--json"]);
    assert_eq!(mended.status.code(), Some(0), "{mended:?}");
    assert_eq!((blobs(&stage), stage.sql(KEYS)), others);
    stage.launch();
    let url = stage.url(&format!("/v1/records/{}/versions", document.record.unwrap()));
    assert_eq!(stage.http.get(url).send().await.unwrap().status(), 410);
    assert_eq!(stage.settled(&other).await.scans, other.scans);
    assert!(stage.terminate().success());
    assert_eq!(checked(&stage, &[]), (Some(0), Vec::new()));
    assert_eq!(stage.check()["check"]["findings"], json!([]));
}

/// Names of the blobs that are there.
fn blobs(stage: &Stage) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for shard in std::fs::read_dir(stage.data().join("blobs")).unwrap() {
        let shard = shard.unwrap();
        for blob in std::fs::read_dir(shard.path()).unwrap() {
            let name = [shard.file_name(), blob.unwrap().file_name()];
            found.insert(name.map(|part| part.into_string().unwrap()).concat());
        }
    }
    found
}

/// All that is there came hours ago.
fn hours_later(stage: &Stage) {
    let then = SystemTime::now() - Duration::from_secs(7200);
    for blob in blobs(stage) {
        let (shard, rest) = blob.split_at(2);
        let file = stage.data().join("blobs").join(shard).join(rest);
        File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
    }
    stage.sql("update data_key set made_at = 1");
}
