//! What a counter officer would notice about how components stand.

use std::sync::LazyLock;

use jiff::civil::{Date, date};
use schemas::api::{Answers, ComponentStatus, ComponentView, DocumentVerdict, DocumentView, Party};
use schemas::catalogue::{Case, Channel, Component, Procedure, SubmitMode, Whose};
use schemas::code::Reason;
use schemas::elsewhere::{Elsewhere, Heard};
use schemas::ids::{Blake3, DocumentId, DossierId, OfficeCode, PageId, RecordId, ScanId};
use schemas::kind::Validity;
use schemas::record::{BoundBy, Field, FieldName, FieldSource, Owner, Record, RecordState};
use schemas::situation::Situation;
use schemas::subject::{People, Subject};

use super::{cases_told, chosen_case, standing};
use crate::kinds::Kinds;

const TODAY: Date = date(2026, 11, 20);

const KINDS: &str = r#"
[[kind]]
id = "birth_certificate"
name = "Giấy khai sinh"
validity = { policy = "unlimited" }
evidence = { titles = ["GIẤY KHAI SINH"] }
[[kind]]
id = "province_permit"
name = "Giấy phép"
validity = { policy = "unlimited" }
scope = { good = "province" }
evidence = { titles = ["GIẤY PHÉP"] }
[[kind]]
id = "office_notice"
name = "Thông báo"
validity = { policy = "unlimited" }
scope = { good = "office" }
evidence = { titles = ["THÔNG BÁO"] }
[[kind]]
id = "adoption_confirmation"
name = "Văn bản xác nhận"
validity = { policy = "unlimited" }
scope = { good = "procedures", procedures = ["2.001263"] }
evidence = { titles = ["VĂN BẢN XÁC NHẬN"] }
[[kind]]
id = "status_confirmation"
name = "Giấy xác nhận"
validity = { policy = "unlimited" }
scope = { good = "stated" }
evidence = { titles = ["GIẤY XÁC NHẬN"] }
[[kind]]
id = "birth_application"
name = "Tờ khai đăng ký khai sinh"
reusable = false
validity = { policy = "unknown" }
evidence = { titles = ["TỜ KHAI ĐĂNG KÝ KHAI SINH"] }
"#;

/// A counter of an office in Hà Nội asks, and nothing was declined.
fn here<'a>(answers: &'a Answers, people: People<'a>, records: &'a [Record]) -> Situation<'a> {
    static OFFICE: LazyLock<OfficeCode> = LazyLock::new(|| "H26.01".parse().unwrap());
    Situation::at_first(None, answers, &OFFICE, people, records)
}

fn citizen(name: &str) -> Subject {
    Subject::Citizen {
        number: "001199000013".parse().unwrap(),
        name: name.parse().unwrap(),
        born: date(1999, 1, 1),
    }
}

/// Nobody beside the applicant.
fn alone(applicant: &Subject) -> People<'_> {
    People { applicant, others: &[] }
}

/// A component `id` that takes birth certificates.
fn component(id: &str) -> Component {
    Component {
        id: id.parse().unwrap(),
        case: None,
        name: format!("Giấy {id}"),
        kinds: vec!["birth_certificate".parse().unwrap()],
        whose: None,
        form_code: None,
        form_legal_ref: None,
        form_file: None,
        originals: 1,
        copies: 0,
        required: true,
        condition: None,
        one_of: None,
        alternative_of: None,
        submit: SubmitMode::Submit,
        channel: Channel::Any,
        digitise: schemas::catalogue::Digitise::May,
        accepts: Vec::new(),
        data_sources: Vec::new(),
        max_age_months: None,
        sensitive: false,
        original_due_at_return: false,
        physical_original_needed: false,
        internal: false,
        order: 1,
    }
}

fn a_document(nth: u32) -> DocumentId {
    let scan = ScanId::of(DossierId::from_uuid(schemas::Uuid::nil()), Blake3([0; 32]));
    DocumentId::starting_at(PageId::nth(scan, nth))
}

