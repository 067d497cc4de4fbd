//! `check` finds each kind of damage, and mends what can be mended.

use std::time::{Duration, SystemTime};

use archive::{Dossier, Encrypted, Findings, Reviser};
use jiff::Timestamp;
use schemas::ids::{Blake3, PageId};
use schemas::message::Job;
use tempfile::TempDir;

use crate::backup::back_up;
use crate::bed::{
    Bed, NUMBER, SOMEBODY, accept, bed, filed, findings, new_scan, read_page, unpack,
};
use crate::subjects::erase;

/// A dossier with one record; nothing left to do and nothing amiss.
async fn sound() -> (Bed, Dossier, Vec<PageId>) {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    bed.publish(&dossier, document.id).await;
    let seal = bed.read(0).await.unwrap();
    bed.archive.queue.done(seal).await.unwrap();
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    (bed, dossier, pages)
}

/// Mends everything, does the work that follows, and looks again.
async fn mend(bed: &Bed, dossier: &Dossier) -> Vec<&'static str> {
    let found = bed.archive.check(None).await.unwrap();
    let mended = bed.archive.mend(&found).await.unwrap();
    let mendable = found.findings.iter().filter(|finding| finding.mendable).count();
    assert_eq!(mended.len(), mendable);
    while let Some(delivery) = bed.read(2).await {
        match &delivery.message.job {
            Job::Seal { document, .. } => _ = bed.publish(dossier, *document).await,
            Job::File { .. } => {
                let rows = bed.archive.records.documents(dossier.id).await.unwrap();
                let documents: Vec<_> = rows.into_iter().map(|row| row.doc).collect();
                assert!(bed.file(dossier.id, &documents).await);
            }
            Job::Unpack { .. } | Job::Read { .. } => unreachable!(),
        }
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert!(!bed.archive.records.unsettled(dossier.id).await.unwrap(), "{found:?}");
    findings(&bed.archive).await
}

/// The blob came hours ago.
pub(crate) fn grow_old(bed: &Bed, blob: Blake3) {
    let file = std::fs::File::options().write(true).open(bed.blob(blob)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
}

/// Another Kho has sent this for the dossier.
async fn came_from_another_kho(bed: &Bed, dossier: &Dossier, blob: Blake3) {
    for sql in [
        format!(
            "insert into inquiry (inquiry_id, dossier_id, store, delivery_id, asked_at, principal,
                question) values ('i', '{}', 's', 'd', 1, 'p', '{{}}')",
            dossier.id
        ),
        format!("insert into inquiry_file values ('i', 0, 'a.pdf', '{blob}', 10)"),
    ] {
        assert_eq!(bed.tamper(sql.leak()).await, 1);
    }
}

async fn image_of(bed: &Bed, page: PageId) -> Blake3 {
    bed.archive.records.page(page).await.unwrap().unwrap().image.unwrap().1
}

#[tokio::test]
async fn a_lost_or_damaged_page_image_is_made_again() {
    let (bed, dossier, pages) = sound().await;
    let [lost, damaged] = [image_of(&bed, pages[0]).await, image_of(&bed, pages[1]).await];
    std::fs::remove_file(bed.blob(lost)).unwrap();
    let mut bytes = std::fs::read(bed.blob(damaged)).unwrap();
    bytes[3] ^= 1;
    std::fs::write(bed.blob(damaged), bytes).unwrap();
    let found = bed.archive.check(Some(0.0)).await.unwrap();
    assert_eq!(found.hashed, 0);
    assert_eq!(found.findings.len(), 1, "without hashing only the lost one shows");
    assert_eq!(findings(&bed.archive).await, ["page.image_damaged", "page.image_missing"]);
    assert_eq!(mend(&bed, &dossier).await, [""; 0]);
    assert!(bed.archive.blobs.get(lost).await.is_ok());
    assert!(bed.archive.blobs.get(damaged).await.is_ok());
}

#[tokio::test]
async fn a_lost_pdf_is_made_again_as_a_new_version() {
    let (bed, dossier, pages) = sound().await;
    let record = bed.archive.records.records_of(crate::bed::NUMBER).await.unwrap().remove(0);
    std::fs::remove_file(bed.blob(record.pdf)).unwrap();
    assert_eq!(findings(&bed.archive).await, ["record.pdf_missing"]);
    assert_eq!(mend(&bed, &dossier).await, [""; 0]);
    assert_eq!(bed.archive.records.versions(record.id).await.unwrap().len(), 2);
    assert_eq!(pages.len(), 2);
}

