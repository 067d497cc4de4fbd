//! Filing: what a later filing does to an earlier one, and what it leaves alone.

use std::time::Duration;

use archive::{FiledDocument, Reviser};
use jiff::Timestamp;
use schemas::api::{AssignDocument, DocumentVerdict, DossierEvent};
use schemas::code::Reason;
use schemas::ids::RecordId;
use schemas::message::Job;
use schemas::record::RecordState;

use crate::bed::{NUMBER, SOMEBODY, accept, bed, draft, filed, findings};

#[tokio::test]
async fn a_later_filing_voids_the_seal_of_the_one_before() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(3).await;
    let short = filed(&pages[..1], "TP01");
    assert!(bed.file(dossier.id, std::slice::from_ref(&short)).await);
    let seal = bed.read(0).await.unwrap();
    let job = Job::Seal { document: short.id, revision: short.revision.clone() };
    assert_eq!(seal.message.job, job);

    let long = filed(&pages, "TP01");
    assert_eq!(short.id, long.id);
    assert!(bed.file(dossier.id, std::slice::from_ref(&long)).await);
    let publish = async |revision: &str| {
        let pdf = bed.archive.blobs.put(revision.as_bytes()).await.unwrap();
        let draft = draft(&dossier, short.id, pdf);
        let records = &bed.archive.records;
        records.publish(short.id, revision, draft, Timestamp::now()).await.unwrap()
    };
    assert_eq!(publish(&short.revision).await, None);
    assert_eq!(publish(&long.revision).await.unwrap().version, 1);
    assert!(!bed.archive.records.unsettled(dossier.id).await.unwrap());
}

#[tokio::test]
async fn an_unchanged_document_keeps_its_record_and_is_not_sealed_again() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let documents = [filed(&pages[..1], "TP01"), filed(&pages[1..], "TP02")];
    bed.file(dossier.id, &documents).await;
    let record = bed.publish(&dossier, documents[0].id).await;
    while let Some(delivery) = bed.archive.queue.take().await.unwrap() {
        bed.archive.queue.done(delivery).await.unwrap();
    }
    bed.file(dossier.id, &documents).await;
    assert!(bed.archive.queue.take().await.unwrap().is_none(), "nothing announced again");
    let rows = bed.archive.records.documents(dossier.id).await.unwrap();
    assert_eq!(rows[0].record, Some((record.id, 1)));
    assert_eq!(rows[1].record, None);

    bed.file(dossier.id, &documents[1..]).await;
    let rows = bed.archive.records.documents(dossier.id).await.unwrap();
    assert_eq!(rows.len(), 1, "what is not filed any more is gone");
}