/// A birth certificate of Nguyễn Thị Mẫu, in use, good for ever.
fn record() -> Record {
    let document = a_document(0);
    Record {
        id: RecordId::of(document),
        version: 1,
        document,
        kind: "birth_certificate".parse().unwrap(),
        name: "Giấy khai sinh".to_owned(),
        result: Some("KQ.G15.000031".parse().unwrap()),
        digitisation_code: "x".to_owned(),
        owners: vec![Owner { subject: citizen("Nguyễn Thị Mẫu"), bound_by: BoundBy::Number }],
        fields: Vec::new(),
        validity: Validity::Unlimited,
        valid_until: None,
        state: RecordState::Published,
        superseded_by: None,
        sensitive: false,
        dossier: "H26-251001-0001".parse().unwrap(),
        office: "H26".parse().unwrap(),
        procedure: "1.001193".parse().unwrap(),
        procedure_version: 1,
        component: "1.001193-TP01".parse().unwrap(),
        pages: Vec::new(),
        pdf: Blake3([0; 32]),
        pdf_bytes: 1,
        published_at: "2025-10-01T00:00:00Z".to_owned(),
        before: None,
        corrected: None,
        owners_said: false,
        hash: None,
    }
}

fn issued(on: &str) -> Field {
    Field {
        name: FieldName::IssuedOn,
        value: on.to_owned(),
        confidence: 0.9,
        source: FieldSource::Ocr,
        page: None,
        area: None,
    }
}

fn filed(nth: u32, component: &str, verdict: DocumentVerdict) -> DocumentView {
    DocumentView {
        id: a_document(nth),
        kind: None,
        kind_name: None,
        component: Some(component.parse().unwrap()),
        confidence: 0.9,
        verdict,
        why: String::new(),
        pages: Vec::new(),
        record: None,
        record_version: None,
    }
}

fn procedure(components: Vec<Component>) -> Procedure {
    Procedure {
        code: "1.001193".parse().unwrap(),
        name: "Đăng ký".to_owned(),
        levels: Vec::new(),
        field: String::new(),
        decision: None,
        province: None,
        parent: None,
        cases: Vec::new(),
        components,
        results: Vec::new(),
        notes: Vec::new(),
        source: None,
    }
}

fn ask(
    components: Vec<Component>,
    documents: &[DocumentView],
    records: &[Record],
) -> Vec<ComponentView> {
    ask_with(&[], components, documents, records)
}

/// The same where others are named beside Nguyễn Thị Mẫu.
fn ask_with(
    others: &[Subject],
    components: Vec<Component>,
    documents: &[DocumentView],
    records: &[Record],
) -> Vec<ComponentView> {
    let procedure = procedure(components);
    let kinds = Kinds::parse(KINDS).unwrap();
    let people = People { applicant: &citizen("NGUYEN THI MAU"), others };
    let answers = Answers::new();
    let situation = Situation { documents, ..here(&answers, people, records) };
    standing(&kinds, &procedure, situation, TODAY)
}

/// How one component stands beside these records.
#[track_caller]
fn check(
    component: Component,
    records: &[Record],
    want: ComponentStatus,
    says: &str,
) -> ComponentView {
    let view = ask(vec![component], &[], records).remove(0);
    assert_eq!(view.status, want, "{}", view.reason);
    assert!(view.reason.contains(says), "{}", view.reason);
    assert!(view.reason.ends_with('.'), "{}", view.reason);
    view
}

#[test]
fn a_published_paper_is_held_and_not_asked_for_again() {
    let view = check(component("a"), &[record()], ComponentStatus::Held, "Không yêu cầu nộp lại");
    assert_eq!((view.record, view.record_version), (Some(record().id), Some(1)));
    check(component("a"), &[], ComponentStatus::Needed, "Cần nộp");
}

#[test]
fn a_result_stands_for_a_component_only_where_the_catalogue_says_so() {
    let mut by_result = component("a");
    by_result.kinds.clear();
    check(by_result.clone(), &[record()], ComponentStatus::Needed, "Cần nộp");
    by_result.accepts.push("KQ.G15.000031".parse().unwrap());
    check(by_result, &[record()], ComponentStatus::Held, "Giấy khai sinh");
}

