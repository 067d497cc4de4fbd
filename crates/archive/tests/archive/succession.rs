//! Papers that take the place of others, and what brings the others back.

use archive::{
    Dossier, FiledDocument, LinesAsked, LookupError, PutRight, Reliance, Relied, Revised, Reviser,
};
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use schemas::api::{AssignDocument, DossierEvent, RecordChange, RecordStanding};
use schemas::audit::Act;
use schemas::catalogue::{Outcome, Procedure};
use schemas::clock::day_of;
use schemas::ids::{ComponentId, KindId, RecordId};
use schemas::kind::EndsOn;
use schemas::message::{Job, Lane};
use schemas::record::{BoundBy, Field, FieldName, FieldSource, Owner, Record, RecordState};
use schemas::subject::Subject;

use crate::bed::{
    Bed, NUMBER, SOMEBODY, bed, citizen, draft, filed, findings, new_dossier, request,
};
use crate::once::relying;

const REVISER: Reviser<'_> =
    Reviser { reason: "Đã có giấy khác", by: "officer-7", principal: SOMEBODY };

/// As the shipped kinds have it.
fn ends(later: &KindId, earlier: &KindId) -> Option<EndsOn> {
    match (later.as_str(), earlier.as_str()) {
        ("divorce_extract", "marriage_certificate" | "marital_status_certificate") => {
            Some(EndsOn::Act)
        }
        ("marriage_certificate", "marital_status_certificate") => Some(EndsOn::Issue),
        _ => None,
    }
}

fn none_ends(_: &KindId, _: &KindId) -> Option<EndsOn> {
    None
}

fn wife() -> Subject {
    citizen("Nguyễn Thị Mẫu")
}

fn husband() -> Subject {
    Subject::Citizen {
        number: "079305000013".parse().unwrap(),
        name: "Trần Văn Mẫu".parse().unwrap(),
        born: date(2005, 1, 1),
    }
}

/// When a paper was issued, and when what it is an extract of was done.
fn dated(issued: Option<&str>, act: Option<&str>) -> Vec<Field> {
    let field = |name, on: &str| Field {
        name,
        value: on.to_owned(),
        confidence: 0.9,
        source: FieldSource::Ocr,
        page: None,
        area: None,
    };
    let issued = issued.map(|on| field(FieldName::IssuedOn, on));
    issued.into_iter().chain(act.map(|on| field(FieldName::ActOn, on))).collect()
}

/// What is published of a paper.
struct Paper<'a> {
    kind: &'a str,
    on: Option<&'a str>,
    act: Option<&'a str>,
    owners: &'a [Subject],
    result: Option<&'a str>,
}

fn marriage(owners: &[Subject]) -> Paper<'_> {
    let on = Some("2015-05-05");
    Paper { kind: "marriage_certificate", on, act: None, owners, result: None }
}

fn divorce(owners: &[Subject]) -> Paper<'_> {
    let (on, act) = (Some("2020-02-02"), Some("2019-09-09"));
    Paper { kind: "divorce_extract", on, act, owners, result: None }
}

/// That either of them is not married.
fn single(owners: &[Subject]) -> Paper<'_> {
    let on = Some("2014-04-04");
    Paper { kind: "marital_status_certificate", on, act: None, owners, result: None }
}

/// A paper filed in a dossier of its own, and the draft of its record.
async fn prepare(bed: &Bed, paper: &Paper<'_>) -> (Dossier, FiledDocument, Record) {
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let pdf = bed.archive.blobs.put(b"pdf").await.unwrap();
    let owner = |subject: &Subject| Owner { subject: subject.clone(), bound_by: BoundBy::Number };
    let draft = Record {
        kind: paper.kind.parse().unwrap(),
        fields: dated(paper.on, paper.act),
        owners: paper.owners.iter().map(owner).collect(),
        result: paper.result.map(|result| result.parse().unwrap()),
        ..draft(&dossier, document.id, pdf)
    };
    rest(bed).await;
    (dossier, document, draft)
}