#[tokio::test]
async fn a_pdf_that_is_whole_again_since_it_was_found_damaged_is_not_made_again() {
    let (bed, _, _) = sound().await;
    let record = bed.archive.records.records_of(NUMBER).await.unwrap().remove(0);
    let whole = std::fs::read(bed.blob(record.pdf)).unwrap();
    std::fs::write(bed.blob(record.pdf), b"other bytes").unwrap();
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(found.findings[0].code, "record.pdf_damaged");
    std::fs::write(bed.blob(record.pdf), whole).unwrap();
    assert_eq!(bed.archive.mend(&found).await.unwrap(), []);
    assert_eq!(bed.archive.records.versions(record.id).await.unwrap().len(), 1);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_blob_that_cannot_be_read_for_now_is_not_taken_for_damaged() {
    let (bed, _, pages) = sound().await;
    let image = bed.blob(image_of(&bed, pages[0]).await);
    let aside = bed.form.dir().join("aside");
    std::fs::rename(&image, &aside).unwrap();
    // Nobody can read a folder as if it were a file, whatever they may.
    std::fs::create_dir(&image).unwrap();
    assert_eq!(findings(&bed.archive).await, ["blob.unreadable"]);
    std::fs::remove_dir(&image).unwrap();
    std::fs::rename(&aside, &image).unwrap();
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn the_lost_pdf_of_a_record_that_was_withdrawn_is_not_made_again() {
    let (bed, dossier, _) = sound().await;
    let records = &bed.archive.records;
    let record = records.records_of(NUMBER).await.unwrap().remove(0);
    std::fs::remove_file(bed.blob(record.pdf)).unwrap();
    let found = bed.archive.check(None).await.unwrap();
    let who = Reviser { reason: "Cấp sai", by: "officer-7", principal: SOMEBODY };
    records.revoke(record.id, who, Timestamp::now()).await.unwrap();
    assert_eq!(bed.archive.mend(&found).await.unwrap(), [], "withdrawn since it was found");
    assert_eq!(mend(&bed, &dossier).await, ["record.pdf_missing"]);
    assert_eq!(records.versions(record.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn lost_bytes_of_a_scan_cannot_be_mended_but_can_be_sent_again() {
    let (bed, dossier, _) = sound().await;
    let (scan, _) = bed.archive.records.scans(dossier.id).await.unwrap().remove(0);
    std::fs::remove_file(bed.blob(scan.blake3)).unwrap();
    assert_eq!(mend(&bed, &dossier).await, ["scan.bytes_missing"]);
    std::fs::write(bed.blob(scan.blake3), b"0ne scan").unwrap();
    assert_eq!(mend(&bed, &dossier).await, ["scan.bytes_damaged"]);
    assert_eq!(bed.scan(dossier.id, b"one scan").await.id, scan.id);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_blob_that_belongs_to_nothing_is_removed_once_it_is_old() {
    let (bed, dossier, _) = sound().await;
    let orphan = bed.archive.blobs.put(b"nobody's").await.unwrap();
    assert_eq!(findings(&bed.archive).await, [""; 0], "its row may be about to be written");
    grow_old(&bed, orphan);
    assert_eq!(findings(&bed.archive).await, ["blob.orphan"]);
    assert_eq!(mend(&bed, &dossier).await, [""; 0]);
    assert!(!bed.archive.blobs.contains(orphan).await.unwrap());
}

// By this a look after the row is there tells an intake whether it may give a receipt.
#[tokio::test]
async fn a_blob_is_removed_before_its_row_is_there_or_not_at_all() {
    let (bed, dossier, _) = sound().await;
    let (records, blobs) = (&bed.archive.records, &bed.archive.blobs);
    let early = blobs.put(b"its row is early").await.unwrap();
    let late = blobs.put(b"its row is late").await.unwrap();
    grow_old(&bed, early);
    grow_old(&bed, late);
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(found.findings.len(), 2);
    records.accept_scan(&new_scan(dossier.id, early, None), Timestamp::now()).await.unwrap();
    assert_eq!(bed.archive.mend(&found).await.unwrap().len(), 1);
    records.accept_scan(&new_scan(dossier.id, late, None), Timestamp::now()).await.unwrap();
    assert!(blobs.contains(early).await.unwrap() && !blobs.contains(late).await.unwrap());
    assert_eq!(findings(&bed.archive).await, ["scan.bytes_missing"]);
    assert!(accept(&bed.archive, dossier.id, b"its row is late").await.repeated);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_blob_that_came_from_another_kho_after_it_was_found_is_kept() {
    let (bed, dossier, _) = sound().await;
    let blob = bed.archive.blobs.put(b"sent again").await.unwrap();
    grow_old(&bed, blob);
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(found.findings.len(), 1);
    came_from_another_kho(&bed, &dossier, blob).await;
    assert!(bed.archive.mend(&found).await.unwrap().is_empty());
    assert!(bed.archive.blobs.contains(blob).await.unwrap());
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn no_use_of_a_blob_is_forgotten() {
    let (bed, dossier, pages) = sound().await;
    let (records, blobs) = (&bed.archive.records, &bed.archive.blobs);
    let scan = records.scans(dossier.id).await.unwrap().remove(0).0.blake3;
    let pdf = records.records_of(NUMBER).await.unwrap().remove(0).pdf;
    let answer = blobs.put(b"from another Kho").await.unwrap();
    came_from_another_kho(&bed, &dossier, answer).await;
    let images = [image_of(&bed, pages[0]).await, image_of(&bed, pages[1]).await];
    let needed = [scan, images[0], images[1], pdf, answer];

    // Whatever a check took them for.
    let mut found = Findings::default();
    for blob in needed {
        grow_old(&bed, blob);
        found.add("blob.orphan", blob, true);
        found.add("key.orphan", blob, true);
    }
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert_eq!(bed.archive.mend(&found).await.unwrap(), []);
    for blob in needed {
        let bytes = blobs.get(blob).await.unwrap();
        std::fs::write(bed.blob(blob), bytes).unwrap();
    }
    assert_eq!(bed.archive.check(None).await.unwrap().plain, 5);
    let counted = bed.archive.encrypt_plain(false, &|_| {}).await.unwrap();
    assert_eq!(counted, Encrypted { seen: 5, encrypted: 0, plain: 5, missing: 0 });
    let done = bed.archive.encrypt_plain(true, &|_| {}).await.unwrap();
    assert_eq!(done, Encrypted { seen: 5, encrypted: 5, plain: 0, missing: 0 });
    let backup = TempDir::new().unwrap();
    assert_eq!(back_up(&bed.archive, backup.path()).await.unwrap().blobs, 5);

    records.close_dossier(dossier.id).await.unwrap();
    for blob in needed {
        grow_old(&bed, blob);
    }
    let erasure = erase(&bed, dossier.id, true, true).await.unwrap();
    assert_eq!((erasure.blobs, erasure.blobs_left), (5, 0));
    for blob in needed {
        assert!(!blobs.contains(blob).await.unwrap());
    }
}

#[tokio::test]
async fn lost_jobs_are_announced_again() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"one scan").await;
    let lost = async |table, code| {
        assert!(bed.tamper(table).await > 0);
        let found = bed.archive.check(None).await.unwrap();
        assert!(found.findings.iter().all(|f| f.code == code && f.mendable), "{found:?}");
        assert!(!found.findings.is_empty(), "{code}");
        bed.archive.mend(&found).await.unwrap();
        assert_eq!(findings(&bed.archive).await, [""; 0]);
        bed.archive.queue.take().await.unwrap().unwrap()
    };
    let unpacking = lost("delete from outbox", "scan.no_job").await;
    unpack(&bed.archive, scan.id, 2).await;
    bed.archive.queue.done(unpacking).await.unwrap();
    lost("delete from outbox", "page.no_job").await;
    for seq in 0..2 {
        read_page(&bed.archive, PageId::nth(scan.id, seq)).await;
    }
    bed.tamper("delete from job").await;
    let filing = lost("delete from outbox", "dossier.not_filed").await;
    assert!(matches!(filing.message.job, Job::File { .. }));
    let pages: Vec<_> = (0..2).map(|seq| PageId::nth(scan.id, seq)).collect();
    bed.file(dossier.id, &[filed(&pages, "TP01")]).await;
    bed.archive.queue.done(filing).await.unwrap();
    let seal = lost("delete from outbox", "document.no_job").await;
    assert!(matches!(seal.message.job, Job::Seal { .. }));
}

#[tokio::test]
async fn rows_that_do_not_agree_are_found_and_mended() {
    let damages = [
        ("delete from page_reading", "page.reading_missing"),
        ("update page set state = 'parked'", "page.parked_unseen"),
        ("update scan set state = 'parked'", "scan.parked_unseen"),
        ("update document set seal = 'parked', record_version = null", "document.parked_unseen"),
        ("delete from record", "document.record_missing"),
        ("update dossier set settled = 0", "dossier.not_settled"),
        (
            "insert into job (job_id, dossier_id, lane, office, job, target, message, made_at, due_at)
             values ('j', 'd', 'counter', 'A', 'read', 'p', '{}', 0, 9e15)",
            "job.no_target",
        ),
    ];
    for (sql, code) in damages {
        let (bed, dossier, _) = sound().await;
        assert!(bed.tamper(sql).await > 0, "{sql}");
        let found = bed.archive.check(None).await.unwrap();
        assert!(found.findings.iter().any(|f| f.code == code), "{sql}: {found:?}");
        for finding in &found.findings {
            assert!(finding.text_vi.ends_with('.'), "{finding:?}");
        }
        assert_eq!(mend(&bed, &dossier).await, [""; 0], "{sql}");
    }
}

#[tokio::test]
async fn a_lost_page_row_is_put_back_and_read() {
    let (bed, dossier, pages) = sound().await;
    bed.tamper("delete from page_reading").await;
    assert_eq!(bed.tamper("delete from page where seq = 1").await, 1);
    let found = findings(&bed.archive).await;
    assert!(found.contains(&"scan.pages_missing"), "{found:?}");
    assert_eq!(mend(&bed, &dossier).await, [""; 0]);
    assert!(bed.archive.records.page(pages[1]).await.unwrap().unwrap().reading.is_some());
}

#[tokio::test]
async fn an_announcement_that_never_left_is_moved_on() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"scan").await;
    assert_eq!(bed.tamper("update outbox set made_at = 0").await, 1);
    assert_eq!(findings(&bed.archive).await, ["outbox.stuck"]);
    let found = bed.archive.check(None).await.unwrap();
    bed.archive.mend(&found).await.unwrap();
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert!(bed.archive.queue.take().await.unwrap().is_some());
}
