//! What is kept is encrypted, and what is erased with its key is erased in every backup.

use std::time::{Duration, SystemTime};

use archive::{Archive, ArchiveError, BackupError, Place};
use schemas::access::{PrincipalKind, Secret};
use schemas::audit::Actor;
use schemas::ids::{Blake3, PrincipalId};
use sqlx::Connection;
use tempfile::TempDir;

use crate::backup::{back_up, blob, keys, restore};
use crate::bed::{Bed, at, bed, findings, masters};
use crate::form::Form;
use crate::subjects::{done, erase};

fn hash(bytes: &[u8]) -> Blake3 {
    Blake3(*blake3::hash(bytes).as_bytes())
}

/// Everything that is there came hours ago.
pub(crate) async fn hours_later(bed: &Bed) {
    let then = SystemTime::now() - Duration::from_secs(7200);
    for key in bed.archive.blobs.list().await.unwrap() {
        let file = std::fs::File::options().write(true).open(bed.blob(key)).unwrap();
        file.set_modified(then).unwrap();
    }
    assert!(bed.tamper("update data_key set made_at = 1").await > 0);
}

#[tokio::test]
async fn what_is_erased_is_erased_in_every_backup_and_nothing_else_is() {
    let bed = bed().await;
    let (dossier, record) = done(&bed).await;
    let other = bed.dossier().await;
    // The same paper, and one of its own.
    bed.scan(other.id, b"one scan").await;
    bed.scan(other.id, b"another scan").await;
    let old = TempDir::new().unwrap();
    back_up(&bed.archive, old.path()).await.unwrap();

    hours_later(&bed).await;
    let erased = erase(&bed, dossier.id, true, true).await.unwrap();
    assert_eq!((erased.blobs, erased.blobs_left), (3, 1), "one is another dossier's, too");
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    let today = TempDir::new().unwrap();
    back_up(&bed.archive, today.path()).await.unwrap();

    // The backup from before, with the keys of today.
    let form = Form::new().await;
    let place = form.place();
    Archive::restore(&place, old.path(), Some(&keys(today.path())), &|_| {}).await.unwrap();
    let archive = Archive::open(&place).await.unwrap();
    let bed = Bed { form, place, archive };
    assert_eq!(findings(&bed.archive).await, ["page.erased", "page.erased", "record.erased"]);
    let found = bed.archive.check(Some(0.0)).await.unwrap();
    assert_eq!((found.findings.len(), found.hashed), (3, 0), "without reading a blob, too");
    let pdf = bed.archive.blobs.get(record.pdf).await;
    assert!(matches!(pdf, Err(ArchiveError::Erased(_))), "{pdf:?}");
    assert_eq!(bed.archive.blobs.get(hash(b"one scan")).await.unwrap(), b"one scan");
    assert_eq!(bed.archive.blobs.get(hash(b"another scan")).await.unwrap(), b"another scan");
    assert!(bed.archive.mend(&found).await.unwrap().is_empty(), "erased stays erased");

    // Its rows came back with the backup, and go as they did before.
    hours_later(&bed).await;
    let again = erase(&bed, dossier.id, true, true).await.unwrap();
    assert_eq!((again.records, again.blobs), (vec![record.id], 3));
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn what_came_again_after_it_was_erased_comes_back_from_a_backup_that_had_it_before() {
    let bed = bed().await;
    let (dossier, _) = done(&bed).await;
    let dir = TempDir::new().unwrap();
    back_up(&bed.archive, dir.path()).await.unwrap();
    hours_later(&bed).await;
    erase(&bed, dossier.id, true, true).await.unwrap();
    let scan = bed.scan(bed.dossier().await.id, b"one scan").await.blake3;
    for copied in [1, 0] {
        let made = back_up(&bed.archive, dir.path()).await.unwrap();
        assert_eq!((made.blobs, made.copied), (1, copied));
    }

    let form = Form::new().await;
    restore(&form.place(), dir.path()).await.unwrap();
    let archive = Archive::open(&form.place()).await.unwrap();
    assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
    assert_eq!(findings(&archive).await, [""; 0]);
}

#[tokio::test]
async fn what_a_place_still_has_gives_way_to_the_backup_only_where_its_key_is_lost() {
    let bed = bed().await;
    let scan = bed.scan(bed.dossier().await.id, b"one scan").await.blake3;
    let (before, after) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    back_up(&bed.archive, before.path()).await.unwrap();
    // Written anew, under a key that only the later copy of the keys has.
    bed.archive.blobs.put(b"one scan").await.unwrap();
    back_up(&bed.archive, after.path()).await.unwrap();
    for (with, copied) in [(before.path(), 1), (after.path(), 0)] {
        let (form, with) = (Form::new().await, keys(with));
        let there = blob(form.dir(), scan);
        std::fs::create_dir_all(there.parent().unwrap()).unwrap();
        std::fs::copy(bed.blob(scan), there).unwrap();
        let place = form.place();
        let restored = Archive::restore(&place, before.path(), Some(&with), &|_| {}).await;
        assert_eq!(restored.unwrap().copied, copied);
        let archive = Archive::open(&place).await.unwrap();
        assert_eq!(archive.blobs.get(scan).await.unwrap(), b"one scan");
        assert_eq!(findings(&archive).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_backup_without_its_keys_or_the_master_key_is_not_restored() {
    let bed = bed().await;
    let (_, record) = done(&bed).await;
    let dir = TempDir::new().unwrap();
    let nowhere = bed.archive.back_up(dir.path(), None, &|_| {}).await;
    assert!(matches!(nowhere, Err(BackupError::KeysNowhere)), "{nowhere:?}");
    let inside = bed.archive.back_up(dir.path(), Some(&dir.path().join("k")), &|_| {}).await;
    assert!(matches!(inside, Err(BackupError::KeysInside(_))), "{inside:?}");
    back_up(&bed.archive, dir.path()).await.unwrap();
    let stored = std::fs::read(blob(dir.path(), record.pdf)).unwrap();
    let clear = bed.archive.blobs.get(record.pdf).await.unwrap();
    assert!(!stored.windows(clear.len()).any(|bytes| bytes == clear));

    let form = Form::new().await;
    let place = form.place();
    let refused = Archive::restore(&place, dir.path(), None, &|_| {}).await;
    assert!(matches!(refused, Err(BackupError::KeysNowhere)), "{refused:?}");
    let mut wrong = form.place();
    wrong.masters = Some(masters("77", &[]));
    let refused = restore(&wrong, dir.path()).await;
    assert!(matches!(refused, Err(BackupError::Archive(ArchiveError::OtherMaster))), "{refused:?}");
    let file = keys(dir.path());
    let whole = std::fs::read_to_string(&file).unwrap();
    for bad in [whole.replacen("null", "1", 1), whole.lines().next().unwrap().to_owned()] {
        std::fs::write(&file, bad).unwrap();
        let refused = restore(&place, dir.path()).await;
        assert!(matches!(refused, Err(BackupError::Damaged(_))), "{refused:?}");
    }
    std::fs::write(&file, whole).unwrap();
    restore(&place, dir.path()).await.unwrap();
    let copy = Archive::open(&place).await.unwrap();
    assert_eq!(copy.blobs.get(record.pdf).await.unwrap(), clear);
}

#[tokio::test]
async fn a_key_that_is_lost_or_anothers_opens_nothing_and_a_check_says_so() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"one scan").await;
    let other = bed.scan(dossier.id, b"another scan").await;
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    // One gets the other's.
    let swap = "update data_key set wrapped = (select o.wrapped from data_key o
        where o.about <> data_key.about) where about = (select min(about) from data_key)";
    assert_eq!(bed.tamper(swap).await, 1);
    let first = scan.blake3.min(other.blake3);
    assert!(matches!(bed.archive.blobs.get(first).await, Err(ArchiveError::NoKey(_))));
    assert_eq!(bed.tamper("delete from data_key").await, 2);
    assert!(matches!(bed.archive.blobs.get(scan.blake3).await, Err(ArchiveError::NoKey(_))));
    assert_eq!(findings(&bed.archive).await, ["scan.key_missing"; 2]);
    // Sent again, they can be read again.
    bed.scan(dossier.id, b"one scan").await;
    bed.scan(dossier.id, b"another scan").await;
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn keys_of_what_never_came_or_is_gone_are_erased_once_they_are_old() {
    let bed = bed().await;
    let key = bed.archive.blobs.put(b"nobody's").await.unwrap();
    std::fs::remove_file(bed.blob(key)).unwrap();
    assert_eq!(findings(&bed.archive).await, [""; 0], "it may be about to be written");
    bed.tamper("update data_key set made_at = 1").await;
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(found.findings[0].code, "key.orphan");
    assert_eq!(bed.archive.mend(&found).await.unwrap().len(), 1);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert_eq!(bed.tamper("update data_key set made_at = 1 where wrapped is null").await, 1);
}

#[tokio::test]
async fn another_master_key_takes_over_what_the_former_one_had() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"one scan").await.blake3;
    let bed = bed.again_with(|place| place.masters = Some(masters("77", &["5e"]))).await;
    assert_eq!(bed.archive.blobs.get(scan).await.unwrap(), b"one scan");
    let other = bed.archive.blobs.put(b"under the former one, too").await.unwrap();
    assert_eq!(bed.archive.rewrap_keys().await.unwrap(), 2);
    let new = bed.archive.blobs.put(b"under the new one").await.unwrap();
    assert_eq!(bed.archive.rewrap_keys().await.unwrap(), 0);
    let bed = bed.again_with(|place| place.masters = Some(masters("77", &[]))).await;
    assert_eq!(bed.archive.blobs.get(scan).await.unwrap(), b"one scan");
    assert_eq!(bed.archive.blobs.get(other).await.unwrap(), b"under the former one, too");
    assert_eq!(bed.archive.blobs.get(new).await.unwrap(), b"under the new one");
    let Bed { place, archive, form } = bed;
    archive.close().await;
    let former = archive::Place { masters: at(form.dir()).masters, ..place };
    let refused = Archive::open(&former).await.err();
    assert!(matches!(refused, Some(ArchiveError::OtherMaster)), "{refused:?}");
}

