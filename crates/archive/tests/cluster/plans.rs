//! What is asked often is answered by an index, however much there is: a database of a busy
//! office is filled, everything that happens to a dossier happens once more, and PostgreSQL tells
//! how it went about each statement.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use archive::{
    Answered, Archive, InquiryWord, LinesAsked, NewDossier, NewInquiry, NewScan, Relied, Reviser,
    SealedPdf, Shift, Stated,
};
use jiff::{SignedDuration, Timestamp};
use schemas::Uuid;
use schemas::api::{Answers, AskReason, AssignDocument, LookupWord, SayOfLookup};
use schemas::code::Reason;
use schemas::ids::{
    Blake3, DocumentId, DossierId, InquiryId, PageId, PrincipalId, RecordId, ScanId,
};
use schemas::kind::EndsOn;
use schemas::message::{Job, Lane, Message};
use schemas::reading::Flaw;
use sqlx::{AssertSqlSafe, Executor};

use crate::bed::{
    NUMBER, draft, filed, kind, new_dossier, new_scan, open_new, read_page, request, unpack,
};
use crate::beside;
use crate::form::{Form, folder};
use crate::subjects::{CHILD, child};

/// Tables that don't grow with the dossiers: a catalogue, whose search looks through it, those few
/// who hear of events, and what has one row, or one for each of what processes take turns at, or for
/// each blob that is being removed.
const SMALL: [&str; 8] = [
    "procedure_version",
    "outcome_replaces",
    "schema_floor",
    "chain",
    "subscriber",
    "relay_lease",
    "removal",
    "_sqlx_migrations",
];

/// What a busy office has: so many dossiers, each with scans, pages and the rest.
const DOSSIERS: u32 = 5000;

/// Every statement of these is one of the hot paths: some 90,000 rows.
const SEED: &[&str] = &[
    // In the order of their ids, so that indexes grow at their end.
    "create temporary table seed as select n, cast(gen_random_uuid() as text) as id,
        'H' || n % 400 as office, lpad(cast(n as text), 12, '0') as number
     from generate_series(1, $N) as n order by id",
    "insert into subject select number, '{}' from seed",
    "insert into counter select id, 1 from seed",
    "insert into dossier (dossier_id, code, office, procedure, procedure_version, lane, subject,
        number, state, opened_at, turn, settled)
     select id, id, office, '1.001193', 1, 'counter', '{}', number, 'open', n, 9, 1 from seed",
    "insert into dossier_subject select number, id from seed",
    "insert into dossier_event select id, turn, n, '{}' from seed, generate_series(1, 4) as turn",
    "insert into scan (scan_id, dossier_id, place, blake3, bytes, media_type, state, received_at)
     select id || place, id, place, id || place, 9, 'image/jpeg', 'unpacked', n
     from seed, generate_series(1, 2) as place",
    "insert into scan_key select dossier_id, scan_id, scan_id from scan",
    "insert into page (page_id, scan_id, dossier_id, seq, state, image_blake3)
     select scan_id || seq, scan_id, dossier_id, seq, 'read', scan_id || seq
     from scan, generate_series(0, 1) as seq",
    "insert into page_reading select page_id, repeat('x', 200) from page",
    "insert into document (document_id, dossier_id, place, revision, pages, confidence, verdict,
        why, seal, record_version)
     select id, id, 1, id, '[]', 1, 'filed', '', 'sealed', 1 from seed",
    "insert into data_key select 'z' || scan_id, blake3, scan_id, 1, null from scan",
    "insert into digitisation select id, id, id from seed",
    "insert into record select id, 1, id, id, id, id, 'published', n, id, id, '{}' from seed",
    "insert into record_proof select id, 1, '', n from seed",
    "insert into signed_pdf select id, id, n from seed",
    "insert into officer_pdf select id, id, id, n from seed",
    "insert into principal select id, 'station', id, n, 'x', null from seed",
    "insert into record_owner select number, id, 1 from seed",
    "insert into lookup select id, n, id, n, id, '{}', id from seed",
    "insert into relied select id, 'TP01', id, 1, 0, n, '2030-01-01', 0 from seed",
    "insert into relied_change select id, 'TP01', id, 1, 'corrected', n, 1 from seed",
    "insert into lookup_word select id, 1, 'used', id, 'TP01', null, '', null, n from seed",
    "insert into inquiry (inquiry_id, dossier_id, store, component, delivery_id, asked_at,
        principal, question) select id, id, 'kho', 'TP01', id, n, id, '{}' from seed",
    "insert into inquiry_word select id, 1, id, 'TP01', 'used', 0, 0, null, '', '', n from seed",
    "insert into synced_result select id, id, n from seed",
    "insert into audit_line
     select 10 * n + k, id || k, n, 'looked_up', id, id || k, 1, id, id, '{}', id
     from seed, generate_series(0, 9) as k",
    "insert into audit_pending select 'p' || id, '{}' from seed",
    "insert into audit_head select n, id, n, '{}', '' from seed",
    "update chain set length = 10 * $N + 9, hash = repeat('0', 64)",
    "insert into job select 'j' || n, id, 'backlog', office, 'read', id, $MESSAGE, n, n, 0, null
     from seed",
    "insert into outbox select 'o' || n, id, 'counter', office, 'read', id, $MESSAGE, n, n
     from seed",
    "insert into office_turn select distinct lane, office from seed,
        (values ('counter'), ('backlog')) as lanes (lane)",
    "insert into parked select 'p' || n, id, 'read', id, '{}', 1, 'scan.broken', '', n
     from seed where n % 10 = 0",
    "insert into dropped select 'd' || n, id, 'read', id, 1, 'scan.broken', '', n, 'no', id, n
     from seed where n % 10 = 5",
];

