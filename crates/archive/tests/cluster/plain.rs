//! A cluster without a master key, and one that gets one later.

use archive::{Archive, ArchiveError, Encrypted};
use tempfile::TempDir;

use crate::backup::{back_up, blob, restore};
use crate::bed::{bed_with, findings, masters};
use crate::form::Form;

#[tokio::test]
async fn what_came_before_the_master_key_is_read_as_it_is() {
    let bed = bed_with(|place| place.masters = None).await;
    let dossier = bed.dossier().await;
    let plain = bed.scan(dossier.id, b"one scan").await.blake3;
    assert_eq!(std::fs::read(bed.blob(plain)).unwrap(), b"one scan");
    assert_eq!(bed.archive.check(None).await.unwrap().plain, 0, "there is no key to encrypt with");
    let bed = bed.again_with(|place| place.masters = Some(masters("5e", &[]))).await;
    let shut = bed.scan(dossier.id, b"another scan").await.blake3;
    assert_eq!(bed.archive.blobs.get(plain).await.unwrap(), b"one scan");
    assert_eq!(bed.archive.blobs.get(shut).await.unwrap(), b"another scan");
    assert_ne!(std::fs::read(bed.blob(shut)).unwrap(), b"another scan");
    let check = bed.archive.check(None).await.unwrap();
    assert_eq!((check.plain, check.findings), (1, Vec::new()));
    // From then on nobody does without.
    let mut place = bed.form.place();
    place.masters = None;
    let refused = archive::Archive::open(&place).await.err();
    assert!(matches!(refused, Some(ArchiveError::OtherMaster)), "{refused:?}");
}

#[tokio::test]
async fn what_came_before_the_master_key_is_encrypted_and_backups_go_on_restoring() {
    let bed = bed_with(|place| place.masters = None).await;
    let dossier = bed.dossier().await;
    let plain = bed.scan(dossier.id, b"one scan").await.blake3;
    let nothing = bed.archive.encrypt_plain(true, &|_| {}).await;
    assert!(matches!(nothing, Err(ArchiveError::NoKey(_))), "{nothing:?}");
    let (old, both) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for dir in [&old, &both] {
        bed.archive.back_up(dir.path(), None, &|_| {}).await.unwrap();
    }

    let bed = bed.again_with(|place| place.masters = Some(masters("5e", &[]))).await;
    bed.scan(dossier.id, b"another scan").await;
    let made = back_up(&bed.archive, both.path()).await.unwrap();
    assert_eq!((made.blobs, made.copied), (2, 1), "plain here and there");
    let done = bed.archive.encrypt_plain(true, &|_| {}).await.unwrap();
    assert_eq!(done, Encrypted { seen: 2, encrypted: 1, plain: 0, missing: 0 });
    assert_ne!(std::fs::read(bed.blob(plain)).unwrap(), b"one scan");
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    for copied in [1, 0] {
        let made = back_up(&bed.archive, both.path()).await.unwrap();
        assert_eq!((made.blobs, made.copied), (2, copied));
        let (here, there) = (bed.blob(plain), blob(both.path(), plain));
        assert_eq!(std::fs::read(here).unwrap(), std::fs::read(there).unwrap());
    }
    assert!(archive::verify(both.path(), &|_| {}).await.unwrap().is_whole());

    let (form, before) = (Form::new().await, Form::new().await);
    restore(&form.place(), both.path()).await.unwrap();
    Archive::restore(&before.place(), old.path(), None, &|_| {}).await.unwrap();
    for form in [&form, &before] {
        let archive = Archive::open(&form.place()).await.unwrap();
        assert_eq!(archive.blobs.get(plain).await.unwrap(), b"one scan");
        assert_eq!(findings(&archive).await, [""; 0]);
    }
}
