//! What dossiers rely on, and records that are put right or withdrawn.

use std::time::Duration;

use archive::{
    AcceptError, Answered, ArchiveError, Asked, Dossier, FiledDocument, FilingError, InUse,
    LookupError, NewDossier, NewScan, PutRight, Reliance, Relied, Revised, Reviser, Shift, Stated,
};
use jiff::Timestamp;
use jiff::civil::date;
use schemas::access::Reach;
use schemas::api::{
    Answers, AskReason, AssignDocument, DocumentVerdict, DossierEvent, LookupRequest, LookupWord,
    RecordChange, RecordStanding, SayOfLookup,
};
use schemas::clock::day_of;
use schemas::ids::RecordId;
use schemas::message::{Job, Lane};
use schemas::record::{
    BoundBy, Field, FieldName, FieldSource, Owner, ProofState, Record, RecordState,
};
use schemas::subject::{Subject, SubjectPart};

use crate::bed::{
    Bed, NUMBER, SOMEBODY, bed, citizen, draft, filed, findings, new_dossier, new_scan, open,
    request,
};
use crate::subjects::{done, erase};

const REVISER: Reviser<'_> = Reviser { reason: "Cấp sai", by: "officer-7", principal: SOMEBODY };

/// A record, and the dossier that it came with.
async fn published(bed: &Bed) -> (Dossier, Record) {
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    (dossier, record)
}

fn relied(record: &Record) -> Relied {
    let component = "TP07".parse().unwrap();
    let (record, version) = (record.id, record.version);
    Relied { component, record, version, original: false, last_day: None }
}

/// A dossier that relies on the record.
pub(crate) async fn relying(bed: &Bed, record: &Record) -> Dossier {
    let new: NewDossier = new_dossier("H26.01", Lane::Counter);
    let answers = Answers::from([("TP09".parse().unwrap(), true)]);
    let reliance = Reliance { answers, relied: vec![relied(record)] };
    let records = &bed.archive.records;
    records.open_dossier(SOMEBODY, &new, &reliance, Timestamp::now()).await.unwrap()
}

async fn changes(bed: &Bed, dossier: &Dossier) -> Vec<(u32, RecordChange)> {
    let events = bed.archive.records.events(dossier.id, 0, 100).await.unwrap();
    let change = |(_, event): &(i64, DossierEvent)| match event {
        DossierEvent::RecordChanged { version, change, .. } => Some((*version, *change)),
        _ => None,
    };
    let told: Vec<_> = events.iter().filter_map(change).collect();
    let warned = bed.archive.records.warnings(dossier.id).await.unwrap();
    assert_eq!(told, warned.iter().map(|w| (w.version, w.change)).collect::<Vec<_>>());
    told
}