#[tokio::test]
async fn a_filing_made_before_the_last_page_came_changes_nothing() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let stale = [filed(&pages, "TP01")];
    accept(&bed.archive, dossier.id, b"another scan").await;
    bed.read(1).await.unwrap();
    let records = &bed.archive.records;
    assert!(!records.put_filing(dossier.id, (1, None), &stale, &[], Duration::ZERO).await.unwrap());
    assert!(records.documents(dossier.id).await.unwrap().is_empty());
    assert!(records.put_filing(dossier.id, (2, None), &stale, &[], Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn sealing_waits_for_a_quiet_dossier_and_closing_ends_the_wait() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let records = &bed.archive.records;
    let hour = Duration::from_secs(3600);
    let filing = [filed(&pages, "TP01")];
    records.put_filing(dossier.id, (1, None), &filing, &[], hour).await.unwrap();
    assert!(bed.archive.queue.take().await.unwrap().is_none());
    records.close_dossier(dossier.id).await.unwrap();
    let seal = bed.archive.queue.take().await.unwrap().unwrap();
    assert!(matches!(seal.message.job, Job::Seal { .. }));
}

#[tokio::test]
async fn a_persons_word_outlives_the_next_filing_and_takes_over_its_pages() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let mut unsure = filed(&pages[..1], "TP09");
    unsure.verdict = DocumentVerdict::Unsure;
    bed.file(dossier.id, std::slice::from_ref(&unsure)).await;
    assert!(bed.archive.queue.take().await.unwrap().is_none(), "unsure is not sealed");

    let word = AssignDocument {
        component: "TP01".parse().unwrap(),
        kind: Some("household_book".parse().unwrap()),
        by: "officer-7".to_owned(),
        again: None,
    };
    let records = &bed.archive.records;
    let assigned = records
        .assign(SOMEBODY, unsure.id, (&word, None, None), Timestamp::now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(assigned.doc.verdict, DocumentVerdict::Filed);
    assert_ne!(assigned.doc.revision, unsure.revision);
    let seal = bed.archive.queue.take().await.unwrap().unwrap();
    let revision = assigned.doc.revision.clone();
    assert_eq!(seal.message.job, Job::Seal { document: unsure.id, revision });

    bed.file(dossier.id, &[filed(&pages, "TP09")]).await;
    let row = records.document(unsure.id).await.unwrap().unwrap().1;
    assert_eq!(row.assigned_by.as_deref(), Some("officer-7"));
    assert_eq!(row.doc.component, Some(word.component.clone()));
    assert_eq!(row.doc.pages, pages);
    assert_ne!(row.doc.revision, assigned.doc.revision);

    bed.file(dossier.id, &[]).await;
    assert!(records.document(unsure.id).await.unwrap().is_some(), "a filing can't remove it");
    let nobody = schemas::ids::DocumentId::starting_at(pages[1]);
    let word = AssignDocument { by: String::new(), ..word };
    assert_eq!(
        records.assign(SOMEBODY, nobody, (&word, None, None), Timestamp::now()).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_page_scanned_twice_is_marked_by_the_filing_that_found_it() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let records = &bed.archive.records;
    let same = [(pages[1], pages[0])];
    records.put_filing(dossier.id, (2, None), &[], &same, Duration::ZERO).await.unwrap();
    assert_eq!(records.page(pages[1]).await.unwrap().unwrap().same_as, Some(pages[0]));
    records.put_filing(dossier.id, (2, None), &[], &[], Duration::ZERO).await.unwrap();
    assert_eq!(records.page(pages[1]).await.unwrap().unwrap().same_as, None);
}

#[tokio::test]
async fn a_seal_that_failed_is_parked_and_settles_the_dossier() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let seal = bed.read(0).await.unwrap();
    let records = &bed.archive.records;
    assert!(records.unsettled(dossier.id).await.unwrap());
    records.park(&seal.message, 5, Reason::SealFailed, "no font").await.unwrap();
    bed.archive.queue.done(seal).await.unwrap();
    assert!(!records.unsettled(dossier.id).await.unwrap());

    let parked = records.parked(10).await.unwrap();
    assert!(records.retry_parked(parked[0].id).await.unwrap());
    let again = bed.read(0).await.unwrap();
    records.park(&again.message, 5, Reason::SealFailed, "no font").await.unwrap();
    // A filing that changes the document makes the parked job void.
    bed.file(dossier.id, &[filed(&pages, "TP02")]).await;
    assert!(records.parked(10).await.unwrap().is_empty());
    let events = records.events(dossier.id, 0, 100).await.unwrap();
    let filed = DossierEvent::Filed { filed: 1, unsure: 0, outside: 0, held_again: Vec::new() };
    assert_eq!(events.iter().filter(|(_, event)| *event == filed).count(), 2);
}

#[tokio::test]
async fn filing_that_failed_settles_the_dossier_until_it_is_tried_again() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"scan").await;
    let filing = bed.read(2).await.unwrap();
    let records = &bed.archive.records;
    records.park(&filing.message, 5, Reason::Internal, "broken rule").await.unwrap();
    bed.archive.queue.done(filing).await.unwrap();
    assert!(!records.unsettled(dossier.id).await.unwrap());
    let parked = records.parked(10).await.unwrap();
    assert!(records.retry_parked(parked[0].id).await.unwrap());
    assert!(records.unsettled(dossier.id).await.unwrap());
    assert!(matches!(bed.read(0).await.unwrap().message.job, Job::File { scans: 1 }));
}

#[tokio::test]
async fn a_document_that_became_unsure_is_not_published_by_the_job_on_its_way() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let mut document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    document.verdict = DocumentVerdict::Unsure;
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let pdf = bed.archive.blobs.put(b"pdf").await.unwrap();
    let draft = draft(&dossier, document.id, pdf);
    let records = &bed.archive.records;
    let published = records.publish(document.id, &document.revision, draft, Timestamp::now());
    assert_eq!(published.await.unwrap(), None);
    bed.file(dossier.id, &[]).await;
    assert_eq!(findings(&bed.archive).await, [""; 0], "a void job is no damage");
}