/// The word of a person who files a paper as it was filed.
fn filed_again() -> AssignDocument {
    AssignDocument {
        component: "TP01".parse().unwrap(),
        kind: None,
        by: "officer-7".to_owned(),
        again: None,
    }
}

/// Takes every job there is, and does nothing.
async fn rest(bed: &Bed) {
    while let Some(job) = bed.archive.queue.take().await.unwrap() {
        bed.archive.queue.done(job).await.unwrap();
    }
}

async fn put(bed: &Bed, document: &FiledDocument, draft: Record) -> Record {
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let record = records.publish(document.id, &document.revision, draft, now).await.unwrap();
    record.unwrap()
}

/// Publishes a paper in a dossier of its own, and no more.
async fn publish(bed: &Bed, paper: &Paper<'_>) -> (Dossier, Record) {
    let (dossier, document, draft) = prepare(bed, paper).await;
    (dossier, put(bed, &document, draft).await)
}

async fn succeed(bed: &Bed, record: &Record) {
    bed.archive.records.succeed(record.id, &ends, Timestamp::now()).await.unwrap();
}

/// Where the latest version of a record stands, and what took its place.
async fn state(bed: &Bed, record: &Record) -> (RecordState, Option<RecordId>) {
    let latest = bed.archive.records.record(record.id, None).await.unwrap().unwrap();
    (latest.state, latest.superseded_by)
}

/// What a dossier was told of its records, and what it is warned of now.
async fn heard(bed: &Bed, dossier: &Dossier) -> (Vec<RecordChange>, Vec<RecordChange>) {
    let records = &bed.archive.records;
    let told = records.events(dossier.id, 0, 100).await.unwrap();
    let told = told.into_iter().filter_map(|(_, event)| match event {
        DossierEvent::RecordChanged { change, .. } => Some(change),
        _ => None,
    });
    let warned = records.warnings(dossier.id).await.unwrap();
    (told.collect(), warned.into_iter().map(|warning| warning.change).collect())
}

async fn acts(bed: &Bed, record: &Record) -> Vec<Act> {
    let records = &bed.archive.records;
    records.link_audit().await.unwrap();
    let asked = LinesAsked { record: Some(record.id), ..LinesAsked::default() };
    let mut lines = records.audit(&asked, 100).await.unwrap();
    lines.sort_by_key(|line| line.place);
    let acts = lines.into_iter().map(|line| line.line.act);
    acts.filter(|act| *act != Act::Relied).collect()
}

const IN_USE: (RecordState, Option<RecordId>) = (RecordState::Published, None);
const WITHDRAWN: (RecordState, Option<RecordId>) = (RecordState::Revoked, None);

#[tokio::test]
async fn a_paper_ends_an_earlier_one_of_the_same_owners_and_says_so() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    let open = relying(&bed, &married).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    let records = &bed.archive.records;
    for _ in 0..2 {
        succeed(&bed, &divorced).await;
        assert_eq!(state(&bed, &married).await, (RecordState::Superseded, Some(divorced.id)));
        assert_eq!(state(&bed, &divorced).await, IN_USE);
        let superseded = vec![RecordChange::Superseded];
        assert_eq!(heard(&bed, &open).await, (superseded.clone(), superseded));
    }
    assert_eq!(records.records_of(NUMBER).await.unwrap(), std::slice::from_ref(&divorced));
    let papers: Vec<_> = records.papers_of(NUMBER).await.unwrap().iter().map(|r| r.id).collect();
    assert_eq!(papers, [married.id, divorced.id]);
    let version = records.versions(married.id).await.unwrap().remove(0);
    assert_eq!(version.standing, RecordStanding::Superseded);
    assert_eq!((version.superseded_by, version.ended_reason), (Some(divorced.id), None));
    let asked = request(&married, "Đăng ký thường trú");
    let asked = records.put_lookup(SOMEBODY, &asked, &married, Timestamp::now()).await;
    assert!(matches!(asked, Err(LookupError::NotUsable)));
    assert_eq!(records.relied(relying(&bed, &married).await.id).await.unwrap(), []);

    // What it was published as is what it was.
    let proven = records.proven(married.id, 1).await.unwrap().unwrap();
    assert_eq!(married.hash.unwrap().0, *blake3::hash(proven.body.as_bytes()).as_bytes());
    assert!(!proven.body.contains("superseded_by"), "{}", proven.body);
    assert_eq!(acts(&bed, &married).await, [Act::Published, Act::Superseded]);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert_eq!(audit_findings(&bed).await, [""; 0]);
}

