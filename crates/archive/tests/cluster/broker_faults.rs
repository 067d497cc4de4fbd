//! A broker that dies, is cut off or is short of memory while jobs flow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use archive::Archive;
use schemas::message::Lane;
use tokio::sync::Mutex;

use crate::bed::{Bed, bed};
use crate::broker::page;
use crate::queue::{announce, take};
use crate::rabbitmq::{RabbitMq, broker_by_wire};

/// Pages that flow while something breaks.
const PAGES: usize = 500;

/// Four workers, each a little while over each job, until all are done. Counts how often each
/// page was done.
async fn drain(archive: &Archive, done: &Arc<AtomicUsize>) -> BTreeMap<u32, u32> {
    archive.queue.prefetch(4);
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let workers = (0..4).map(|_| {
        let (queue, seen, done) = (archive.queue.clone(), Arc::clone(&seen), Arc::clone(done));
        tokio::spawn(async move {
            while done.load(Ordering::Relaxed) < PAGES {
                let next = tokio::time::timeout(Duration::from_millis(300), queue.next()).await;
                let Ok(delivery) = next else { continue };
                let delivery = delivery.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
                *seen.lock().await.entry(page(&delivery)).or_insert(0) += 1;
                queue.done(delivery).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    Arc::into_inner(seen).unwrap().into_inner()
}

fn each_once() -> BTreeMap<u32, u32> {
    (1..=500).map(|page| (page, 1)).collect()
}

/// One at a time: it is killed.
static MORTAL: Mutex<()> = Mutex::const_new(());

/// The mortal broker, and an archive whose jobs go over it already.
async fn mortal() -> (RabbitMq, Bed) {
    let rabbitmq = RabbitMq::start("rabbitmq-mortal", 1);
    let broker = rabbitmq.broker("%2f", rabbitmq.port);
    let bed = bed().await.again_with(|place| place.broker = Some(broker)).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    bed.archive.queue.done(take(&bed).await).await.unwrap();
    (rabbitmq, bed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_killed_while_500_jobs_flow_loses_none_and_doubles_none() {
    let _one = MORTAL.lock().await;
    let rabbitmq = Arc::new(RabbitMq::start("rabbitmq-mortal", 1));
    let broker = rabbitmq.broker("%2f", rabbitmq.port);
    let bed = Bed::pages("A", Lane::Counter, "500").await;
    let bed = bed.again_with(|place| place.broker = Some(broker)).await;
    // RabbitMQ keeps the names of new quorum queues in memory for some seconds; killed then, it
    // forgets which log is theirs, and they never come back.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let done = Arc::new(AtomicUsize::new(0));
    let killer = {
        let (rabbitmq, done) = (Arc::clone(&rabbitmq), Arc::clone(&done));
        std::thread::spawn(move || {
            for after in [100, 300] {
                while done.load(Ordering::Relaxed) < after {
                    std::thread::sleep(Duration::from_millis(5));
                }
                rabbitmq.kill();
                rabbitmq.restart();
            }
        })
    };
    assert_eq!(drain(&bed.archive, &done).await, each_once());
    killer.join().unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    rabbitmq.stop();
}

/// Takes and ends as many jobs as that, each at its first attempt, and no other.
async fn come_once(bed: &Bed, jobs: usize) {
    for _ in 0..jobs {
        let delivery = bed.archive.queue.next().await.unwrap();
        assert_eq!(delivery.attempt, 1);
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert!(bed.archive.queue.take().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_short_of_memory_takes_no_messages_and_scans_are_accepted_all_the_same() {
    let _one = MORTAL.lock().await;
    let (rabbitmq, bed) = mortal().await;
    rabbitmq.ctl(&["set_vm_memory_high_watermark", "absolute", "1MB"]);
    announce(&bed, "A", Lane::Counter, 3).await;
    // Longer than the broker's confirmation may take otherwise.
    let waiting = tokio::time::timeout(Duration::from_secs(12), bed.archive.queue.next()).await;
    assert!(waiting.is_err(), "a job came through a blocked connection");
    announce(&bed, "A", Lane::Counter, 3).await;
    rabbitmq.ctl(&["set_vm_memory_high_watermark", "absolute", "512MB"]);
    come_once(&bed, 6).await;
    rabbitmq.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_broker_refuses_is_sent_again_over_another_connection() {
    let _one = MORTAL.lock().await;
    let (rabbitmq, bed) = mortal().await;
    let connections = || -> BTreeSet<String> {
        let list = rabbitmq.ctl(&["-q", "list_connections", "name"]);
        list.lines().map(ToOwned::to_owned).collect()
    };
    let before = connections();
    rabbitmq.ctl(&["set_policy", "full", "counter$", r#"{"max-length":1}"#]);
    announce(&bed, "A", Lane::Counter, 12).await;
    let another = async {
        while connections().is_subset(&before) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), another).await.expect("no other connection");
    rabbitmq.ctl(&["clear_policy", "full"]);
    come_once(&bed, 12).await;
    rabbitmq.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wire_cut_again_and_again_while_500_jobs_flow_loses_none_and_doubles_none() {
    let (wire, broker) = broker_by_wire().await;
    let bed = Bed::pages("A", Lane::Counter, "500").await;
    let bed = bed.again_with(|place| place.broker = Some(broker)).await;
    let done = Arc::new(AtomicUsize::new(0));
    let cutter = {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            for cut in 1..10 {
                while done.load(Ordering::Relaxed) < cut * PAGES / 10 {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                wire.cut();
            }
            wire
        })
    };
    assert_eq!(drain(&bed.archive, &done).await, each_once());
    let _wire = cutter.await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
}