/// Fills the database with what so many dossiers have: four pages each, and the rest; and with what
/// else is said.
pub(crate) async fn seed(form: &Form, dossiers: u32, more: &[&str]) {
    let message = Message {
        traceparent: None,
        version: Message::VERSION,
        lane: Lane::Backlog,
        office: "H1".parse().unwrap(),
        dossier: DossierId::new(),
        job: Job::File { scans: 1 },
    };
    let message = format!("'{}'", serde_json::to_string(&message).unwrap());
    // A key that the master key opens, before all of those that it doesn't.
    let archive = Archive::open(&form.place()).await.unwrap();
    archive.blobs.put(b"first").await.unwrap();
    archive.close().await;
    let mut tool = form.tool().await;
    for sql in SEED.iter().chain(more).chain(&["analyze"]) {
        let sql = sql.replace("$N", &dossiers.to_string()).replace("$MESSAGE", &message);
        tool.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

async fn fill(form: &Form) {
    seed(form, DOSSIERS, beside::SEED).await;
    let mut tool = form.tool().await;
    for setting in [
        "session_preload_libraries = auto_explain",
        "auto_explain.log_min_duration = 0",
        // The statements that hold foreign keys, too.
        "auto_explain.log_nested_statements = on",
    ] {
        let sql = format!("alter database {} set {setting}", form.database());
        tool.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

/// Another paper takes the place of its record.
async fn replaced(archive: &Archive) {
    let (records, now) = (&archive.records, Timestamp::now());
    let record = records.records_of(NUMBER).await.unwrap().remove(0);
    let who =
        Reviser { reason: "Đã cấp lại", by: "officer-7", principal: PrincipalId::random() };
    records.supersede((record.id, record.version), None, who, now).await.unwrap();
    records.succeed(record.id, &|_, _| Some(EndsOn::Issue), now).await.unwrap();
    records.papers_of(NUMBER).await.unwrap();
}

/// Everything that happens to a dossier from its opening to the use of its records.
pub(crate) async fn live(archive: &Archive) {
    let (records, queue, now) = (&archive.records, &archive.queue, Timestamp::now());
    let principal = PrincipalId::random();
    let new = NewDossier {
        others: vec![child("Trần Thị Bống")],
        ..new_dossier("H1", Lane::Counter)
    };
    let dossier = open_new(records, &new, now).await.unwrap();
    records.dossier(&dossier.code).await.unwrap().unwrap();
    assert_eq!(records.dossiers_naming(CHILD).await.unwrap().len(), 1);
    let blake3 = archive.blobs.put(b"scan").await.unwrap();
    let in_use = records.in_use_for(dossier.id).await.unwrap();
    let judged_by = Some(in_use.clone());
    let new = NewScan { judged_by, ..new_scan(dossier.id, blake3, Some("key")) };
    let scan = records.accept_scan(&new, now).await.unwrap().scan;
    assert!(records.accept_scan(&new, now).await.unwrap().repeated);
    records.waiting().await.unwrap();

    // The seeded announcements are in the same lane, so it may be another office's turn first.
    let delivery = queue.take().await.unwrap().unwrap();
    assert!(queue.extend(&delivery).await.unwrap());
    queue.retry(delivery, Duration::from_secs(60)).await.unwrap();
    let delivery = queue.take().await.unwrap().unwrap();
    queue.done(delivery).await.unwrap();

    unpack(archive, scan.id, 2).await;
    let pages = [PageId::nth(scan.id, 0), PageId::nth(scan.id, 1)];
    records.page_seen(pages[0], &[Flaw::Blurred]).await.unwrap();
    read_page(archive, pages[0]).await;
    let message = Message {
        traceparent: None,
        version: Message::VERSION,
        lane: Lane::Counter,
        office: dossier.office.clone(),
        dossier: dossier.id,
        job: Job::Read { page: pages[1] },
    };
    records.park(&message, 3, Reason::ScanBroken, "no").await.unwrap();
    let parked = Uuid::new_v5(&pages[1].as_uuid(), b"read");
    records.parked_one(parked).await.unwrap().unwrap();
    assert!(records.retry_parked(parked).await.unwrap());
    records.park(&message, 3, Reason::ScanBroken, "no").await.unwrap();
    assert!(records.drop_parked(parked, principal, "no").await.unwrap());
    records.parked_one(parked).await.unwrap().unwrap();

    let sheets = records.sheets(dossier.id).await.unwrap();
    let document = filed(&pages[..1], "TP01");
    let filing = [document.clone()];
    let same = [(pages[0], pages[1])];
    let seen = (sheets.len(), Some(&in_use));
    let put = records.put_filing(dossier.id, seen, &filing, &same, Duration::ZERO);
    assert!(put.await.unwrap());
    let word = AssignDocument {
        component: "TP02".parse().unwrap(),
        kind: Some(kind().id),
        by: "officer-7".to_owned(),
        again: Some(AskReason::Replaced),
    };
    let relied = Relied {
        component: word.component.clone(),
        record: RecordId::of(document.id),
        version: 1,
        original: false,
        last_day: None,
    };
    let stated = Stated {
        component: word.component.clone(),
        relied: Some(relied.clone()),
        reason: AskReason::Replaced,
        said_by: None,
        principal,
    };
    let said = (&word, Some(&stated), Some(&in_use));
    let row = records.assign(principal, document.id, said, now).await.unwrap().unwrap();
    let publish = async |draft| {
        records.publish(document.id, &row.doc.revision, draft, now).await.unwrap().unwrap()
    };
    let record = publish(draft(&dossier, document.id, blake3)).await;
    publish(draft(&dossier, document.id, blake3)).await;
    records.document(document.id).await.unwrap().unwrap();

    for officer in [None, Some(principal)] {
        let sealed = SealedPdf { blake3, officer };
        assert_eq!(records.signed_pdf(sealed).await.unwrap(), None);
        records.put_signed_pdf(sealed, blake3, None, now).await.unwrap();
    }
    records.principal_name(principal).await.unwrap();
    records.is_principal_name("can-bo-3").await.unwrap();

    // The view of a dossier, and requirements.
    assert_eq!(records.scans(dossier.id).await.unwrap().len(), 1);
    records.documents(dossier.id).await.unwrap();
    records.events(dossier.id, 0, 100).await.unwrap();
    records.unsettled(dossier.id).await.unwrap();
    records.scan(scan.id).await.unwrap();
    records.page(pages[0]).await.unwrap();
    assert_eq!(records.records_of(NUMBER).await.unwrap().len(), 1);
    records.record(record.id, None).await.unwrap();
    records.record(record.id, Some(1)).await.unwrap();
    records.versions(record.id).await.unwrap();
    let asked = request(&record, "Đăng ký kết hôn");
    records.put_lookup(principal, &asked, &record, now).await.unwrap();
    let lookup = records.put_lookup(principal, &asked, &record, now).await.unwrap();
    records.read_again(principal, &lookup, now).await.unwrap();
    let said = SayOfLookup { word: LookupWord::Shown, by: "officer-7".to_owned(), reason: None };
    records.say_of_lookup(principal, &lookup, &said, now).await.unwrap();
    records.inquiry_read(principal, &dossier.code, None, now).await.unwrap();
    let told = [(dossier.code.clone(), vec![(record.id, 1)])];
    records.exported(&told, (Some(principal), now)).await.unwrap();
    records.rely_on(dossier.id, std::slice::from_ref(&relied)).await.unwrap();
    let answers = (&Answers::new(), &Answers::from([("TP03".parse().unwrap(), true)]));
    let spared = vec!["TP03".parse().unwrap()];
    let shift = Shift { relied: vec![relied], spared };
    let answered = records.answer(principal, dossier.id, answers, &shift).await.unwrap();
    assert_eq!(answered, Answered::Kept);
    records.told(&[(record.id, 1)], (principal, "Đăng ký kết hôn"), now).await.unwrap();
    records.lookups_for(&dossier.code).await.unwrap();
    let new = NewInquiry {
        id: InquiryId::of(Uuid::new_v4()),
        dossier: dossier.id,
        kho: "kho".to_owned(),
        national: true,
        component: Some("TP01".parse().unwrap()),
        principal,
        question: "{}".to_owned(),
    };
    records.ask(&new, now).await.unwrap();
    let inquiry = records.inquiry(new.id).await.unwrap().unwrap();
    records.put_answer(&inquiry, "[]", (&[], 0), now).await.unwrap();
    let (by, word) = ("officer-7".to_owned(), LookupWord::Used);
    let said = InquiryWord { word, paper: Some(0), original: false, by, reason: None, at: now };
    assert!(records.say_of_inquiry(principal, &inquiry, &said).await.unwrap());
    assert_eq!(records.inquiries(dossier.id).await.unwrap().len(), 1);
    records.warnings(dossier.id).await.unwrap();
    records.asked_again(dossier.id).await.unwrap();
    records.synced(dossier.id, &[record.id]).await.unwrap();
    records.link_audit().await.unwrap();
    for asked in [
        LinesAsked { record: Some(record.id), ..LinesAsked::default() },
        LinesAsked { principal: Some(principal), ..LinesAsked::default() },
        LinesAsked { from: Some(now), until: Some(now), ..LinesAsked::default() },
    ] {
        records.audit(&asked, 100).await.unwrap();
    }
    let codes = std::slice::from_ref(&dossier.code);
    records.accesses((&[record.id], codes), None, 100).await.unwrap();
    records.head_due(SignedDuration::ZERO, now).await.unwrap();
    records.heads(0, 100).await.unwrap();
    records.succeed(record.id, &|_, _| Some(EndsOn::Issue), now).await.unwrap();
    records.close_dossier(dossier.id).await.unwrap();
    // Of things that are not there, too.
    assert!(records.scan(ScanId::of(dossier.id, Blake3([7; 32]))).await.unwrap().is_none());
    assert!(records.document(DocumentId::starting_at(pages[1])).await.unwrap().is_none());
}

/// Each statement that was run, and how.
fn plans(log: &str) -> BTreeMap<String, String> {
    let mut plans = BTreeMap::new();
    // What belongs to an entry is indented.
    for entry in log.replace("\n\t", "\t").lines() {
        let Some((_, entry)) = entry.split_once("plan:\tQuery Text: ") else { continue };
        // The first line of a plan is the first that tells a cost.
        let cost = entry.find("(cost=").unwrap_or(entry.len());
        let statement = entry[..cost].rfind('\t').map_or(entry, |end| &entry[..end]);
        let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        plans.insert(statement, entry.replace('\t', "\n"));
    }
    plans
}

#[tokio::test]
async fn no_statement_looks_through_a_table_that_grows() {
    let form = Form::new().await;
    fill(&form).await;
    let mut log = std::fs::File::open(folder("postgres").join("data/server.log")).unwrap();
    log.seek(SeekFrom::End(0)).unwrap();
    let archive = Archive::open(&form.place()).await.unwrap();
    live(&archive).await;
    replaced(&archive).await;
    beside::live(&archive).await;
    archive.close().await;
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();

    let plans = plans(&said);
    let mut bad = Vec::new();
    for (statement, plan) in &plans {
        let lines: Vec<_> = plan.lines().collect();
        for (nth, line) in lines.iter().enumerate() {
            let Some((_, scanned)) = line.split_once("Seq Scan on ") else { continue };
            let table = scanned.split_whitespace().next().unwrap_or_default();
            // One that stops after so many rows costs the same however many there are.
            let filtered = lines.get(nth + 1).is_some_and(|line| line.contains("Filter:"));
            let stops = nth > 0 && lines[nth - 1].contains("->  Limit") && !filtered;
            if !SMALL.contains(&table) && !stops {
                bad.push(format!("{table}: {statement}\n{plan}"));
            }
        }
    }
    assert!(plans.len() > 140, "{} statements: {:#?}", plans.len(), plans.keys());
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}
