//! A backup holds everything of one moment, and either form is made again from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use archive::{Archive, BackedUp, BackupError, NewDossier, Place, Restored, verify};
use schemas::ids::Blake3;
use schemas::message::Lane;
use tempfile::TempDir;

use crate::bed::{Bed, NUMBER, SOMEBODY, at, bed, filed, findings, new_dossier, open_new, request};
use crate::form::Form;
use crate::subjects::{CHILD, child};

/// Two dossiers: one with a record that was looked up, one that needs a child's papers, too, and
/// whose page is in a worker's hands.
async fn busy() -> Bed {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    let seal = bed.read(0).await.unwrap();
    bed.archive.queue.done(seal).await.unwrap();
    let asked = request(&record, "Đăng ký kết hôn");
    let (records, now) = (&bed.archive.records, jiff::Timestamp::now());
    records.put_lookup(SOMEBODY, &asked, &record, now).await.unwrap();
    let new = new_dossier("H26.01", Lane::Counter);
    let new = NewDossier { others: vec![child("Trần Thị Bống")], ..new };
    let other = open_new(records, &new, now).await.unwrap();
    bed.scan(other.id, b"another scan").await;
    bed.archive.queue.take().await.unwrap().unwrap();
    bed
}

pub(crate) async fn back_up(archive: &Archive, to: &Path) -> Result<BackedUp, BackupError> {
    archive.back_up(to, Some(&keys(to)), &|_| {}).await
}

pub(crate) async fn restore(place: &Place, from: &Path) -> Result<Restored, BackupError> {
    Archive::restore(place, from, Some(&keys(from)), &|_| {}).await
}

/// Where the keys of a backup are kept: elsewhere.
pub(crate) fn keys(backup: &Path) -> PathBuf {
    let name = backup.with_added_extension("keys");
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.file_name().unwrap())
}

/// Lines of every table of a backup's moment, in no order.
fn rows(backup: &Path, moment: u64) -> BTreeMap<String, Vec<String>> {
    let dir = backup.join(format!("moments/{moment:06}/rows"));
    let mut tables = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        tables.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), lines);
    }
    tables
}

pub(crate) fn blob(backup: &Path, key: Blake3) -> PathBuf {
    let name = key.to_string();
    backup.join("blobs").join(&name[..2]).join(&name[2..])
}

/// Everything of the archive is in the other place, and work goes on there. Answers with a backup
/// of that one.
async fn comes_back_in(bed: &Bed, place: &Place) -> TempDir {
    let dir = TempDir::new().unwrap();
    let done = back_up(&bed.archive, dir.path()).await.unwrap();
    assert_eq!((done.moment, done.missing.len(), done.damaged.len()), (1, 0, 0));
    assert!(verify(dir.path(), &|_| {}).await.unwrap().is_whole());

    let restored = restore(place, dir.path()).await.unwrap();
    assert_eq!((restored.rows, restored.blobs), (done.rows, done.blobs));
    let copy = Archive::open(place).await.unwrap();
    assert_eq!(findings(&copy).await, [""; 0]);
    let record = copy.records.records_of(NUMBER).await.unwrap().remove(0);
    assert!(copy.blobs.get(record.pdf).await.is_ok());
    assert_eq!(copy.records.dossiers_naming(CHILD).await.unwrap().len(), 1);

    // It says the same of itself, but that nobody holds its jobs.
    let again = TempDir::new().unwrap();
    back_up(&copy, again.path()).await.unwrap();
    let (mut before, mut after) = (rows(dir.path(), 1), rows(again.path(), 1));
    assert_ne!(before.remove("job.jsonl"), after.remove("job.jsonl"));
    for (table, lines) in &before {
        assert_eq!(Some(lines), after.get(table), "{table}");
    }
    assert!(before.len() > 15 && before.len() == after.len(), "{:?}", before.keys());
    let delivery = copy.queue.take().await.unwrap().expect("the job that was in hand is due");
    copy.queue.done(delivery).await.unwrap();
    copy.close().await;
    again
}

#[tokio::test]
async fn a_backup_comes_back_in_the_same_form() {
    let bed = busy().await;
    let form = Form::new().await;
    comes_back_in(&bed, &form.place()).await;
}

#[tokio::test]
async fn a_backup_comes_back_as_one_folder_and_from_there_in_the_same_form() {
    let bed = busy().await;
    let dir = TempDir::new().unwrap();
    let backup = comes_back_in(&bed, &at(dir.path())).await;

    let form = Form::new().await;
    restore(&form.place(), backup.path()).await.unwrap();
    let copy = Archive::open(&form.place()).await.unwrap();
    assert_eq!(findings(&copy).await, [""; 0]);
    let again = TempDir::new().unwrap();
    back_up(&copy, again.path()).await.unwrap();
    let (mut before, mut after) = (rows(backup.path(), 1), rows(again.path(), 1));
    // Each restoration makes jobs due anew.
    assert!(before.remove("job.jsonl").is_some() && after.remove("job.jsonl").is_some());
    assert_eq!(before, after);
}