#[tokio::test]
async fn a_dossier_hears_that_the_record_it_relies_on_was_withdrawn() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let open = relying(&bed, &record).await;
    let closed = relying(&bed, &record).await;
    let records = &bed.archive.records;
    records.close_dossier(closed.id).await.unwrap();
    let kept = records.dossier(&open.code).await.unwrap().unwrap();
    assert_eq!(kept.answers, Answers::from([("TP09".parse().unwrap(), true)]));
    assert_eq!(records.relied(open.id).await.unwrap(), [relied(&record)]);
    assert_eq!(changes(&bed, &open).await, []);

    let now = Timestamp::now();
    for _ in 0..2 {
        let revised = records.revoke(record.id, REVISER, now).await.unwrap();
        let Revised::Done(revoked) = revised else { panic!("{revised:?}") };
        assert_eq!(revoked.state, RecordState::Revoked);
    }
    assert_eq!(changes(&bed, &open).await, [(1, RecordChange::Revoked)]);
    assert_eq!(changes(&bed, &closed).await, [], "what was decided on is decided");
    assert!(records.records_of(NUMBER).await.unwrap().is_empty());
    let asked = records.put_lookup(SOMEBODY, &request(&record, "Đăng ký"), &record, now).await;
    assert!(matches!(asked, Err(LookupError::NotUsable)));
    let version = records.versions(record.id).await.unwrap().remove(0);
    assert_eq!(version.standing, RecordStanding::Revoked);
    assert_eq!(version.ended_reason.as_deref(), Some("Cấp sai"));
    let unknown = RecordId::from_uuid(schemas::Uuid::nil());
    let revised = records.revoke(unknown, REVISER, now).await.unwrap();
    assert_eq!(revised, Revised::Unknown);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_dossier_hears_that_the_record_it_relies_on_was_erased() {
    let bed = bed().await;
    let (gone, record) = done(&bed).await;
    let (open, closed) = (relying(&bed, &record).await, relying(&bed, &record).await);
    let records = &bed.archive.records;
    records.close_dossier(closed.id).await.unwrap();
    erase(&bed, gone.id, true, true).await.unwrap();
    assert_eq!(changes(&bed, &open).await, [(1, RecordChange::Revoked)]);
    assert_eq!(changes(&bed, &closed).await, [], "what was decided on is decided");
    assert_eq!(records.lost(open.id).await.unwrap().len(), 1);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_corrected_record_is_a_new_version_and_the_old_one_says_so() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let open = relying(&bed, &record).await;
    let field = Field {
        name: FieldName::IssuedOn,
        value: "2025-01-17".to_owned(),
        confidence: 1.0,
        source: FieldSource::Typed,
        page: None,
        area: None,
    };
    let records = &bed.archive.records;
    let correct = async |version| {
        let put_right = PutRight {
            fields: vec![field.clone()],
            valid_until: Some(date(2025, 7, 17)),
            owners: record.owners.clone(),
            owners_said: false,
        };
        records.correct((record.id, version), put_right, REVISER, Timestamp::now()).await.unwrap()
    };
    let Revised::Done(corrected) = correct(1).await else { panic!("not corrected") };
    assert_eq!((corrected.version, &corrected.fields), (2, &vec![field.clone()]));
    assert_eq!(correct(1).await, Revised::NotInUse, "another version is in use by now");
    assert_eq!(records.record(record.id, None).await.unwrap(), Some(*corrected));
    let versions = records.versions(record.id).await.unwrap();
    let standings: Vec<_> = versions.iter().map(|version| version.standing).collect();
    assert_eq!(standings, [RecordStanding::Expired, RecordStanding::Corrected]);
    assert_eq!(changes(&bed, &open).await, [(1, RecordChange::Corrected)]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_dossier_hears_what_becomes_of_a_record_after_it_was_corrected() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let open = relying(&bed, &record).await;
    let records = &bed.archive.records;
    let owners = record.owners.clone();
    let put_right = PutRight { fields: Vec::new(), valid_until: None, owners, owners_said: false };
    let now = Timestamp::now();
    records.correct((record.id, 1), put_right, REVISER, now).await.unwrap();
    let second = records.record(record.id, None).await.unwrap().unwrap();
    let (late, decided) = (relying(&bed, &second).await, relying(&bed, &second).await);
    // At the decision nothing stands for the component, though nobody ended the second.
    records.note_expired(decided.id, &["TP07".parse().unwrap()], now).await.unwrap();
    records.revoke(record.id, REVISER, now).await.unwrap();
    let heard = [(1, RecordChange::Corrected), (2, RecordChange::Revoked)];
    assert_eq!(changes(&bed, &open).await, heard);
    assert_eq!(changes(&bed, &late).await, heard[1..]);
    assert_eq!(changes(&bed, &decided).await, [(2, RecordChange::Expired)], "lost is lost");
}

#[tokio::test]
async fn a_corrected_version_waits_for_its_proof_and_one_without_is_found() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let records = &bed.archive.records;
    let (id, now) = (record.id, Timestamp::now());
    while let Some(job) = bed.archive.queue.take().await.unwrap() {
        bed.archive.queue.done(job).await.unwrap();
    }
    let proofs = async || {
        let versions = records.versions(id).await.unwrap();
        versions.iter().map(|version| version.proof).collect::<Vec<_>>()
    };
    assert_eq!(proofs().await, [ProofState::None]);
    records.put_proof(id, 1, "first", now).await.unwrap();

    let owners = record.owners.clone();
    let put_right = PutRight { fields: Vec::new(), valid_until: None, owners, owners_said: false };
    records.correct((id, 1), put_right, REVISER, now).await.unwrap();
    assert_eq!(proofs().await, [ProofState::Pending, ProofState::Signed]);
    let job = bed.archive.queue.take().await.unwrap().expect("a job for its proof");
    assert!(matches!(job.message.job, Job::Seal { document, .. } if document == record.document));
    let left: Vec<u32> = records.unproven(id).await.unwrap().into_iter().map(|(v, _)| v).collect();
    assert_eq!(left, [2]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);

    // A job that ends late doesn't end what is waited for by then.
    records.proof_done(record.document, 1).await.unwrap();
    assert_eq!(proofs().await[0], ProofState::Pending);

    // Whoever was to sign did nothing: the check finds it, and has it done again.
    records.proof_done(record.document, 2).await.unwrap();
    bed.archive.queue.done(job).await.unwrap();
    assert_eq!(proofs().await[0], ProofState::None);
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(findings(&bed.archive).await, ["document.not_proven"]);
    bed.archive.mend(&found).await.unwrap();
    let job = bed.archive.queue.take().await.unwrap().expect("a job for its proof");
    records.put_proof(id, 2, "second", now).await.unwrap();
    records.proof_done(record.document, 2).await.unwrap();
    bed.archive.queue.done(job).await.unwrap();
    assert_eq!(proofs().await, [ProofState::Signed; 2]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_correction_outlives_a_page_that_comes_later() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages[..1], "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    let records = &bed.archive.records;
    let field = Field {
        name: FieldName::Issuer,
        value: "UBND phường Mẫu".to_owned(),
        confidence: 1.0,
        source: FieldSource::Typed,
        page: None,
        area: None,
    };
    let put_right = PutRight {
        fields: vec![field.clone()],
        valid_until: None,
        owners: record.owners.clone(),
        owners_said: false,
    };
    let now = Timestamp::now();
    let done = records.correct((record.id, 1), put_right, REVISER, now).await.unwrap();
    assert!(matches!(done, Revised::Done(_)));

    let later = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&later)).await;
    let pdf = bed.archive.blobs.put(b"both pages").await.unwrap();
    // A draft that was made before the correction is not published; the job is done again.
    let draft = draft(&dossier, later.id, pdf);
    let early = records.publish(later.id, &later.revision, draft.clone(), now).await;
    assert!(matches!(early, Err(ArchiveError::Unavailable { .. })), "{early:?}");
    let draft = Record { fields: vec![field.clone()], ..draft };
    let third = records.publish(later.id, &later.revision, draft, now).await.unwrap().unwrap();
    assert_eq!((third.version, third.corrections()), (3, vec![field]));
}

