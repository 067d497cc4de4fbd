//! How much waits, as metrics tell it and as intakes ask it.

use std::time::Duration;

use archive::Part;
use schemas::Uuid;
use schemas::message::Lane;

use crate::bed::{accept, bed, open};

#[tokio::test]
async fn what_waits_is_counted_by_lane_with_the_age_of_the_oldest_that_is_due() {
    let bed = bed().await;
    let depths = bed.archive.queue.depths().await.unwrap();
    assert!(depths.iter().all(|depth| depth.jobs == 0 && depth.oldest.is_zero()), "{depths:?}");
    let counter = open(&bed.archive, "A", Lane::Counter).await;
    for n in 0..3 {
        accept(&bed.archive, counter.id, &[n]).await;
    }
    let backlog = open(&bed.archive, "B", Lane::Backlog).await;
    accept(&bed.archive, backlog.id, &[9]).await;
    bed.tamper("update outbox set due_at = due_at - 60000000").await;
    let vitals = bed.archive.records.vitals().await.unwrap();
    assert!(near(vitals.outbox_lag, 60), "{vitals:?}");

    // Taking one relays the others.
    let taken = bed.archive.queue.take().await.unwrap().unwrap();
    let vitals = bed.archive.records.vitals().await.unwrap();
    assert_eq!((vitals.outbox_lag, vitals.parked), (Duration::ZERO, 0));
    let depths = bed.archive.queue.depths().await.unwrap();
    let told: Vec<_> = depths.iter().map(|d| (d.lane, d.jobs, near(d.oldest, 60))).collect();
    assert_eq!(told, [(Lane::Counter, 3, true), (Lane::Backlog, 1, true)]);
    bed.tamper("delete from job where lane = 'backlog'").await;
    bed.tamper("update job set due_at = due_at + 3600000000").await;
    let depths = bed.archive.queue.depths().await.unwrap();
    assert_eq!(depths[0].oldest, Duration::ZERO, "what is still to come is not late");
    drop(taken);
}

#[tokio::test]
async fn the_pace_is_that_of_all_workers_who_spoke_within_the_last_minute() {
    let bed = bed().await;
    let records = &bed.archive.records;
    assert_eq!(records.throughput().await.unwrap(), 0);
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    records.put_throughput(one, 7200).await.unwrap();
    records.put_throughput(two, 400).await.unwrap();
    records.put_throughput(one, 3600).await.unwrap();
    assert_eq!(records.throughput().await.unwrap(), 4000);
    bed.tamper("update pace set at = at - 61000000 where jobs_per_hour = 3600").await;
    assert_eq!(records.throughput().await.unwrap(), 400);
}

#[tokio::test]
async fn a_part_that_is_gone_is_missed() {
    let bed = bed().await;
    for part in Part::ALL {
        bed.archive.reach(part).await.unwrap();
    }
    std::fs::remove_dir_all(bed.form.dir().join("blobs")).unwrap();
    assert!(bed.archive.reach(Part::Store).await.is_err());
    bed.archive.clone().close().await;
    assert!(bed.archive.reach(Part::Database).await.is_err());
    assert!(bed.archive.reach(Part::Broker).await.is_err());
}

fn near(age: Duration, seconds: u64) -> bool {
    (seconds..seconds + 10).contains(&age.as_secs())
}
