//! What is plain is encrypted, in a folder and in a store alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::Encrypted;
use schemas::ids::Blake3;
use schemas::message::Lane;
use tokio::sync::Notify;

use crate::bed::{accept, findings, open};
use crate::shelf::{Shelf, both, noise};

/// Scans that rows need, and that lie plain as if there had been no keys when they came.
async fn plain(shelf: &Shelf, scans: &[Vec<u8>]) -> Vec<Blake3> {
    let dossier = open(&shelf.archive, "H26.01", Lane::Counter).await;
    let mut keys = Vec::new();
    for bytes in scans {
        let key = accept(&shelf.archive, dossier.id, bytes).await.scan.blake3;
        shelf.overwrite(key, bytes).await;
        keys.push(key);
    }
    keys
}

async fn encrypt(shelf: &Shelf, really: bool) -> Encrypted {
    shelf.archive.encrypt_plain(really, &|_| {}).await.unwrap()
}

#[tokio::test]
async fn what_is_plain_is_counted_and_encrypted_and_nothing_else_is_touched() {
    for shelf in both().await {
        let scans = [b"one scan".to_vec(), Vec::new(), noise(3 << 20, 21), noise(17 << 20, 22)];
        let keys = plain(&shelf, &scans).await;
        let damaged = plain(&shelf, &[b"another scan".to_vec()]).await[0];
        shelf.overwrite(damaged, b"something else").await;
        let orphan = shelf.archive.blobs.put(b"nobody's").await.unwrap();
        shelf.overwrite(orphan, b"nobody's").await;
        let dossier = open(&shelf.archive, "H26.01", Lane::Counter).await;
        let shut = accept(&shelf.archive, dossier.id, b"encrypted").await.scan.blake3;
        let before = shelf.stored(shut).await;

        let check = shelf.archive.check(None).await.unwrap();
        assert_eq!((check.plain, check.findings.len()), (4, 1), "the damaged one is a finding");
        let unread = shelf.archive.check(Some(0.0)).await.unwrap();
        assert_eq!((unread.plain, unread.findings.len()), (0, 0));
        let told = encrypt(&shelf, false).await;
        assert_eq!(told, Encrypted { seen: 6, encrypted: 0, plain: 5, missing: 0 });
        for (key, bytes) in keys.iter().zip(&scans) {
            assert!(shelf.stored(*key).await == *bytes, "only counted");
        }
        let done = encrypt(&shelf, true).await;
        assert_eq!(done, Encrypted { seen: 6, encrypted: 4, plain: 1, missing: 0 });
        for (key, bytes) in keys.iter().zip(&scans) {
            let stored = shelf.stored(*key).await;
            assert!(stored.starts_with(b"\x89sohoa") && bytes.len() < stored.len());
            assert!(shelf.archive.blobs.get(*key).await.unwrap() == *bytes);
        }
        assert_eq!(shelf.stored(damaged).await, b"something else");
        assert_eq!(shelf.stored(orphan).await, b"nobody's");
        assert!(shelf.stored(shut).await == before, "it was encrypted already");
        assert_eq!(findings(&shelf.archive).await, ["scan.bytes_damaged"]);
        assert_eq!(shelf.archive.check(None).await.unwrap().plain, 0);

        shelf.lose(damaged).await;
        let again = encrypt(&shelf, true).await;
        assert_eq!(again, Encrypted { seen: 6, encrypted: 0, plain: 0, missing: 1 });
    }
}

#[tokio::test]
async fn cut_off_it_goes_on_when_called_again_and_a_reader_never_notices() {
    for shelf in both().await {
        let scans: Vec<Vec<u8>> = (0..40).map(|n| noise(90_000, 1000 + n)).collect();
        let keys = plain(&shelf, &scans).await;
        let over = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn({
            let (archive, over) = (shelf.archive.clone(), Arc::clone(&over));
            let all: Vec<_> = keys.iter().copied().zip(scans.clone()).collect();
            async move {
                let mut rounds = 0;
                while !over.load(Ordering::Relaxed) {
                    for (key, bytes) in &all {
                        assert!(archive.blobs.get(*key).await.unwrap() == *bytes);
                    }
                    rounds += 1;
                }
                rounds
            }
        });

        let enough = Notify::new();
        let hears = |so_far: &Encrypted| {
            if so_far.encrypted == 8 {
                enough.notify_one();
            }
        };
        tokio::select! {
            done = shelf.archive.encrypt_plain(true, &hears) => panic!("not cut off: {done:?}"),
            () = enough.notified() => {}
        }
        let left = encrypt(&shelf, false).await.plain;
        assert!((1..=32).contains(&left), "{left}");
        let done = encrypt(&shelf, true).await;
        assert!(0 < done.encrypted && done.encrypted <= left, "{done:?}");
        assert_eq!(encrypt(&shelf, false).await.plain, 0);
        over.store(true, Ordering::Relaxed);
        assert!(0 < reader.await.unwrap());
        for (key, bytes) in keys.iter().zip(&scans) {
            assert!(shelf.stored(*key).await != *bytes);
        }
        assert_eq!(findings(&shelf.archive).await, [""; 0]);
    }
}
