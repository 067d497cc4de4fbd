//! Scans and pages: accepted once, durable, announced once.

use archive::{AcceptError, NewScan};
use jiff::Timestamp;
use schemas::api::{DossierEvent, FlawView, PageState, ScanState};
use schemas::code::Reason;
use schemas::ids::{PageId, PrincipalId};
use schemas::message::Job;
use schemas::reading::{Flaw, PageImage, PageReading};
use schemas::signature::{DigitalSignature, SignatureState};

use crate::bed::{SOMEBODY, accept, bed, findings, new_scan, read_page, reading, unpack};

#[tokio::test]
async fn the_same_bytes_or_the_same_key_are_the_same_scan() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let blob = bed.archive.blobs.put(b"scan").await.unwrap();
    let new = new_scan(dossier.id, blob, Some("key"));
    let records = &bed.archive.records;
    let first = records.accept_scan(&new, Timestamp::now()).await.unwrap();
    let by_key = records.accept_scan(&new, Timestamp::now()).await.unwrap();
    let by_content = accept(&bed.archive, dossier.id, b"scan").await;
    assert!(!first.repeated && by_key.repeated && by_content.repeated);
    assert_eq!((&first.scan, &first.scan), (&by_key.scan, &by_content.scan));
    assert_eq!(records.waiting().await.unwrap().jobs, 1, "announced once");
    assert_eq!(records.events(dossier.id, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_sent_a_scan_first_is_who_scanned_it() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let blob = bed.archive.blobs.put(b"scan").await.unwrap();
    let records = &bed.archive.records;
    let [first, other] = [PrincipalId::random(), PrincipalId::random()];
    for scanned_by in [first, other] {
        let new = NewScan { scanned_by, ..new_scan(dossier.id, blob, None) };
        let scan = records.accept_scan(&new, Timestamp::now()).await.unwrap().scan;
        assert_eq!(scan.scanned_by, Some(first));
        assert_eq!(records.scan(scan.id).await.unwrap(), Some(scan.clone()));
        assert_eq!(records.scans(dossier.id).await.unwrap()[0].0, scan);
    }
    // As a program of the version before leaves it.
    assert_eq!(bed.tamper("update scan set scanned_by = null").await, 1);
    assert_eq!(records.scans(dossier.id).await.unwrap()[0].0.scanned_by, None);
}

#[tokio::test]
async fn a_new_scan_unsettles_a_dossier_and_a_repeated_one_does_not() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let unsettled = async || bed.archive.records.unsettled(dossier.id).await.unwrap();
    for (scan, unsettles) in [(b"one", true), (b"one", false), (b"two", true)] {
        assert_eq!(bed.tamper("update dossier set settled = 1").await, 1);
        accept(&bed.archive, dossier.id, scan).await;
        assert_eq!(unsettled().await, unsettles);
    }
}