#[tokio::test]
async fn what_is_in_the_backup_is_not_copied_again_and_earlier_moments_stay() {
    let bed = busy().await;
    let dir = TempDir::new().unwrap();
    let first = back_up(&bed.archive, dir.path()).await.unwrap();
    assert_eq!(first.copied, first.blobs);
    let before = rows(dir.path(), 1);
    // A backup that was cut off: half a moment, half a blob.
    std::fs::create_dir_all(dir.path().join("moments/000002.part/rows")).unwrap();
    std::fs::write(dir.path().join("moments/000002.part/rows/scan.jsonl"), "[").unwrap();
    std::fs::write(dir.path().join("incoming/half"), "ha").unwrap();
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"a third scan").await;
    let second = back_up(&bed.archive, dir.path()).await.unwrap();
    assert_eq!((second.moment, second.copied, second.copied_bytes), (2, 1, 12 + 72));
    assert_eq!(rows(dir.path(), 1), before);
    assert_eq!(std::fs::read_dir(dir.path().join("incoming")).unwrap().count(), 0);
    assert!(verify(dir.path(), &|_| {}).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_folder_of_something_else_is_left_alone() {
    let bed = busy().await;
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("letter"), "dear").unwrap();
    let refused = back_up(&bed.archive, dir.path()).await;
    assert!(matches!(refused, Err(BackupError::NotABackup(_))), "{refused:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let (dir, other) = (TempDir::new().unwrap(), busy().await);
    back_up(&other.archive, dir.path()).await.unwrap();
    let refused = back_up(&bed.archive, dir.path()).await;
    assert!(matches!(refused, Err(BackupError::OtherArchive(_))), "{refused:?}");
    assert!(!dir.path().join("moments/000002").exists());
}

#[tokio::test]
async fn only_an_empty_place_is_restored_into() {
    let bed = busy().await;
    let dir = TempDir::new().unwrap();
    let unfinished = restore(&bed.place, dir.path()).await;
    assert!(matches!(unfinished, Err(BackupError::NotABackup(_))), "{unfinished:?}");
    back_up(&bed.archive, dir.path()).await.unwrap();
    let (form, place) = {
        let Bed { form, place, archive } = busy().await;
        archive.close().await;
        (form, place)
    };
    let refused = restore(&place, dir.path()).await;
    assert!(matches!(refused, Err(BackupError::NotEmpty)), "{refused:?}");
    drop(form);
}

#[tokio::test]
async fn a_damaged_or_lost_blob_of_a_backup_is_named_and_the_rest_restored() {
    let bed = busy().await;
    let dir = TempDir::new().unwrap();
    back_up(&bed.archive, dir.path()).await.unwrap();
    let record = bed.archive.records.records_of(NUMBER).await.unwrap().remove(0);
    let scan = Blake3(*blake3::hash(b"another scan").as_bytes());
    let mut bytes = std::fs::read(blob(dir.path(), record.pdf)).unwrap();
    bytes[0] ^= 1;
    std::fs::write(blob(dir.path(), record.pdf), bytes).unwrap();
    std::fs::remove_file(blob(dir.path(), scan)).unwrap();

    let verified = verify(dir.path(), &|_| {}).await.unwrap();
    assert_eq!((&verified.damaged[..], &verified.missing[..]), (&[record.pdf][..], &[scan][..]));
    let form = Form::new().await;
    let restored = restore(&form.place(), dir.path()).await.unwrap();
    assert_eq!((&restored.damaged[..], &restored.missing[..]), (&[record.pdf][..], &[scan][..]));
    let copy = Archive::open(&form.place()).await.unwrap();
    assert_eq!(findings(&copy).await, ["record.pdf_missing", "scan.bytes_missing"]);
}

#[tokio::test]
async fn rows_that_are_not_what_was_written_are_not_restored() {
    let bed = busy().await;
    let dir = TempDir::new().unwrap();
    back_up(&bed.archive, dir.path()).await.unwrap();
    let file = dir.path().join("moments/000001/rows/dossier.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("H26.01", "H26.02")).unwrap();
    let verified = verify(dir.path(), &|_| {}).await.unwrap();
    assert_eq!(verified.damaged_files, ["dossier.jsonl"]);
    let form = Form::new().await;
    let refused = restore(&form.place(), dir.path()).await;
    assert!(matches!(refused, Err(BackupError::Damaged(_))), "{refused:?}");
    std::fs::write(&file, text).unwrap();
    assert!(restore(&form.place(), dir.path()).await.is_ok(), "nothing was put before");
}

#[tokio::test]
async fn what_the_archive_itself_has_lost_is_named_by_its_backup() {
    let bed = busy().await;
    let key = Blake3(*blake3::hash(b"another scan").as_bytes());
    std::fs::write(bed.blob(key), b"another scam").unwrap();
    let dir = TempDir::new().unwrap();
    let done = back_up(&bed.archive, dir.path()).await.unwrap();
    assert_eq!(done.damaged, [key]);
    assert!(!blob(dir.path(), key).exists());
    assert_eq!(verify(dir.path(), &|_| {}).await.unwrap().lacking, [key]);
}

#[tokio::test]
async fn a_backup_made_while_work_goes_on_is_of_one_moment() {
    let bed = bed().await;
    let archive = bed.archive.clone();
    let began = SystemTime::now();
    let work = tokio::spawn(async move {
        let mut nth = 0_u32;
        while began.elapsed().unwrap() < Duration::from_secs(4) {
            let dossier = new_dossier("H26.01", Lane::Counter);
            let now = jiff::Timestamp::now();
            let dossier = open_new(&archive.records, &dossier, now).await.unwrap();
            let bytes = format!("scan {nth}");
            crate::bed::accept(&archive, dossier.id, bytes.as_bytes()).await;
            crate::bed::read(&archive, 2).await;
            nth += 1;
        }
        nth
    });
    let dir = TempDir::new().unwrap();
    let mut seen = 0;
    while !work.is_finished() {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let done = back_up(&bed.archive, dir.path()).await.unwrap();
        assert_eq!((done.missing.len(), done.damaged.len()), (0, 0));
        seen += 1;
        // Each is whole by itself, not only the last.
        let copy = TempDir::new().unwrap();
        restore(&at(copy.path()), dir.path()).await.unwrap();
        let copy = Archive::open(&at(copy.path())).await.unwrap();
        assert_eq!(findings(&copy).await, [""; 0]);
    }
    assert!(work.await.unwrap() > 3 && seen > 1);
}
