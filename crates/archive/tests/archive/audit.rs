//! The audit: a line for whatever happens to a record, and every sort of tampering found.

use archive::{Asked, Dossier, LinesAsked, NewScan, PutRight, Relied, Reviser, Stated};
use jiff::{SignedDuration, Timestamp};
use schemas::api::{AskReason, Lookup, LookupWord, SayOfLookup};
use schemas::audit::{Act, AuditHead, AuditLine, SignedHead};
use schemas::ids::{Blake3, PrincipalId};
use schemas::record::{Record, RecordPage};
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::bed::{Bed, SOMEBODY, bed, citizen, draft, filed, findings, new_scan, request};

const PURPOSES: [&str; 3] = ["Đăng ký kết hôn", "Cấp hộ chiếu", "Vay vốn"];

/// Four lines in the chain, and a head of the last: a record was published, and looked up three
/// times.
struct Audited {
    bed: Bed,
    record: Record,
    lookups: Vec<Lookup>,
    head: AuditHead,
}

async fn audited() -> Audited {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let record = bed.publish(&dossier, document.id).await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let mut lookups = Vec::new();
    for purpose in PURPOSES {
        let asked = request(&record, purpose);
        lookups.push(records.put_lookup(SOMEBODY, &asked, &record, now).await.unwrap());
    }
    assert_eq!(records.link_audit().await.unwrap(), 4);
    let head = records.head_due(SignedDuration::ZERO, now).await.unwrap().unwrap();
    let body = serde_json::to_string(&head).unwrap();
    // Whose signature it is, the archive doesn't know.
    let signed = SignedHead { body, signature: String::new() };
    assert!(records.put_head(&signed).await.unwrap());
    assert!(!records.put_head(&signed).await.unwrap());
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    Audited { bed, record, lookups, head }
}

impl Audited {
    async fn sql(&self, sql: &str) {
        let mut on = self.bed.form.tool().await;
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut on).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
        on.close().await.unwrap();
    }

    /// Codes of what the audit's check finds, and where.
    async fn found(&self, anchors: &[AuditHead]) -> Vec<(&'static str, String)> {
        let found = self.bed.archive.check_audit(anchors).await.unwrap();
        for finding in &found.findings {
            assert!(finding.text_vi.ends_with('.') && !finding.mendable, "{finding:?}");
        }
        found.findings.into_iter().map(|finding| (finding.code, finding.what)).collect()
    }

    #[track_caller]
    fn at(code: &'static str, what: impl ToString) -> (&'static str, String) {
        (code, what.to_string())
    }

    /// Whoever can write everything writes the chain anew, so that every link holds.
    async fn rewrite(&self) {
        let mut on = self.bed.form.tool().await;
        let rows = sqlx::query("select place, body from audit_line order by place");
        let (mut hash, mut length) = ([0_u8; 32], 0_i64);
        for row in rows.fetch_all(&mut on).await.unwrap() {
            let (place, body): (i64, String) = (row.get("place"), row.get("body"));
            let mut hasher = blake3::Hasher::new();
            hash = *hasher.update(&hash).update(body.as_bytes()).finalize().as_bytes();
            length = place;
            let sql = "update audit_line set hash = $1 where place = $2";
            let put = sqlx::query(sql).bind(Blake3(hash).to_string()).bind(place);
            put.execute(&mut on).await.unwrap();
        }
        let sql = "update chain set length = $1, hash = $2 where name = 'audit'";
        let put = sqlx::query(sql).bind(length).bind(Blake3(hash).to_string());
        put.execute(&mut on).await.unwrap();
        on.close().await.unwrap();
    }
}