async fn audit_findings(bed: &Bed) -> Vec<&'static str> {
    let found = bed.archive.check_audit(&[]).await.unwrap();
    found.findings.iter().map(|finding| finding.code).collect()
}

#[tokio::test]
async fn an_older_paper_that_comes_in_later_is_ended_at_once() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    succeed(&bed, &married).await;
    assert_eq!(state(&bed, &married).await, (RecordState::Superseded, Some(divorced.id)));
}

#[tokio::test]
async fn nothing_is_ended_where_day_or_owners_leave_a_doubt() {
    let couple = [wife(), husband()];
    let tomorrow = day_of(Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    let divorces = [
        ("no day", Paper { act: None, ..divorce(&couple) }),
        ("the same day", Paper { act: Some("2015-05-05"), ..divorce(&couple) }),
        ("earlier", Paper { act: Some("2015-05-04"), ..divorce(&couple) }),
        ("after its extract", Paper { act: Some("2020-02-03"), ..divorce(&couple) }),
        ("tomorrow", Paper { on: None, act: Some(&tomorrow), ..divorce(&couple) }),
        ("one of two", divorce(&couple[..1])),
        ("nobody's", divorce(&[])),
        ("another kind", Paper { kind: "birth_certificate", ..divorce(&couple) }),
    ];
    for (why, paper) in divorces {
        let bed = bed().await;
        let (_, married) = publish(&bed, &marriage(&couple)).await;
        let (_, other) = publish(&bed, &paper).await;
        succeed(&bed, &other).await;
        succeed(&bed, &married).await;
        assert_eq!(state(&bed, &married).await, IN_USE, "{why}");
    }
    let bed = bed().await;
    let (_, married) = publish(&bed, &Paper { on: None, ..marriage(&couple) }).await;
    let (_, other) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &other).await;
    assert_eq!(state(&bed, &married).await, IN_USE, "nobody knows since when they are married");
    let bed = self::bed().await;
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    let (_, document, mut draft) = prepare(&bed, &divorce(&couple)).await;
    draft.owners[1].bound_by = BoundBy::Dossier;
    let other = put(&bed, &document, draft).await;
    succeed(&bed, &other).await;
    assert_eq!(state(&bed, &married).await, IN_USE, "it doesn't say whose divorce it is");
}

#[tokio::test]
async fn an_extract_of_an_old_divorce_doesnt_end_the_marriage_after_it() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, first) = publish(&bed, &marriage(&couple)).await;
    let (_, again) = publish(&bed, &Paper { on: Some("2021-01-01"), ..marriage(&couple) }).await;
    // Issued again since.
    let (_, divorced) = publish(&bed, &Paper { on: Some("2023-03-03"), ..divorce(&couple) }).await;
    for record in [&divorced, &first, &again] {
        succeed(&bed, record).await;
        assert_eq!(state(&bed, &first).await, (RecordState::Superseded, Some(divorced.id)));
        assert_eq!(state(&bed, &again).await, IN_USE);
    }
}