#[tokio::test]
async fn the_record_of_a_paper_that_is_not_filed_any_more_is_revoked() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let records = &bed.archive.records;
    let documents = [filed(&pages[..1], "TP01"), filed(&pages[1..], "TP02")];
    bed.file(dossier.id, &documents).await;
    let ids = [documents[0].id, documents[1].id];
    let first = bed.publish(&dossier, ids[0]).await;
    let second = bed.publish(&dossier, ids[1]).await;

    // The first turns out to be unsure, the second is gone.
    let unsure = FiledDocument { verdict: DocumentVerdict::Unsure, ..documents[0].clone() };
    bed.file(dossier.id, &[unsure]).await;
    for record in [&first, &second] {
        let now = records.record(record.id, None).await.unwrap().unwrap();
        assert_eq!(now.state, RecordState::Revoked);
    }
    assert_eq!(records.records_of(first.owners[0].subject.reveal_number()).await.unwrap(), []);

    // Filed again after all, it is published again, as a version of its own.
    bed.file(dossier.id, &documents[..1]).await;
    assert_eq!(bed.publish(&dossier, ids[0]).await.version, 2);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_record_that_a_person_withdrew_comes_back_by_a_persons_word_alone() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(3).await;
    let records = &bed.archive.records;
    let [one, two, three] = [1, 2, 3].map(|count| filed(&pages[..count], "TP01"));
    let file = async |document: &FiledDocument| {
        assert!(bed.file(dossier.id, std::slice::from_ref(document)).await);
    };
    // What the worker does with a job to seal.
    let publish = async |revision: &str| {
        let pdf = bed.archive.blobs.put(revision.as_bytes()).await.unwrap();
        let draft = draft(&dossier, one.id, pdf);
        let published = records.publish(one.id, revision, draft, Timestamp::now()).await.unwrap();
        published.map(|record| record.version)
    };
    let id = RecordId::of(one.id);
    let withdraw = async || {
        let who = Reviser { reason: "Cấp sai", by: "officer-7", principal: SOMEBODY };
        records.revoke(id, who, Timestamp::now()).await.unwrap();
    };
    let assign = async || {
        let component = "TP01".parse().unwrap();
        let word =
            AssignDocument { component, kind: None, by: "officer-7".to_owned(), again: None };
        let said = (&word, None, None);
        records.assign(SOMEBODY, one.id, said, Timestamp::now()).await.unwrap().unwrap()
    };
    let jobs = async || {
        let mut jobs = 0;
        while let Some(seal) = bed.read(0).await {
            bed.archive.queue.done(seal).await.unwrap();
            jobs += 1;
        }
        jobs
    };
    // Withdrawn, and nothing is left to be done.
    let stays = async |record: Option<(RecordId, u32)>| {
        let (_, row) = records.document(one.id).await.unwrap().unwrap();
        assert_eq!((row.withdrawn, row.record), (true, record));
        assert!(!records.unsettled(dossier.id).await.unwrap());
        assert!(records.records_of(NUMBER).await.unwrap().is_empty());
        assert_eq!(findings(&bed.archive).await, [""; 0]);
    };

    file(&one).await;
    assert_eq!(publish(&one.revision).await, Some(1));
    // One more page came just before.
    file(&two).await;
    withdraw().await;
    assert_eq!(publish(&two.revision).await, None);
    stays(None).await;
    assert_eq!(jobs().await, 2);
    // And another comes after.
    file(&three).await;
    stays(None).await;
    assert_eq!((jobs().await, publish(&three.revision).await), (0, None));

    let assigned = assign().await;
    assert_eq!((&assigned.doc.revision, assigned.withdrawn), (&three.revision, false));
    assert!(records.unsettled(dossier.id).await.unwrap());
    assert_eq!((jobs().await, publish(&three.revision).await), (1, Some(2)));
    assert!(!records.unsettled(dossier.id).await.unwrap());

    // Withdrawn once more, and filed as it is by a person once more.
    withdraw().await;
    stays(Some((id, 2))).await;
    file(&three).await;
    stays(Some((id, 2))).await;
    assert_eq!(jobs().await, 0);
    assign().await;
    assert_eq!((jobs().await, publish(&three.revision).await), (1, Some(3)));

    // A word from before doesn't count.
    withdraw().await;
    file(&two).await;
    stays(None).await;
    assert_eq!(jobs().await, 0);
}