#[tokio::test]
async fn a_dossier_hears_that_the_paper_it_relies_on_was_filed_elsewhere() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    bed.file(dossier.id, &[filed(&pages, "TP01")]).await;
    let record = bed.publish(&dossier, filed(&pages, "TP01").id).await;
    let open = relying(&bed, &record).await;
    bed.file(dossier.id, &[]).await;
    assert_eq!(changes(&bed, &open).await, [(1, RecordChange::Revoked)]);
    assert!(bed.archive.records.records_of(NUMBER).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_change_that_nobody_was_told_of_is_told_later() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let open = relying(&bed, &record).await;
    let died = "insert into relied_change
        (dossier_id, component, record_id, version, change, at)
        select dossier_id, component, record_id, version, 'superseded', 1 from relied";
    assert_eq!(bed.tamper(died).await, 1);
    assert_eq!(bed.tamper("update record set state = 'superseded'").await, 1);
    for _ in 0..2 {
        bed.archive.records.tell_changes().await.unwrap();
        assert_eq!(changes(&bed, &open).await, [(1, RecordChange::Superseded)]);
    }
    // A record that changed a moment ago is not relied on.
    let late = relying(&bed, &record).await;
    assert_eq!(bed.archive.records.relied(late.id).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_asked_again_is_counted_with_its_reason() {
    let bed = bed().await;
    let (again, pages) = bed.read_dossier(2).await;
    let (first, record) = published(&bed).await;
    let records = &bed.archive.records;
    let scan = records.page(pages[0]).await.unwrap().unwrap().scan;
    let scan = records.scan(scan).await.unwrap().unwrap();
    let reason = AskReason::Authenticity;
    let stated = Stated {
        component: "TP07".parse().unwrap(),
        relied: Some(relied(&record)),
        reason,
        said_by: Some("officer-7".to_owned()),
        principal: SOMEBODY,
    };
    let new = NewScan { stated: Some(stated), ..new_scan(again.id, scan.blake3, None) };
    for _ in 0..2 {
        assert!(records.accept_scan(&new, Timestamp::now()).await.unwrap().repeated);
    }
    assert_eq!(records.asked_again(again.id).await.unwrap(), [], "nothing is filed yet");
    bed.file(again.id, &[filed(&pages[..1], "TP07")]).await;
    let asked = records.asked_again(again.id).await.unwrap();
    assert_eq!((asked.len(), asked[0].record), (1, Some(record.id)));
    let reasons: Vec<_> = asked[0].reasons.iter().map(|said| said.reason).collect();
    assert_eq!(reasons, [AskReason::Authenticity]);
    let spared = relying(&bed, &record).await;

    let facts = async |from: Timestamp, reach: &Reach| {
        let until = Timestamp::now() + jiff::SignedDuration::from_secs(1);
        records.facts((from, until), reach, None).await.unwrap()
    };
    let day = Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let got = facts(day, &Reach::Everywhere).await;
    let told: Vec<_> = got
        .iter()
        .map(|f| (&f.code, f.reusable, f.reused, f.asked_again, f.unreasoned, f.filed, f.pages))
        .collect();
    assert_eq!(
        told,
        [
            (&again.code, 1, 0, 1, 0, 1, 2),
            (&first.code, 0, 0, 0, 0, 1, 1),
            (&spared.code, 1, 1, 0, 0, 0, 0),
        ]
    );
    // Nothing is counted twice where an office is below another.
    let offices = ["H26", "H26.01", "H26"].map(|office| office.parse().unwrap());
    assert_eq!(facts(day, &Reach::Offices(offices.to_vec())).await, got);
    assert!(facts(Timestamp::now(), &Reach::Everywhere).await.is_empty());
}

/// What the counter was told of papers filed though a record stands for them.
async fn handed_back(bed: &Bed, dossier: &Dossier) -> Vec<(String, RecordId)> {
    let events = bed.archive.records.events(dossier.id, 0, 100).await.unwrap();
    let held = events.into_iter().filter_map(|(_, event)| match event {
        DossierEvent::Filed { held_again, .. } => Some(held_again),
        _ => None,
    });
    held.flatten().map(|held| (held.component.to_string(), held.record.unwrap())).collect()
}

#[tokio::test]
async fn a_paper_filed_though_a_record_stands_for_it_is_told_to_the_counter_once() {
    let bed = bed().await;
    let (again, pages) = bed.read_dossier(2).await;
    let (stated_for, more) = bed.read_dossier(1).await;
    let (withdrawn_from, last) = bed.read_dossier(1).await;
    let (_, record) = published(&bed).await;
    let records = &bed.archive.records;
    let first = || filed(&pages[..1], "TP07");
    for dossier in [&again, &withdrawn_from] {
        records.rely_on(dossier.id, &[relied(&record)]).await.unwrap();
    }
    bed.file(again.id, &[first()]).await;
    assert_eq!(handed_back(&bed, &again).await, [("TP07".to_owned(), record.id)]);
    assert_eq!(records.asked_again(again.id).await.unwrap()[0].reasons, []);
    bed.file(again.id, &[first(), filed(&pages[1..], "TP01")]).await;
    assert_eq!(handed_back(&bed, &again).await.len(), 1, "it was told");

    // A person assigns one, for a reason.
    let unsure =
        FiledDocument { component: None, verdict: DocumentVerdict::Unsure, ..filed(&more, "TP07") };
    bed.file(stated_for.id, std::slice::from_ref(&unsure)).await;
    let word = AssignDocument {
        component: "TP07".parse().unwrap(),
        kind: None,
        by: "officer-7".to_owned(),
        again: Some(AskReason::Replaced),
    };
    let said_by = Some(word.by.clone());
    let (component, relied) = (word.component.clone(), Some(relied(&record)));
    let (reason, principal) = (AskReason::Replaced, SOMEBODY);
    let stated = Stated { component, relied, reason, said_by, principal };
    let said = (&word, Some(&stated), None);
    records.assign(SOMEBODY, unsure.id, said, Timestamp::now()).await.unwrap().unwrap();
    let asked = records.asked_again(stated_for.id).await.unwrap();
    let reasons: Vec<_> = asked[0].reasons.iter().map(|said| said.reason).collect();
    assert_eq!((asked[0].record, reasons), (Some(record.id), vec![AskReason::Replaced]));
    assert_eq!(handed_back(&bed, &stated_for).await, []);

    // What was withdrawn stands for nothing: the paper is needed.
    records.revoke(record.id, REVISER, Timestamp::now()).await.unwrap();
    bed.file(withdrawn_from.id, &[filed(&last, "TP07")]).await;
    assert_eq!(handed_back(&bed, &withdrawn_from).await, []);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn where_a_record_came_into_use_since_the_guard_looked_nothing_is_taken() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP07");
    let filing = std::slice::from_ref(&document);
    let looked = async || records.in_use_for(dossier.id).await.unwrap();
    let file = async |judged_by: &InUse| {
        let seen = (1, Some(judged_by));
        records.put_filing(dossier.id, seen, filing, &[], Duration::ZERO).await
    };
    let before = looked().await;
    let (_, record) = published(&bed).await;
    let after = looked().await;
    assert!(matches!(file(&before).await, Err(FilingError::Changed)));
    assert_eq!(records.documents(dossier.id).await.unwrap(), []);
    assert!(file(&after).await.unwrap());

    let word = AssignDocument {
        component: "TP01".parse().unwrap(),
        kind: None,
        by: "officer-7".to_owned(),
        again: None,
    };
    let assign = async |judged_by: &InUse| {
        let said = (&word, None, Some(judged_by));
        records.assign(SOMEBODY, document.id, said, Timestamp::now()).await
    };
    assert!(matches!(assign(&before).await, Err(FilingError::Changed)));
    let (_, row) = records.document(document.id).await.unwrap().unwrap();
    assert_eq!(row.doc.component, document.component);
    assert_eq!(assign(&after).await.unwrap().unwrap().doc.component, Some(word.component.clone()));

    let blake3 = bed.archive.blobs.put(b"another scan").await.unwrap();
    let accept = async |judged_by: &InUse| {
        let judged_by = Some(judged_by.clone());
        let scan = NewScan { judged_by, ..new_scan(dossier.id, blake3, None) };
        records.accept_scan(&scan, Timestamp::now()).await
    };
    assert!(matches!(accept(&before).await, Err(AcceptError::Changed)));
    assert_eq!(records.scans(dossier.id).await.unwrap().len(), 1);
    assert!(!accept(&after).await.unwrap().repeated);
    assert!(accept(&before).await.unwrap().repeated, "it was taken");

    // Its own records spare nothing, and one that was withdrawn does no longer.
    bed.publish(&dossier, document.id).await;
    assert_eq!(looked().await, after);
    records.revoke(record.id, REVISER, Timestamp::now()).await.unwrap();
    assert_eq!(looked().await, before);
}

#[tokio::test]
async fn of_two_who_answer_at_once_one_has_it_worked_out_anew() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let records = &bed.archive.records;
    let dossier = bed.dossier().await;
    let answers = |given: &[(&str, bool)]| -> Answers {
        given.iter().map(|(id, holds)| (id.parse().unwrap(), *holds)).collect()
    };
    let asked = Shift { relied: vec![relied(&record)], spared: Vec::new() };
    let (none, neither) = (answers(&[]), Shift::default());
    let given = [answers(&[("TP07", true)]), answers(&[("TP08", true)])];
    let answer = async |from: &Answers, to: &Answers, shift: &Shift| {
        records.answer(SOMEBODY, dossier.id, (from, to), shift).await.unwrap()
    };
    let both = tokio::join!(answer(&none, &given[0], &asked), answer(&none, &given[1], &neither),);
    let mut both = [both.0, both.1];
    both.sort_by_key(|answered| *answered == Answered::Changed);
    assert_eq!(both, [Answered::Kept, Answered::Changed]);
    let kept = records.dossier(&dossier.code).await.unwrap().unwrap().answers;
    assert!(given.contains(&kept), "{kept:?}");
    let all = answers(&[("TP07", true), ("TP08", true)]);
    assert_eq!(answer(&kept, &all, &asked).await, Answered::Kept);
    assert_eq!(records.relied(dossier.id).await.unwrap(), [relied(&record)]);
    let told = async || {
        let events = records.events(dossier.id, 0, 100).await.unwrap();
        events.iter().filter(|(_, event)| *event == DossierEvent::QuestionsAnswered).count()
    };
    assert_eq!(told().await, 2);

    let less = answers(&[("TP07", false), ("TP08", true)]);
    let spared = Shift { relied: Vec::new(), spared: vec!["TP07".parse().unwrap()] };
    assert_eq!(answer(&all, &less, &spared).await, Answered::Kept);
    assert_eq!(records.relied(dossier.id).await.unwrap(), []);
    records.close_dossier(dossier.id).await.unwrap();
    assert_eq!(answer(&less, &all, &asked).await, Answered::Closed);
    assert_eq!(records.relied(dossier.id).await.unwrap(), []);
}

#[tokio::test]
async fn what_became_of_a_record_tells_nothing_of_one_that_is_relied_on_later() {
    let bed = bed().await;
    let (other, pages) = bed.read_dossier(1).await;
    let (_, first) = published(&bed).await;
    let document = filed(&pages, "TP01");
    bed.file(other.id, std::slice::from_ref(&document)).await;
    let second = bed.publish(&other, document.id).await;
    let records = &bed.archive.records;
    let dossier = relying(&bed, &first).await;
    records.revoke(first.id, REVISER, Timestamp::now()).await.unwrap();
    assert_eq!(records.lost(dossier.id).await.unwrap().len(), 1);
    let answers = [true, false].map(|holds| Answers::from([("TP09".parse().unwrap(), holds)]));
    let spared = Shift { relied: Vec::new(), spared: vec!["TP07".parse().unwrap()] };
    let asked = Shift { relied: vec![relied(&second)], spared: Vec::new() };
    for (from, to, shift) in [(0, 1, &spared), (1, 0, &asked)] {
        let from_to = (&answers[from], &answers[to]);
        let answered = records.answer(SOMEBODY, dossier.id, from_to, shift).await.unwrap();
        assert_eq!(answered, Answered::Kept);
    }
    assert_eq!(records.relied(dossier.id).await.unwrap(), [relied(&second)]);
    assert!(records.lost(dossier.id).await.unwrap().is_empty());
    assert!(records.warnings(dossier.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_of_a_later_program_is_left_out() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"one scan").await;
    assert_eq!(bed.archive.records.events(dossier.id, 0, 100).await.unwrap().len(), 1);
    bed.tamper("update dossier_event set body = '{\"event\":\"of_tomorrow\",\"more\":1}'").await;
    let records = &bed.archive.records;
    records.close_dossier(dossier.id).await.unwrap();
    let events = records.events(dossier.id, 0, 1).await.unwrap();
    assert!(matches!(events[..], [(_, DossierEvent::Closed)]), "{events:?}");
}

#[tokio::test]
async fn a_report_counts_what_is_within_reach_and_at_the_office_that_is_asked_for() {
    let bed = bed().await;
    for office in ["H26.01", "H26.01.02", "H26.010", "H27"] {
        open(&bed.archive, office, Lane::Counter).await;
    }
    let hour = jiff::SignedDuration::from_hours(1);
    let period = (Timestamp::now() - hour, Timestamp::now() + hour);
    let counted = async |reach: &Reach, office: Option<&str>| {
        let office = office.map(|office| office.parse().unwrap());
        let facts = bed.archive.records.facts(period, reach, office.as_ref()).await.unwrap();
        assert!(facts.is_sorted_by_key(|of| &of.code));
        let mut offices: Vec<_> = facts.iter().map(|of| of.office.to_string()).collect();
        offices.sort();
        offices
    };
    let all = Reach::Everywhere;
    assert_eq!(counted(&all, None).await, ["H26.01", "H26.01.02", "H26.010", "H27"]);
    assert_eq!(counted(&all, Some("H26.01")).await, ["H26.01"]);
    let ward = Reach::Offices(vec!["H26.01".parse().unwrap()]);
    assert_eq!(counted(&ward, None).await, ["H26.01", "H26.01.02"]);
    assert_eq!(counted(&ward, Some("H26.01.02")).await, ["H26.01.02"]);
    assert!(counted(&ward, Some("H26.010")).await.is_empty());
    let two = ["H27", "H26.01.02"].map(|office| office.parse().unwrap());
    assert_eq!(counted(&Reach::Offices(two.to_vec()), None).await, ["H26.01.02", "H27"]);
    assert!(counted(&Reach::Offices(Vec::new()), None).await.is_empty());
}

#[tokio::test]
async fn a_record_that_runs_out_is_noted_by_itself_and_once() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let today = day_of(Timestamp::now());
    let until = async |last_day| {
        let new: NewDossier = new_dossier("H26.01", Lane::Counter);
        let relied = vec![Relied { last_day, ..relied(&record) }];
        let reliance = Reliance { relied, ..Reliance::default() };
        let records = &bed.archive.records;
        records.open_dossier(SOMEBODY, &new, &reliance, Timestamp::now()).await.unwrap()
    };
    let (ever, last_day) = (until(None).await, until(Some(today)).await);
    let over = until(Some(today.yesterday().unwrap())).await;
    let closed = until(Some(today.yesterday().unwrap())).await;
    let records = &bed.archive.records;
    records.close_dossier(closed.id).await.unwrap();
    assert_eq!(records.relied(last_day.id).await.unwrap()[0].last_day, Some(today));
    for _ in 0..2 {
        records.expire(Timestamp::now()).await.unwrap();
        assert_eq!(changes(&bed, &over).await, [(1, RecordChange::Expired)]);
        for untouched in [&ever, &last_day, &closed] {
            assert_eq!(changes(&bed, untouched).await, []);
        }
    }
    // The day after, the next one has run out.
    let tomorrow = Timestamp::now() + jiff::SignedDuration::from_hours(24);
    records.expire(tomorrow).await.unwrap();
    assert_eq!(changes(&bed, &last_day).await, [(1, RecordChange::Expired)]);
    assert_eq!(changes(&bed, &over).await.len(), 1);
}

#[tokio::test]
async fn a_lookup_is_attached_to_its_dossier_with_what_became_of_it() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let dossier = relying(&bed, &record).await;
    let records = &bed.archive.records;
    let component = relied(&record).component;
    let mut asked = request(&record, "Đăng ký kết hôn");
    (asked.dossier, asked.component) = (Some(dossier.code.clone()), Some(component.clone()));
    assert_eq!(records.answered(&asked, SOMEBODY).await.unwrap(), None);
    let lookup = records.put_lookup(SOMEBODY, &asked, &record, Timestamp::now()).await.unwrap();
    assert_eq!(records.answered(&asked, SOMEBODY).await.unwrap(), Some(lookup.clone()));
    assert_eq!(records.lookup(lookup.id).await.unwrap(), Some(lookup.clone()));
    let notes = records.lookups_for(&dossier.code).await.unwrap();
    assert_eq!((notes.len(), notes[0].id), (1, lookup.id));
    assert_eq!((notes[0].version, notes[0].answer_hash), (1, lookup.answer_hash));

    let say = async |word| {
        let said = SayOfLookup { word, by: "officer-7".to_owned(), reason: None };
        records.say_of_lookup(SOMEBODY, &lookup, &said, Timestamp::now()).await
    };
    for (word, declined) in [
        (LookupWord::Shown, false),
        (LookupWord::Declined, true),
        (LookupWord::Used, false),
        (LookupWord::Declined, true),
    ] {
        say(word).await.unwrap();
        let found = records.declined(&dossier.code).await.unwrap();
        assert_eq!(found, if declined { vec![component.clone()] } else { vec![] }, "{word:?}");
    }
    let notes = records.lookups_for(&dossier.code).await.unwrap();
    let words: Vec<_> = notes[0].words.iter().map(|said| said.word).collect();
    use LookupWord::{Declined, Shown, Used};
    assert_eq!(words, [Shown, Declined, Used, Declined], "all is kept, in order");

    records.revoke(record.id, REVISER, Timestamp::now()).await.unwrap();
    assert!(matches!(say(Used).await, Err(LookupError::NotUsable)));
    say(Declined).await.unwrap();
}

