//! Many processes at once: each archive here has pools of its own, as another process has.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use archive::{Archive, Dossier, LookupError, NewDossier};
use jiff::Timestamp;
use schemas::api::{AssignDocument, DossierEvent};
use schemas::code::Reason;
use schemas::ids::{DocumentId, DossierId, PageId};
use schemas::message::{Job, Lane, Message};
use schemas::record::Record;
use tokio::task::JoinSet;

use crate::bed::{
    Bed, NUMBER, SOMEBODY, accept, bed, draft, filed, findings, kind, new_dossier, open, open_new,
    read_page, request, unpack,
};

/// So many processes beside the bed's own.
async fn others(bed: &Bed, count: usize) -> Vec<Archive> {
    let mut archives = vec![bed.archive.clone()];
    for _ in 0..count {
        archives.push(Archive::open(&bed.form.place()).await.unwrap());
    }
    archives
}

/// Every outcome, in no order.
async fn all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut outcomes = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        outcomes.push(outcome.unwrap());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dossiers_opened_everywhere_at_once_get_consecutive_codes() {
    let bed = bed().await;
    let now: Timestamp = "2026-03-02T02:00:00Z".parse().unwrap();
    let same = new_dossier("H26.01", Lane::Counter);
    let mut tasks = JoinSet::new();
    for archive in others(&bed, 3).await {
        // The first of each process is the same dossier, sent by an impatient counter.
        let ids = (0..25).map(|n| if n == 0 { same.id } else { DossierId::new() });
        for new in ids.map(|id| NewDossier { id, ..same.clone() }).collect::<Vec<_>>() {
            let records = archive.records.clone();
            tasks.spawn(async move { open_new(&records, &new, now).await.unwrap() });
        }
    }
    let opened = all(tasks).await;
    let codes: BTreeSet<_> = opened.iter().map(|dossier| dossier.code.to_string()).collect();
    let expected: BTreeSet<_> = (1..=97).map(|n| format!("H26.01-260302-{n:04}")).collect();
    assert_eq!(codes, expected);
    assert_eq!(opened.iter().filter(|dossier| dossier.id == same.id).count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scans_that_come_in_everywhere_are_kept_once_and_told_once() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let mut tasks = JoinSet::new();
    for archive in others(&bed, 3).await {
        for n in 0..10_u8 {
            let archive = archive.clone();
            tasks.spawn(async move { accept(&archive, dossier.id, &[n]).await.repeated });
        }
    }
    let fresh = all(tasks).await.into_iter().filter(|repeated| !repeated).count();
    assert_eq!(fresh, 10);
    let events = bed.archive.records.events(dossier.id, 0, 100).await.unwrap();
    let scans: BTreeSet<_> = events.iter().map(|(_, event)| format!("{event:?}")).collect();
    assert_eq!((events.len(), scans.len()), (10, 10));
    assert!(events.is_sorted_by(|(a, _), (b, _)| a < b), "each has a turn of its own");
    assert_eq!(bed.archive.records.scans(dossier.id).await.unwrap().len(), 10);
}

/// Does what jobs ask for until nothing is left and every dossier is settled.
async fn work(archive: Archive, dossiers: Vec<Dossier>, pages: u32) -> u32 {
    let (mut done, began) = (0, Instant::now());
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "something is never done");
        let Some(delivery) = archive.queue.take().await.unwrap() else {
            let mut unsettled = false;
            for dossier in &dossiers {
                unsettled |= archive.records.unsettled(dossier.id).await.unwrap();
            }
            if !unsettled {
                return done;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let message = delivery.message.clone();
        let dossier = dossiers.iter().find(|dossier| dossier.id == message.dossier).unwrap();
        match message.job {
            Job::Unpack { scan } => unpack(&archive, scan, pages).await,
            Job::Read { page } => read_page(&archive, page).await,
            Job::File { .. } => {
                let sheets = archive.records.sheets(dossier.id).await.unwrap();
                let pages: Vec<_> = sheets.iter().map(|page| page.id).collect();
                let documents: Vec<_> = pages.chunks(2).map(|pages| filed(pages, "TP01")).collect();
                let (records, seen) = (&archive.records, (pages.len(), None));
                let filing = records.put_filing(dossier.id, seen, &documents, &[], Duration::ZERO);
                filing.await.unwrap();
            }
            Job::Seal { document, revision } => {
                let pdf = archive.blobs.put(revision.as_bytes()).await.unwrap();
                let draft = draft(dossier, document, pdf);
                let records = &archive.records;
                records.publish(document, &revision, draft, Timestamp::now()).await.unwrap();
            }
        }
        archive.queue.done(delivery).await.unwrap();
        done += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_take_each_job_once_and_every_code_is_another() {
    let bed = bed().await;
    let archives = others(&bed, 3).await;
    let mut dossiers = Vec::new();
    for n in 0..6 {
        let dossier = open(&bed.archive, &format!("H{n}"), Lane::Counter).await;
        accept(&bed.archive, dossier.id, b"first").await;
        accept(&bed.archive, dossier.id, b"second").await;
        dossiers.push(dossier);
    }
    let mut tasks = JoinSet::new();
    for archive in &archives {
        for _ in 0..3 {
            tasks.spawn(work(archive.clone(), dossiers.clone(), 4));
        }
    }
    let jobs: u32 = all(tasks).await.into_iter().sum();
    // A dossier: 2 scans, 8 pages, 4 documents, and one filing at least.
    assert!(jobs >= 6 * (2 + 8 + 4 + 1), "{jobs}");
    let mut codes = BTreeSet::new();
    for dossier in &dossiers {
        let events = bed.archive.records.events(dossier.id, 0, 100).await.unwrap();
        assert!(events.is_sorted_by(|(a, _), (b, _)| a < b));
        let count = |what: fn(&DossierEvent) -> bool| {
            events.iter().filter(|(_, event)| what(event)).count()
        };
        assert_eq!(count(|event| matches!(event, DossierEvent::PageRead { .. })), 8);
        assert_eq!(count(|event| matches!(event, DossierEvent::Published { .. })), 4);
        assert_eq!(count(|event| matches!(event, DossierEvent::Settled)), 1);
    }
    for record in bed.archive.records.records_of(NUMBER).await.unwrap() {
        codes.insert(record.digitisation_code);
    }
    let expected: BTreeSet<_> =
        (1..=24).map(|n| format!("{NUMBER}.birth_certificate..{n:02}")).collect();
    assert_eq!(codes, expected);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert!(bed.archive.queue.take().await.unwrap().is_none());
}

/// Parks a job, and has whatever is parked tried again, as a person at each desk would.
async fn park_and_retry(archive: &Archive, dossier: &Dossier, job: Job) {
    let (version, lane, office) = (Message::VERSION, dossier.lane, dossier.office.clone());
    let message = Message { version, lane, office, dossier: dossier.id, job, traceparent: None };
    archive.records.park(&message, 3, Reason::ScanBroken, "no").await.unwrap();
    for parked in archive.records.parked(100).await.unwrap() {
        archive.records.retry_parked(parked.id).await.unwrap();
    }
}

/// Does all that can be done to a dossier, its one document and its record, over and over.
async fn meddle(archive: Archive, who: u8, dossier: Dossier, pages: Vec<PageId>, record: Record) {
    let records = &archive.records;
    let document = DocumentId::starting_at(pages[0]);
    for round in 0..8_u8 {
        let scan = accept(&archive, dossier.id, &[round, who]).await.scan.id;
        if let Some(delivery) = archive.queue.take().await.unwrap() {
            archive.queue.done(delivery).await.unwrap();
        }
        park_and_retry(&archive, &dossier, Job::Unpack { scan }).await;
        unpack(&archive, scan, 1).await;
        read_page(&archive, PageId::nth(scan, 0)).await;

        let word = AssignDocument {
            component: ["TP01", "TP02"][usize::from(round % 2)].parse().unwrap(),
            kind: Some(kind().id),
            by: "officer-7".to_owned(),
            again: None,
        };
        let now = Timestamp::now();
        let said = (&word, None, None);
        let row = records.assign(SOMEBODY, document, said, now).await.unwrap().unwrap();
        let revision = row.doc.revision;
        let seal = Job::Seal { document, revision: revision.clone() };
        park_and_retry(&archive, &dossier, seal).await;
        let pdf = archive.blobs.put(revision.as_bytes()).await.unwrap();
        let draft = draft(&dossier, document, pdf);
        records.publish(document, &revision, draft, now).await.unwrap();

        let seen = records.sheets(dossier.id).await.unwrap().len();
        let again = [filed(&pages, "TP01")];
        records.put_filing(dossier.id, (seen, None), &again, &[], Duration::ZERO).await.unwrap();
        let asked = request(&record, "Đăng ký kết hôn");
        // It may have been superseded, which is an answer.
        let answer = records.put_lookup(SOMEBODY, &asked, &record, now).await;
        assert!(matches!(answer, Ok(_) | Err(LookupError::NotUsable)), "{answer:?}");
        records.link_audit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_dossier_that_everyone_changes_at_once_ends_sound_and_nobody_is_refused() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    let mut tasks = JoinSet::new();
    for (who, archive) in (0..).zip(others(&bed, 3).await) {
        tasks.spawn(meddle(archive, who, dossier.clone(), pages.clone(), record.clone()));
    }
    all(tasks).await;
    let versions = bed.archive.records.versions(record.id).await.unwrap();
    let numbers: Vec<_> = versions.iter().map(|version| version.version).collect();
    let count = u32::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (1..=count).rev().collect::<Vec<_>>(), "no version twice, none left out");
    let events = bed.archive.records.events(dossier.id, 0, 10_000).await.unwrap();
    assert!(events.is_sorted_by(|(a, _), (b, _)| a < b));
    let found = findings(&bed.archive).await;
    let amiss =
        |code: &&&str| ["lookup.", "record.", "audit."].iter().any(|of| code.starts_with(of));
    assert_eq!(found.iter().find(amiss), None, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_follows_a_dossier_misses_nothing_that_others_write() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let archives = others(&bed, 3).await;
    let follower = archives[0].clone();
    let following = tokio::spawn(async move {
        let mut changed = follower.records.changed();
        let (mut last, mut seen) = (0, 0);
        while seen < 90 {
            // Longer than any wake-up takes, and no poll saves one that was lost.
            let waited = tokio::time::timeout(Duration::from_secs(20), changed.changed()).await;
            waited.expect("woken").unwrap();
            for (turn, _) in follower.records.events(dossier.id, last, 1000).await.unwrap() {
                assert!(turn > last);
                (last, seen) = (turn, seen + 1);
            }
        }
        last
    });
    let mut tasks = JoinSet::new();
    for (who, archive) in archives[1..].iter().cloned().enumerate() {
        tasks.spawn(async move {
            for n in 0..30_u8 {
                accept(&archive, dossier.id, &[n, who.try_into().unwrap()]).await;
            }
        });
    }
    all(tasks).await;
    let last = following.await.unwrap();
    let events = bed.archive.records.events(dossier.id, 0, 1000).await.unwrap();
    assert_eq!((events.len(), events.last().unwrap().0), (90, last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_elsewhere_is_woken_at_once() {
    let bed = bed().await;
    let elsewhere = others(&bed, 1).await.remove(1);
    let dossier = bed.dossier().await;
    let mut soon = 0;
    for n in 0..5_u8 {
        let queue = elsewhere.queue.clone();
        let waiting = tokio::spawn(async move { (queue.next().await.unwrap(), Instant::now()) });
        tokio::time::sleep(Duration::from_millis(60)).await;
        let announced = Instant::now();
        accept(&bed.archive, dossier.id, &[n]).await;
        let (delivery, taken) = waiting.await.unwrap();
        elsewhere.queue.done(delivery).await.unwrap();
        // Far less than the 500 ms of the poll, which begin anew each time.
        soon += u32::from(taken.duration_since(announced) < Duration::from_millis(300));
    }
    assert!(soon >= 4, "woken in time {soon} times of 5");
}
