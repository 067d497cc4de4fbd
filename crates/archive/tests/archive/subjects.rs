//! What is kept of a subject is told, handed out, and erased where it may be; the audit stays.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use archive::{
    Archive, ArchiveError, Asked, AskedKho, Dossier, Ground, Kept, OpenError, PutRight, Reviser,
    SealedPdf,
};
use jiff::Timestamp;
use schemas::access::Reach;
use schemas::audit::{Act, Actor};
use schemas::ids::{Blake3, DossierId, InquiryId, PageId};
use schemas::message::Lane;
use schemas::record::{BoundBy, Owner, Record};
use schemas::subject::Subject;

use crate::bed::{
    Bed, NUMBER, SOMEBODY, bed, citizen, filed, findings, new_dossier, open_new, request,
};
use crate::form::Form;
use crate::keys::hours_later;

/// A dossier that is done with: its record was looked up, and nothing is left to do.
pub(crate) async fn done(bed: &Bed) -> (Dossier, Record) {
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    while let Some(seal) = bed.read(0).await {
        bed.archive.queue.done(seal).await.unwrap();
    }
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let asked = request(&record, "Đăng ký kết hôn");
    records.put_lookup(SOMEBODY, &asked, &record, now).await.unwrap();
    records.close_dossier(dossier.id).await.unwrap();
    (dossier, record)
}

/// Who runs the command lines.
fn operator() -> Actor {
    Actor::Operator("cán bộ trực".to_owned())
}

pub(crate) async fn erase(
    bed: &Bed,
    dossier: DossierId,
    lets_go: bool,
    really: bool,
) -> Result<archive::Erasure, Kept> {
    let reason = "Đơn số 13/2026";
    let now = Timestamp::now();
    bed.archive
        .erase_dossier(dossier, (Ground::Request, reason), |_| lets_go, (really, now), &operator())
        .await
        .unwrap()
}

/// Tables that hold a text, whatever their names: one that is added later is looked into, too.
async fn holds(bed: &Bed, text: &str) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Connection, Row};
    const SQLITE: &str = "
        select m.name as t, p.name as c from sqlite_master m join pragma_table_info(m.name) p
        where m.type = 'table' and p.type = 'TEXT' collate nocase order by m.name";
    const POSTGRES: &str = "
        select cast(table_name as text) as t, cast(column_name as text) as c
        from information_schema.columns where table_schema = 'public' and data_type = 'text'
        order by table_name";
    let mut on = bed.form.tool().await;
    let rows = match sqlx::query(POSTGRES).fetch_all(&mut on).await {
        Ok(rows) => rows,
        Err(_) => sqlx::query(SQLITE).fetch_all(&mut on).await.unwrap(),
    };
    assert!(100 < rows.len());
    let mut found = Vec::new();
    for row in rows {
        let (table, column): (String, String) = (row.get("t"), row.get("c"));
        let sql = format!("select count(*) as n from {table} where {column} like '%{text}%'");
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut on).await.unwrap();
        if row.get::<i64, _>("n") > 0 {
            found.push(table);
        }
    }
    on.close().await.unwrap();
    found.dedup();
    found
}