#[tokio::test]
async fn once_its_dossier_is_closed_an_answer_is_neither_used_nor_declined() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let dossier = relying(&bed, &record).await;
    let records = &bed.archive.records;
    let mut asked = request(&record, "Đăng ký kết hôn");
    let component = relied(&record).component;
    (asked.dossier, asked.component) = (Some(dossier.code.clone()), Some(component));
    let lookup = records.put_lookup(SOMEBODY, &asked, &record, Timestamp::now()).await.unwrap();
    let say = async |word| {
        let said = SayOfLookup { word, by: "officer-7".to_owned(), reason: None };
        records.say_of_lookup(SOMEBODY, &lookup, &said, Timestamp::now()).await.unwrap()
    };
    use LookupWord::{Declined, Shown, Used};
    assert!(say(Shown).await && say(Used).await);
    records.close_dossier(dossier.id).await.unwrap();
    assert!(!say(Declined).await && !say(Used).await);
    assert!(records.declined(&dossier.code).await.unwrap().is_empty());
    assert!(say(Shown).await, "that changes nothing of the dossier");
    let words = records.words_of(lookup.id).await.unwrap();
    assert_eq!(words.iter().map(|said| said.word).collect::<Vec<_>>(), [Shown, Used, Shown]);
}

#[tokio::test]
async fn a_near_match_is_resolved_by_a_person_and_every_word_is_kept() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let records = &bed.archive.records;
    let lookup = request(&record, "Đăng ký kết hôn");
    let owner = &record.owners[0].subject;
    let old = |name: &str| Asked {
        number: "012345678".to_owned(),
        name: name.parse().unwrap(),
        born: Some(date(1999, 1, 1)),
    };
    let asked = old("Nguyễn Thị Mẫu");
    for _ in 0..2 {
        records.put_near(SOMEBODY, &lookup, (&asked, owner), Timestamp::now()).await.unwrap();
    }
    let near = records.near_matches(&Reach::Everywhere).await.unwrap();
    let [near] = near.as_slice() else { panic!("{near:?}") };
    assert_eq!((near.office.as_str(), near.near.record), ("H26.01", record.id));
    assert_eq!((near.near.request, &near.near.found), (lookup.request, &None));
    assert_eq!(near.near.differs, [SubjectPart::Number]);
    assert_eq!(near.near.subject, Some(lookup.subject.clone()));
    assert_eq!(records.found_same(&asked, owner).await.unwrap(), None);
    for same in [true, false] {
        let found = (same, "Đã đối chiếu", "officer-9");
        let now = Timestamp::now();
        assert!(records.resolve_near(SOMEBODY, lookup.request, found, now).await.unwrap());
        // Written otherwise it is the same question.
        let again = old("NGUYEN THI MAU");
        assert_eq!(records.found_same(&again, owner).await.unwrap(), Some(same));
        let near = records.near_match(lookup.request).await.unwrap().unwrap().near;
        assert_eq!(near.found.unwrap().same, same);
    }
    assert_eq!(records.found_same(&old("Nguyễn Thị Lan"), owner).await.unwrap(), None);
    assert_eq!(
        records.near_matches(&Reach::Everywhere).await.unwrap(),
        [],
        "nobody need look again"
    );
    assert_eq!(bed.tamper("update same_person set reason = reason").await, 2);
    let unknown =
        records.resolve_near(SOMEBODY, schemas::Uuid::nil(), (true, "", ""), Timestamp::now());
    assert!(!unknown.await.unwrap());
}