#[tokio::test]
async fn a_key_used_for_other_bytes_is_refused() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let [one, other] = [b"one".as_slice(), b"other"];
    let one = bed.archive.blobs.put(one).await.unwrap();
    let other = bed.archive.blobs.put(other).await.unwrap();
    let accept = async |blob| {
        let new = new_scan(dossier.id, blob, Some("key"));
        bed.archive.records.accept_scan(&new, Timestamp::now()).await
    };
    accept(one).await.unwrap();
    assert!(matches!(accept(other).await, Err(AcceptError::KeyReused)));
    assert_eq!(bed.archive.records.scans(dossier.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_dossier_takes_no_new_scan_but_repeats_its_receipt() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"in time").await;
    bed.archive.records.close_dossier(dossier.id).await.unwrap();
    assert!(accept(&bed.archive, dossier.id, b"in time").await.repeated);
    let late = bed.archive.blobs.put(b"late").await.unwrap();
    let late = new_scan(dossier.id, late, None);
    let refused = bed.archive.records.accept_scan(&late, Timestamp::now()).await;
    assert!(matches!(refused, Err(AcceptError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_read_at_the_same_moment_announce_filing_once() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scans = [bed.scan(dossier.id, b"one").await, bed.scan(dossier.id, b"two").await];
    for scan in &scans {
        unpack(&bed.archive, scan.id, 20).await;
        unpack(&bed.archive, scan.id, 20).await;
    }
    let pages = scans.iter().flat_map(|scan| (0..20).map(|seq| PageId::nth(scan.id, seq)));
    let readings = pages.map(|page| {
        let archive = bed.archive.clone();
        tokio::spawn(async move {
            read_page(&archive, page).await;
            read_page(&archive, page).await;
        })
    });
    for reading in readings.collect::<Vec<_>>() {
        reading.await.unwrap();
    }
    let mut filings = 0;
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        filings += u32::from(delivery.message.job == Job::File { scans: 2 });
        bed.archive.queue.done(delivery).await.unwrap();
    }
    assert_eq!(filings, 1);
    let sheets = bed.archive.records.sheets(dossier.id).await.unwrap();
    let order: Vec<_> = sheets.iter().map(|page| (page.scan, page.seq)).collect();
    let arrived = scans.iter().flat_map(|scan| (0..20).map(|seq| (scan.id, seq)));
    assert_eq!(order, arrived.collect::<Vec<_>>());
    let events = bed.archive.records.events(dossier.id, 0, 1000).await.unwrap();
    assert_eq!(events.len(), 2 + 2 + 40, "each once");
    assert!(events.is_sorted_by_key(|(number, _)| *number));
}

#[tokio::test]
async fn the_view_of_a_dossier_shows_every_page_without_its_words() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(3).await;
    let scans = bed.archive.records.scans(dossier.id).await.unwrap();
    let (scan, views) = &scans[0];
    assert_eq!((scan.state, scan.pages), (ScanState::Unpacked, Some(3)));
    assert_eq!(views.iter().map(|page| page.id).collect::<Vec<_>>(), pages);
    assert_eq!(views[0].confidence, Some(0.91));
    assert_eq!(views[0].kind, Some(crate::bed::kind()));
    let page = bed.archive.records.page(pages[0]).await.unwrap().unwrap();
    assert_eq!(page.reading.unwrap().text, "GIẤY KHAI SINH");
}

#[tokio::test]
async fn a_scans_digital_signatures_are_kept_with_it() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"a signed paper").await;
    assert_eq!(scan.signatures, []);
    let signed = DigitalSignature {
        signer: Some("Nguyễn Thị Mẫu".parse().unwrap()),
        issuer: None,
        signed_at: Some("2026-01-31T08:00:00Z".to_owned()),
        state: SignatureState::Intact,
        appended_bytes: 7,
    };
    let signatures = [signed];
    let records = &bed.archive.records;
    records.unpacked(scan.id, 1, "application/pdf", &signatures).await.unwrap();
    // The second time changes nothing.
    records.unpacked(scan.id, 1, "application/pdf", &[]).await.unwrap();
    assert_eq!(records.scan(scan.id).await.unwrap().unwrap().signatures, signatures);
    assert_eq!(records.scans(dossier.id).await.unwrap()[0].0.signatures, signatures);
}

#[tokio::test]
async fn a_parked_last_page_lets_the_rest_be_filed_and_can_be_tried_again() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"scan").await;
    unpack(&bed.archive, scan.id, 2).await;
    let records = &bed.archive.records;
    let mut bad = None;
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        match delivery.message.job {
            Job::Read { page } if page == PageId::nth(scan.id, 1) => {
                let park = records.park(&delivery.message, 3, Reason::ScanBroken, "no header");
                park.await.unwrap();
                bad = Some((page, delivery.message.clone()));
            }
            Job::Read { page } => read_page(&bed.archive, page).await,
            Job::Unpack { .. } => {}
            Job::File { .. } | Job::Seal { .. } => {
                bed.archive.queue.done(delivery).await.unwrap();
                break;
            }
        }
        bed.archive.queue.done(delivery).await.unwrap();
    }
    let (page, message) = bad.unwrap();
    records.park(&message, 4, Reason::ScanBroken, "again").await.unwrap();
    let parked = records.parked(10).await.unwrap();
    assert_eq!(parked.len(), 1, "parked twice is parked once");
    assert_eq!((parked[0].job.as_str(), parked[0].attempts), ("read", 3));
    assert_eq!(parked[0].dossier, dossier.code);
    assert_eq!(records.parked_one(parked[0].id).await.unwrap().as_ref(), Some(&parked[0]));
    let kept = records.page(page).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.reason), (PageState::Parked, Some(Reason::ScanBroken)));

    assert!(bed.file(dossier.id, &[]).await);
    assert!(!records.unsettled(dossier.id).await.unwrap());
    assert!(records.retry_parked(parked[0].id).await.unwrap());
    assert!(!records.retry_parked(parked[0].id).await.unwrap());
    assert!(records.unsettled(dossier.id).await.unwrap());
    let filing = bed.read(0).await.unwrap();
    assert!(matches!(filing.message.job, Job::File { .. }), "read, it is filed");
    let events = records.events(dossier.id, 0, 100).await.unwrap();
    let told = |wanted: &DossierEvent| events.iter().filter(|(_, e)| e == wanted).count();
    assert_eq!(told(&DossierEvent::Settled), 1);
}

