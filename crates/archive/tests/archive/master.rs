//! The master key that an archive in a folder makes for itself.

use std::os::unix::fs::PermissionsExt;

use archive::{Archive, ArchiveError, Place};

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