#[tokio::test]
async fn near_matches_of_another_office_hide_none_of_ones_own() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let mut found = Vec::new();
    for (dossier, pages) in [bed.read_dossier(1).await, bed.read_dossier(1).await] {
        let document = filed(&pages, "TP01");
        bed.file(dossier.id, std::slice::from_ref(&document)).await;
        found.push((dossier.id, bed.publish(&dossier, document.id).await));
    }
    let [(elsewhere, theirs), (_, own)] = found.as_slice() else { panic!("{found:?}") };
    let moved = format!("update dossier set office = 'H26.02' where dossier_id = '{elsewhere}'");
    assert_eq!(bed.tamper(moved.leak()).await, 1);
    let stop = async |record: &Record, id: u128, at: Timestamp| {
        let asked = request(record, "Đăng ký kết hôn");
        let lookup = LookupRequest { request: schemas::Uuid::from_u128(id), ..asked };
        let owner = &record.owners[0].subject;
        let asked = Asked { number: "012345678".to_owned(), ..Asked::from(owner) };
        records.put_near(SOMEBODY, &lookup, (&asked, owner), at).await.unwrap();
    };
    let now = Timestamp::now();
    stop(theirs, 1, now - jiff::SignedDuration::from_hours(1)).await;
    let more = "insert into near_match (request, record_id, asked_at, asked_by, subject, differs,
            asked, number, principal)
        with recursive nth (n) as (select 1001 union all select n + 1 from nth where n < 2000)
        select substr(request, 1, 32) || n, record_id, asked_at, asked_by, subject, differs, asked,
            number, principal
        from near_match, nth";
    assert_eq!(bed.tamper(more).await, 1000);
    stop(own, 2, now).await;

    let within = async |offices: &[&str]| {
        let offices = offices.iter().map(|office| office.parse().unwrap()).collect();
        let near = records.near_matches(&Reach::Offices(offices)).await.unwrap();
        near.into_iter().map(|near| near.near.record).collect::<Vec<_>>()
    };
    assert_eq!(within(&["H26.01"]).await, [own.id]);
    assert_eq!(within(&["H26.01", "H26.01"]).await, [own.id], "once");
    assert_eq!(within(&["H26.0"]).await, [], "an office of another name");
    assert_eq!(within(&["H26.01.03"]).await, [], "nor is what is above within reach");
    for offices in [&["H26.02"][..], &["H26"], &["H26.01", "H26"]] {
        assert_eq!(within(offices).await, [theirs.id; 1000], "{offices:?}");
    }
    let everywhere = records.near_matches(&Reach::Everywhere).await.unwrap();
    assert_eq!(everywhere.len(), 1000);
}