#[tokio::test]
async fn papers_that_come_at_the_same_moment_find_each_other() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    for _ in 0..6 {
        let (_, first, marriage) = prepare(&bed, &marriage(&couple)).await;
        let (_, second, divorce) = prepare(&bed, &divorce(&couple)).await;
        let both = async |document, draft| {
            let record = put(&bed, document, draft).await;
            succeed(&bed, &record).await;
            record
        };
        let (married, divorced) = tokio::join!(both(&first, marriage), both(&second, divorce));
        let (state, by) = state(&bed, &married).await;
        assert_eq!(state, RecordState::Superseded);
        assert!(by.is_some());
        assert_eq!(self::state(&bed, &divorced).await, IN_USE);
    }
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn what_a_withdrawn_paper_had_ended_is_in_use_again() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    let open = relying(&bed, &married).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    let records = &bed.archive.records;
    records.revoke(divorced.id, REVISER, Timestamp::now()).await.unwrap();
    assert_eq!(state(&bed, &married).await.0, RecordState::Superseded, "a job does it");
    let job = bed.archive.queue.take().await.unwrap().expect("a job");
    assert!(matches!(job.message.job, Job::Seal { document, .. } if document == divorced.document));
    for _ in 0..2 {
        succeed(&bed, &divorced).await;
        assert_eq!(state(&bed, &married).await, IN_USE);
        assert_eq!(heard(&bed, &open).await, (vec![RecordChange::Superseded], vec![]));
    }
    bed.archive.queue.done(job).await.unwrap();
    assert_eq!(acts(&bed, &married).await, [Act::Published, Act::Superseded, Act::Published]);
    assert_eq!(records.records_of(NUMBER).await.unwrap(), std::slice::from_ref(&married));
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    assert_eq!(audit_findings(&bed).await, [""; 0]);

    // What becomes of it then is told again.
    let (_, again) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &again).await;
    let twice = vec![RecordChange::Superseded; 2];
    assert_eq!(heard(&bed, &open).await, (twice, vec![RecordChange::Superseded]));
}

#[tokio::test]
async fn what_a_withdrawn_paper_had_ended_comes_back_though_that_had_ended_itself() {
    let couple = [wife(), husband()];
    for by_person in [false, true] {
        let bed = bed().await;
        let (_, status) = publish(&bed, &single(&couple[..1])).await;
        let (dossier, document, draft) = prepare(&bed, &marriage(&couple)).await;
        let married = put(&bed, &document, draft).await;
        succeed(&bed, &married).await;
        let open = relying(&bed, &married).await;
        let (_, divorced) = publish(&bed, &divorce(&couple)).await;
        succeed(&bed, &divorced).await;
        assert_eq!(state(&bed, &status).await, (RecordState::Superseded, Some(married.id)));
        assert_eq!(state(&bed, &married).await, (RecordState::Superseded, Some(divorced.id)));

        rest(&bed).await;
        let records = &bed.archive.records;
        if by_person {
            for _ in 0..2 {
                let done = records.revoke(married.id, REVISER, Timestamp::now()).await.unwrap();
                let Revised::Done(done) = done else { panic!("{done:?}") };
                assert_eq!((done.state, done.superseded_by), WITHDRAWN);
            }
        } else {
            assert!(bed.file(dossier.id, &[]).await);
        }
        assert_eq!(state(&bed, &married).await, WITHDRAWN);
        let told = vec![RecordChange::Superseded, RecordChange::Revoked];
        assert_eq!(heard(&bed, &open).await, (told, vec![RecordChange::Revoked]));
        let job = bed.archive.queue.take().await.unwrap().expect("a job");
        let of = married.document;
        assert!(matches!(job.message.job, Job::Seal { document, .. } if document == of));
        // The divorce ends it, too.
        succeed(&bed, &married).await;
        assert_eq!(state(&bed, &status).await, (RecordState::Superseded, Some(divorced.id)));
        records.revoke(divorced.id, REVISER, Timestamp::now()).await.unwrap();
        succeed(&bed, &divorced).await;
        assert_eq!(state(&bed, &status).await, IN_USE);
        assert_eq!(state(&bed, &married).await, WITHDRAWN);
        bed.archive.queue.done(job).await.unwrap();
        assert_eq!(findings(&bed.archive).await, [""; 0]);
        assert_eq!(audit_findings(&bed).await, [""; 0]);
    }
}

#[tokio::test]
async fn what_a_person_said_outlives_that_the_paper_was_not_filed_for_a_while() {
    let bed = bed().await;
    let owners = [wife()];
    let (dossier, document, draft) = prepare(&bed, &marriage(&owners)).await;
    let record = put(&bed, &document, draft.clone()).await;
    let records = &bed.archive.records;
    records.supersede((record.id, 1), None, REVISER, Timestamp::now()).await.unwrap();
    assert!(bed.file(dossier.id, &[]).await);
    assert_eq!(state(&bed, &record).await, WITHDRAWN);
    assert!(bed.file(dossier.id, std::slice::from_ref(&document)).await);
    let now = Timestamp::now();
    let published = records.publish(document.id, &document.revision, draft, now).await.unwrap();
    assert_eq!(published, None);
}