#[tokio::test]
async fn whatever_happens_to_a_record_leaves_a_line_that_names_nobody() {
    let Audited { bed, record, lookups, .. } = audited().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let officer = PrincipalId::random();
    records.told(&[(record.id, 1)], (officer, "Đăng ký kết hôn"), now).await.unwrap();
    let who = Reviser { reason: "Cấp sai", by: "officer-7", principal: officer };
    let corrected = PutRight {
        fields: record.fields.clone(),
        valid_until: None,
        owners: record.owners.clone(),
        owners_said: false,
    };
    records.correct((record.id, 1), corrected, who, now).await.unwrap();
    records.revoke(record.id, who, now).await.unwrap();
    // A question that is refused reads nothing.
    let asked = request(&record, "Đăng ký");
    assert!(records.put_lookup(SOMEBODY, &asked, &record, now).await.is_err());
    assert_eq!(records.link_audit().await.unwrap(), 4);
    assert_eq!(records.link_audit().await.unwrap(), 0);

    let asked = LinesAsked { record: Some(record.id), ..LinesAsked::default() };
    let lines = records.audit(&asked, 100).await.unwrap();
    let told: Vec<_> = lines.iter().map(|l| (l.place, l.line.act, l.line.version)).collect();
    let expected = [
        (8, Act::Revoked, Some(2)),
        (7, Act::Published, Some(2)),
        (6, Act::Corrected, Some(1)),
        (5, Act::Told, Some(1)),
        (4, Act::LookedUp, Some(1)),
        (3, Act::LookedUp, Some(1)),
        (2, Act::LookedUp, Some(1)),
        (1, Act::Published, Some(1)),
    ];
    assert_eq!(told, expected);
    let first: &AuditLine = &lines[7].line;
    assert_eq!((first.content, first.dossier.as_ref()), (record.hash, Some(&record.dossier)));
    let looked: &AuditLine = &lines[6].line;
    assert_eq!(
        (looked.lookup, looked.purpose.as_deref()),
        (Some(lookups[0].id), Some(PURPOSES[0]))
    );
    let body = serde_json::to_string(looked).unwrap();
    assert_eq!(lookups[0].chain_hash.0, *blake3::hash(body.as_bytes()).as_bytes());
    let text = serde_json::to_string(&lines).unwrap();
    for personal in [crate::bed::NUMBER, "Mẫu", "1999-01-01", "officer-7", "Cấp sai"] {
        assert!(!text.contains(personal), "{personal}");
    }

    let by = LinesAsked { principal: Some(officer), before: Some(8), ..LinesAsked::default() };
    let by: Vec<_> = records.audit(&by, 2).await.unwrap().iter().map(|l| l.place).collect();
    assert_eq!(by, [7, 6]);
    let later = LinesAsked { from: Some(Timestamp::now()), ..LinesAsked::default() };
    assert!(records.audit(&later, 100).await.unwrap().is_empty());
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_line_that_is_altered_or_moved_is_found() {
    let own = audited().await;
    let altered = Audited::at("audit.altered", 3);
    own.sql("update audit_line set body = replace(body, 'hộ chiếu', 'hộ khẩu') where place = 3")
        .await;
    assert_eq!(own.found(&[]).await, [altered]);
    assert_eq!(findings(&own.bed.archive).await, ["audit.altered"]);
    own.sql("update audit_line set body = replace(body, 'hộ khẩu', 'hộ chiếu') where place = 3")
        .await;
    assert_eq!(own.found(std::slice::from_ref(&own.head)).await, []);

    own.sql("update audit_line set principal_id = 'nobody' where place = 2").await;
    assert_eq!(own.found(&[]).await, [Audited::at("audit.columns", 2)]);
    let as_before = format!("update audit_line set principal_id = '{SOMEBODY}' where place = 2");
    own.sql(&as_before).await;
    assert_eq!(own.found(&[]).await, []);

    // Two change places, each with its hash.
    for (from, to) in [(2, 99), (3, 2), (99, 3)] {
        own.sql(&format!("update audit_line set place = {to} where place = {from}")).await;
    }
    let places: Vec<_> = own.found(&[]).await;
    assert_eq!(places, [2, 3, 4].map(|place| Audited::at("audit.altered", place)));
}

#[tokio::test]
async fn a_line_that_is_taken_out_or_put_in_is_found() {
    let own = audited().await;
    own.sql("delete from audit_line where place = 2").await;
    let unaudited = Audited::at("lookup.unaudited", own.lookups[0].id);
    assert_eq!(own.found(&[]).await, [Audited::at("audit.removed", 2), unaudited]);

    let own = audited().await;
    for (from, to) in [(4, 5), (3, 4)] {
        own.sql(&format!("update audit_line set place = {to} where place = {from}")).await;
    }
    let put = "insert into audit_line (place, line_id, at, act, body, hash)
        select 3, 'x', at, act, replace(body, 'kết hôn', 'khai tử'), hash from audit_line
        where place = 2";
    own.sql(put).await;
    own.sql("update chain set length = 5 where name = 'audit'").await;
    let found = own.found(&[]).await;
    assert_eq!(found[..2], [Audited::at("audit.altered", 3), Audited::at("audit.head_differs", 4)]);
}

#[tokio::test]
async fn a_tail_that_is_cut_off_is_found_by_the_chain_then_the_heads_then_an_anchor() {
    let own = audited().await;
    own.sql("delete from audit_line where place = 4").await;
    own.sql(&format!("delete from lookup where lookup_id = '{}'", own.lookups[2].id)).await;
    let found = own.found(&[]).await;
    assert_eq!(found, [Audited::at("audit.removed", 4), Audited::at("audit.head_differs", 4)]);
    own.rewrite().await;
    assert_eq!(own.found(&[]).await, [Audited::at("audit.head_differs", 4)]);
    own.sql("delete from audit_head").await;
    assert_eq!(own.found(&[]).await, [], "nothing here tells of it any more");
    let anchored = own.found(std::slice::from_ref(&own.head)).await;
    assert_eq!(anchored, [Audited::at("audit.anchor_differs", 4)]);
}

#[tokio::test]
async fn a_chain_that_is_written_anew_is_found_by_its_heads() {
    let own = audited().await;
    own.sql("update audit_line set body = replace(body, 'hộ chiếu', 'hộ khẩu') where place = 3")
        .await;
    own.rewrite().await;
    let anchor = std::slice::from_ref(&own.head);
    let differs = |code| Audited::at(code, 4);
    assert_eq!(own.found(&[]).await, [differs("audit.head_differs")]);
    // A head that says something else than what was signed.
    let forged = "update audit_head set hash = (select hash from audit_line where place = 4)";
    own.sql(forged).await;
    assert_eq!(own.found(&[]).await, [differs("audit.head_differs")]);
    own.sql("delete from audit_head").await;
    assert_eq!(own.found(anchor).await, [differs("audit.anchor_differs")]);
}

#[tokio::test]
async fn what_lines_tell_of_is_held_to_them() {
    let own = audited().await;
    let (id, lookup) = (own.record.id, own.lookups[0].id);
    own.sql("update lookup set body = replace(body, 'kết hôn', 'khai tử')").await;
    assert_eq!(own.found(&[]).await, [Audited::at("lookup.altered", lookup)]);
    own.sql(&format!("delete from lookup where lookup_id = '{lookup}'")).await;
    assert_eq!(own.found(&[]).await, [Audited::at("lookup.removed", lookup)]);

    let own = audited().await;
    assert_ne!(own.record.id, id);
    let id = own.record.id;
    own.sql("update record set body = replace(body, 'khai sinh', 'khai tử')").await;
    assert_eq!(findings(&own.bed.archive).await, ["record.hash"]);
    // Whoever knows how computes the hash anew.
    let mut on = own.bed.form.tool().await;
    let body: String =
        sqlx::query("select body from record").fetch_one(&mut on).await.unwrap().get(0);
    on.close().await.unwrap();
    own.sql(&format!("update record set hash = '{}'", blake3::hash(body.as_bytes()).to_hex()))
        .await;
    assert_eq!(findings(&own.bed.archive).await, ["record.altered"]);

    let own = audited().await;
    let records = &own.bed.archive.records;
    let who = Reviser { reason: "Cấp sai", by: "officer-7", principal: SOMEBODY };
    records.revoke(own.record.id, who, Timestamp::now()).await.unwrap();
    records.link_audit().await.unwrap();
    assert_eq!(findings(&own.bed.archive).await, [""; 0]);
    own.sql("update record set state = 'published'").await;
    let revived = Audited::at("record.revived", format!("{}/1", own.record.id));
    assert_eq!(own.found(&[]).await, [revived]);
    own.sql("delete from record_owner").await;
    own.sql("delete from record").await;
    let removed = Audited::at("record.removed", format!("{}/1", own.record.id));
    assert_eq!(own.found(&[]).await, [removed]);
    assert_ne!(own.record.id, id);
}

/// What people said of records: of a lookup's answer, of a near match, of a paper taken again.
async fn said(bed: &Bed, record: &Record, lookup: &Lookup) -> Dossier {
    let (records, now) = (&bed.archive.records, Timestamp::now());
    for word in [LookupWord::Shown, LookupWord::Used, LookupWord::Declined] {
        let said =
            SayOfLookup { word, by: "officer-7".to_owned(), reason: Some("Mẫu".to_owned()) };
        records.say_of_lookup(SOMEBODY, lookup, &said, now).await.unwrap();
    }
    let near = request(record, "Đăng ký");
    let asked = Asked {
        name: "Nguyễn Mẫu".parse().unwrap(),
        ..Asked::from(&citizen("Nguyễn Mẫu"))
    };
    let owner = &record.owners[0].subject;
    records.put_near(SOMEBODY, &near, (&asked, owner), now).await.unwrap();
    let found = (false, "Nguyễn Mẫu là người khác", "officer-8");
    assert!(records.resolve_near(SOMEBODY, near.request, found, now).await.unwrap());
    let dossier = bed.dossier().await;
    let relied = Relied {
        component: "TP07".parse().unwrap(),
        record: record.id,
        version: record.version,
        original: false,
        last_day: None,
    };
    let said_by = Some("officer-7".to_owned());
    let reason = AskReason::Authenticity;
    let component = relied.component.clone();
    let relied = Some(relied);
    let stated = Some(Stated { component, relied, reason, said_by, principal: SOMEBODY });
    let blake3 = bed.archive.blobs.put(b"again").await.unwrap();
    for _ in 0..2 {
        let scan = NewScan { stated: stated.clone(), ..new_scan(dossier.id, blake3, None) };
        records.accept_scan(&scan, now).await.unwrap();
    }
    dossier
}

#[tokio::test]
async fn what_is_read_again_handed_on_and_said_leaves_lines_that_name_nobody() {
    let Audited { bed, record, lookups, .. } = audited().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    records.read_again(SOMEBODY, &lookups[0], now).await.unwrap();
    let dossier = said(&bed, &record, &lookups[0]).await;
    let file = Blake3([5; 32]);
    records.inquiry_read(SOMEBODY, &dossier.code, Some(file), now).await.unwrap();
    let told = [(dossier.code.clone(), vec![(record.id, 1)])];
    records.exported(&told, (Some(SOMEBODY), now)).await.unwrap();
    records.exported(&[], (None, now)).await.unwrap();
    records.link_audit().await.unwrap();

    let of = (&[record.id][..], std::slice::from_ref(&dossier.code));
    let told = records.accesses(of, None, 100).await.unwrap();
    let lines: Vec<&AuditLine> = told.iter().map(|own| &own.line.line).rev().skip(4).collect();
    let acts: Vec<Act> = lines.iter().map(|line| line.act).collect();
    let expected = [
        Act::ReadAgain,
        Act::LookupShown,
        Act::LookupUsed,
        Act::LookupDeclined,
        Act::FoundOther,
        Act::Relied,
        Act::AskedAgain,
        Act::InquiryRead,
        Act::DossierExported,
        Act::DossierExported,
    ];
    assert_eq!(acts, expected);
    for line in &lines {
        assert_eq!(line.principal, Some(SOMEBODY), "{line:?}");
        let of_lookup = (line.lookup == Some(lookups[0].id)).then_some(line.content);
        assert!(of_lookup.is_none_or(|content| content.is_some()), "{line:?}");
    }
    assert!(lines[..4].iter().all(|line| line.lookup == Some(lookups[0].id)));
    assert_eq!((lines[4].record, lines[4].lookup), (Some(record.id), None));
    let again = lines[6];
    assert_eq!(again.dossier.as_ref(), Some(&dossier.code));
    assert_eq!(again.component.as_ref().unwrap().as_str(), "TP07");
    assert_eq!(again.purpose.as_deref(), Some(AskReason::Authenticity.vi()));
    assert_eq!((lines[7].record, lines[7].content), (None, Some(file)));
    assert_eq!((lines[8].record, lines[9].record), (None, Some(record.id)));
    // A page at a time, and to nobody else.
    let two = records.accesses(of, None, 2).await.unwrap();
    let rest = records.accesses(of, Some(two[1].line.place), 100).await;
    assert_eq!(two.len() + rest.unwrap().len(), told.len());
    let other = records.accesses((&[], &["H26-000000-0000".parse().unwrap()]), None, 100).await;
    assert!(other.unwrap().is_empty());
    let text = serde_json::to_string(&lines).unwrap();
    for personal in [crate::bed::NUMBER, "Mẫu", "officer"] {
        assert!(!text.contains(personal), "{personal}");
    }
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_page_that_is_shown_leaves_a_line_whatever_became_of_its_record() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages[..1], "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let blob = bed.archive.blobs.put(b"its PDF").await.unwrap();
    let page = RecordPage {
        page: pages[0],
        scan: blob,
        seq: 0,
        image: blob,
        dpi: 300,
        rotation_deg: 0,
        skew_deg: 0.1,
        blank: false,
    };
    let draft = Record { pages: vec![page], ..draft(&dossier, document.id, blob) };
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let record = records.publish(document.id, &document.revision, draft, now).await;
    let record = record.unwrap().unwrap();
    // Shows both pages, of which the second is no record's; tells the versions that lines name.
    let shown = async || {
        for page in &pages {
            let page = records.page(*page).await.unwrap().unwrap();
            records.page_shown(&page, &dossier.code, (SOMEBODY, now)).await.unwrap();
        }
        records.link_audit().await.unwrap();
        let lines = records.audit(&LinesAsked::default(), 100).await.unwrap().into_iter().rev();
        let lines = lines.filter(|own| own.line.act == Act::PageShown).map(|own| own.line);
        let of_record = |line: AuditLine| {
            assert_eq!((line.record, line.principal), (Some(record.id), Some(SOMEBODY)));
            line.version.unwrap()
        };
        lines.map(of_record).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [1]);
    let who = Reviser { reason: "Cấp sai", by: "officer-7", principal: SOMEBODY };
    let put_right = PutRight {
        fields: Vec::new(),
        valid_until: None,
        owners: record.owners.clone(),
        owners_said: false,
    };
    records.correct((record.id, 1), put_right, who, now).await.unwrap();
    assert_eq!(shown().await, [1, 2]);
    records.supersede((record.id, 2), None, who, now).await.unwrap();
    assert_eq!(shown().await, [1, 2, 2]);
    records.revoke(record.id, who, now).await.unwrap();
    assert_eq!(shown().await, [1, 2, 2, 2]);
    // Its page is filed otherwise now.
    assert!(bed.file(dossier.id, &[]).await);
    assert!(records.document(document.id).await.unwrap().is_none());
    assert_eq!(shown().await, [1, 2, 2, 2, 2]);
}

#[tokio::test]
async fn a_line_of_a_later_program_is_told_with_the_others_and_stays_as_it_was_left() {
    let own = audited().await;
    let (records, id) = (&own.bed.archive.records, own.record.id);
    let line = AuditLine { record: Some(id), ..AuditLine::new(Act::Told, Timestamp::now()) };
    let body = serde_json::to_string(&line).unwrap();
    // It does something new, and so does whoever did it.
    let later = body.replace("\"told\"", "\"translated\",\"agent\":\"agent-7\"");
    assert_ne!(later, body);
    let put = "insert into audit_pending (line_id, body) values";
    own.sql(&format!("{put} ('{}', '{later}')", line.id)).await;
    assert_eq!(records.link_audit().await.unwrap(), 1);

    let asked = LinesAsked { record: Some(id), ..LinesAsked::default() };
    let lines = records.audit(&asked, 100).await.unwrap();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0].line, AuditLine { act: Act::Unknown, ..line });
    let mut hasher = blake3::Hasher::new();
    let hash = hasher.update(&own.head.hash.0).update(later.as_bytes()).finalize();
    assert_eq!((lines[0].place, lines[0].hash), (5, Blake3(*hash.as_bytes())));
    let accesses = records.accesses((&[id], &[]), None, 100).await.unwrap();
    assert_eq!((accesses.len(), &accesses[0].line), (5, &lines[0]));
    assert_eq!(own.found(std::slice::from_ref(&own.head)).await, []);
}