#[tokio::test]
async fn whoever_lacks_the_new_master_key_keeps_nothing_once_it_is_the_current_one() {
    let bed = bed().await;
    let (blobs, records) = (&bed.archive.blobs, &bed.archive.records);
    let first = blobs.put(b"one scan").await.unwrap();
    // As in an archive from before it was said which one is current.
    assert_eq!(bed.tamper("update schema_floor set master = null").await, 1);
    let mut place = bed.form.place();
    place.masters = Some(masters("77", &["5e"]));
    let knows_both = Archive::open_beside(&place).await.unwrap();
    // Until then each reads what the other keeps.
    let second = knows_both.blobs.put(b"another scan").await.unwrap();
    assert_eq!(blobs.get(second).await.unwrap(), b"another scan");
    let third = blobs.put(b"a third scan").await.unwrap();
    assert_eq!(knows_both.rewrap_keys().await.unwrap(), 3);

    let lost = blobs.put(b"late").await;
    assert!(matches!(lost, Err(ArchiveError::OtherMaster)), "{lost:?}");
    assert!(bed.archive.lacks_master().await.unwrap());
    assert!(!knows_both.lacks_master().await.unwrap());
    assert!(!bed.blob(hash(b"late")).exists());
    let secret = Secret::new("GEZDGNBVGY3TQOJQ".to_owned());
    let lost = records.offer_factor(PrincipalId::random(), &secret).await;
    assert!(matches!(lost, Err(ArchiveError::OtherMaster)), "{lost:?}");
    let begun = Archive::open_beside(&bed.form.place()).await.err();
    assert!(matches!(begun, Some(ArchiveError::OtherMaster)), "{begun:?}");
    let late = knows_both.blobs.put(b"late").await.unwrap();
    knows_both.close().await;

    let bed = bed.again_with(|place| place.masters = Some(masters("77", &[]))).await;
    assert_eq!(bed.archive.rewrap_keys().await.unwrap(), 0);
    for key in [first, second, third, late] {
        assert_eq!(hash(&bed.archive.blobs.get(key).await.unwrap()), key);
    }
}

