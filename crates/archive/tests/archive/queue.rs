//! The queue in both forms: order, turns, leases, waiting.

use std::time::{Duration, Instant};

use archive::{Broker, Delivery, RetryError};
use schemas::code::Reason;
use schemas::message::{Job, Lane};

use crate::bed::{Bed, accept, bed, open};

/// The broker, or none.
type Form = Option<Broker>;

impl Bed {
    /// Goes on in that form, with everything that was announced still to be taken.
    async fn carried_by(self, form: &Form) -> Bed {
        self.again_with(|place| place.broker = form.clone()).await
    }
}

/// Announces so many jobs of an office.
pub(crate) async fn announce(bed: &Bed, office: &str, lane: Lane, count: u8) {
    let dossier = open(&bed.archive, office, lane).await;
    for n in 0..count {
        accept(&bed.archive, dossier.id, &[n]).await;
    }
}

pub(crate) async fn take(bed: &Bed) -> Delivery {
    bed.archive.queue.take().await.unwrap().unwrap()
}

async fn offices_take_turns_and_the_counter_goes_first(form: Form) {
    let bed = bed().await;
    announce(&bed, "C", Lane::Backlog, 2).await;
    announce(&bed, "A", Lane::Counter, 5).await;
    announce(&bed, "B", Lane::Counter, 2).await;
    let bed = bed.carried_by(&form).await;
    let mut order = String::new();
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        order.push_str(delivery.message.office.as_str());
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(order, "ABABAAACC");
}

async fn a_job_is_nobody_elses_while_it_is_leased_and_gone_when_done(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let delivery = take(&bed).await;
    assert_eq!(delivery.attempt, 1);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    assert!(bed.archive.queue.extend(&delivery).await.unwrap());
    bed.archive.queue.done(delivery).await.unwrap();
    let bed = bed.again().await;
    assert!(bed.archive.queue.take().await.unwrap().is_none());
}

async fn a_job_in_hand_when_the_process_dies_comes_back(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let lost = take(&bed).await;
    let bed = bed.again().await;
    bed.form.leases_run_out().await;
    let again = take(&bed).await;
    assert_eq!((again.attempt, &again.message), (2, &lost.message));
    bed.archive.queue.done(again).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
}

async fn a_job_whose_lease_ran_out_comes_back_and_its_first_worker_cannot_end_it(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let slow = take(&bed).await;
    assert_eq!(bed.tamper("update job set due_at = 0").await, 1, "its worker is silent");
    bed.archive.queue.prefetch(2);
    let second = take(&bed).await;
    assert_eq!(second.attempt, 2);
    assert!(!bed.archive.queue.extend(&slow).await.unwrap());
    bed.archive.queue.done(slow).await.unwrap();
    assert!(bed.archive.queue.extend(&second).await.unwrap(), "still there");
}

async fn who_works_for_the_counter_alone_takes_its_jobs_and_those_whose_worker_is_silent(
    form: Form,
) {
    let bed = bed().await.carried_by(&form).await;
    bed.archive.queue.prefetch(3);
    announce(&bed, "A", Lane::Backlog, 1).await;
    let next = async || {
        let next = bed.archive.queue.next_of_counter();
        tokio::time::timeout(Duration::from_secs(5), next).await.ok().map(Result::unwrap)
    };
    assert!(next().await.is_none(), "of the backlog");
    announce(&bed, "A", Lane::Counter, 1).await;
    let slow = next().await.unwrap();
    assert_eq!((slow.message.lane, slow.attempt), (Lane::Counter, 1));
    bed.tamper("update job set due_at = 0 where lease is not null").await;
    assert_eq!(next().await.unwrap().attempt, 2);
    assert_eq!(take(&bed).await.message.lane, Lane::Backlog);
}

async fn a_job_to_be_retried_does_not_come_before_its_time(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let delivery = take(&bed).await;
    let began = Instant::now();
    let wait = Duration::from_millis(900);
    bed.archive.queue.retry(delivery, wait).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let again = bed.archive.queue.next().await.unwrap();
    assert_eq!(again.attempt, 2);
    let waited = began.elapsed();
    assert!(waited >= wait && waited < wait * 4, "{waited:?}");
}