#[test]
fn an_application_form_is_written_anew_for_each_dossier() {
    let mut form = component("a");
    form.kinds = vec!["birth_application".parse().unwrap()];
    let mut old = record();
    old.kind = "birth_application".parse().unwrap();
    old.valid_until = Some(date(2030, 1, 1));
    check(form, &[old], ComponentStatus::Needed, "Cần nộp");
}

#[test]
fn a_paper_holds_good_through_its_last_day_and_not_the_day_after() {
    let until = |day| Record { valid_until: Some(day), validity: Validity::Printed, ..record() };
    let view = check(component("a"), &[until(TODAY)], ComponentStatus::Held, "20/11/2026");
    assert_eq!(view.valid_until, Some(TODAY));
    let spent = until(TODAY.yesterday().unwrap());
    check(component("a"), &[spent], ComponentStatus::Needed, "chỉ dùng được đến ngày 19/11/2026");
}

#[test]
fn a_validity_that_is_not_known_is_for_a_person_to_check() {
    for validity in [Validity::Unknown, Validity::Printed, Validity::Months { months: 6 }] {
        let view = check(
            component("a"),
            &[Record { validity, ..record() }],
            ComponentStatus::Unsure,
            "cán bộ cần kiểm tra",
        );
        assert_eq!(view.record, None);
    }
}

#[test]
fn a_component_may_take_young_papers_only() {
    let mut young = component("a");
    young.max_age_months = Some(6);
    let with = |on| Record { fields: vec![issued(on)], ..record() };
    let view = check(young.clone(), &[with("2026-05-20")], ComponentStatus::Held, "20/11/2026");
    assert_eq!(view.valid_until, Some(TODAY));
    check(young.clone(), &[with("2026-05-19")], ComponentStatus::Needed, "19/11/2026");
    check(young.clone(), &[record()], ComponentStatus::Unsure, "không rõ ngày cấp");
    check(young, &[with("2027-01-01")], ComponentStatus::Unsure, "không rõ ngày cấp");
}

#[test]
fn a_paper_of_another_person_never_stands() {
    let of =
        |subject| Record { owners: vec![Owner { subject, bound_by: BoundBy::Number }], ..record() };
    let view = check(
        component("a"),
        &[of(citizen("Trần Văn Khác"))],
        ComponentStatus::Unsure,
        "không khớp",
    );
    assert!(!view.reason.contains("H26-251001-0001"), "{}", view.reason);
    let stranger = Subject::Citizen {
        number: "001099000013".parse().unwrap(),
        name: "Nguyễn Thị Mẫu".parse().unwrap(),
        born: date(1999, 1, 1),
    };
    check(component("a"), &[of(stranger)], ComponentStatus::Needed, "Cần nộp");
}

#[test]
fn a_paper_without_a_number_on_it_says_so() {
    let mut own = record();
    own.owners[0].bound_by = BoundBy::Dossier;
    check(component("a"), &[own], ComponentStatus::Held, "không ghi số định danh");
}

#[test]
fn an_original_may_still_have_to_come_in() {
    let mut annotated = component("a");
    annotated.physical_original_needed = true;
    check(annotated, &[record()], ComponentStatus::HeldOriginalNeeded, "nộp bản gốc");
    let mut late = component("a");
    late.original_due_at_return = true;
    check(late, &[record()], ComponentStatus::HeldOriginalNeeded, "khi nhận kết quả");
}

#[test]
fn revoked_and_superseded_records_do_not_stand() {
    for state in [RecordState::Revoked, RecordState::Superseded] {
        check(component("a"), &[Record { state, ..record() }], ComponentStatus::Needed, "nhưng đã");
    }
}

#[test]
fn a_replaced_record_names_what_took_its_place_where_that_is_the_subjects_too() {
    let by = Record {
        id: RecordId::of(a_document(1)),
        kind: "divorce_extract".parse().unwrap(),
        name: "Trích lục ghi chú ly hôn".to_owned(),
        result: None,
        dossier: "H26-251001-0002".parse().unwrap(),
        ..record()
    };
    let old = Record { state: RecordState::Superseded, superseded_by: Some(by.id), ..record() };
    let named = "đã có giấy tờ khác thay thế: bản số hoá «Trích lục ghi chú ly hôn» từ hồ sơ \
                 H26-251001-0002.";
    check(component("a"), &[old.clone(), by.clone()], ComponentStatus::Needed, named);
    let subject = citizen("Trần Thị Khác");
    let others = Record { owners: vec![Owner { subject, bound_by: BoundBy::Number }], ..by };
    for records in [vec![old.clone(), others], vec![old]] {
        check(component("a"), &records, ComponentStatus::Needed, "đã có bản khác thay thế.");
    }
}