#[tokio::test]
async fn what_is_not_filed_any_more_comes_back_when_it_is_filed_again() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (dossier, document, draft) = prepare(&bed, &marriage(&couple)).await;
    let married = put(&bed, &document, draft.clone()).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    assert!(bed.file(dossier.id, &[]).await);
    let records = &bed.archive.records;
    records.revoke(divorced.id, REVISER, Timestamp::now()).await.unwrap();
    succeed(&bed, &divorced).await;
    assert_eq!(state(&bed, &married).await, WITHDRAWN);

    assert!(bed.file(dossier.id, std::slice::from_ref(&document)).await);
    assert_eq!(put(&bed, &document, draft).await.version, 2);
    assert_eq!(state(&bed, &married).await, IN_USE);
}

/// A dossier for which a record stands until today.
async fn until_today(bed: &Bed, record: &Record) -> Dossier {
    let now = Timestamp::now();
    let until_today = Relied {
        component: "TP07".parse().unwrap(),
        record: record.id,
        version: record.version,
        original: false,
        last_day: Some(day_of(now)),
    };
    let reliance = Reliance { relied: vec![until_today], ..Reliance::default() };
    let new = new_dossier("H26.01", Lane::Counter);
    bed.archive.records.open_dossier(SOMEBODY, &new, &reliance, now).await.unwrap()
}

#[tokio::test]
async fn what_ran_out_while_another_paper_had_its_place_is_told_once_when_it_is_back() {
    let couple = [wife(), husband()];
    for by_person in [false, true] {
        let bed = bed().await;
        let (_, document, draft) = prepare(&bed, &marriage(&couple)).await;
        let married = put(&bed, &document, draft.clone()).await;
        let open = until_today(&bed, &married).await;
        let (_, divorced) = publish(&bed, &divorce(&couple)).await;
        succeed(&bed, &divorced).await;
        let records = &bed.archive.records;
        let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
        let expire = async || {
            records.expire(tomorrow).await.unwrap();
            heard(&bed, &open).await
        };
        let (superseded, expired) = (RecordChange::Superseded, RecordChange::Expired);
        assert_eq!(expire().await, (vec![superseded], vec![superseded]));

        // As the version that it was, or as the next one.
        let warned = if by_person {
            let said = (&filed_again(), None, None);
            records.assign(SOMEBODY, married.document, said, Timestamp::now()).await.unwrap();
            assert_eq!(put(&bed, &document, draft).await.version, 2);
            vec![superseded, expired]
        } else {
            records.revoke(divorced.id, REVISER, Timestamp::now()).await.unwrap();
            succeed(&bed, &divorced).await;
            vec![expired]
        };
        assert_eq!(state(&bed, &married).await, IN_USE);
        for _ in 0..2 {
            assert_eq!(expire().await, (vec![superseded, expired], warned.clone()));
            assert_eq!(records.lost(open.id).await.unwrap().len(), 1);
        }
        // Nor is it told when that happens to it once more.
        if !by_person {
            rest(&bed).await;
            let (_, again) = publish(&bed, &divorce(&couple)).await;
            succeed(&bed, &again).await;
            assert_eq!(state(&bed, &married).await, (RecordState::Superseded, Some(again.id)));
            records.revoke(again.id, REVISER, Timestamp::now()).await.unwrap();
            succeed(&bed, &again).await;
            assert_eq!(state(&bed, &married).await, IN_USE);
            assert_eq!(expire().await, (vec![superseded, expired], warned));
        }
    }
}

