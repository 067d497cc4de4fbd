//! A cluster without a master key, and one that gets one later.

use archive::{Archive, ArchiveError, Encrypted};
use tempfile::TempDir;

use crate::backup::{back_up, blob, restore};
use crate::bed::{bed_with, findings, masters};
use crate::form::Form;
use crate::hangs::ToldStore;

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

/// What encrypting one scan comes to where the database gives up on it while the store takes the
/// scan. What is done meanwhile changes one row each time; then the store is asked such requests.
async fn given_up(meanwhile: &[&'static str], asked_then: &[&str]) -> Encrypted {
    const GIVE_UP: &str = "select pg_terminate_backend(pid, 10000) from pg_stat_activity
        where datname = current_database() and state = 'idle in transaction'";
    let bed = bed_with(|place| place.masters = None).await;
    bed.scan(bed.dossier().await.id, b"one scan").await;
    let mut slow = ToldStore::start().await;
    let bed = bed.again_with(|place| {
        place.masters = Some(masters("5e", &[]));
        place.store = Some(slow.store.clone());
    });
    let bed = bed.await;
    let takes = async {
        // Whether it is plain, and then all of it.
        for _ in 0..2 {
            slow.asked("get ").await.answer("200 OK", "one scan");
        }
        let put = slow.asked("put ").await;
        assert_eq!(bed.tamper(GIVE_UP).await, 1);
        for &sql in meanwhile {
            assert_eq!(bed.tamper(sql).await, 1, "{sql}");
        }
        put.answer("200 OK", "");
        for request in asked_then {
            slow.asked(request).await.answer("200 OK", "");
        }
    };
    let hears = |_: &Encrypted| {};
    let (done, ()) = tokio::join!(bed.archive.encrypt_plain(true, &hears), takes);
    assert_eq!(bed.tamper("delete from removal").await, 0, "none is under way");
    done.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_erased_while_a_slow_store_took_it_is_not_back_unless_another_sent_it() {
    let erased = "delete from scan";
    let sent = "insert into data_key (key_id, about, wrapped, made_at)
        select 'another', about, wrapped, made_at from data_key";
    let one = Encrypted { seen: 1, encrypted: 1, plain: 0, missing: 0 };
    assert_eq!(given_up(&[], &[]).await, one, "it is needed as before");
    let taken_back = given_up(&[erased], &["head ", "delete "]).await;
    assert_eq!(taken_back, Encrypted { encrypted: 0, ..one });
    assert_eq!(given_up(&[erased, sent], &["head "]).await, one);
}