#[test]
fn of_several_records_the_one_that_holds_good_longest_stands() {
    let until = |day, version| Record {
        valid_until: Some(day),
        validity: Validity::Printed,
        version,
        ..record()
    };
    let records =
        [until(date(2020, 1, 1), 1), until(date(2030, 1, 1), 2), until(date(2027, 1, 1), 3)];
    let view = check(component("a"), &records, ComponentStatus::Held, "01/01/2030");
    assert_eq!(view.record_version, Some(2));
}

#[test]
fn what_was_handed_in_is_filed_and_what_is_doubtful_is_for_a_person() {
    let documents = [filed(1, "a", DocumentVerdict::Filed), filed(2, "b", DocumentVerdict::Unsure)];
    let views = ask(vec![component("a"), component("b")], &documents, &[]);
    assert_eq!(views[0].status, ComponentStatus::Filed);
    assert_eq!(views[0].documents, [a_document(1)]);
    assert_eq!(views[1].status, ComponentStatus::Unsure);
}

#[test]
fn a_paper_of_this_dossier_does_not_count_twice() {
    let documents = [filed(0, "a", DocumentVerdict::Filed)];
    let views = ask(vec![component("a"), component("b")], &documents, &[record()]);
    assert_eq!(views[1].status, ComponentStatus::Needed, "{}", views[1].reason);
}

#[test]
fn one_of_a_group_is_enough() {
    let grouped = |id| Component { one_of: Some("g".to_owned()), ..component(id) };
    let mut unlike = grouped("b");
    unlike.kinds.clear();
    let views = ask(vec![grouped("a"), unlike.clone()], &[], &[record()]);
    assert_eq!(views[1].status, ComponentStatus::NotNeeded);
    assert_eq!(views[1].reason, "Không cần, vì đã có: Giấy a.");
    let views = ask(vec![grouped("a"), unlike], &[], &[]);
    assert!(views.iter().all(|v| v.status == ComponentStatus::Needed));
    assert!(views[0].reason.contains("có thể thay bằng: Giấy b."), "{}", views[0].reason);
}

#[test]
fn an_alternative_speaks_for_its_component_and_the_other_way_round() {
    let mut instead = component("b");
    instead.kinds.clear();
    instead.alternative_of = Some("a".parse().unwrap());
    let pair = vec![component("a"), instead];
    let by_main = ask(pair.clone(), &[filed(1, "a", DocumentVerdict::Filed)], &[]);
    assert_eq!(by_main[1].status, ComponentStatus::NotNeeded);
    let by_other = ask(pair.clone(), &[filed(1, "b", DocumentVerdict::Filed)], &[]);
    assert_eq!(by_other[0].status, ComponentStatus::NotNeeded);
    let neither = ask(pair, &[], &[]);
    assert_eq!(neither[0].status, ComponentStatus::Needed);
    assert_eq!(neither[1].status, ComponentStatus::Conditional);
    assert_eq!(neither[1].reason, "Có thể nộp thay cho: Giấy a.");
}

#[test]
fn papers_that_are_not_simply_asked_for_say_why() {
    let shown = Component { submit: SubmitMode::PresentOnly, ..component("a") };
    check(shown, &[record()], ComponentStatus::PresentOnly, "không quét");
    let known = Component { data_sources: vec!["CSDL dân cư".to_owned()], ..component("a") };
    check(known.clone(), &[], ComponentStatus::Database, "CSDL dân cư");
    check(known, &[record()], ComponentStatus::Held, "Giấy khai sinh");
    let sometimes = Component {
        required: false,
        condition: Some("Trẻ bị bỏ rơi".to_owned()),
        ..component("a")
    };
    check(sometimes, &[], ComponentStatus::Conditional, "Trẻ bị bỏ rơi.");
    let online = Component { channel: Channel::Online, ..component("a") };
    check(online, &[], ComponentStatus::Conditional, "trực tuyến");
}