#[tokio::test]
async fn an_identity_card_tells_whose_an_old_number_was() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let documents = [filed(&pages[..1], "TP01"), filed(&pages[1..], "TP02")];
    bed.file(dossier.id, &documents).await;
    let records = &bed.archive.records;
    let (old, bound_by) = ("012345678", BoundBy::Number);
    let publish = async |which: usize, source, owner: Subject| {
        let field = Field {
            name: FieldName::HolderOldNumber,
            value: old.to_owned(),
            confidence: 0.99,
            source,
            page: Some(0),
            area: None,
        };
        let document = &documents[which];
        let pdf = bed.archive.blobs.put(document.revision.as_bytes()).await.unwrap();
        let owners = vec![Owner { subject: owner, bound_by }];
        let draft = Record { fields: vec![field], owners, ..draft(&dossier, document.id, pdf) };
        let now = Timestamp::now();
        records.publish(document.id, &document.revision, draft, now).await.unwrap().unwrap();
    };
    publish(0, FieldSource::Qr, citizen("Nguyễn Thị Mẫu")).await;
    assert_eq!(records.number_of_old(old).await.unwrap().as_deref(), Some(NUMBER));
    assert_eq!(records.number_of_old("012345679").await.unwrap(), None);
    let other = Subject::Citizen {
        number: "001099000027".parse().unwrap(),
        name: "Trần Văn Thử".parse().unwrap(),
        born: date(1999, 3, 2),
    };
    publish(1, FieldSource::Qr, other).await;
    assert_eq!(records.number_of_old(old).await.unwrap(), None, "two cards say otherwise");
}

