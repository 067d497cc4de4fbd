//! Papers of other Kho that are used for a dossier, and what reports count of a dossier beside.

use archive::{
    AskedKho, Dossier, Inquiry, InquiryFile, InquiryWord, LinesAsked, MOST_INQUIRIES, NewInquiry,
    NewScan, PutRight, Reliance, Relied, Reviser, Stated, Subscriber, drawn,
};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use schemas::Uuid;
use schemas::access::Reach;
use schemas::api::{AskReason, DossierEvent, HeldAgain, InquiryState, LookupWord};
use schemas::audit::Act;
use schemas::clock::day_of;
use schemas::event::EventKind;
use schemas::facts::DossierFacts;
use schemas::ids::{ComponentId, DossierId, InquiryId, PageId};
use schemas::message::Lane;
use schemas::record::Record;

use crate::bed::{Bed, SOMEBODY, bed, draft, filed, findings, new_dossier, new_scan};

const REVISER: Reviser<'_> = Reviser { reason: "Đọc sai", by: "officer-7", principal: SOMEBODY };

const BIRTH: &str = "KQ.G15.000031";

/// An answer with one paper.
const ANSWER: &str = r#"[{"MaKetQua":"KQ.G15.000031","TenGiayTo":"Giấy khai sinh",
    "SoKyHieu":"","CoQuanChuQuan":"H27","DanhSachTepDinhKem":[]}]"#;

fn component() -> ComponentId {
    "TP07".parse().unwrap()
}

/// Asks the Kho of that name about the component, and has it answer where it does.
async fn asked(bed: &Bed, dossier: DossierId, (kho, national): (&str, bool)) -> InquiryId {
    let records = &bed.archive.records;
    let listens =
        Subscriber { name: kho.to_owned(), listens: false, events: Vec::new(), office: None };
    records.put_subscribers(&[listens]).await.unwrap();
    let new = NewInquiry { national, ..question(dossier, kho) };
    assert_eq!(records.ask(&new, Timestamp::now()).await.unwrap(), AskedKho::Asked);
    new.id
}

fn question(dossier: DossierId, kho: &str) -> NewInquiry {
    NewInquiry {
        id: InquiryId::of(Uuid::new_v4()),
        dossier,
        kho: kho.to_owned(),
        national: false,
        component: Some(component()),
        principal: SOMEBODY,
        question: "{}".to_owned(),
    }
}

async fn inquiry(bed: &Bed, id: InquiryId) -> Inquiry {
    bed.archive.records.inquiry(id).await.unwrap().unwrap()
}

async fn answer(bed: &Bed, id: InquiryId) {
    let inquiry = inquiry(bed, id).await;
    let records = &bed.archive.records;
    records.put_answer(&inquiry, ANSWER, (&[], 1), Timestamp::now()).await.unwrap();
}

async fn say(bed: &Bed, id: InquiryId, word: LookupWord) -> bool {
    let paper = (word != LookupWord::Declined).then_some(0);
    let (by, at) = ("officer-7".to_owned(), Timestamp::now());
    let said = InquiryWord { word, paper, original: false, by, reason: None, at };
    let asked = inquiry(bed, id).await;
    bed.archive.records.say_of_inquiry(SOMEBODY, &asked, &said).await.unwrap()
}

/// What reports count of a dossier.
async fn facts(bed: &Bed, dossier: &Dossier) -> DossierFacts {
    let hour = SignedDuration::from_hours(1);
    let period = (Timestamp::now() - hour, Timestamp::now() + hour);
    let facts = bed.archive.records.facts(period, &Reach::Everywhere, None).await.unwrap();
    facts.into_iter().find(|of| of.code == dossier.code).unwrap()
}

/// How many components could be reused, were reused, were asked for again, and without a reason;
/// and whether the national portal's Kho had one.
async fn counted(bed: &Bed, dossier: &Dossier) -> ([u64; 4], bool) {
    let of = facts(bed, dossier).await;
    ([of.reusable, of.reused, of.asked_again, of.unreasoned], of.synced)
}