#[test]
fn remarks_and_papers_among_authorities_are_left_out() {
    let remark = Component { submit: SubmitMode::Note, ..component("a") };
    let internal = Component { internal: true, ..component("b") };
    assert!(ask(vec![remark, internal], &[], &[]).is_empty());
}

#[test]
fn a_case_is_named_where_there_are_several() {
    let case = |id: &str| Case {
        id: id.parse().unwrap(),
        label: format!("Trường hợp {id}"),
        time_limit: None,
        eform: false,
        no_paper: false,
        allow_proxy: false,
    };
    let mut asked = procedure(Vec::new());
    let (one, other) = ("c1".parse().unwrap(), "c2".parse().unwrap());
    assert_eq!(chosen_case(&asked, None), Ok(None));
    assert_eq!(chosen_case(&asked, Some(&one)), Err(Reason::CaseUnknown));
    asked.cases = vec![case("c1")];
    assert_eq!(chosen_case(&asked, None), Ok(Some(&one)));
    asked.cases.push(case("c2"));
    assert_eq!(chosen_case(&asked, None), Err(Reason::CaseNeeded));
    assert_eq!(chosen_case(&asked, Some(&other)), Ok(Some(&other)));
    assert_eq!(cases_told(&asked), "the cases are: c1 (Trường hợp c1); c2 (Trường hợp c2)");
}

#[test]
fn a_condition_is_asked_about_and_the_answer_decides() {
    let mut conditional = component("TP01");
    conditional.required = false;
    conditional.condition = Some("có ủy quyền.".to_owned());
    let stands = |answers: Answers| {
        let kinds = Kinds::parse(KINDS).unwrap();
        let procedure = Procedure {
            components: vec![conditional.clone()],
            ..serde_json::from_value(serde_json::json!({
                "code": "1.000001", "name": "Thủ tục", "components": [],
            }))
            .unwrap()
        };
        let subject = citizen("Nguyễn Thị Mẫu");
        let situation = here(&answers, alone(&subject), &[]);
        standing(&kinds, &procedure, situation, TODAY).remove(0)
    };
    let answered = |holds| Answers::from([("TP01".parse().unwrap(), holds)]);
    let open = stands(Answers::new());
    assert_eq!(open.status, ComponentStatus::Conditional);
    assert_eq!(open.question.unwrap(), "Có thuộc trường hợp này không: có ủy quyền?");
    let yes = stands(answered(true));
    assert_eq!((yes.status, yes.question), (ComponentStatus::Needed, None));
    let no = stands(answered(false));
    assert_eq!((no.status, no.question), (ComponentStatus::NotNeeded, None));
}

#[test]
fn a_paper_stands_only_where_and_for_what_it_holds_good() {
    let stands = |kind: &str, taken_in: &str, procedure_code: &str| {
        let kinds = Kinds::parse(KINDS).unwrap();
        let mut component = component("a");
        component.kinds = vec![kind.parse().unwrap()];
        let mut procedure = procedure(vec![component]);
        procedure.code = procedure_code.parse().unwrap();
        let record =
            Record { kind: kind.parse().unwrap(), office: taken_in.parse().unwrap(), ..record() };
        let (answers, subject) = (Answers::new(), citizen("Nguyễn Thị Mẫu"));
        let records = [record];
        let situation = here(&answers, alone(&subject), &records);
        let view = standing(&kinds, &procedure, situation, TODAY).remove(0);
        (view.status, view.reason)
    };
    let check = |kind, taken_in, procedure, want, says: &str| {
        let (status, reason) = stands(kind, taken_in, procedure);
        assert_eq!(status, want, "{kind} {taken_in} {procedure}: {reason}");
        assert!(reason.contains(says), "{reason}");
    };
    let (held, unsure, needed) =
        (ComponentStatus::Held, ComponentStatus::Unsure, ComponentStatus::Needed);
    check("birth_certificate", "H17.05", "1.000001", held, "Đã có");
    check("province_permit", "H26.09", "1.000001", held, "Đã có");
    check("province_permit", "H17.05", "1.000001", unsure, "trong một tỉnh");
    check("office_notice", "H26.01", "1.000001", held, "Đã có");
    check("office_notice", "H26.02", "1.000001", unsure, "tại một cơ quan");
    check("adoption_confirmation", "H26.01", "2.001263", held, "Đã có");
    check("adoption_confirmation", "H26.01", "2.001263.H26", held, "Đã có");
    check("adoption_confirmation", "H26.01", "1.000001", needed, "thủ tục khác");
    check("status_confirmation", "H26.01", "1.000001", unsure, "đúng mục đích");
}

