//! What is asked beside the hot paths, for `plans`: what leaves for others and comes from them, what
//! is counted for reports, what runs out, what a person compares, what is kept of a subject, and how
//! a dossier is erased.

use std::time::Duration;

use archive::{
    Archive, ArchiveError, Asked, Dossier, Ground, InquiryFile, NewInquiry, Outcome, Reliance,
    Relied, Revised, Reviser,
};
use jiff::{SignedDuration, Timestamp};
use schemas::Uuid;
use schemas::access::Reach;
use schemas::api::{DeliveryFate, DeliveryTrouble};
use schemas::audit::{Act, Actor};
use schemas::ids::{InquiryId, PageId};
use schemas::message::Lane;
use schemas::record::Record;

use crate::bed::{
    NUMBER, SOMEBODY, draft, filed, new_dossier, new_scan, open_new, read_page, request, unpack,
};

/// Somebody who hears of everything, and another Kho.
const SUBSCRIBERS: [&str; 2] = ["mot-cua", "kho-tinh"];

/// What a busy office has of it beside [`crate::plans::seed`]'s. Most is done with: little waits.
pub(crate) const SEED: &[&str] = &[
    "insert into subscriber values ('mot-cua', 1, '[]', null, 1), ('kho-tinh', 0, '[]', null, 1)",
    "insert into delivery (delivery_id, subscriber, event_id, event, dossier_id, office, turn, body,
        fate, made_at, since, due_at, ended_at)
     select cast(gen_random_uuid() as text), 'mot-cua', cast(gen_random_uuid() as text),
        'sohoa.dossier.opened', id, office, turn, '{}',
        case when n % 100 > 0 then 'delivered' when turn = 2 then 'waiting' else 'hung' end,
        n, n, n, n
     from seed, generate_series(1, 2) as turn",
    "insert into inquiry_file select id, 0, 'tep.pdf', id, 9 from seed",
    "insert into near_match select id, id, n, 'officer-7', null, null, id, number, null,
        case when n % 500 > 0 then 1 else 0 end
     from seed",
    "insert into same_person select asked, number, 1, 1, '', '', null, 1 from near_match
     where found = 1",
    "insert into old_number select substr(number, 4), number from seed",
    "insert into erased select cast(gen_random_uuid() as text), 1, 'E' || n, id, n from seed",
    "insert into ask_again select scan_id, dossier_id, 'TP01', 'authenticity', null, 1 from scan
     where place = 1",
    "insert into signed_pdf select 's' || id, id, n from seed",
    "update dossier set state = 'closed' where opened_at % 2 = 0",
    "update relied set last_day = '2020-01-01' where noted_at % 1000 = 1",
];

/// All of it, once.
pub(crate) async fn live(archive: &Archive) {
    let (dossier, record) = done(archive).await;
    leaves(archive, &dossier).await;
    asks(archive, &dossier).await;
    counts(archive).await;
    compares(archive, &record).await;
    relies(archive, &record).await;
    let records = &archive.records;
    assert!(!records.ever_owned(NUMBER).await.unwrap().is_empty());
    assert!(!records.dossiers_of(NUMBER).await.unwrap().is_empty());
    let by = Actor::Principal(SOMEBODY);
    let to = (&by, "Chủ sở hữu yêu cầu");
    records.note_given(Act::Exported, (&[record.id], &[]), to, Timestamp::now()).await.unwrap();
    erases(archive, &dossier, &record).await;
}

/// A dossier with a record, of which nothing is left to be done.
async fn done(archive: &Archive) -> (Dossier, Record) {
    let (records, now) = (&archive.records, Timestamp::now());
    let dossier = open_new(records, &new_dossier("H1", Lane::Counter), now).await.unwrap();
    let blob = archive.blobs.put(b"done with").await.unwrap();
    let scan = records.accept_scan(&new_scan(dossier.id, blob, Some("k")), now).await.unwrap().scan;
    unpack(archive, scan.id, 1).await;
    let page = PageId::nth(scan.id, 0);
    read_page(archive, page).await;
    let document = filed(&[page], "TP01");
    let filing = [document.clone()];
    assert!(records.put_filing(dossier.id, (1, None), &filing, &[], Duration::ZERO).await.unwrap());
    let pdf = archive.blobs.put(b"its PDF").await.unwrap();
    let draft = draft(&dossier, document.id, pdf);
    let record = records.publish(document.id, &document.revision, draft, now).await;
    let page = records.page(page).await.unwrap().unwrap();
    records.page_shown(&page, &dossier.code, (SOMEBODY, now)).await.unwrap();
    (dossier, record.unwrap().unwrap())
}

/// What others are told.
async fn leaves(archive: &Archive, dossier: &Dossier) {
    let (records, now) = (&archive.records, Timestamp::now());
    assert!(records.hold_sending("plans", Duration::from_secs(60)).await.unwrap());
    let due = records.due_deliveries(SUBSCRIBERS[0], 100).await.unwrap();
    let [first, second, third, ..] = due.as_slice() else { panic!("{due:?}") };
    let pause = Duration::from_secs(60);
    for (delivery, outcome) in [
        (first, Outcome::Delivered),
        (second, Outcome::Again(DeliveryTrouble::Unreachable, pause)),
        (third, Outcome::Hangs(DeliveryTrouble::Gone)),
    ] {
        records.tried_delivery(delivery.id, outcome, Some(200)).await.unwrap();
    }
    let here = Reach::Offices(vec!["H1".parse().unwrap()]);
    for fate in [DeliveryFate::Waiting, DeliveryFate::Hung, DeliveryFate::Delivered] {
        records.deliveries(&Reach::Everywhere, fate, 100).await.unwrap();
        // What was delivered is looked through until enough of the office is found.
        if fate != DeliveryFate::Delivered {
            records.deliveries(&here, fate, 100).await.unwrap();
        }
    }
    records.delivery_office(third.id).await.unwrap().unwrap();
    assert!(records.retry_delivery(third.id).await.unwrap());
    assert!(records.drop_delivery(third.id).await.unwrap());
    records.vitals().await.unwrap();
    records.leave_sending("plans").await.unwrap();
    let day = SignedDuration::from_hours(24);
    for (reach, after) in [
        (&Reach::Everywhere, None),
        (&Reach::Everywhere, Some(&dossier.code)),
        (&here, None),
        (&here, Some(&dossier.code)),
    ] {
        records.opened((now - day, now + day), reach, after, 100).await.unwrap();
    }
}