#[tokio::test]
async fn a_paper_of_another_kho_stands_by_the_last_word_that_was_said_of_it() {
    use LookupWord::{Declined, Shown, Used};
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let records = &bed.archive.records;
    let local = asked(&bed, dossier.id, ("kho-tinh", false)).await;
    assert_eq!(inquiry(&bed, local).await.state(), InquiryState::Pending);
    answer(&bed, local).await;
    let national = asked(&bed, dossier.id, ("kho-quoc-gia", true)).await;
    answer(&bed, national).await;
    assert_eq!(inquiry(&bed, national).await.state(), InquiryState::Answered);
    assert_eq!(inquiry(&bed, national).await.papers()[0].code, BIRTH);
    assert_eq!(counted(&bed, &dossier).await, ([0, 0, 0, 0], false));

    for (id, word, used, want) in [
        (local, Shown, None, ([0, 0, 0, 0], false)),
        (local, Used, Some(local), ([1, 1, 0, 0], false)),
        (national, Shown, Some(local), ([1, 1, 0, 0], false)),
        (national, Used, Some(national), ([1, 1, 0, 0], true)),
        (local, Declined, None, ([1, 0, 0, 0], false)),
        (national, Used, Some(national), ([1, 1, 0, 0], true)),
    ] {
        assert!(say(&bed, id, word).await);
        let all = records.inquiries(dossier.id).await.unwrap();
        let now: Vec<InquiryId> = drawn(&all).iter().map(|drawn| drawn.inquiry.id).collect();
        assert_eq!(now, Vec::from_iter(used), "{word:?}");
        assert_eq!(counted(&bed, &dossier).await, want, "{word:?}");
    }
    let all = inquiry(&bed, national).await;
    let said: Vec<LookupWord> = all.words.iter().map(|said| said.word).collect();
    assert_eq!(said, [Shown, Used, Used], "all is kept, in order");
    assert!(all.was_shown(0) && !all.was_shown(1));

    // Each left a line, which names nobody.
    records.link_audit().await.unwrap();
    let lines = records.audit(&LinesAsked::default(), 100).await.unwrap();
    let mut acts: Vec<Act> = lines
        .iter()
        .filter(|linked| linked.line.component == Some(component()))
        .map(|linked| linked.line.act)
        .collect();
    acts.sort_by_key(|act| act.as_str());
    let want = [&[Act::KhoAsked; 2][..], &[Act::KhoDeclined], &[Act::KhoShown; 2]].concat();
    assert_eq!(acts, [&want[..], &[Act::KhoUsed; 3]].concat());
    let line = &lines.iter().find(|linked| linked.line.act == Act::KhoUsed).unwrap().line;
    assert_eq!((line.principal, &line.dossier), (Some(SOMEBODY), &Some(dossier.code.clone())));
    assert_eq!(line.content.unwrap().0, *blake3::hash(ANSWER.as_bytes()).as_bytes());

    // What was decided on is decided.
    records.close_dossier(dossier.id).await.unwrap();
    assert!(!say(&bed, national, Declined).await);
    assert_eq!(counted(&bed, &dossier).await, ([1, 1, 0, 0], true));
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

/// Sends a page's scan again, with the reason for which the paper is taken all the same.
async fn state(bed: &Bed, dossier: &Dossier, page: PageId) {
    let records = &bed.archive.records;
    let scan = records.page(page).await.unwrap().unwrap().scan;
    let scan = records.scan(scan).await.unwrap().unwrap();
    let stated = Stated {
        component: component(),
        relied: None,
        reason: AskReason::Authenticity,
        said_by: None,
        principal: SOMEBODY,
    };
    let new = NewScan { stated: Some(stated), ..new_scan(dossier.id, scan.blake3, None) };
    records.accept_scan(&new, Timestamp::now()).await.unwrap();
}

/// What the counter was first told of a paper that is to be handed back.
async fn handed_back(bed: &Bed, dossier: &Dossier) -> Option<HeldAgain> {
    let events = bed.archive.records.events(dossier.id, 0, 100).await.unwrap();
    events.into_iter().find_map(|(_, event)| match event {
        DossierEvent::Filed { held_again, .. } => held_again.into_iter().next(),
        _ => None,
    })
}

#[tokio::test]
async fn a_paper_that_comes_in_although_another_kho_had_it_was_asked_for_again() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let records = &bed.archive.records;
    let id = asked(&bed, dossier.id, ("kho-quoc-gia", true)).await;
    answer(&bed, id).await;
    assert!(say(&bed, id, LookupWord::Shown).await && say(&bed, id, LookupWord::Used).await);
    bed.file(dossier.id, &[filed(&pages, "TP07")]).await;
    assert_eq!(counted(&bed, &dossier).await, ([1, 0, 1, 1], false));
    let again = records.asked_again(dossier.id).await.unwrap();
    assert_eq!((again.len(), again[0].record, again[0].inquiry), (1, None, Some(id)));
    assert!(again[0].reasons.is_empty());
    let held = handed_back(&bed, &dossier).await.unwrap();
    assert_eq!((held.component, held.record, held.inquiry), (component(), None, Some(id)));

    // With a reason stated for the scan, and then by the citizen who declined.
    state(&bed, &dossier, pages[0]).await;
    assert_eq!(counted(&bed, &dossier).await, ([1, 0, 1, 0], false));
    assert!(say(&bed, id, LookupWord::Declined).await);
    let again = records.asked_again(dossier.id).await.unwrap().remove(0);
    let reasons: Vec<_> = again.reasons.iter().map(|said| said.reason).collect();
    assert_eq!(reasons, [AskReason::Authenticity, AskReason::Declined]);
}