/// What else comes about with a dossier: words on a lookup, a near match and what was found of it,
/// an old number, a delivery, a question to another Kho.
async fn more_of(bed: &Bed, dossier: &Dossier, record: &Record) {
    let (id, record) = (dossier.id, record.id);
    let subject = format!("{{\"number\": \"{NUMBER}\"}}");
    for sql in [
        "insert into lookup_word select lookup_id, 1, 'shown', null, null, 'Mẫu', 'x', null, 1
         from lookup"
            .to_owned(),
        format!(
            "insert into near_match (request, record_id, asked_at, asked_by, subject, number)
             values ('r', '{record}', 1, 'x', '{subject}', '{NUMBER}')"
        ),
        format!("insert into same_person values ('a', '{NUMBER}', 1, 1, 'Mẫu', 'x', null, 1)"),
        format!("insert into old_number values ('123456789', '{NUMBER}')"),
        format!(
            "insert into delivery (delivery_id, subscriber, event_id, event, dossier_id, office,
                turn, body, fate, made_at, since, due_at)
             values ('d', 's', 'e', 'x', '{id}', 'H26.01', 1, '{}', 'hung', 1, 1, 1)",
            dossier.code
        ),
        format!(
            "insert into inquiry (inquiry_id, dossier_id, store, delivery_id, asked_at, principal,
                question) values ('i', '{id}', 's', 'd', 1, 'p', '{subject}')"
        ),
        format!("insert into inquiry_file values ('i', 0, 'Mẫu.pdf', '{}', 1)", Blake3([7; 32])),
        format!(
            "insert into inquiry_word values ('i', 1, '{id}', 'TP01', 'declined', null, 0, 'Mẫu',
                'x', 'p', 1)"
        ),
        format!("insert into synced_result values ('{id}', '{record}', 1)"),
        format!(
            "insert into dropped values ('p', '{id}', 'read', 't', 1, 'scan.broken', '', 1, 'Mẫu',
                'x', 1)"
        ),
    ] {
        assert_eq!(bed.tamper(sql.leak()).await, 1);
    }
}

#[tokio::test]
async fn a_subject_is_told_who_looked() {
    let bed = bed().await;
    let (dossier, record) = done(&bed).await;
    let records = &bed.archive.records;
    records.link_audit().await.unwrap();
    let owned = records.ever_owned(NUMBER).await.unwrap();
    assert_eq!(owned, std::slice::from_ref(&record));
    assert!(records.ever_owned("079305000013").await.unwrap().is_empty());
    assert_eq!(records.dossiers_of(NUMBER).await.unwrap().len(), 1);
    let who = (&operator(), "Đơn số 12/2026");
    records.note_given(Act::Exported, (&[record.id], &[]), who, Timestamp::now()).await.unwrap();
    records.link_audit().await.unwrap();
    let accesses = records.accesses((&[record.id], &[]), None, 100).await.unwrap();
    let acts: Vec<_> = accesses.iter().map(|access| access.line.line.act).collect();
    assert_eq!(acts, [Act::Exported, Act::LookedUp, Act::Published]);
    assert_eq!(accesses[0].principal.as_deref(), Some("cán bộ trực"));
    let lookup = accesses[1].lookup.as_ref().unwrap();
    assert_eq!((lookup.asked_by.as_str(), lookup.record.id), ("officer-7", record.id));
    let rest =
        records.accesses((&[record.id], &[]), Some(accesses[1].line.place), 100).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert!(records.accesses((&[], &[]), None, 100).await.unwrap().is_empty());
    // Of whom there is no record, that they were told of their dossiers.
    let codes = [dossier.code];
    records.note_given(Act::AccessShown, (&[], &codes), who, Timestamp::now()).await.unwrap();
    records.link_audit().await.unwrap();
    let told = records.accesses((&[], &codes), None, 1).await.unwrap();
    let told = &told[0].line.line;
    assert_eq!((told.act, told.dossier.as_ref()), (Act::AccessShown, Some(&codes[0])));
}

#[tokio::test]
async fn what_must_be_kept_is_kept_and_a_trial_erases_nothing() {
    let bed = bed().await;
    let (open, _) = bed.read_dossier(1).await;
    assert_eq!(erase(&bed, open.id, true, true).await, Err(Kept::Open));
    bed.archive.records.close_dossier(open.id).await.unwrap();
    let unsettled = "update dossier set settled = 0";
    assert_eq!(bed.tamper(unsettled).await, 1);
    assert_eq!(erase(&bed, open.id, true, true).await, Err(Kept::Unsettled));

    let bed = crate::bed::bed().await;
    let (dossier, record) = done(&bed).await;
    assert_eq!(erase(&bed, dossier.id, false, true).await, Err(Kept::ByPolicy));
    let trial = erase(&bed, dossier.id, true, false).await.unwrap();
    assert_eq!((trial.records.as_slice(), trial.blobs), (&[record.id][..], 4));
    assert_eq!(bed.archive.records.ever_owned(NUMBER).await.unwrap().len(), 1);
    // Somebody else's, too.
    let other = "update dossier set number = 'x'";
    bed.tamper("insert into subject values ('x', '{}')").await;
    assert_eq!(bed.tamper(other).await, 1);
    assert_eq!(erase(&bed, dossier.id, true, true).await, Err(Kept::Shared));
}