#[tokio::test]
async fn what_people_said_and_is_gone_or_otherwise_is_found() {
    let own = audited().await;
    let dossier = said(&own.bed, &own.record, &own.lookups[0]).await;
    let records = &own.bed.archive.records;
    records.inquiry_read(SOMEBODY, &dossier.code, None, Timestamp::now()).await.unwrap();
    records.read_again(SOMEBODY, &own.lookups[0], Timestamp::now()).await.unwrap();
    records.link_audit().await.unwrap();
    assert_eq!(own.found(&[]).await, []);

    own.sql("delete from lookup_word where word = 'declined'").await;
    own.sql("update same_person set same = 1").await;
    own.sql("delete from ask_again").await;
    let expected = [
        Audited::at("lookup.word_removed", own.lookups[0].id),
        Audited::at("again.removed", format!("{}/TP07", dossier.code)),
        Audited::at("near.altered", own.record.id),
    ];
    assert_eq!(own.found(&[]).await, expected);

    let own = audited().await;
    let dossier = said(&own.bed, &own.record, &own.lookups[0]).await;
    let records = &own.bed.archive.records;
    records.inquiry_read(SOMEBODY, &dossier.code, None, Timestamp::now()).await.unwrap();
    records.link_audit().await.unwrap();
    // Bound by a program that knew no such column, and left nothing that is found by it alone.
    let before = "act in ('published', 'looked_up', 'relied')";
    own.sql(&format!("update audit_line set dossier = null where {before}")).await;
    assert_eq!(own.found(&[]).await, []);
    for (value, act) in [("null", "asked_again"), ("null", "inquiry_read"), ("'H26'", "relied")] {
        own.sql(&format!("update audit_line set dossier = {value} where act = '{act}'")).await;
        let found: Vec<_> = own.found(&[]).await.into_iter().map(|(code, _)| code).collect();
        assert_eq!(found, ["audit.columns"], "{act}");
        let as_before = format!("dossier = '{}' where act = '{act}'", dossier.code);
        own.sql(&format!("update audit_line set {as_before}")).await;
    }
    // What came of a lookup afterwards doesn't stand in for the line of the lookup itself.
    let looked = format!("act = 'looked_up' and lookup_id = '{}'", own.lookups[0].id);
    own.sql(&format!("delete from audit_line where {looked}")).await;
    let unaudited = Audited::at("lookup.unaudited", own.lookups[0].id);
    assert!(own.found(&[]).await.contains(&unaudited));
}

#[tokio::test]
async fn lookups_from_before_the_audit_keep_their_own_chain() {
    let own = audited().await;
    let mut before = [0_u8; 32];
    for place in 1..=3 {
        let body = format!("{{\"nth\":{place}}}");
        let mut hasher = blake3::Hasher::new();
        before = *hasher.update(&before).update(body.as_bytes()).finalize().as_bytes();
        let hash = Blake3(before);
        own.sql(&format!(
            "insert into lookup (lookup_id, place, record_id, asked_at, question, body, chain_hash)
             values ('l{place}', {place}, 'r', 1, 'q', '{body}', '{hash}')"
        ))
        .await;
        own.sql(&format!(
            "update chain set length = {place}, hash = '{hash}' where name = 'lookup'"
        ))
        .await;
    }
    assert_eq!(findings(&own.bed.archive).await, [""; 0]);
    own.sql("update lookup set body = '{}' where place = 2").await;
    assert_eq!(findings(&own.bed.archive).await, ["lookup.chain"]);
}