#[tokio::test]
async fn a_paper_that_another_kho_had_stays_where_it_was_declined_or_a_reason_stated() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let both = [(true, bed.read_dossier(1).await), (false, bed.read_dossier(1).await)];
    for (declined, (dossier, pages)) in both {
        let id = asked(&bed, dossier.id, ("kho-quoc-gia", true)).await;
        answer(&bed, id).await;
        assert!(say(&bed, id, LookupWord::Shown).await && say(&bed, id, LookupWord::Used).await);
        if declined {
            assert!(say(&bed, id, LookupWord::Declined).await);
        } else {
            state(&bed, &dossier, pages[0]).await;
        }
        bed.file(dossier.id, &[filed(&pages, "TP07")]).await;
        assert_eq!(records.asked_again(dossier.id).await.unwrap()[0].reasons.len(), 1);
        assert_eq!(handed_back(&bed, &dossier).await, None, "declined: {declined}");
    }
}

#[tokio::test]
async fn what_a_later_program_tells_others_is_left_to_it() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let listens = |name: &str| Subscriber {
        name: name.to_owned(),
        listens: true,
        events: vec![EventKind::Closed],
        office: None,
    };
    records.put_subscribers(&[listens("mot-cua"), listens("bao-cao")]).await.unwrap();
    let wants = "update subscriber set events = '[\"sohoa.dossier.of_tomorrow\"]'
        where name = 'bao-cao'";
    assert_eq!(bed.tamper(wants).await, 1);
    let dossier = bed.dossier().await;
    records.close_dossier(dossier.id).await.unwrap();
    let due = async |name| records.due_deliveries(name, 10).await.unwrap().len();
    assert_eq!((due("mot-cua").await, due("bao-cao").await), (1, 0));
    let tells = "update delivery set event = 'sohoa.dossier.of_tomorrow'";
    assert_eq!(bed.tamper(tells).await, 1);
    assert_eq!(due("mot-cua").await, 0);
}

#[tokio::test]
async fn nothing_is_asked_for_a_dossier_that_was_closed_meanwhile() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let records = &bed.archive.records;
    records.close_dossier(dossier.id).await.unwrap();
    let new = question(dossier.id, "kho-tinh");
    assert_eq!(records.ask(&new, Timestamp::now()).await.unwrap(), AskedKho::Closed);
    assert_eq!(records.inquiry(new.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_dossier_has_so_many_questions_of_which_the_latest_are_read() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let records = &bed.archive.records;
    let mut ids = Vec::new();
    for _ in 0..MOST_INQUIRIES {
        ids.push(asked(&bed, dossier.id, ("kho-tinh", false)).await);
    }
    let ask = async |new: &NewInquiry| records.ask(new, Timestamp::now()).await.unwrap();
    let more = question(dossier.id, "kho-tinh");
    assert_eq!(ask(&more).await, AskedKho::TooMany);
    assert_eq!(records.inquiry(more.id).await.unwrap(), None);
    let again = NewInquiry { id: ids[0], ..more };
    assert_eq!(ask(&again).await, AskedKho::Asked, "it was asked before");
    answer(&bed, ids[0]).await;

    // A program that knew no limit had asked as well, under ids of no version that there is.
    let old =
        "insert into inquiry (inquiry_id, dossier_id, store, component, delivery_id, asked_at,
            principal, question)
        with recursive nth (n) as (select 0 union all select n + 1 from nth where n < 9)
        select substr(inquiry_id, 1, 14) || 'a' || substr(inquiry_id, 16, 20) || n, dossier_id,
            store, component, substr(delivery_id, 1, 14) || 'a' || substr(delivery_id, 16, 20) || n,
            n, principal, question
        from inquiry, nth";
    assert_eq!(bed.tamper(old).await, 1000);
    let all = records.inquiries(dossier.id).await.unwrap();
    assert_eq!(all.len(), 1000);
    assert_eq!(all[900..].iter().map(|asked| asked.id).collect::<Vec<_>>(), ids);
    assert_eq!(all[900].state(), InquiryState::Answered);
    asked(&bed, bed.dossier().await.id, ("kho-tinh", false)).await;
}

#[tokio::test]
async fn a_file_of_another_kho_is_kept_whatever_it_is_called() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let id = asked(&bed, dossier.id, ("kho-tinh", false)).await;
    let blake3 = bed.archive.blobs.put(b"a file").await.unwrap();
    let file = InquiryFile { name: "Giấy\0 khai sinh.pdf".to_owned(), blake3, bytes: 6 };
    let pending = inquiry(&bed, id).await;
    let records = &bed.archive.records;
    records.put_answer(&pending, ANSWER, (&[file], 1), Timestamp::now()).await.unwrap();
    assert_eq!(inquiry(&bed, id).await.files[0].name, "Giấy khai sinh.pdf");
}