#[test]
fn a_citizen_who_declines_the_record_hands_the_paper_in() {
    let declined = ["a".parse().unwrap()];
    let stands = |records: &[Record], declined| {
        let kinds = Kinds::parse(KINDS).unwrap();
        let (answers, subject) = (Answers::new(), citizen("Nguyễn Thị Mẫu"));
        let situation = Situation { declined, ..here(&answers, alone(&subject), records) };
        let procedure = procedure(vec![component("a")]);
        standing(&kinds, &procedure, situation, TODAY).remove(0)
    };
    assert_eq!(stands(&[record()], &[]).status, ComponentStatus::Held);
    let view = stands(&[record()], &declined);
    assert_eq!((view.status, view.record), (ComponentStatus::Needed, None));
    assert!(view.reason.contains("chọn nộp giấy"), "{}", view.reason);
    // Where there is no record nothing was declined.
    assert!(!stands(&[], &declined).reason.contains("chọn nộp giấy"));
}

/// The child of Nguyễn Thị Mẫu, and another.
fn children() -> [Subject; 2] {
    [("001220000013", "Trần Thị Con"), ("001022000013", "Trần Văn Út")].map(|(number, name)| {
        let number: schemas::subject::CitizenNumber = number.parse().unwrap();
        let born = date(number.birth_year(), 5, 4);
        Subject::Citizen { number, name: name.parse().unwrap(), born }
    })
}

/// A birth certificate of such owners, from the `nth` document.
fn record_of(nth: u32, owners: &[&Subject]) -> Record {
    let document = a_document(nth);
    let owner = |one: &&Subject| Owner { subject: (*one).clone(), bound_by: BoundBy::Number };
    let owners = owners.iter().map(owner).collect();
    Record { id: RecordId::of(document), document, owners, ..record() }
}

fn whose(id: &str, whose: Whose) -> Component {
    Component { whose: Some(whose), ..component(id) }
}

fn statuses(views: &[ComponentView]) -> Vec<ComponentStatus> {
    views.iter().map(|view| view.status).collect()
}

const HELD: ComponentStatus = ComponentStatus::Held;
const UNSURE: ComponentStatus = ComponentStatus::Unsure;
const NEEDED: ComponentStatus = ComponentStatus::Needed;

#[test]
fn each_stands_for_the_component_that_asks_for_their_paper() {
    let (mother, [child, sibling]) = (citizen("Nguyễn Thị Mẫu"), children());
    let both = || vec![whose("a", Whose::Applicant), whose("b", Whose::Other)];
    let own = record_of(1, &[&mother]);
    let childs = record_of(2, &[&child]);
    for others in [&[][..], std::slice::from_ref(&child)] {
        let views = ask_with(others, both(), &[], std::slice::from_ref(&own));
        assert_eq!(statuses(&views), [HELD, NEEDED], "the mother's doesn't stand for the child's");
    }
    let others = std::slice::from_ref(&child);
    let views = ask_with(others, both(), &[], &[own.clone(), childs.clone()]);
    assert_eq!(statuses(&views), [HELD, HELD]);
    assert_eq!((views[0].record, views[0].of), (Some(own.id), Some(Party::Applicant)));
    assert_eq!((views[1].record, views[1].of), (Some(childs.id), Some(Party::Other(0))));
    assert!(views[0].reason.contains("của NGUYEN THI MAU,"), "{}", views[0].reason);
    assert!(views[1].reason.contains("của Trần Thị Con,"), "{}", views[1].reason);
    // Which of several is meant isn't said.
    let views = ask_with(&[child.clone(), sibling.clone()], both(), &[], &[own, childs.clone()]);
    assert_eq!(statuses(&views), [HELD, UNSURE]);
    assert!(views[1].reason.contains("giấy của ai"), "{}", views[1].reason);
    // A paper of both could be for either.
    let joint = record_of(3, &[&mother, &child]);
    assert_eq!(statuses(&ask_with(others, both(), &[], &[joint])), [UNSURE, UNSURE]);
    // Of somebody who wasn't named nothing is told.
    assert_eq!(statuses(&ask(both(), &[], &[childs])), [NEEDED, NEEDED]);
}