#[tokio::test]
async fn a_job_that_is_given_up_leaves_its_scan_parked_and_nothing_amiss() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"scan").await;
    let (records, queue) = (&bed.archive.records, &bed.archive.queue);
    let unpacking = queue.take().await.unwrap().unwrap();
    records.park(&unpacking.message, 1, Reason::ScanEncrypted, "").await.unwrap();
    let message = unpacking.message.clone();
    queue.done(unpacking).await.unwrap();
    let filing = bed.read(0).await.unwrap();
    assert!(bed.file(dossier.id, &[]).await);
    queue.done(filing).await.unwrap();
    let parked = records.parked(10).await.unwrap().remove(0);
    assert!(records.drop_parked(parked.id, SOMEBODY, "Có mật khẩu").await.unwrap());
    assert!(!records.drop_parked(parked.id, SOMEBODY, "Có mật khẩu").await.unwrap());
    assert!(!records.retry_parked(parked.id).await.unwrap());
    assert_eq!(records.parked(10).await.unwrap(), []);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert!(!records.unsettled(dossier.id).await.unwrap());
    let kept = records.scan(scan.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.reason), (ScanState::Parked, Some(Reason::ScanEncrypted)));

    // What is parked again is seen again.
    bed.tamper("update scan set state = 'received'").await;
    records.park(&message, 2, Reason::ScanBroken, "").await.unwrap();
    let again = records.parked(10).await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempts), (1, parked.id, 2));
    assert_eq!(records.parked_one(parked.id).await.unwrap().unwrap().dropped, None);
}

#[tokio::test]
async fn what_waited_for_a_job_that_is_given_up_waits_no_more() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"scan").await;
    let newer = r#"update outbox set message = replace(message, '"version":1', '"version":2')"#;
    assert_eq!(bed.tamper(newer).await, 1);
    let records = &bed.archive.records;
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let parked = records.parked(10).await.unwrap().remove(0);
    assert_eq!(records.scan(scan.id).await.unwrap().unwrap().state, ScanState::Received);
    assert!(records.drop_parked(parked.id, SOMEBODY, "Gửi nhầm").await.unwrap());
    let kept = records.scan(scan.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.reason), (ScanState::Parked, Some(Reason::MessageUnknown)));
    assert!(records.unsettled(dossier.id).await.unwrap(), "the rest is to be filed");
    // Nobody understands that either.
    assert_eq!(bed.tamper(newer).await, 1);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    let parked = records.parked(10).await.unwrap().remove(0);
    assert_eq!(parked.job, "file");
    assert!(records.drop_parked(parked.id, SOMEBODY, "Gửi nhầm").await.unwrap());
    assert!(!records.unsettled(dossier.id).await.unwrap());
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_flaw_is_told_while_the_page_waits_and_kept_once_it_is_read() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let scan = bed.scan(dossier.id, b"scan").await;
    unpack(&bed.archive, scan.id, 1).await;
    let (records, page) = (&bed.archive.records, PageId::nth(scan.id, 0));
    records.page_seen(page, &[Flaw::Blurred]).await.unwrap();

    let blob = bed.archive.blobs.put(b"image").await.unwrap();
    let image = PageImage::Jpeg { width: 2480, height: 3508, components: 1 };
    let flawed = PageReading { flaws: vec![Flaw::Blurred], ..reading(0, blob) };
    records.page_read(page, &flawed, image, blob).await.unwrap();
    records.page_seen(page, &[Flaw::Blurred]).await.unwrap();

    let flaws = vec![FlawView::from(Flaw::Blurred)];
    let events = records.events(dossier.id, 0, 100).await.unwrap();
    let told = |wanted: &DossierEvent| events.iter().filter(|(_, e)| e == wanted).count();
    assert_eq!(told(&DossierEvent::PageSeen { page, flaws: flaws.clone() }), 1, "not once read");
    assert_eq!(told(&DossierEvent::PageRead { page, blank: false, flaws }), 1);
    let scans = records.scans(dossier.id).await.unwrap();
    assert_eq!(scans[0].1[0].flaws, [Flaw::Blurred]);
}

#[tokio::test]
async fn whoever_follows_a_dossier_is_told_of_a_change() {
    let bed = bed().await;
    let mut changed = bed.archive.records.changed();
    let dossier = bed.dossier().await;
    assert!(!changed.has_changed().unwrap());
    bed.scan(dossier.id, b"scan").await;
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    accept(&bed.archive, dossier.id, b"scan").await;
    assert!(!changed.has_changed().unwrap(), "a repeat is no event");
}