#[tokio::test]
async fn a_key_that_comes_while_the_master_key_changes_is_not_put_under_the_former_one() {
    let bed = bed().await;
    bed.archive.blobs.put(b"one scan").await.unwrap();
    let mut tool = bed.form.tool().await;
    let mut change = tool.begin().await.unwrap();
    let choose = sqlx::query("update schema_floor set master = 'another'");
    choose.execute(&mut *change).await.unwrap();
    let blobs = bed.archive.blobs.clone();
    let put = tokio::spawn(async move { blobs.put(b"late").await });
    // Long enough to be put by whoever doesn't wait.
    tokio::time::sleep(Duration::from_millis(500)).await;
    change.commit().await.unwrap();
    let late = put.await.unwrap();
    assert!(matches!(late, Err(ArchiveError::OtherMaster)), "{late:?}");
    tool.close().await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_lost_stops_neither_a_restoration_nor_the_next_master_key() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"one scan").await;
    bed.scan(dossier.id, b"another scan").await;
    // Before the other one, whatever goes through them.
    let lose = "update data_key set wrapped = (select o.wrapped from data_key o
        where o.key_id <> data_key.key_id) where key_id = (select min(key_id) from data_key)";
    assert_eq!(bed.tamper(lose).await, 1);
    let dir = TempDir::new().unwrap();
    back_up(&bed.archive, dir.path()).await.unwrap();

    let form = Form::new().await;
    let place = form.place();
    restore(&place, dir.path()).await.unwrap();
    let archive = Archive::open(&place).await.unwrap();
    assert_eq!(findings(&archive).await, ["scan.key_missing"]);

    let bed = Bed { form, place, archive };
    let bed = bed.again_with(|place| place.masters = Some(masters("77", &["5e"]))).await;
    let left = bed.archive.rewrap_keys().await;
    assert!(matches!(left, Err(ArchiveError::NoKey(_))), "{left:?}");
    let bed = bed.again_with(|place| place.masters = Some(masters("77", &[]))).await;
    assert_eq!(findings(&bed.archive).await, ["scan.key_missing"], "the other is taken over");
}