/// A record, of a dossier of its own.
async fn published(bed: &Bed) -> Record {
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    bed.publish(&dossier, document.id).await
}

/// A dossier that relies on the record until that day.
async fn relying(bed: &Bed, record: &Record, last_day: Option<Date>) -> Dossier {
    let (component, record, version) = (component(), record.id, record.version);
    let relied = vec![Relied { component, record, version, original: false, last_day }];
    let reliance = Reliance { relied, ..Reliance::default() };
    let (new, now) = (new_dossier("H26.01", Lane::Counter), Timestamp::now());
    bed.archive.records.open_dossier(SOMEBODY, &new, &reliance, now).await.unwrap()
}

async fn correct(bed: &Bed, record: &Record, version: u32, valid_until: Option<Date>) {
    let put_right = PutRight {
        fields: Vec::new(),
        valid_until,
        owners: record.owners.clone(),
        owners_said: false,
    };
    let of = (record.id, version);
    bed.archive.records.correct(of, put_right, REVISER, Timestamp::now()).await.unwrap();
}

#[tokio::test]
async fn a_record_that_was_put_right_stands_and_one_that_was_withdrawn_does_not() {
    let bed = bed().await;
    let record = published(&bed).await;
    let dossier = relying(&bed, &record, None).await;
    let records = &bed.archive.records;
    correct(&bed, &record, 1, None).await;
    assert_eq!(records.warnings(dossier.id).await.unwrap().len(), 1, "it is told");
    assert_eq!(counted(&bed, &dossier).await, ([1, 1, 0, 0], false));

    records.revoke(record.id, REVISER, Timestamp::now()).await.unwrap();
    assert_eq!(counted(&bed, &dossier).await, ([1, 0, 0, 0], false));
    // Another Kho has it, too.
    let id = asked(&bed, dossier.id, ("kho-quoc-gia", true)).await;
    answer(&bed, id).await;
    assert!(say(&bed, id, LookupWord::Used).await);
    assert_eq!(counted(&bed, &dossier).await, ([1, 1, 0, 0], true));
}

#[tokio::test]
async fn a_record_that_was_put_right_runs_out_on_its_new_day() {
    let bed = bed().await;
    let record = published(&bed).await;
    let today = day_of(Timestamp::now());
    let yesterday = today.yesterday().unwrap();
    let records = &bed.archive.records;
    // One component takes no older paper than such as was issued until yesterday.
    let ever = relying(&bed, &record, None).await;
    let aged = relying(&bed, &record, Some(yesterday)).await;
    correct(&bed, &record, 1, Some(date(2099, 1, 1))).await;
    correct(&bed, &record, 2, Some(yesterday)).await;
    records.expire(Timestamp::now()).await.unwrap();
    for dossier in [&ever, &aged] {
        assert_eq!(counted(&bed, dossier).await, ([1, 0, 0, 0], false));
    }

    correct(&bed, &record, 3, Some(today)).await;
    let record = records.record(record.id, None).await.unwrap().unwrap();
    let longer = relying(&bed, &record, record.valid_until).await;
    correct(&bed, &record, 4, Some(date(2099, 1, 1))).await;
    records.expire(Timestamp::now() + SignedDuration::from_hours(48)).await.unwrap();
    assert_eq!(counted(&bed, &longer).await, ([1, 1, 0, 0], false), "it wasn't read right");
}

#[tokio::test]
async fn a_result_counts_where_it_was_filed_as_one_and_its_record_is_in_force() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let records = &bed.archive.records;
    // The same kind of paper, handed in and issued.
    let papers = [filed(&pages[..1], "TP01"), filed(&pages[1..], BIRTH)];
    bed.file(dossier.id, &papers).await;
    assert_eq!(facts(&bed, &dossier).await.filed, 1, "a result is no component");
    let mut published = Vec::new();
    for paper in &papers {
        let pdf = bed.archive.blobs.put(paper.revision.as_bytes()).await.unwrap();
        let draft =
            Record { result: Some(BIRTH.parse().unwrap()), ..draft(&dossier, paper.id, pdf) };
        let now = Timestamp::now();
        published.extend(records.publish(paper.id, &paper.revision, draft, now).await.unwrap());
        let results = facts(&bed, &dossier).await.results;
        assert_eq!(results.len(), published.len() - 1, "what was handed in is no result");
    }
    let issued = &published[1];
    assert!(!facts(&bed, &dossier).await.synced);
    for _ in 0..2 {
        records.synced(dossier.id, &[issued.id]).await.unwrap();
    }
    assert!(facts(&bed, &dossier).await.synced);
    records.revoke(issued.id, REVISER, Timestamp::now()).await.unwrap();
    let of = facts(&bed, &dossier).await;
    assert_eq!((of.results.len(), of.synced), (0, false));
}
