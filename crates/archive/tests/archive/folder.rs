//! The folder of the embedded form: one process has it, and no earlier version.

use std::time::Duration;

use archive::{Archive, ArchiveError, Place};
use schemas::message::Lane;

use crate::bed::bed;
use crate::queue::{announce, take};

#[tokio::test]
async fn two_processes_cannot_have_the_same_folder() {
    let bed = bed().await;
    let second = Archive::open(&Place::at(bed.form.dir())).await;
    assert!(matches!(second.err(), Some(ArchiveError::Locked(dir)) if dir == bed.form.dir()));
}

#[tokio::test]
async fn a_folder_that_a_later_version_wrote_is_refused() {
    let bed = bed().await;
    let later = "insert into _sqlx_migrations
        (version, description, success, checksum, execution_time) values (9999, 'x', 1, x'00', 0)";
    assert_eq!(bed.tamper(later).await, 1);
    bed.archive.close().await;
    let opened = Archive::open(&Place::at(bed.form.dir())).await;
    assert!(matches!(opened.err(), Some(ArchiveError::NewerSchema)));
}

#[tokio::test]
async fn what_was_announced_by_a_clock_that_was_ahead_comes_at_the_next_start() {
    let bed = bed().await;
    announce(&bed, "A", Lane::Counter, 4).await;
    let later = take(&bed).await;
    bed.archive.queue.retry(later, Duration::from_secs(1200)).await.unwrap();
    // By seven hours, as one that shows the time of day in Hanoi.
    let ahead = "update job set due_at = due_at + 25200000000, made_at = made_at + 25200000000
        where attempts = 0";
    assert_eq!(bed.tamper(ahead).await, 3);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let bed = bed.again().await;
    for _ in 0..3 {
        let delivery = take(&bed).await;
        assert_eq!(delivery.attempt, 1);
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert!(bed.archive.queue.take().await.unwrap().is_none(), "a pause is no clock's fault");
}
