//! An S3 store that is far away, slow, wrong, or full.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use archive::{Archive, ArchiveError, Encryption, Patience, Place, SecretKey, Store};
use jiff::Timestamp;
use schemas::ids::Blake3;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::bed::{accept, bed, new_scan};
use crate::disk::SmallDisk;
use crate::proxy::{Mood, Proxy};
use crate::shelf::{STORE, Shelf, client, impatient, name, noise, shelf, started, store, uploads};

/// An archive that speaks to the store through a proxy, with little patience.
async fn behind_a_proxy(attempts: u32) -> (Shelf, Proxy) {
    let mut store = impatient(store());
    store.patience.attempts = attempts;
    let proxy = Proxy::start(STORE).await;
    let endpoint = Some(format!("http://{}", proxy.address()));
    (shelf(Some(Store { endpoint, ..store })).await, proxy)
}

fn unavailable<T>(answer: Result<T, ArchiveError>) -> bool {
    matches!(answer, Err(ArchiveError::Unavailable { .. }))
}

#[tokio::test]
async fn a_large_scan_goes_up_in_parts_and_comes_back_whole() {
    let store = store();
    let shelf = shelf(Some(store.clone())).await;
    let bytes = noise((24 << 20) + 5, 1);
    let key = shelf.archive.blobs.put(&bytes).await.unwrap();
    assert_eq!(shelf.archive.blobs.put(&bytes).await.unwrap(), key, "a second time too");
    let head = client().head_object().bucket("sohoa").key(name(&store, key));
    let tag = head.send().await.unwrap().e_tag.unwrap();
    assert!(tag.trim_matches('"').ends_with("-4"), "four parts: {tag}");
    assert!(shelf.archive.blobs.get(key).await.unwrap() == bytes);
    let (mut reader, len) = shelf.archive.blobs.reader(key).await.unwrap();
    let mut streamed = Vec::new();
    reader.read_to_end(&mut streamed).await.unwrap();
    assert!(streamed == bytes && len == bytes.len() as u64);
    assert_eq!((uploads(&store).await, shelf.incoming()), (0, 0));
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_to_read() {
    let (shelf, proxy) = behind_a_proxy(2).await;
    let blobs = &shelf.archive.blobs;
    for len in [3 << 20, 20 << 20] {
        let bytes = noise(len, 2);
        proxy.is(Mood::CutsGoing(2 << 20));
        assert!(unavailable(blobs.put(&bytes).await));
        proxy.is(Mood::Fair);
        let key = Blake3(*blake3::hash(&bytes).as_bytes());
        assert!(!blobs.contains(key).await.unwrap());
        assert_eq!(blobs.list().await.unwrap(), []);
        assert_eq!((uploads(shelf.store.as_ref().unwrap()).await, shelf.incoming()), (0, 0));
        blobs.put(&bytes).await.unwrap();
        assert!(blobs.get(key).await.unwrap() == bytes);
        blobs.remove(key).await.unwrap();
    }
}

#[tokio::test]
async fn an_upload_whose_process_died_is_cleared_away_once_it_is_old() {
    let store = store();
    let key = Blake3([1; 32]);
    let begin = client().create_multipart_upload().bucket("sohoa").key(name(&store, key));
    begin.send().await.unwrap();
    let of_a_day = shelf(Some(store.clone())).await;
    assert_eq!(of_a_day.archive.check(None).await.unwrap().findings.len(), 0, "it may be alive");
    let patience = Patience { abandoned: Duration::ZERO, ..Patience::default() };
    let at_once = shelf(Some(Store { patience, ..store.clone() })).await;
    let found = at_once.archive.check(None).await.unwrap();
    assert_eq!(found.findings.len(), 1);
    assert_eq!(found.findings[0].code, "blob.upload");
    assert_eq!(at_once.archive.mend(&found).await.unwrap().len(), 1);
    assert_eq!(uploads(&store).await, 0);
    assert_eq!(at_once.archive.check(None).await.unwrap().findings.len(), 0);
    assert_eq!(at_once.archive.mend(&found).await.unwrap().len(), 1, "cleared already");
}

#[tokio::test]
async fn what_was_half_received_is_cleared_away_once_it_is_old() {
    let shelf = shelf(Some(store())).await;
    let old = shelf.dir.path().join("incoming").join("old");
    std::fs::write(&old, b"half").unwrap();
    let two_days = Duration::from_secs(2 * 24 * 3600);
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(std::time::SystemTime::now() - two_days).unwrap();
    let mut received = shelf.archive.blobs.receive(None).await.unwrap();
    received.write(&noise(2 << 20, 11)).await.unwrap();
    let place = Place { store: shelf.store.clone(), ..Place::at(shelf.dir.path()) };
    let beside = Archive::open_beside(&place).await.unwrap();
    assert_eq!(shelf.incoming(), 1, "the one that is being received");
    let key = received.finish().await.unwrap().blake3;
    assert!(beside.blobs.get(key).await.unwrap() == noise(2 << 20, 11));
}

#[tokio::test]
async fn a_store_in_trouble_is_given_up_soon_and_works_when_it_is_over() {
    let (shelf, proxy) = behind_a_proxy(2).await;
    let blobs = &shelf.archive.blobs;
    let there = blobs.put(&noise(50_000, 3)).await.unwrap();
    let troubles = [
        Mood::Answers(500),
        Mood::Answers(503),
        Mood::Hangs,
        Mood::Slow(100),
        Mood::Refuses,
        Mood::CutsGoing(20),
        Mood::CutsComing(20),
    ];
    for (n, mood) in (0..).zip(troubles) {
        proxy.is(mood);
        proxy.connections();
        let new = noise(60_000, 100 + n);
        let began = Instant::now();
        let (put, got, seen, listed, ready) = tokio::join!(
            blobs.put(&new),
            blobs.get(there),
            blobs.contains(there),
            blobs.list(),
            blobs.ready(),
        );
        let took = began.elapsed();
        assert!(unavailable(put), "{mood:?}");
        assert!(unavailable(got), "{mood:?}");
        assert!(unavailable(seen), "{mood:?}");
        assert!(unavailable(listed), "{mood:?}");
        assert!(unavailable(ready), "{mood:?}");
        assert!(took < Duration::from_secs(4), "{mood:?}: {took:?}");
        assert!(5 < proxy.connections(), "{mood:?}: tried again");
        assert_eq!(shelf.incoming(), 0);

        proxy.is(Mood::Fair);
        blobs.ready().await.unwrap();
        assert_eq!(blobs.get(there).await.unwrap(), noise(50_000, 3));
        let key = blobs.put(&new).await.unwrap();
        assert_eq!(blobs.get(key).await.unwrap(), new, "{mood:?}");
    }
    assert_eq!(blobs.list().await.unwrap().len(), 1 + troubles.len());
}

#[tokio::test]
async fn a_bit_that_flips_on_the_way_is_noticed_by_the_store() {
    let (shelf, proxy) = behind_a_proxy(2).await;
    for len in [200_000, 17 << 20] {
        proxy.is(Mood::Flips(150_000));
        assert!(unavailable(shelf.archive.blobs.put(&noise(len, 10)).await));
        proxy.is(Mood::Fair);
        assert_eq!(shelf.archive.blobs.list().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_store_that_stumbles_is_not_noticed() {
    let (shelf, proxy) = behind_a_proxy(5).await;
    let blobs = &shelf.archive.blobs;
    for mood in [Mood::Answers(503), Mood::Refuses, Mood::CutsComing(1)] {
        proxy.is(mood);
        proxy.connections();
        let bytes = format!("{mood:?}");
        let (key, ()) = tokio::join!(blobs.put(bytes.as_bytes()), async {
            while proxy.connections() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            proxy.is(Mood::Fair);
        });
        assert_eq!(blobs.get(key.unwrap()).await.unwrap(), bytes.as_bytes());
    }
}

#[tokio::test]
async fn a_removal_that_is_carried_out_late_takes_nothing_that_was_acknowledged() {
    let proxy = Proxy::start(STORE).await;
    let endpoint = Some(format!("http://{}", proxy.address()));
    let store = Store { endpoint, ..impatient(store()) };
    let bed = bed().await.again_with(|place| place.store = Some(store)).await;
    let (records, blobs) = (&bed.archive.records, &bed.archive.blobs);
    let dossier = bed.dossier().await;
    let key = blobs.put(b"nobody's").await.unwrap();

    proxy.is(Mood::Old(Duration::from_secs(10)));
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(found.findings.len(), 1);
    assert_eq!(bed.archive.mend(&found).await.unwrap(), [], "nothing says that it was removed");
    assert_eq!(blobs.put(b"nobody's").await.unwrap(), key);
    let scan = new_scan(dossier.id, key, None);
    assert!(records.accept_scan(&scan, Timestamp::now()).await.is_err(), "it may yet be");
    assert_eq!(bed.archive.mend(&found).await.unwrap(), []);

    let removed = async {
        while blobs.contains(key).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), removed).await.expect("the store forgot it");
    assert!(records.accept_scan(&scan, Timestamp::now()).await.is_err(), "there may be another");
    assert_eq!(bed.tamper("update removal set asked_at = asked_at - 3600000000").await, 1);
    accept(&bed.archive, dossier.id, b"nobody's").await;
    assert_eq!(blobs.get(key).await.unwrap(), b"nobody's");
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_nothing() {
    let (shelf, proxy) = behind_a_proxy(2).await;
    proxy.is(Mood::Answers(507));
    for len in [1000, 17 << 20] {
        let refused = shelf.archive.blobs.put(&noise(len, 4)).await;
        assert!(matches!(refused, Err(ArchiveError::Full)), "{refused:?}");
    }
    proxy.is(Mood::Fair);
    assert_eq!(shelf.archive.blobs.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_full_disk_before_the_store_is_full_and_never_half_a_scan() {
    let Some(disk) = SmallDisk::mount() else { return };
    let place = Place { store: Some(store()), ..Place::at(disk.path()) };
    let archive = Archive::open(&place).await.unwrap();
    let small = archive.blobs.put(&noise(100_000, 5)).await.unwrap();
    let refused = archive.blobs.put(&noise(3 << 20, 6)).await;
    assert!(matches!(refused, Err(ArchiveError::Full)), "{refused:?}");
    assert_eq!(archive.blobs.list().await.unwrap(), [small]);
    assert_eq!(std::fs::read_dir(disk.path().join("incoming")).unwrap().count(), 0);
    archive.blobs.put(&noise(100_000, 7)).await.unwrap();
    archive.close().await;
}

#[tokio::test]
async fn a_wrong_bucket_or_key_is_trouble_and_not_a_missing_blob() {
    let bucket = Store { bucket: "nobodys".to_owned(), ..store() };
    let secret = Store { secret_key: SecretKey::new("wrong".to_owned()), ..store() };
    for wrong in [bucket, secret] {
        let shelf = shelf(Some(impatient(wrong))).await;
        let blobs = &shelf.archive.blobs;
        let (got, put) = (blobs.get(Blake3([1; 32])).await, blobs.put(b"scan").await);
        assert!(unavailable(got));
        assert!(unavailable(put));
        assert!(unavailable(blobs.list().await));
        assert!(unavailable(blobs.ready().await));
    }
    let endpoint = Store { endpoint: Some("127.0.0.1:28333".to_owned()), ..store() };
    let dir = tempfile::tempdir().unwrap();
    let place = Place { store: Some(endpoint), ..Place::at(dir.path()) };
    assert!(unavailable(Archive::open(&place).await));
}

#[tokio::test]
async fn a_store_over_tls_is_believed_by_its_own_authority_alone() {
    let folder = started();
    let tls = Store { endpoint: Some("https://localhost:28341".to_owned()), ..impatient(store()) };
    let known = shelf(Some(Store { ca: Some(folder.join("ca.pem")), ..tls.clone() })).await;
    let key = known.archive.blobs.put(&noise(20 << 20, 8)).await.unwrap();
    assert!(known.archive.blobs.get(key).await.unwrap() == noise(20 << 20, 8));

    let unknown = shelf(Some(tls.clone())).await;
    assert!(unavailable(unknown.archive.blobs.get(key).await));
    assert!(unavailable(unknown.archive.blobs.put(b"secret").await));
    let garbled = known.dir.path().join("garbled.pem");
    let pem = std::fs::read_to_string(folder.join("ca.pem")).unwrap();
    std::fs::write(&garbled, pem.replace('M', "-")).unwrap();
    for nonsense in [garbled, folder.join("s3.json"), folder.join("nowhere.pem")] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store { ca: Some(nonsense), ..tls.clone() };
        let place = Place { store: Some(store), ..Place::at(dir.path()) };
        assert!(unavailable(Archive::open(&place).await));
    }
}

#[tokio::test]
async fn a_store_encrypts_when_it_is_told_to() {
    let store = Store { encryption: Some(Encryption::Own), ..store() };
    let shelf = shelf(Some(store.clone())).await;
    for len in [1000, 17 << 20] {
        let key = shelf.archive.blobs.put(&noise(len, 9)).await.unwrap();
        let head = client().head_object().bucket("sohoa").key(name(&store, key)).send().await;
        let encryption = head.unwrap().server_side_encryption.unwrap();
        assert_eq!(encryption.as_str(), "AES256");
        assert!(shelf.archive.blobs.get(key).await.unwrap() == noise(len, 9));
    }
}

#[tokio::test]
async fn more_blobs_than_a_store_lists_at_once_are_all_listed() {
    let shelf = shelf(Some(store())).await;
    let (mut sending, mut sent) = (JoinSet::new(), HashSet::new());
    for n in 0..1010_u32 {
        let blobs = shelf.archive.blobs.clone();
        sending.spawn(async move { blobs.put(&n.to_be_bytes()).await.unwrap() });
        if sending.len() == 32 {
            sent.extend(sending.join_next().await.unwrap());
        }
    }
    sent.extend(sending.join_all().await);
    let listed = shelf.archive.blobs.list().await.unwrap();
    assert_eq!(listed.len(), 1010);
    assert_eq!(listed.into_iter().collect::<HashSet<_>>(), sent);
}

#[test]
fn a_place_that_is_shown_shows_no_secret() {
    let place = Place { store: Some(store()), ..Place::at("/nowhere") };
    let shown = format!("{place:?}");
    assert!(shown.contains("127.0.0.1:28333") && !shown.contains("sohoa-local"), "{shown}");
}

#[tokio::test]
async fn a_backup_takes_blobs_from_a_store_and_gives_them_to_another() {
    let shelf = shelf(Some(store())).await;
    let dossier = crate::bed::open(&shelf.archive, "H26.01", schemas::message::Lane::Counter).await;
    let long = vec![7; 3 << 20];
    for bytes in [b"short".as_slice(), &long] {
        crate::bed::accept(&shelf.archive, dossier.id, bytes).await;
    }
    let backup = tempfile::tempdir().unwrap();
    let done = crate::backup::back_up(&shelf.archive, backup.path()).await.unwrap();
    // A tag for each chunk of 64 KiB.
    assert_eq!((done.blobs, done.copied_bytes), (2, 5 + 72 + (3 << 20) + 56 + 48 * 16));

    let dir = tempfile::tempdir().unwrap();
    let master = |dir: &tempfile::TempDir| dir.path().join("master.key");
    std::fs::copy(master(&shelf.dir), master(&dir)).unwrap();
    let place = Place { store: Some(store()), ..Place::at(dir.path()) };
    crate::backup::restore(&place, backup.path()).await.unwrap();
    let copy = Archive::open(&place).await.unwrap();
    assert_eq!(crate::bed::findings(&copy).await, [""; 0]);
    assert_eq!(copy.blobs.list().await.unwrap().len(), 2);
}