#[tokio::test]
async fn what_is_in_use_again_runs_out_as_others_do() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    let records = &bed.archive.records;
    let now = Timestamp::now();
    let component: ComponentId = "TP07".parse().unwrap();
    let by_itself = until_today(&bed, &married).await;
    let by_whoever_looked = relying(&bed, &married).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    let both = [&by_itself, &by_whoever_looked];
    let look = async |at| {
        let of = std::slice::from_ref(&component);
        records.note_expired(by_whoever_looked.id, of, at).await.unwrap();
    };
    // What another paper had ended by then has nothing left to run out.
    let superseded = vec![RecordChange::Superseded];
    look(now).await;
    for dossier in both {
        assert_eq!(heard(&bed, dossier).await, (superseded.clone(), superseded.clone()));
    }

    records.revoke(divorced.id, REVISER, now).await.unwrap();
    succeed(&bed, &divorced).await;
    for _ in 0..2 {
        look(now).await;
        records.expire(now + SignedDuration::from_hours(24)).await.unwrap();
        for dossier in both {
            let told = vec![RecordChange::Superseded, RecordChange::Expired];
            assert_eq!(heard(&bed, dossier).await, (told, vec![RecordChange::Expired]));
            assert_eq!(records.lost(dossier.id).await.unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn what_ended_by_a_wrong_day_comes_back_when_that_is_put_right() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    let correct = async |version, on| {
        let put_right = PutRight {
            fields: dated(Some("2022-02-02"), Some(on)),
            valid_until: None,
            owners: divorced.owners.clone(),
            owners_said: false,
        };
        let of = (divorced.id, version);
        let done = bed.archive.records.correct(of, put_right, REVISER, Timestamp::now()).await;
        assert!(matches!(done.unwrap(), Revised::Done(_)));
        succeed(&bed, &divorced).await;
        state(&bed, &married).await
    };
    assert_eq!(correct(1, "2012-02-02").await, IN_USE);
    assert_eq!(correct(2, "2021-02-02").await, (RecordState::Superseded, Some(divorced.id)));
}

#[tokio::test]
async fn what_came_to_its_end_itself_still_ended_what_it_ended() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, married) = publish(&bed, &marriage(&couple)).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    let records = &bed.archive.records;
    records.supersede((divorced.id, 1), None, REVISER, Timestamp::now()).await.unwrap();
    succeed(&bed, &divorced).await;
    assert_eq!(state(&bed, &married).await, (RecordState::Superseded, Some(divorced.id)));
}