#[tokio::test]
async fn owners_that_a_person_named_outlive_a_page_that_comes_later() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages[..1], "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let other = Subject::Citizen {
        number: "001099000013".parse().unwrap(),
        name: "Trần Văn Khác".parse().unwrap(),
        born: date(1999, 1, 1),
    };
    let mut owners = record.owners.clone();
    owners.push(Owner { subject: other, bound_by: BoundBy::Number });
    let said = owners.clone();
    let put_right = PutRight { fields: Vec::new(), valid_until: None, owners, owners_said: true };
    records.correct((record.id, 1), put_right, REVISER, now).await.unwrap();
    for number in [NUMBER, "001099000013"] {
        let theirs = records.records_of(number).await.unwrap();
        assert_eq!(theirs.iter().map(|own| own.version).collect::<Vec<_>>(), [2], "{number}");
    }
    let later = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&later)).await;
    let pdf = bed.archive.blobs.put(b"both pages").await.unwrap();
    let draft = draft(&dossier, later.id, pdf);
    let early = records.publish(later.id, &later.revision, draft.clone(), now).await;
    assert!(matches!(early, Err(ArchiveError::Unavailable { .. })), "{early:?}");
    let draft = Record { owners: said.clone(), owners_said: true, ..draft };
    let third = records.publish(later.id, &later.revision, draft, now).await.unwrap().unwrap();
    assert_eq!((third.version, third.owners), (3, said));
}
