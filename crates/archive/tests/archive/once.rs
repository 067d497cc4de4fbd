//! What dossiers rely on, and records that are put right or withdrawn.

use archive::{Dossier, LookupError, NewDossier, Reliance, Relied, Revised, Reviser};
use jiff::Timestamp;
use jiff::civil::date;
use schemas::api::{Answers, AskReason, DossierEvent, RecordChange, RecordStanding};
use schemas::ids::RecordId;
use schemas::message::Lane;
use schemas::record::{Field, FieldName, FieldSource, Record, RecordState};

use crate::bed::{Bed, NUMBER, bed, filed, findings, new_dossier, request};

const REVISER: Reviser<'_> = Reviser { reason: "Cấp sai", by: "officer-7", principal: None };

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
    Relied { component, record: record.id, version: record.version, original: false }
}

/// A dossier that relies on the record.
async fn relying(bed: &Bed, record: &Record) -> Dossier {
    let new: NewDossier = new_dossier("H26.01", Lane::Counter);
    let answers = Answers::from([("TP09".parse().unwrap(), true)]);
    let reliance = Reliance { answers, relied: vec![relied(record)], ..Reliance::default() };
    let records = &bed.archive.records;
    records.open_relying(&new, &reliance, Timestamp::now()).await.unwrap()
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
    let asked = records.put_lookup(&request(&record, "Đăng ký"), &record, now).await;
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
        let put_right = (vec![field.clone()], Some(date(2025, 7, 17)));
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
async fn a_change_that_nobody_was_told_of_is_told_later() {
    let bed = bed().await;
    let (_, record) = published(&bed).await;
    let open = relying(&bed, &record).await;
    let died = "insert into relied_change
        (dossier_id, component, record_id, version, change, at)
        select dossier_id, component, record_id, version, 'superseded', 1 from relied";
    assert_eq!(bed.tamper(died).await, 1);
    for _ in 0..2 {
        bed.archive.records.tell_changes().await.unwrap();
        assert_eq!(changes(&bed, &open).await, [(1, RecordChange::Superseded)]);
    }
    // A record that changed a moment ago is not relied on.
    assert_eq!(bed.tamper("update record set state = 'superseded'").await, 1);
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
    let now = Timestamp::now();
    let reason = (AskReason::Authenticity, Some("officer-7"));
    for _ in 0..2 {
        records.ask_again((again.id, scan), &relied(&record), reason, now).await.unwrap();
    }
    assert_eq!(records.asked_again(again.id).await.unwrap(), [], "nothing is filed yet");
    bed.file(again.id, &[filed(&pages[..1], "TP07")]).await;
    let asked = records.asked_again(again.id).await.unwrap();
    assert_eq!((asked.len(), asked[0].record), (1, record.id));
    let reasons: Vec<_> = asked[0].reasons.iter().map(|said| said.reason).collect();
    assert_eq!(reasons, [AskReason::Authenticity]);
    let spared = relying(&bed, &record).await;

    let facts = async |from: Timestamp| {
        let until = Timestamp::now() + jiff::SignedDuration::from_secs(1);
        records.facts(from, until).await.unwrap()
    };
    let day = Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let got = facts(day).await;
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
    assert!(facts(Timestamp::now()).await.is_empty());
}

#[tokio::test]
async fn a_lookup_is_attached_to_its_dossier_and_a_near_one_kept_for_a_person() {
    let bed = bed().await;
    let (dossier, record) = published(&bed).await;
    let records = &bed.archive.records;
    let asked = request(&record, "Đăng ký kết hôn");
    assert_eq!(records.answered(&asked, None).await.unwrap(), None);
    let lookup = records.put_lookup(&asked, &record, Timestamp::now()).await.unwrap();
    assert_eq!(records.answered(&asked, None).await.unwrap(), Some(lookup.clone()));
    let notes = records.lookups_for(&dossier.code).await.unwrap();
    assert_eq!((notes.len(), notes[0].id), (1, lookup.id));
    assert_eq!((notes[0].version, notes[0].answer_hash), (1, lookup.answer_hash));
    for _ in 0..2 {
        records.put_near(&asked, Timestamp::now()).await.unwrap();
    }
    let near = records.near_matches().await.unwrap();
    let [(office, near)] = near.as_slice() else { panic!("{near:?}") };
    assert_eq!((office.as_str(), near.record, near.request), ("H26.01", record.id, asked.request));
}