/// A question to another Kho, and its answer.
async fn asks(archive: &Archive, dossier: &Dossier) {
    let (records, now) = (&archive.records, Timestamp::now());
    let new = NewInquiry {
        id: InquiryId::of(Uuid::new_v4()),
        dossier: dossier.id,
        kho: SUBSCRIBERS[1].to_owned(),
        national: true,
        component: Some("TP01".parse().unwrap()),
        principal: SOMEBODY,
        question: "{}".to_owned(),
    };
    records.ask(&new, now).await.unwrap();
    records.inquiry(new.id).await.unwrap().unwrap();
    let due = records.due_deliveries(SUBSCRIBERS[1], 100).await.unwrap();
    let inquiry = records.inquiry_of(due[0].id).await.unwrap().unwrap();
    let blake3 = archive.blobs.put(b"their paper").await.unwrap();
    let file = InquiryFile { name: "tep.pdf".to_owned(), blake3, bytes: 11 };
    records.put_answer(&inquiry, "{}", (&[file], 1), now).await.unwrap();
    assert_eq!(records.inquiries(dossier.id).await.unwrap()[0].files.len(), 1);
}

/// What a report counts: of a day, for that is where an index helps.
async fn counts(archive: &Archive) {
    let (records, now) = (&archive.records, Timestamp::now());
    let day = SignedDuration::from_hours(24);
    let (day, here) = ((now - day, now + day), "H1".parse().unwrap());
    let below = Reach::Offices(vec!["H1".parse().unwrap(), "H2".parse().unwrap()]);
    for (reach, office) in
        [(&Reach::Everywhere, None), (&Reach::Everywhere, Some(&here)), (&below, None)]
    {
        assert!(!records.facts(day, reach, office).await.unwrap().is_empty());
    }
}

/// A lookup that was stopped, since who asks is nearly an owner.
async fn compares(archive: &Archive, record: &Record) {
    let (records, now) = (&archive.records, Timestamp::now());
    let (lookup, owner) = (request(record, "Đăng ký kết hôn"), &record.owners[0].subject);
    let asked = Asked { number: "012345678".to_owned(), ..Asked::from(owner) };
    records.put_near(SOMEBODY, &lookup, (&asked, owner), now).await.unwrap();
    assert!(!records.near_matches(&Reach::Everywhere).await.unwrap().is_empty());
    let below = Reach::Offices(vec!["H1".parse().unwrap(), "H2".parse().unwrap()]);
    records.near_matches(&below).await.unwrap();
    let found = (true, "Đã đối chiếu", "officer-9");
    assert!(records.resolve_near(SOMEBODY, lookup.request, found, now).await.unwrap());
    records.near_match(lookup.request).await.unwrap().unwrap();
    let held = std::slice::from_ref(record);
    assert!(records.found_to_be(&asked, held).await.unwrap().is_some());
    records.number_of_old(&asked.number).await.unwrap();
    records.answered(&lookup, SOMEBODY).await.unwrap();
}

/// Another dossier that relies on the record, which runs out and is withdrawn.
async fn relies(archive: &Archive, record: &Record) {
    let (records, now) = (&archive.records, Timestamp::now());
    let component: schemas::ids::ComponentId = "TP07".parse().unwrap();
    let relied = Relied {
        component: component.clone(),
        record: record.id,
        version: record.version,
        original: false,
        last_day: None,
    };
    let reliance = Reliance { relied: vec![relied], ..Reliance::default() };
    let new = new_dossier("H1", Lane::Counter);
    let dossier = records.open_dossier(SOMEBODY, &new, &reliance, now).await.unwrap();
    records.expire(now).await.unwrap();
    records.note_expired(dossier.id, &[component], now).await.unwrap();
    let who = Reviser { reason: "Cấp sai", by: "officer-7", principal: SOMEBODY };
    let revised = records.revoke(record.id, who, now).await.unwrap();
    assert!(matches!(revised, Revised::Done(_)), "{revised:?}");
    assert_eq!(records.relied(dossier.id).await.unwrap().len(), 1);
    assert!(!records.warnings(dossier.id).await.unwrap().is_empty());
    records.asked_again(dossier.id).await.unwrap();
    records.declined(&dossier.code).await.unwrap();
}

/// What has been kept for long enough is looked for, and the dossier erased.
async fn erases(archive: &Archive, dossier: &Dossier, record: &Record) {
    let (records, now) = (&archive.records, Timestamp::now());
    records.close_dossier(dossier.id).await.unwrap();
    // What was seeded is no record, but was looked for.
    let ended = records.ended_dossiers(None, 20).await;
    assert!(matches!(ended, Err(ArchiveError::Corrupt { .. })), "{ended:?}");
    let (why, by) = ((Ground::Period, "Quyết định 14"), Actor::Operator("trực".to_owned()));
    for really in [false, true] {
        let erased = archive.erase_dossier(dossier.id, why, |_| true, (really, now), &by).await;
        assert_eq!(erased.unwrap().unwrap().records, [record.id]);
    }
    assert!(records.is_erased(record.id).await.unwrap());
}