#[tokio::test]
async fn an_erased_dossier_leaves_nothing_but_hashes_and_a_whole_audit() {
    let bed = bed().await;
    let (dossier, record) = done(&bed).await;
    let records = &bed.archive.records;
    records.link_audit().await.unwrap();
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    more_of(&bed, &dossier, &record).await;
    for officer in [None, Some(SOMEBODY)] {
        let (sealed, now) = (SealedPdf { blake3: Blake3([7; 32]), officer }, Timestamp::now());
        records.put_signed_pdf(sealed, record.pdf, None, now).await.unwrap();
    }
    let erased = erase(&bed, dossier.id, true, true).await.unwrap();
    assert_eq!(erased.records, [record.id]);
    // They came a moment ago, and go when they can be told from what arrives.
    assert_eq!((erased.blobs, erased.blobs_left), (0, 5));
    assert_eq!(findings(&bed.archive).await, [""; 0], "that it was erased waits to be bound");
    records.link_audit().await.unwrap();
    assert_eq!(holds(&bed, NUMBER).await, [""; 0]);
    assert_eq!(holds(&bed, "Mẫu").await, [""; 0]);
    assert_eq!(holds(&bed, dossier.code.as_str()).await, ["audit_line", "erased"]);
    assert_eq!(holds(&bed, &record.pdf.to_string()).await, ["data_key"]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert!(records.is_erased(record.id).await.unwrap());
    assert!(records.record(record.id, None).await.unwrap().is_none());
    assert!(records.dossier(&dossier.code).await.unwrap().is_none());
    let accesses = records.accesses((&[record.id], &[]), None, 100).await.unwrap();
    let acts: Vec<_> = accesses.iter().map(|access| access.line.line.act).collect();
    assert_eq!(acts, [Act::Erased, Act::LookedUp, Act::Published]);
    assert_eq!(accesses[0].line.line.content, record.hash);
    assert_eq!(accesses[0].principal.as_deref(), Some("cán bộ trực"));
    // A code is never given out again.
    let next = bed.dossier().await;
    assert_ne!(next.code, dossier.code);
    // What goes without a word in the audit is found.
    let (_, other) = done(&bed).await;
    records.link_audit().await.unwrap();
    for sql in ["delete from lookup", "delete from record_owner", "delete from record"] {
        assert_eq!(bed.tamper(sql).await, 1, "{sql}");
    }
    let found = bed.archive.check_audit(&[]).await.unwrap().findings;
    let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["record.removed", "lookup.removed"]);
    assert_eq!(found[0].what, format!("{}/1", other.id));
}

#[tokio::test]
async fn nothing_is_kept_of_who_is_nearly_the_owner_of_a_record_that_was_erased() {
    let bed = bed().await;
    let (dossier, record) = done(&bed).await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let owner = &record.owners[0].subject;
    let asked = Asked { number: "012345678".to_owned(), ..Asked::from(owner) };
    let [early, late] = ["Đăng ký kết hôn", "Đăng ký thường trú"].map(|why| request(&record, why));
    assert!(records.put_near(SOMEBODY, &early, (&asked, owner), now).await.unwrap());
    erase(&bed, dossier.id, true, true).await.unwrap();
    assert!(!records.put_near(SOMEBODY, &late, (&asked, owner), now).await.unwrap());
    assert_eq!(holds(&bed, NUMBER).await, [""; 0]);

    // What came in between in an earlier program stops nobody, and is nobody's to say.
    let left = format!(
        "insert into near_match (request, record_id, asked_at, asked_by, asked, number)
         values ('{}', '{}', 1, 'x', 'a', '{NUMBER}')",
        late.request, record.id
    );
    assert_eq!(bed.tamper(left.leak()).await, 1);
    assert_eq!(records.near_matches(&Reach::Everywhere).await.unwrap(), []);
    assert_eq!(records.near_match(late.request).await.unwrap(), None);
    let found = (true, "Đã đối chiếu", "officer-9");
    assert!(!records.resolve_near(SOMEBODY, late.request, found, now).await.unwrap());
}

