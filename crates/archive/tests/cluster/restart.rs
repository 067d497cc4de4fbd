//! A server that dies and comes back: what was acknowledged is there, and everything goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use archive::{AcceptError, Archive, ArchiveError, OpenError};
use jiff::Timestamp;
use schemas::ids::{DossierId, ScanId};
use schemas::message::{Job, Lane};
use tokio::time::sleep;

use crate::bed::{accept, new_dossier, new_scan, open_new};
use crate::form::{Form, Server, without_waiting_for_the_disk};

/// Tries until the server is there.
macro_rules! insist {
    ($what:expr) => {
        loop {
            match $what {
                Ok(done) => break done,
                Err(ArchiveError::Unavailable { .. }) => sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
}

/// An intake: opens dossiers and accepts scans, and counts them; answers with what it acknowledged.
async fn take_in(
    archive: Archive,
    (stop, taken): (Arc<AtomicBool>, Arc<AtomicUsize>),
) -> Vec<(DossierId, ScanId)> {
    let records = &archive.records;
    let mut receipts = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let new = new_dossier("H26.01", Lane::Counter);
        let dossier = insist!(match open_new(records, &new, Timestamp::now()).await {
            Err(OpenError::Archive(error)) => Err(error),
            opened => Ok(opened.unwrap()),
        });
        let blob = insist!(archive.blobs.put(dossier.code.as_str().as_bytes()).await);
        let scan = new_scan(dossier.id, blob, Some("1"));
        let accepted = insist!(match records.accept_scan(&scan, Timestamp::now()).await {
            Err(AcceptError::Archive(error)) => Err(error),
            accepted => Ok(accepted.unwrap()),
        });
        receipts.push((dossier.id, accepted.scan.id));
        taken.fetch_add(1, Ordering::Relaxed);
    }
    receipts
}

/// Until ten more were acknowledged.
async fn ten_more(taken: &AtomicUsize) {
    let before = taken.load(Ordering::Relaxed);
    while taken.load(Ordering::Relaxed) < before + 10 {
        sleep(Duration::from_millis(10)).await;
    }
}

/// A worker: unpacks what is there; answers with what it did.
async fn unpack_all(archive: Archive, stop: Arc<AtomicBool>) -> Vec<ScanId> {
    let mut done = Vec::new();
    loop {
        let Some(delivery) = insist!(archive.queue.take().await) else {
            if stop.load(Ordering::Relaxed) {
                return done;
            }
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        if let Job::Unpack { scan } = delivery.message.job {
            insist!(archive.records.unpacked(scan, 1, "image/jpeg", &[]).await);
            done.push(scan);
        }
        insist!(archive.queue.done(delivery.clone()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_in_mid_work_loses_nothing_that_was_acknowledged() {
    let server = Server::start("restart");
    without_waiting_for_the_disk(&server.url).await;
    let form = Form::copy(&server.url, "template0").await;
    Archive::migrate(&form.place()).await.unwrap();
    let open = async || Archive::open(&form.place()).await.unwrap();
    let (intake, worker, other) = (open().await, open().await, open().await);
    let (stop, rest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let taken = Arc::new(AtomicUsize::new(0));
    let taking = || take_in(intake.clone(), (Arc::clone(&stop), Arc::clone(&taken)));
    let intakes: Vec<_> = (0..3).map(|_| tokio::spawn(taking())).collect();
    let workers: Vec<_> =
        (0..3).map(|_| tokio::spawn(unpack_all(worker.clone(), Arc::clone(&rest)))).collect();
    for away in [0, 300, 1000] {
        ten_more(&taken).await;
        server.crash();
        sleep(Duration::from_millis(away)).await;
        server.start_again();
    }
    ten_more(&taken).await;
    stop.store(true, Ordering::Relaxed);
    let mut receipts = Vec::new();
    for intake in intakes {
        receipts.extend(intake.await.unwrap());
    }
    // What was leased by a take whose answer was lost comes back when the lease is over.
    form.leases_run_out().await;
    rest.store(true, Ordering::Relaxed);
    let mut unpacked = Vec::new();
    for worker in workers {
        unpacked.extend(worker.await.unwrap());
    }
    for (dossier, scan) in &receipts {
        let kept = other.records.scan(*scan).await.unwrap().expect("acknowledged, so there");
        assert_eq!((kept.dossier, kept.pages), (*dossier, Some(1)));
        assert!(unpacked.contains(scan), "its job was done");
        let events = other.records.events(*dossier, 0, 10).await.unwrap();
        assert_eq!(events.len(), 2, "told once that it was received and unpacked: {events:?}");
    }

    // The wake-ups are back as well.
    let mut changed = other.records.changed();
    let mut woken = false;
    for n in 0..50_u8 {
        changed.mark_unchanged();
        accept(&intake, receipts[0].0, &[n]).await;
        woken = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await.is_ok();
        if woken {
            break;
        }
    }
    assert!(woken, "the listener is connected again");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_said_soon() {
    let form = Form::new().await;
    let place = archive::Place {
        database: Some("postgres://sohoa:geheim@127.0.0.1:9/nothing".parse().unwrap()),
        ..form.place()
    };
    let began = std::time::Instant::now();
    let error = Archive::open(&place).await.err().unwrap();
    assert!(matches!(error, ArchiveError::Unavailable { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(!format!("{error} {error:?}").contains("geheim"));
}