#[tokio::test]
async fn the_secret_of_a_second_factor_is_encrypted_at_its_next_use() {
    let bed = bed().await;
    let (records, id) = (&bed.archive.records, PrincipalId::random());
    let person = archive::NewPerson {
        principal: archive::NewPrincipal {
            id,
            kind: PrincipalKind::Person,
            name: "can-bo".to_owned(),
            grants: Vec::new(),
            made_by: Actor::Program,
        },
        full_name: None,
        password: None,
    };
    assert!(records.put_person(&person).await.unwrap());
    let secret = Secret::new("GEZDGNBVGY3TQOJQ".to_owned());
    let kept = async || records.person(id).await.unwrap().unwrap();
    let in_clear = "update person set factor_step = 1
        where factor like '%GEZD%' or factor_next like '%GEZD%'";
    records.offer_factor(id, &secret).await.unwrap();
    assert_eq!(bed.tamper(in_clear).await, 0);
    let offered = kept().await.factor_next.unwrap();
    assert_eq!(records.factor_secret(id, &offered).await.unwrap(), secret);
    // Another's row is not where it opens.
    let elsewhere = records.factor_secret(PrincipalId::random(), &offered).await;
    assert!(matches!(elsewhere, Err(ArchiveError::NoKey(_))));

    // One from before there were keys.
    bed.tamper("update person set factor = 'GEZDGNBVGY3TQOJQ', factor_next = null").await;
    assert_eq!(bed.tamper(in_clear).await, 1);
    let clear = kept().await.factor.unwrap();
    assert_eq!(records.factor_secret(id, &clear).await.unwrap(), secret);
    assert!(records.take_step(id, 7).await.unwrap());
    assert_eq!(bed.tamper(in_clear).await, 0);
    let shut = kept().await.factor.unwrap();
    assert_eq!(records.factor_secret(id, &shut).await.unwrap(), secret);
    assert!(!records.take_step(id, 7).await.unwrap());
    records.forget_factor(id, &Actor::Program).await.unwrap();
    let gone = records.factor_secret(id, &shut).await;
    assert!(matches!(gone, Err(ArchiveError::Erased(_))), "{gone:?}");
}

#[tokio::test]
async fn a_restoration_goes_by_the_master_key_of_its_keys_whoever_was_there_before() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"one scan").await;
    let dir = TempDir::new().unwrap();
    back_up(&bed.archive, dir.path()).await.unwrap();

    let form = Form::new().await;
    let place = Place { masters: Some(masters("77", &[])), ..form.place() };
    let before = Archive::open(&place).await.unwrap();
    let secret = Secret::new("GEZDGNBVGY3TQOJQ".to_owned());
    before.records.offer_factor(PrincipalId::random(), &secret).await.unwrap();
    before.close().await;
    restore(&form.place(), dir.path()).await.unwrap();
    let archive = Archive::open(&form.place()).await.unwrap();
    assert_eq!(findings(&archive).await, [""; 0]);
    assert_eq!(archive.rewrap_keys().await.unwrap(), 0, "nothing is left of who was there");
}