async fn a_job_handed_back_comes_at_once_and_the_attempt_does_not_count(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    bed.archive.queue.hand_back(take(&bed).await).await.unwrap();
    let again = take(&bed).await;
    assert_eq!(again.attempt, 1);
    let late = again.clone();
    bed.archive.queue.done(again).await.unwrap();
    bed.archive.queue.hand_back(late).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none(), "it was over");
}

async fn a_job_that_nobody_ever_ends_is_parked_with_its_reason(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    drop(take(&bed).await);
    let worn_out = "update job set attempts = 20, due_at = 0";
    assert_eq!(bed.tamper(worn_out).await, 1, "nineteen more processes died over it");
    // With its only scan parked, the dossier can be filed.
    let filing = take(&bed).await;
    assert!(matches!(filing.message.job, Job::File { .. }), "{filing:?}");
    bed.archive.queue.done(filing).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let parked = bed.archive.records.parked(10).await.unwrap();
    assert_eq!((parked[0].code.as_str(), parked[0].attempts), ("queue.delivery_limit", 20));
    assert!(bed.archive.records.retry_parked(parked[0].id).await.unwrap());
    assert_eq!(take(&bed).await.attempt, 1, "a person said so");
}

async fn a_waiting_worker_is_woken_at_once(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 1).await;
    // By now the broker is there.
    bed.archive.queue.done(take(&bed).await).await.unwrap();
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

async fn many_workers_get_each_job_once(form: Form) {
    let bed = bed().await.carried_by(&form).await;
    announce(&bed, "A", Lane::Counter, 60).await;
    bed.archive.queue.prefetch(8);
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
    assert_eq!(all.len(), 60);
    all.dedup();
    assert_eq!(all.len(), 60);
}

async fn a_message_of_a_later_version_is_parked_and_comes_back_after_the_upgrade(form: Form) {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 1).await;
    let newer = r#"update outbox set message = replace(message, '"version":1', '"version":2')"#;
    assert_eq!(bed.tamper(newer).await, 1);
    let bed = bed.carried_by(&form).await;
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let parked = bed.archive.records.parked(10).await.unwrap();
    assert_eq!(parked[0].code, Reason::MessageUnknown.code());
    let refused = bed.archive.records.retry_parked(parked[0].id).await;
    assert!(matches!(refused, Err(RetryError::MessageUnknown)), "{refused:?}");
    let known = r#"update parked set message = replace(message, '"version":2', '"version":1')"#;
    assert_eq!(bed.tamper(known).await, 1, "it stays parked until the program knows it");
    assert!(bed.archive.records.retry_parked(parked[0].id).await.unwrap());
    assert!(matches!(take(&bed).await.message.job, Job::Unpack { .. }));
}

async fn too_much_waiting_shows_before_anything_is_lost(form: Form) {
    let bed = bed().await.carried_by(&form).await.again_with(|place| place.max_waiting_jobs = 3);
    let bed = bed.await;
    assert_eq!(bed.archive.records.waiting().await.unwrap().oldest, None);
    announce(&bed, "A", Lane::Counter, 2).await;
    let some = bed.archive.records.waiting().await.unwrap();
    assert!(some.jobs == 2 && some.room > 0 && some.oldest.is_some());
    announce(&bed, "B", Lane::Counter, 2).await;
    take(&bed).await;
    assert_eq!(bed.archive.records.waiting().await.unwrap().room, 0);
}

/// Runs each in both forms.
macro_rules! in_both_forms {
    ($($name:ident,)*) => {
        mod in_the_table {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(None).await;
            })*
        }

        mod through_the_broker {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(Some(crate::rabbitmq::broker())).await;
            })*
        }
    };
}

in_both_forms! {
    offices_take_turns_and_the_counter_goes_first,
    a_job_is_nobody_elses_while_it_is_leased_and_gone_when_done,
    a_job_in_hand_when_the_process_dies_comes_back,
    a_job_whose_lease_ran_out_comes_back_and_its_first_worker_cannot_end_it,
    who_works_for_the_counter_alone_takes_its_jobs_and_those_whose_worker_is_silent,
    a_job_to_be_retried_does_not_come_before_its_time,
    a_job_handed_back_comes_at_once_and_the_attempt_does_not_count,
    a_job_that_nobody_ever_ends_is_parked_with_its_reason,
    a_waiting_worker_is_woken_at_once,
    many_workers_get_each_job_once,
    a_message_of_a_later_version_is_parked_and_comes_back_after_the_upgrade,
    too_much_waiting_shows_before_anything_is_lost,
}
