//! The queue: order, turns, leases, waiting.

use std::time::{Duration, Instant};

use archive::Delivery;
use schemas::code::Reason;
use schemas::message::{Job, Lane};

use crate::bed::{Bed, accept, bed, open};
use crate::form::Form;

/// Announces so many jobs of an office.
async fn announce(bed: &Bed, office: &str, lane: Lane, count: u8) {
    let dossier = open(&bed.archive, office, lane).await;
    for n in 0..count {
        accept(&bed.archive, dossier.id, &[n]).await;
    }
}

async fn take(bed: &Bed) -> Delivery {
    bed.archive.queue.take().await.unwrap().unwrap()
}

#[tokio::test]
async fn offices_take_turns_and_the_counter_goes_first() {
    let bed = bed().await;
    announce(&bed, "C", Lane::Backlog, 2).await;
    announce(&bed, "A", Lane::Counter, 5).await;
    announce(&bed, "B", Lane::Counter, 2).await;
    let mut order = String::new();
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        order.push_str(delivery.message.office.as_str());
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(order, "ABABAAACC");
}

#[tokio::test]
async fn a_job_is_nobody_elses_while_it_is_leased_and_gone_when_done() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let delivery = take(&bed).await;
    assert_eq!(delivery.attempt, 1);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    assert!(bed.archive.queue.extend(&delivery).await.unwrap());
    bed.archive.queue.done(delivery).await.unwrap();
    let bed = bed.again().await;
    assert!(bed.archive.queue.take().await.unwrap().is_none());
}

#[tokio::test]
async fn a_job_handed_back_is_there_at_once_and_its_attempt_was_none() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let first = take(&bed).await;
    bed.archive.queue.hand_back(first.clone()).await.unwrap();
    let second = take(&bed).await;
    assert_eq!(second.attempt, 1);
    bed.archive.queue.hand_back(first).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none(), "it is somebody else's by now");
}

#[tokio::test]
async fn a_job_whose_lease_ran_out_comes_back_and_its_first_worker_cannot_end_it() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let slow = take(&bed).await;
    assert_eq!(bed.tamper("update job set due_at = 0").await, 1, "five minutes pass");
    let second = take(&bed).await;
    assert_eq!(second.attempt, 2);
    assert!(!bed.archive.queue.extend(&slow).await.unwrap());
    bed.archive.queue.done(slow).await.unwrap();
    assert!(bed.archive.queue.extend(&second).await.unwrap(), "still there");
}

#[tokio::test]
async fn a_job_to_be_retried_does_not_come_before_its_time() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let began = Instant::now();
    let wait = Duration::from_millis(900);
    bed.archive.queue.retry(take(&bed).await, wait).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let again = bed.archive.queue.next().await.unwrap();
    assert_eq!(again.attempt, 2);
    let waited = began.elapsed();
    assert!(waited >= wait && waited < wait * 4, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_waiting_worker_is_woken_at_once() {
    let bed = bed().await;
    let queue = bed.archive.queue.clone();
    let waiting = tokio::spawn(async move { (queue.next().await.unwrap(), Instant::now()) });
    tokio::time::sleep(Duration::from_millis(120)).await;
    let dossier = open(&bed.archive, "A", Lane::Counter).await;
    accept(&bed.archive, dossier.id, b"scan").await;
    let announced = Instant::now();
    let (delivery, taken) = waiting.await.unwrap();
    assert!(matches!(delivery.message.job, Job::Unpack { .. }));
    // Far less than the 500 ms of the poll.
    assert!(taken.saturating_duration_since(announced) < Duration::from_millis(300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_get_each_job_once() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 60).await;
    let workers = (0..8).map(|_| {
        let queue = bed.archive.queue.clone();
        tokio::spawn(async move {
            let mut done = Vec::new();
            while let Some(delivery) = queue.take().await.unwrap() {
                done.push(format!("{:?}", delivery.message.job));
                queue.done(delivery).await.unwrap();
            }
            done
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60);
}

#[tokio::test]
async fn a_message_of_a_later_version_is_parked_and_comes_back_after_the_upgrade() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let newer = r#"update outbox set message = replace(message, '"version":1', '"version":2')"#;
    assert_eq!(bed.tamper(newer).await, 1);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let parked = bed.archive.records.parked(10).await.unwrap();
    assert_eq!(parked[0].code, Reason::MessageUnknown.code());
    assert!(bed.archive.records.retry_parked(parked[0].id).await.unwrap());
    assert!(matches!(take(&bed).await.message.job, Job::Unpack { .. }));
}

#[tokio::test]
async fn too_much_waiting_shows_before_anything_is_lost() {
    let form = Form::new().await;
    let place = archive::Place { max_waiting_jobs: 3, ..form.place() };
    let archive = archive::Archive::open(&place).await.unwrap();
    let bed = Bed { form, archive };
    assert_eq!(bed.archive.records.waiting().await.unwrap().oldest, None);
    announce(&bed, "A", Lane::Counter, 2).await;
    let some = bed.archive.records.waiting().await.unwrap();
    assert!(some.jobs == 2 && !some.full && some.oldest.is_some());
    announce(&bed, "B", Lane::Counter, 2).await;
    take(&bed).await;
    assert!(bed.archive.records.waiting().await.unwrap().full);
}
