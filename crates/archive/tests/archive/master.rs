//! The master key that an archive in a folder makes for itself.

use std::os::unix::fs::PermissionsExt;

use archive::{Archive, ArchiveError, Place};
use sqlx::{Connection, Executor};

use crate::form::Form;

#[tokio::test]
async fn the_first_start_makes_a_master_key_that_no_later_one_goes_without() {
    let dir = tempfile::tempdir().unwrap();
    let (place, file) = (Place::at(dir.path()), dir.path().join("master.key"));
    let archive = Archive::open(&place).await.unwrap();
    let scan = archive.blobs.put(b"one scan").await.unwrap();
    archive.close().await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let archive = Archive::open(&place).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
    archive.close().await;
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let refused = Archive::open(&place).await.err();
    assert!(matches!(refused, Some(ArchiveError::OtherMaster)), "{refused:?}");
    assert!(!file.exists(), "no other one is made in its place");
    std::fs::write(&file, kept).unwrap();
    Archive::open(&place).await.unwrap().close().await;
}

#[tokio::test]
async fn a_folders_master_key_is_changed_and_a_change_that_was_cut_off_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (place, file) = (Place::at(dir.path()), dir.path().join("master.key"));
    let archive = Archive::open(&place).await.unwrap();
    let scan = archive.blobs.put(b"one scan").await.unwrap();
    assert!(matches!(Archive::change_master(&place).await, Err(ArchiveError::Locked(_))));
    archive.close().await;
    let first = std::fs::read_to_string(&file).unwrap();
    assert_eq!(Archive::change_master(&place).await.unwrap(), 1);
    let second = std::fs::read_to_string(&file).unwrap();
    assert_ne!(first, second);
    // Cut off before there is a new one.
    std::fs::rename(&file, dir.path().join("master.key.former")).unwrap();
    let archive = Archive::open(&place).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
    archive.close().await;
    assert_eq!(Archive::change_master(&place).await.unwrap(), 1);
    assert!(!dir.path().join("master.key.former").exists());
    let archive = Archive::open(&place).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
}

#[tokio::test]
async fn whoever_works_beside_keeps_nothing_under_a_master_key_that_was_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::at(dir.path());
    let archive = Archive::open(&place).await.unwrap();
    let beside = Archive::open_beside(&place).await.unwrap();
    let scan = archive.blobs.put(b"one scan").await.unwrap();
    let other = beside.blobs.put(b"another scan").await.unwrap();
    archive.close().await;
    assert_eq!(Archive::change_master(&place).await.unwrap(), 2);
    let lost = beside.blobs.put(b"a third scan").await;
    assert!(matches!(lost, Err(ArchiveError::OtherMaster)), "{lost:?}");
    beside.close().await;
    let archive = Archive::open(&place).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
    assert_eq!(archive.blobs.get(other).await.unwrap(), b"another scan");
}

#[tokio::test]
async fn a_key_that_comes_where_a_pass_had_been_is_found_by_the_next() {
    let form = Form::new().await;
    let place = Place::at(form.dir());
    let archive = Archive::open(&place).await.unwrap();
    let scan = archive.blobs.put(b"one scan").await.unwrap();
    let other = archive.blobs.put(b"another scan").await.unwrap();
    archive.close().await;
    // The first of them comes when the other is wrapped, from a program that asks for no current
    // master key.
    let mut tool = form.tool().await;
    for sql in [
        "create table late as select * from data_key order by key_id limit 1",
        "delete from data_key where key_id in (select key_id from late)",
        "create trigger comes_late after update on data_key
         begin insert or ignore into data_key select * from late; end",
    ] {
        tool.execute(sql).await.unwrap();
    }
    tool.close().await.unwrap();
    assert_eq!(Archive::change_master(&place).await.unwrap(), 2);
    let archive = Archive::open(&place).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
    assert_eq!(archive.blobs.get(other).await.unwrap(), b"another scan");
}

#[tokio::test]
async fn a_key_that_is_lost_holds_no_former_master_key_in_the_folder() {
    let form = Form::new().await;
    let place = Place::at(form.dir());
    let archive = Archive::open(&place).await.unwrap();
    let scans = [
        archive.blobs.put(b"one scan").await.unwrap(),
        archive.blobs.put(b"another scan").await.unwrap(),
    ];
    archive.close().await;
    let mut tool = form.tool().await;
    let lose = "update data_key set wrapped = (select o.wrapped from data_key o
        where o.key_id <> data_key.key_id) where key_id = (select min(key_id) from data_key)";
    tool.execute(lose).await.unwrap();
    tool.close().await.unwrap();
    let changed = Archive::change_master(&place).await;
    assert!(matches!(changed, Err(ArchiveError::NoKey(_))), "{changed:?}");
    assert!(!form.dir().join("master.key.former").exists());
    let archive = Archive::open(&place).await.unwrap();
    let mut read = 0;
    for scan in scans {
        read += u32::from(archive.blobs.get(scan).await.is_ok());
    }
    assert_eq!(read, 1);
}

#[tokio::test]
async fn where_all_that_was_under_it_is_erased_another_master_key_takes_its_place() {
    let form = Form::new().await;
    let place = Place::at(form.dir());
    let archive = Archive::open(&place).await.unwrap();
    archive.blobs.put(b"one scan").await.unwrap();
    archive.close().await;
    let mut tool = form.tool().await;
    tool.execute("update data_key set wrapped = null").await.unwrap();
    tool.close().await.unwrap();
    std::fs::remove_file(form.dir().join("master.key")).unwrap();
    let archive = Archive::open(&place).await.unwrap();
    let scan = archive.blobs.put(b"another scan").await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"another scan");
}