#[tokio::test]
async fn a_dossier_that_is_opened_again_with_its_key_is_erased_again() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let new = new_dossier("H26.01", Lane::Counter);
    let mut published = Vec::new();
    for _ in 0..2 {
        let dossier = open_new(records, &new, Timestamp::now()).await.unwrap();
        let scan = bed.scan(dossier.id, b"one scan").await;
        let filing = bed.read(1).await.unwrap();
        bed.archive.queue.done(filing).await.unwrap();
        let document = filed(&[PageId::nth(scan.id, 0)], "TP01");
        bed.file(dossier.id, std::slice::from_ref(&document)).await;
        published.push(bed.publish(&dossier, document.id).await.id);
        while let Some(seal) = bed.read(0).await {
            bed.archive.queue.done(seal).await.unwrap();
        }
        records.close_dossier(dossier.id).await.unwrap();
        erase(&bed, dossier.id, true, true).await.unwrap();
        records.link_audit().await.unwrap();
    }
    assert_eq!(published[0], published[1], "the same papers");
    assert_eq!(holds(&bed, NUMBER).await, [""; 0]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn what_is_several_peoples_is_not_erased_for_one_of_them() {
    const OTHER: &str = "001099000013";
    let bed = bed().await;
    let (dossier, record) = done(&bed).await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let mut owners = record.owners.clone();
    owners.push(Owner {
        subject: Subject::Citizen {
            number: OTHER.parse().unwrap(),
            name: "Trần Văn Khác".parse().unwrap(),
            born: jiff::civil::date(1999, 1, 1),
        },
        bound_by: BoundBy::Number,
    });
    let put_right = PutRight { fields: Vec::new(), valid_until: None, owners, owners_said: true };
    let who = Reviser { reason: "Của cả hai", by: "officer-7", principal: SOMEBODY };
    records.correct((record.id, 1), put_right, who, now).await.unwrap();
    while let Some(proof) = bed.read(0).await {
        records.proof_done(record.document, 2).await.unwrap();
        bed.archive.queue.done(proof).await.unwrap();
    }
    assert_eq!(erase(&bed, dossier.id, true, true).await, Err(Kept::Shared));
    for number in [NUMBER, OTHER] {
        assert_eq!(records.ever_owned(number).await.unwrap().last().unwrap().version, 2);
    }
    // What else there is of the other goes; the paper stays theirs, and is found as it was.
    let (own, _) = done(&bed).await;
    for sql in [
        format!("insert into subject values ('{OTHER}', '{{}}')"),
        format!("insert into old_number values ('123456789', '{OTHER}')"),
        format!("update dossier set number = '{OTHER}' where dossier_id = '{}'", own.id),
        format!(
            "update record set body = replace(body, '{NUMBER}', '{OTHER}') where dossier_id = '{}'",
            own.id
        ),
    ] {
        assert_eq!(bed.tamper(sql.leak()).await, 1);
    }
    erase(&bed, own.id, true, true).await.unwrap();
    assert_eq!(records.number_of_old("123456789").await.unwrap().as_deref(), Some(OTHER));
    assert_eq!(records.records_of(OTHER).await.unwrap()[0].id, record.id);
    assert!(records.record(record.id, None).await.unwrap().is_some());
    // When its time is over it goes for both.
    let ended = records.ended_dossiers(None, 10).await.unwrap();
    let versions: Vec<_> = ended[&dossier.id].iter().map(|record| record.version).collect();
    assert_eq!((ended.len(), versions), (1, vec![1, 2]));
    assert!(records.ended_dossiers(Some(dossier.id), 10).await.unwrap().is_empty());
    let over = (Ground::Period, "Quyết định huỷ số 14/QĐ-UBND");
    bed.archive
        .erase_dossier(dossier.id, over, |_| true, (true, now), &Actor::Program)
        .await
        .unwrap()
        .unwrap();
    assert!(records.record(record.id, None).await.unwrap().is_none());
    assert_eq!(records.number_of_old("123456789").await.unwrap(), None);
    assert!(records.ended_dossiers(None, 10).await.unwrap().is_empty());
}

/// Somebody's child, with that name.
pub(crate) fn child(name: &str) -> Subject {
    Subject::Citizen {
        number: CHILD.parse().unwrap(),
        name: name.parse().unwrap(),
        born: jiff::civil::date(2020, 5, 4),
    }
}

pub(crate) const CHILD: &str = "001220000027";

#[tokio::test]
async fn whoever_a_dossier_names_beside_its_applicant_is_told_of_it_and_goes_with_it() {
    let bed = bed().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let naming = |name: &str| {
        let others = vec![child(name)];
        archive::NewDossier { others, ..new_dossier("H26.01", Lane::Counter) }
    };
    let dossier = open_new(records, &naming("Trần Thị Bống"), now).await.unwrap();
    assert_eq!(records.dossier(&dossier.code).await.unwrap().unwrap().others, dossier.others);
    assert!(dossier.others[0].agrees(&child("Trần Thị Bống")));
    let found = records.dossiers_naming(CHILD).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&dossier));
    assert!(records.dossiers_of(CHILD).await.unwrap().is_empty());
    assert!(records.dossiers_naming(NUMBER).await.unwrap().is_empty());

    // Their number is known by their name from now on, whoever applies.
    let wrong = open_new(records, &naming("Lê Thị Lạ"), now).await.unwrap_err();
    assert!(matches!(wrong, OpenError::SubjectDiffers), "{wrong}");
    let own = archive::NewDossier {
        subject: child("TRAN THI BONG"),
        others: vec![citizen("Nguyễn Thị Mẫu")],
        ..new_dossier("H26.01", Lane::Counter)
    };
    let own = open_new(records, &own, now).await.unwrap();

    // What is erased leaves no name, but where another dossier has it, too.
    for (id, left) in [(dossier.id, true), (own.id, false)] {
        records.close_dossier(id).await.unwrap();
        erase(&bed, id, true, true).await.unwrap();
        for text in [CHILD, "Bống", NUMBER, "Mẫu"] {
            assert_eq!(holds(&bed, text).await.is_empty(), !left, "{text}");
        }
    }
    assert!(records.dossiers_naming(CHILD).await.unwrap().is_empty());
    // That they went stands in the audit, though they had no record.
    records.link_audit().await.unwrap();
    let gone = [dossier.code, own.code];
    let accesses = records.accesses((&[], &gone), None, 100).await.unwrap();
    let acts: Vec<_> = accesses.iter().map(|access| access.line.line.act).collect();
    assert_eq!(acts, [Act::Erased; 2]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn that_another_kho_was_asked_for_a_paper_is_told_to_whom_it_belongs() {
    let bed = bed().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let component = |id: &str, whose: &str| {
        serde_json::json!({
            "id": id, "name": "Giấy khám sức khoẻ", "required": true, "order": 1, "whose": whose,
        })
    };
    let procedure = serde_json::json!({
        "code": "1.001193",
        "name": "Đăng ký nuôi con nuôi",
        "components": [component("TP01", "applicant"), component("TP07", "other")],
    });
    let procedure = serde_json::from_value(procedure).unwrap();
    records.import(&[procedure], jiff::civil::date(2020, 1, 1)).await.unwrap();
    let others = vec![child("Trần Thị Bống")];
    let new = archive::NewDossier { others, ..new_dossier("H26.01", Lane::Counter) };
    let dossier = open_new(records, &new, now).await.unwrap();
    for component in ["TP01", "TP07"] {
        let new = archive::NewInquiry {
            id: InquiryId::of(schemas::Uuid::new_v4()),
            dossier: dossier.id,
            kho: "kho-tinh".to_owned(),
            national: false,
            component: Some(component.parse().unwrap()),
            principal: SOMEBODY,
            question: "{}".to_owned(),
        };
        assert_eq!(records.ask(&new, now).await.unwrap(), AskedKho::Asked);
    }
    records.inquiry_read(SOMEBODY, &dossier.code, None, now).await.unwrap();
    assert_eq!(records.link_audit().await.unwrap(), 3);

    let told = async |subject: &Subject| {
        let dossiers = records.dossiers_with(subject).await.unwrap();
        let all = records.accesses((&[], &dossiers.codes()), None, 100).await.unwrap();
        let told = all.into_iter().filter(|access| dossiers.tells(access));
        let mut told: Vec<String> = told
            .map(|access| {
                let line = access.line.line;
                let component = line.component.map(|id| id.as_str().to_owned());
                format!("{} {}", line.act.as_str(), component.unwrap_or_default())
            })
            .collect();
        told.sort();
        told
    };
    let applicant = citizen("Nguyễn Thị Mẫu");
    assert_eq!(told(&applicant).await, ["inquiry_read ", "kho_asked TP01"]);
    assert_eq!(told(&child("TRAN THI BONG")).await, ["kho_asked TP07"]);
    assert_eq!(told(&child("Lê Thị Lạ")).await, [""; 0], "nobody else");
}

/// Names the archive to the child; without it the child's part does nothing.
const PLACE: &str = "SOHOA_TEST_PLACE";

/// Erases every dossier whose time is over, as `sohoa retention` does, but only so many.
async fn end(archive: &Archive, at_most: usize, told: impl Fn(DossierId)) {
    let over = (Ground::Period, "Quyết định huỷ số 14/QĐ-UBND");
    let ended = archive.records.ended_dossiers(None, 100).await.unwrap();
    for id in ended.into_keys().take(at_most) {
        let really = (true, Timestamp::now());
        archive.erase_dossier(id, over, |_| true, really, &operator()).await.unwrap().unwrap();
        told(id);
    }
}

/// Not a test of its own: the process that is killed, after its second dossier at the latest.
#[tokio::test]
#[ignore = "run as a child by the test below"]
async fn ending_child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let archive = Archive::open_beside(&Form::named(&place)).await.unwrap();
    end(&archive, 2, |id| eprintln!("erased {id}")).await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_retention_that_is_killed_between_two_dossiers_goes_on_and_erases_none_twice() {
    let bed = bed().await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(done(&bed).await);
    }
    hours_later(&bed).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "subjects::ending_child", "--ignored", "--nocapture"])
        .env(PLACE, bed.form.name())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let erased = said.filter_map(|line| line.strip_prefix("erased ").map(str::to_owned)).take(2);
    let mut erased: Vec<DossierId> = erased.map(|id| id.parse().unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(erased.len(), 2, "the child died early");
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    let (records, now) = (&bed.archive.records, Timestamp::now());
    assert_eq!(records.ended_dossiers(None, 100).await.unwrap().len(), 2);
    for id in &erased {
        let over = (Ground::Period, "Quyết định huỷ số 14/QĐ-UBND");
        let again = bed.archive.erase_dossier(*id, over, |_| true, (true, now), &operator()).await;
        assert!(matches!(again, Err(ArchiveError::Missing(_))), "{again:?}");
    }

    let rest = std::sync::Mutex::new(Vec::new());
    end(&bed.archive, 100, |id| rest.lock().unwrap().push(id)).await;
    let rest = rest.into_inner().unwrap();
    assert_eq!(rest.len(), 2);
    erased.extend(rest);
    erased.sort_unstable();
    let mut dossiers: Vec<_> = all.iter().map(|(dossier, _)| dossier.id).collect();
    dossiers.sort_unstable();
    assert_eq!(erased, dossiers, "each once");
    assert!(records.ended_dossiers(None, 100).await.unwrap().is_empty());
    records.link_audit().await.unwrap();
    for (dossier, record) in &all {
        assert!(records.dossier(&dossier.code).await.unwrap().is_none());
        let accesses = records.accesses((&[record.id], &[]), None, 100).await.unwrap();
        let acts = accesses.iter().map(|access| access.line.line.act);
        assert_eq!(acts.filter(|act| *act == Act::Erased).count(), 1);
    }
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert_eq!(bed.archive.blobs.list().await.unwrap(), [], "nor is a paper left");
}
