//! The schema on a server: brought up to date by a step of its own, and taken as it is by
//! programs a little older or newer.

use archive::{Archive, ArchiveError};
use sqlx::Executor;
use tempfile::TempDir;

use crate::backup::{back_up, restore};
use crate::bed::{bed, findings};
use crate::form::{Form, server};

#[tokio::test]
async fn a_database_that_was_not_brought_up_to_date_is_refused_and_left_alone() {
    let form = Form::copy(server(), "template0").await;
    let opened = Archive::open(&form.place()).await;
    let error = opened.err().unwrap();
    assert!(matches!(error, ArchiveError::OlderSchema), "{error:?}");
    assert!(error.to_string().contains("sohoa migrate"), "{error}");

    let place = form.place();
    let at_once = tokio::join!(Archive::migrate(&place), Archive::migrate(&place));
    assert!(at_once.0.is_ok() && at_once.1.is_ok(), "{at_once:?}");
    assert!(Archive::open(&form.place()).await.is_ok());
}

#[tokio::test]
async fn a_later_schema_serves_while_it_says_so() {
    let form = Form::new().await;
    let mut tool = form.tool().await;
    let mut say = async |sql| sqlx::query(sql).execute(&mut tool).await.unwrap().rows_affected();
    let later = "insert into _sqlx_migrations
        (version, description, success, checksum, execution_time)
        values (9999, 'x', true, '\\x00', 0)";
    assert_eq!(say(later).await, 1);
    assert!(Archive::open(&form.place()).await.is_ok(), "it was only added to");
    assert!(Archive::migrate(&form.place()).await.is_ok(), "there is nothing to do");

    assert_eq!(say("update schema_floor set oldest = 9999").await, 1);
    let opened = Archive::open(&form.place()).await.err();
    assert!(matches!(opened, Some(ArchiveError::NewerSchema)), "{opened:?}");
    let migrated = Archive::migrate(&form.place()).await.err();
    assert!(matches!(migrated, Some(ArchiveError::NewerSchema)), "{migrated:?}");
}

#[tokio::test]
async fn a_view_that_came_with_an_extension_is_in_no_backup_and_in_nobodys_way() {
    const VIEW: &str = "create view statements as select now() as since, true as is_there";
    let (bed, form, dir) = (bed().await, Form::new().await, TempDir::new().unwrap());
    let scan = bed.scan(bed.dossier().await.id, b"one scan").await.blake3;
    for form in [&bed.form, &form] {
        form.tool().await.execute(VIEW).await.unwrap();
    }
    back_up(&bed.archive, dir.path()).await.unwrap();
    assert!(!dir.path().join("moments/000001/rows/statements.jsonl").exists());
    restore(&form.place(), dir.path()).await.unwrap();
    let archive = Archive::open(&form.place()).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
    assert_eq!(findings(&archive).await, [""; 0]);
}