#[tokio::test]
async fn what_the_program_ended_a_person_brings_back_for_good() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (_, document, draft) = prepare(&bed, &marriage(&couple)).await;
    let married = put(&bed, &document, draft.clone()).await;
    let (_, divorced) = publish(&bed, &divorce(&couple)).await;
    succeed(&bed, &divorced).await;
    let records = &bed.archive.records;
    let word = filed_again();
    let said = (&word, None, None);
    let row = records.assign(SOMEBODY, married.document, said, Timestamp::now()).await.unwrap();
    assert_eq!(row.unwrap().record, None, "it is to be published");
    let second = put(&bed, &document, draft).await;
    assert_eq!(second.version, 2);
    succeed(&bed, &divorced).await;
    succeed(&bed, &second).await;
    assert_eq!(state(&bed, &married).await, IN_USE);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_person_says_that_a_paper_was_replaced_and_only_a_person_takes_it_back() {
    let bed = bed().await;
    let couple = [wife(), husband()];
    let (dossier, record) = publish(&bed, &marriage(&couple)).await;
    let open = relying(&bed, &record).await;
    let (_, other) = publish(&bed, &divorce(&couple[..1])).await;
    let records = &bed.archive.records;
    let now = Timestamp::now();
    let (id, by) = (record.id, Some(other.id));
    let unknown = RecordId::from_uuid(schemas::Uuid::nil());
    let said = records.supersede((unknown, 1), by, REVISER, now).await.unwrap();
    assert_eq!(said, Revised::Unknown);
    for (version, by) in [(2, by), (1, Some(unknown))] {
        let said = records.supersede((id, version), by, REVISER, now).await.unwrap();
        assert_eq!(said, Revised::NotInUse);
    }
    for _ in 0..2 {
        let said = records.supersede((id, 1), by, REVISER, now).await.unwrap();
        let Revised::Done(said) = said else { panic!("{said:?}") };
        assert_eq!((said.state, said.superseded_by), (RecordState::Superseded, by));
    }
    assert_eq!(records.supersede((id, 1), None, REVISER, now).await.unwrap(), Revised::NotInUse);
    let version = records.versions(id).await.unwrap().remove(0);
    assert_eq!((version.standing, version.superseded_by), (RecordStanding::Superseded, by));
    assert_eq!(version.ended_reason.as_deref(), Some("Đã có giấy khác"));
    let superseded = vec![RecordChange::Superseded];
    assert_eq!(heard(&bed, &open).await, (superseded.clone(), superseded));
    assert_eq!(acts(&bed, &record).await, [Act::Published, Act::Superseded]);

    // Neither the program nor the other paper's end brings it back.
    records.revoke(other.id, REVISER, now).await.unwrap();
    succeed(&bed, &other).await;
    assert_eq!(state(&bed, &record).await, (RecordState::Superseded, by));
    let (_, row) = records.document(record.document).await.unwrap().unwrap();
    assert!(row.withdrawn);
    let word = filed_again();
    let said = (&word, None, None);
    let row = records.assign(SOMEBODY, record.document, said, now).await.unwrap().unwrap();
    assert!(!row.withdrawn);
    assert_eq!(bed.publish(&dossier, record.document).await.version, 2);
    assert_eq!(state(&bed, &record).await, IN_USE);
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn a_result_ends_those_that_the_catalogue_says_it_replaces() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let outcome = |replaces: &[&str]| Outcome {
        code: Some("KQ.G09.000002".parse().unwrap()),
        name: "Giấy đã đăng ký thay đổi".to_owned(),
        evidence: true,
        replaces: replaces.iter().map(|code| code.parse().unwrap()).collect(),
    };
    let procedure = |replaces| Procedure {
        code: "1.011423".parse().unwrap(),
        name: "Đăng ký thay đổi".to_owned(),
        levels: Vec::new(),
        field: String::new(),
        decision: None,
        province: None,
        parent: None,
        cases: Vec::new(),
        components: Vec::new(),
        results: vec![outcome(replaces)],
        notes: Vec::new(),
        source: None,
    };
    let paper = |result, on| Paper {
        kind: "birth_certificate",
        on: Some(on),
        act: None,
        owners: &[],
        result: Some(result),
    };
    let owners = [wife()];
    let before = Paper { owners: &owners, ..paper("KQ.G09.000001", "2024-01-01") };
    let after = Paper { owners: &owners, ..paper("KQ.G09.000002", "2025-01-01") };
    let (_, first) = publish(&bed, &before).await;
    let (_, second) = publish(&bed, &after).await;
    let succeed = async || {
        records.succeed(second.id, &none_ends, Timestamp::now()).await.unwrap();
        state(&bed, &first).await
    };
    assert_eq!(succeed().await, IN_USE, "no catalogue says so");
    let day = date(2025, 1, 1);
    records.import(&[procedure(&["KQ.G09.000001"])], day).await.unwrap();
    assert_eq!(succeed().await, (RecordState::Superseded, Some(second.id)));
    // The catalogue's word of today counts, and it is known of what was taken in before, too.
    records.import(&[procedure(&["KQ.G09.000009"])], date(2025, 2, 1)).await.unwrap();
    assert_eq!(succeed().await, IN_USE);
    // So is what an older program didn't forget.
    let left = "insert into outcome_replaces (code, result, replaced)
        values ('1.011423', 'KQ.G09.000002', 'KQ.G09.000001')";
    assert_eq!(bed.tamper(left).await, 1);
    records.import(&[procedure(&["KQ.G09.000009"])], date(2025, 2, 1)).await.unwrap();
    assert_eq!(succeed().await, IN_USE);
    records.import(&[procedure(&["KQ.G09.000001"])], date(2025, 3, 1)).await.unwrap();
    assert_eq!(bed.tamper("delete from outcome_replaces").await, 1);
    records.import(&[procedure(&["KQ.G09.000001"])], date(2025, 3, 1)).await.unwrap();
    assert_eq!(succeed().await, (RecordState::Superseded, Some(second.id)));
}