#[test]
fn one_record_never_stands_for_two_components() {
    let pair = || vec![component("a"), component("b")];
    let views = ask(pair(), &[], &[record()]);
    assert_eq!(statuses(&views), [UNSURE, UNSURE]);
    assert!(views[0].reason.contains("hay cho «Giấy b»"), "{}", views[0].reason);
    assert!(views.iter().all(|view| view.record.is_none() && view.of.is_none()));
    // One that is too old for the other may be the other's all the same.
    let young = Component { max_age_months: Some(6), ..component("a") };
    let old = Record { fields: vec![issued("2020-01-01")], ..record() };
    assert_eq!(statuses(&ask(vec![young, component("b")], &[], &[old])), [NEEDED, UNSURE]);
    // So may one of which a paper was handed in.
    let filed = [filed(7, "a", DocumentVerdict::Filed)];
    assert_eq!(statuses(&ask(pair(), &filed, &[record()])), [ComponentStatus::Filed, UNSURE]);
    // Of alternatives one is enough, and what is only shown needs none.
    let grouped = |id| Component { one_of: Some("g".to_owned()), ..component(id) };
    assert_eq!(statuses(&ask(vec![grouped("a"), grouped("b")], &[], &[record()])), [HELD, HELD]);
    let shown = Component { submit: SubmitMode::PresentOnly, ..component("b") };
    let views = ask(vec![component("a"), shown], &[], &[record()]);
    assert_eq!(statuses(&views), [HELD, ComponentStatus::PresentOnly]);
    assert!(views[1].reason.contains("để đối chiếu."), "{}", views[1].reason);
}

#[test]
fn a_record_is_a_components_once_the_other_is_not_asked_for() {
    let conditional = |id: &str| Component {
        required: false,
        condition: Some("thuê đất".to_owned()),
        ..component(id)
    };
    let kinds = Kinds::parse(KINDS).unwrap();
    let procedure = procedure(vec![component("a"), conditional("b")]);
    let subject = citizen("Nguyễn Thị Mẫu");
    let stands = |answers: &Answers| {
        let records = [record()];
        let situation = here(answers, alone(&subject), &records);
        standing(&kinds, &procedure, situation, TODAY).remove(0)
    };
    assert_eq!(stands(&Answers::new()).status, UNSURE);
    let answers = Answers::from([("b".parse().unwrap(), false)]);
    assert_eq!(stands(&answers).status, HELD);
}

#[test]
fn where_nobody_says_whose_paper_it_is_only_the_applicants_own_is_held() {
    let (mother, [child, _]) = (citizen("Nguyễn Thị Mẫu"), children());
    let (own, childs) = (record_of(1, &[&mother]), record_of(2, &[&child]));
    let stands = |records: &[Record]| {
        ask_with(std::slice::from_ref(&child), vec![component("a")], &[], records).remove(0)
    };
    assert_eq!(stands(std::slice::from_ref(&own)).status, HELD);
    let view = stands(std::slice::from_ref(&childs));
    assert_eq!((view.status, view.record), (UNSURE, None));
    assert!(view.reason.contains("của Trần Thị Con"), "{}", view.reason);
    assert_eq!(stands(&[own, childs]).status, UNSURE);
    assert_eq!(stands(&[record_of(3, &[&child, &mother])]).status, HELD, "a paper of both");
}

