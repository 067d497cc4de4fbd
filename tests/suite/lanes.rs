//! Whoever waits at a counter doesn't wait for the backlog.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use schemas::api::{DossierView, OpenDossier, PageState};
use schemas::message::Lane;
use tests::{binary, jpeg_page, opening, somebody};

use crate::Stage;

/// More scans than the workers here take into their hands.
const BACKLOG: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_counter_is_read_while_every_reader_is_at_the_backlog() {
    let scripted = binary("scripted-reader");
    let config = format!("reader.program = {scripted:?}\nreader.read_seconds = 60\n");
    let stage = Stage::start_with(&config).await;
    let backlog = OpenDossier { lane: Lane::Backlog, ..opening(&somebody(1)) };
    let backlog = stage.open(&backlog).await;
    for mark in 0..BACKLOG {
        // Over each a reader hangs until it is killed.
        let page = [jpeg_page(2).as_slice(), &mark.to_be_bytes(), b"#hang"].concat();
        stage.scan(&backlog, &page).await;
    }
    let at_work = async || {
        let view: DossierView = stage.get(&format!("/v1/dossiers/{}", backlog.code)).await;
        view.scans.iter().any(|scan| !scan.pages.is_empty())
    };
    let since = Instant::now();
    while !at_work().await {
        assert!(since.elapsed() < Duration::from_secs(30), "nobody unpacks");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Until every reader hangs, and every hand is full.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let counter = stage.open(&opening(&somebody(2))).await;
    stage.scan(&counter, &jpeg_page(1)).await;
    let since = Instant::now();
    let view = stage.settled(&counter).await;
    assert_eq!(view.scans[0].pages[0].state, PageState::Read);
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", backlog.code)).await;
    assert_eq!((view.pages.read, view.pages.parked), (0, 0), "the backlog got on");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_but_the_counters_own_stands_back() {
    let stage = Stage::start().await;
    // The counter's is warm before anything is asked.
    let warm = stage.readers();
    let backlog = OpenDossier { lane: Lane::Backlog, ..opening(&somebody(1)) };
    stage.put_through(&backlog, &[jpeg_page(1).as_slice()]).await;
    let (counters, others): (Vec<u32>, Vec<u32>) =
        stage.readers().into_iter().partition(|reader| warm.contains(reader));
    assert!(!counters.is_empty() && !others.is_empty(), "{warm:?}: {counters:?}, {others:?}");

    let usual = nice(std::process::id());
    let behind: BTreeSet<i32> = usual.iter().map(|nice| (nice + 10).min(19)).collect();
    for (readers, expected) in [(counters, usual), (others, behind)] {
        for reader in readers {
            assert_eq!(nice(reader), expected);
        }
    }
}

/// By how much the threads of a process stand back where others need the processor.
fn nice(pid: u32) -> BTreeSet<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stats = threads.filter_map(|thread| {
        // One may have ended since.
        std::fs::read_to_string(thread.unwrap().path().join("stat")).ok()
    });
    let nice = |stat: String| -> i32 {
        // The 19th field; the second is a name in brackets, which may hold spaces.
        let (_, from_third) = stat.rsplit_once(") ").unwrap();
        from_third.split(' ').nth(16).unwrap().parse().unwrap()
    };
    stats.map(nice).collect()
}
