//! What the broker's form must do beside what every form does.

use std::collections::BTreeMap;
use std::time::Duration;

use archive::{Broker, Delivery};
use schemas::message::{Job, Lane};

use crate::bed::{Bed, accept, bed, open};
use crate::queue::{announce, take};
use crate::rabbitmq::{VHOST, Wire, broker, broker_at, broker_by_wire, shared};

impl Bed {
    /// As many jobs as that, announced but not yet sent: pages of one dossier, in their order.
    pub(crate) async fn pages(office: &str, lane: Lane, count: &'static str) -> Bed {
        let bed = bed().await;
        announce(&bed, office, lane, 1).await;
        let copies = format!(
            "insert into outbox (job_id, dossier_id, lane, office, job, target, message, made_at,
                due_at)
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
             select substr(cast(100000000 + i as text), 2), dossier_id, lane, office, job, target,
                replace(message, target, substr(cast(100000000 + i as text), 2)
                    || '-0000-4000-8000-000000000000'), made_at, made_at
             from outbox, n"
        );
        assert_eq!(bed.tamper(copies.leak()).await.to_string(), count);
        assert_eq!(bed.tamper("delete from outbox where length(job_id) <> 8").await, 1);
        bed
    }
}

/// Which of the copies a job is.
pub(crate) fn page(delivery: &Delivery) -> u32 {
    let Job::Unpack { scan } = delivery.message.job else { panic!("{delivery:?}") };
    scan.to_string()[..8].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_twice_changes_nothing() {
    let bed = bed().await.again_with(|place| place.broker = Some(broker())).await;
    announce(&bed, "A", Lane::Counter, 3).await;
    while bed.tamper("update job set sent_at = null where sent_at is not null").await < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Twice at the broker, by now or in a moment.
    while bed.tamper("update job set sent_at = 7 where sent_at > 7").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut attempts = Vec::new();
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        attempts.push(delivery.attempt);
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(attempts, [1; 3]);
    announce(&bed, "A", Lane::Counter, 1).await;
    assert_eq!(take(&bed).await.attempt, 1, "the second ones are not in the way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_dossier_come_in_their_order() {
    let bed = Bed::pages("A", Lane::Counter, "300").await;
    let bed = bed.again_with(|place| place.broker = Some(broker())).await;
    bed.archive.queue.prefetch(5);
    let mut order = Vec::new();
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        order.push(page(&delivery));
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(order, (1..=300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_with_5000_jobs_delays_another_by_no_more_than_the_window() {
    let bed = Bed::pages("A", Lane::Backlog, "5000").await;
    let small = Broker { backlog_window: 10, ..broker() };
    let bed = bed.again_with(|place| place.broker = Some(small)).await;
    let done = async || {
        let delivery = bed.archive.queue.next().await.unwrap();
        let office = delivery.message.office.clone();
        bed.archive.queue.done(delivery).await.unwrap();
        office
    };
    for _ in 0..50 {
        assert_eq!(done().await.as_str(), "A");
    }
    announce(&bed, "B", Lane::Backlog, 1).await;
    let mut before = 0;
    while done().await.as_str() == "A" {
        before += 1;
    }
    // One more in the tray, and one that was taken while B's was on its way.
    assert!(before <= 12, "{before} of A went before B's only one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counter_goes_before_a_backlog_that_lies_at_the_broker() {
    let bed = Bed::pages("A", Lane::Backlog, "200").await;
    let bed = bed.again_with(|place| place.broker = Some(broker())).await;
    bed.archive.queue.prefetch(3);
    for round in 0..5 {
        let backlog = take(&bed).await;
        assert_eq!(backlog.message.lane, Lane::Backlog);
        announce(&bed, "B", Lane::Counter, 2).await;
        bed.archive.queue.done(backlog).await.unwrap();
        for _ in 0..2 {
            let next = take(&bed).await;
            assert_eq!(next.message.lane, Lane::Counter, "round {round}");
            bed.archive.queue.done(next).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_only_got_carried_about_is_not_held_against_its_job() {
    let (wire, broker) = broker_by_wire().await;
    let often = Broker { delivery_limit: 3, ..broker };
    let bed = bed().await.again_with(|place| place.broker = Some(often)).await;
    bed.archive.queue.prefetch(4);
    announce(&bed, "A", Lane::Counter, 3).await;
    let first = take(&bed).await;
    // The other two are in the tray, and are carried back and forth.
    for _ in 0..8 {
        wire.cut();
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    bed.archive.queue.done(first).await.unwrap();
    for _ in 0..2 {
        let delivery = take(&bed).await;
        assert_eq!(delivery.attempt, 1);
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert!(bed.archive.records.parked(10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dossier_closed_while_its_seal_job_lies_at_the_broker_is_sealed_at_once() {
    let bed = bed().await;
    let dossier = open(&bed.archive, "A", Lane::Counter).await;
    accept(&bed.archive, dossier.id, &[1]).await;
    // As one that waited for more pages, and for which its time has come.
    let waited = "update outbox set job = 'seal', due_at = made_at + 1";
    assert_eq!(bed.tamper(waited).await, 1);
    let bed = bed.again_with(|place| place.broker = Some(broker())).await;
    while bed.tamper("update job set attempts = 0 where sent_at is not null").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bed.archive.records.close_dossier(dossier.id).await.unwrap();
    let next = tokio::time::timeout(Duration::from_secs(20), bed.archive.queue.next()).await;
    assert_eq!(next.unwrap().unwrap().message.dossier, dossier.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_lost_is_sent_again() {
    let lost = broker();
    let bed = Bed::pages("A", Lane::Counter, "5").await;
    let bed = bed.again_with(|place| place.broker = Some(lost.clone())).await;
    while bed.tamper("update job set sent_at = 1 where sent_at > 1").await < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let name = format!("{}.counter", lost.prefix);
    shared().ctl(&["-p", VHOST, "purge_queue", &name]);
    let mut seen = BTreeMap::new();
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        *seen.entry(page(&delivery)).or_insert(0) += 1;
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(seen, (1..=5).map(|page| (page, 1)).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_lost_is_sent_again_though_more_lies_there_by_now() {
    let lost = broker();
    let bed = Bed::pages("A", Lane::Counter, "5").await;
    let bed = bed.again_with(|place| place.broker = Some(lost.clone())).await;
    let sent = "update job set attempts = 0 where sent_at > 1";
    while bed.tamper(sent).await < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let name = format!("{}.counter", lost.prefix);
    shared().ctl(&["-p", VHOST, "purge_queue", &name]);
    announce(&bed, "B", Lane::Counter, 8).await;
    while bed.tamper(sent).await < 13 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Long ago. Nobody takes what was sent since.
    assert_eq!(bed.tamper("update job set sent_at = 1 where length(job_id) = 8").await, 5);
    let again = async {
        while bed.tamper(sent).await < 13 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("they stay lost");
    let mut attempts = Vec::new();
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        attempts.push(delivery.attempt);
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(attempts, [1; 13]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_that_were_made_with_another_delivery_limit_go_on() {
    let before = broker();
    let bed = bed().await.again_with(|place| place.broker = Some(before.clone())).await;
    announce(&bed, "A", Lane::Counter, 2).await;
    bed.archive.queue.done(take(&bed).await).await.unwrap();

    let fewer = Broker { delivery_limit: 3, ..before };
    let bed = bed.again_with(|place| place.broker = Some(fewer)).await;
    let next = tokio::time::timeout(Duration::from_secs(60), bed.archive.queue.next()).await;
    drop(next.expect("no job flows").unwrap());
    assert!(bed.archive.queue.flows());
    assert_eq!(bed.tamper("update job set attempts = 3, due_at = 0").await, 1);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let parked = bed.archive.records.parked(10).await.unwrap();
    assert_eq!((parked[0].code.as_str(), parked[0].attempts), ("queue.delivery_limit", 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_scans_are_accepted_and_their_jobs_come_when_it_does() {
    // Nobody listens on that port.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = nobody.local_addr().unwrap();
    drop(nobody);
    let broker = broker_at(free.port());
    let bed = bed().await.again_with(|place| place.broker = Some(broker)).await;
    announce(&bed, "A", Lane::Counter, 3).await;
    assert!(!bed.archive.queue.flows());
    let waiting = tokio::time::timeout(Duration::from_secs(1), bed.archive.queue.next()).await;
    assert!(waiting.is_err(), "there is nobody to bring a job");
    let listener = tokio::net::TcpListener::bind(free).await.unwrap();
    let _wire = Wire::from_to(listener, shared().port);
    for _ in 0..3 {
        let delivery = bed.archive.queue.next().await.unwrap();
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert!(bed.archive.queue.flows());
    let dossier = open(&bed.archive, "A", Lane::Counter).await;
    accept(&bed.archive, dossier.id, b"later").await;
    take(&bed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_go_over_tls_only_to_a_broker_that_is_vouched_for() {
    let over_tls = shared().broker_over_tls(VHOST);
    let bed = bed().await.again_with(|place| place.broker = Some(over_tls.clone())).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    bed.archive.queue.done(take(&bed).await).await.unwrap();

    // The authorities of this machine don't know it.
    let unvouched = Broker { ca: None, ..over_tls };
    let bed = bed.again_with(|place| place.broker = Some(unvouched)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!bed.archive.queue.flows());
}