#[test]
fn a_component_tells_what_another_kho_that_was_asked_for_it_said() {
    let id: schemas::ids::ComponentId = "a".parse().unwrap();
    let inquiry = |n| schemas::ids::InquiryId::from_uuid(schemas::Uuid::from_u128(n));
    let stands = |component: Component, records: &[Record], declined: bool, heard: &[Heard]| {
        let kinds = Kinds::parse(KINDS).unwrap();
        let (answers, subject) = (Answers::new(), citizen("Nguyễn Thị Mẫu"));
        let asked = (1..).zip(heard).map(|(n, heard)| Elsewhere {
            component: id.clone(),
            inquiry: inquiry(n),
            kho: "kho-tinh".to_owned(),
            heard: heard.clone(),
        });
        let elsewhere: Vec<_> = asked.collect();
        let declined: &[_] = if declined { std::slice::from_ref(&id) } else { &[] };
        let situation = here(&answers, alone(&subject), records);
        let situation = Situation { declined, elsewhere: &elsewhere, ..situation };
        let procedure = procedure(vec![component]);
        standing(&kinds, &procedure, situation, TODAY).remove(0)
    };
    let alone = |heard, status, says: &str| {
        let view = stands(component("a"), &[], false, &[heard]);
        assert_eq!((view.status, view.inquiry), (status, Some(inquiry(1))), "{}", view.reason);
        assert!(view.reason.contains(says) && view.reason.ends_with('.'), "{}", view.reason);
    };
    let used = Heard::Used("Giấy khai sinh".to_owned());
    alone(Heard::NotYet, ComponentStatus::Pending, "Đang chờ Kho «kho-tinh» trả lời");
    alone(Heard::Paper, ComponentStatus::Unsure, "cho người dân xem");
    alone(
        used.clone(),
        ComponentStatus::Held,
        "Lấy từ Kho «kho-tinh»: «Giấy khai sinh». Không yêu cầu",
    );
    alone(Heard::Declined, ComponentStatus::Needed, "chọn nộp giấy");
    alone(Heard::Silence, ComponentStatus::Needed, "source_silent");
    alone(Heard::Nothing, ComponentStatus::Needed, "không có giấy tờ này. Cần nộp");

    // Of several the one that helps most; a record of ours before any of them.
    let of = |heard: &[Heard]| stands(component("a"), &[], false, heard);
    assert_eq!(of(&[Heard::Silence, Heard::NotYet]).inquiry, Some(inquiry(2)));
    assert_eq!(of(&[Heard::Declined, used.clone(), Heard::Paper]).status, ComponentStatus::Held);
    let view = stands(component("a"), &[record()], false, std::slice::from_ref(&used));
    assert_eq!((view.record, view.inquiry), (Some(record().id), None));
    let view = stands(component("a"), &[record()], true, std::slice::from_ref(&used));
    assert_eq!((view.status, view.record), (ComponentStatus::Held, None), "{}", view.reason);
    // The original comes in all the same where it must.
    let original = Component { physical_original_needed: true, ..component("a") };
    let view = stands(original, &[], false, &[used]);
    assert_eq!(view.status, ComponentStatus::HeldOriginalNeeded);
}

#[test]
fn a_paper_of_another_kho_is_enough_for_its_group_and_one_that_is_waited_for_is_not() {
    let kinds = Kinds::parse(KINDS).unwrap();
    let stands = |heard| {
        let of = |id| Component { one_of: Some("nhóm".to_owned()), ..component(id) };
        let procedure = procedure(vec![of("a"), of("b")]);
        let inquiry = schemas::ids::InquiryId::from_uuid(schemas::Uuid::nil());
        let (component, kho) = ("a".parse().unwrap(), "kho-tinh".to_owned());
        let elsewhere = [Elsewhere { component, inquiry, kho, heard }];
        let (answers, subject) = (Answers::new(), citizen("Nguyễn Thị Mẫu"));
        let situation = Situation { elsewhere: &elsewhere, ..here(&answers, alone(&subject), &[]) };
        let views = standing(&kinds, &procedure, situation, TODAY);
        views.into_iter().map(|view| view.status).collect::<Vec<_>>()
    };
    use ComponentStatus::{Held, Needed, NotNeeded, Pending};
    assert_eq!(stands(Heard::Used("Giấy khai sinh".to_owned())), [Held, NotNeeded]);
    assert_eq!(stands(Heard::NotYet), [Pending, Needed]);
}
