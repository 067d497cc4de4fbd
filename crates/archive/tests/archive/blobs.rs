//! Blobs in both forms: kept under their hash, whole or not at all, never handed out damaged.

use archive::{ArchiveError, Received};
use schemas::ids::Blake3;
use schemas::message::Lane;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::bed::{accept, findings, open};
use crate::shelf::both;

#[tokio::test]
async fn a_blob_is_kept_under_its_hash_and_a_dropped_one_leaves_nothing() {
    for shelf in both().await {
        let blobs = &shelf.archive.blobs;
        let bytes = vec![7; 3_000_000];
        let mut incoming = blobs.receive(None).await.unwrap();
        for chunk in bytes.chunks(40_000) {
            incoming.write(chunk).await.unwrap();
        }
        assert_eq!((incoming.len(), incoming.head()), (3_000_000, &[7; 64][..]));
        let Received { blake3: key, bytes: len, .. } = incoming.finish().await.unwrap();
        assert_eq!((key.0, len), (*blake3::hash(&bytes).as_bytes(), 3_000_000));
        assert_eq!(blobs.put(&bytes).await.unwrap(), key);
        assert_eq!(blobs.get(key).await.unwrap(), bytes);
        let (mut reader, len) = blobs.reader(key).await.unwrap();
        let mut streamed = Vec::new();
        reader.read_to_end(&mut streamed).await.unwrap();
        assert_eq!((streamed, len), (bytes, 3_000_000));
        assert!((3_000_000..3_010_000).contains(&blobs.stored(key).await.unwrap()));

        let mut cut_short = blobs.receive(None).await.unwrap();
        cut_short.write(b"half").await.unwrap();
        drop(cut_short);
        assert_eq!(shelf.incoming(), 0);
        assert_eq!(blobs.list().await.unwrap(), [key]);
        blobs.ready().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_there_is_missing_and_removed_already() {
    for shelf in both().await {
        let blobs = &shelf.archive.blobs;
        let nothing = Blake3([7; 32]);
        assert!(matches!(blobs.get(nothing).await, Err(ArchiveError::Missing(_))));
        assert!(matches!(blobs.reader(nothing).await.err(), Some(ArchiveError::Missing(_))));
        assert!(!blobs.contains(nothing).await.unwrap());
        blobs.remove(nothing).await.unwrap();
        let key = blobs.put(b"").await.unwrap();
        assert!(blobs.contains(key).await.unwrap());
        assert_eq!(blobs.get(key).await.unwrap(), b"");
        blobs.remove(key).await.unwrap();
        assert!(!blobs.contains(key).await.unwrap());
        assert_eq!(blobs.list().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_flipped_byte_is_never_handed_out() {
    for shelf in both().await {
        let blobs = &shelf.archive.blobs;
        let key = blobs.put(b"as it was").await.unwrap();
        for damaged in [b"as it wa5".as_slice(), b"as", b""] {
            shelf.overwrite(key, damaged).await;
            assert!(matches!(blobs.get(key).await, Err(ArchiveError::Corrupt { .. })));
            blobs.put(b"as it was").await.unwrap();
            assert_eq!(blobs.get(key).await.unwrap(), b"as it was", "sent again, it is whole");
        }
    }
}

#[tokio::test]
async fn the_same_bytes_from_many_sides_at_once_are_one_blob() {
    for shelf in both().await {
        let mut sending = JoinSet::new();
        for _ in 0..16 {
            let blobs = shelf.archive.blobs.clone();
            sending.spawn(async move { blobs.put(&[9; 100_000]).await });
        }
        let keys = sending.join_all().await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(shelf.archive.blobs.list().await.unwrap(), [keys[0]]);
        assert_eq!(shelf.archive.blobs.get(keys[0]).await.unwrap(), [9; 100_000]);
    }
}

#[tokio::test]
async fn a_check_sees_what_is_lost_and_what_is_damaged() {
    for shelf in both().await {
        let dossier = open(&shelf.archive, "H26.01", Lane::Counter).await.id;
        let lost = accept(&shelf.archive, dossier, b"one scan").await.scan.blake3;
        let damaged = accept(&shelf.archive, dossier, b"and another").await.scan.blake3;
        shelf.archive.blobs.put(b"whose row is about to be written").await.unwrap();
        assert_eq!(findings(&shelf.archive).await, [""; 0]);
        shelf.lose(lost).await;
        shelf.overwrite(damaged, b"and an0ther").await;
        let codes = findings(&shelf.archive).await;
        assert_eq!(codes, ["scan.bytes_damaged", "scan.bytes_missing"]);
        accept(&shelf.archive, dossier, b"one scan").await;
        accept(&shelf.archive, dossier, b"and another").await;
        assert_eq!(findings(&shelf.archive).await, [""; 0]);
    }
}
