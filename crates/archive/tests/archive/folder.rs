//! The folder of the embedded form: one process has it, and no earlier version.

use archive::{Archive, ArchiveError, Place};

use crate::bed::bed;

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
