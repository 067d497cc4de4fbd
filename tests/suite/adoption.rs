//! A child is adopted: both must be healthy, and the list asks for the same kind of paper twice.
//! Each answers with their own, and neither for the other.

use papers::{Family, Person, Press, Scan, Wear};
use reqwest::Response;
use schemas::api::{
    ComponentStatus, ComponentView, DossierView, OpenDossier, Party, RawSubject, Requirements,
};
use schemas::record::{BoundBy, Record};
use serde_json::{Value, json};
use tests::{opening, problem, raw};

use crate::Stage;

/// Đăng ký việc nuôi con nuôi trong nước.
const ADOPTION: &str = "2.001263";
/// Health certificate of whoever adopts.
const ADOPTERS: &str = "2.001263-TP03";
/// Health certificate of the child.
const CHILDS: &str = "2.001263-TP07";

#[tokio::test(flavor = "multi_thread")]
async fn an_adopters_paper_does_not_stand_for_the_childs() {
    let stage = Stage::start().await;
    let Family { father, child, .. } = Family::new(31);
    let named = [raw(&child.subject())];

    // The adopter's, in a dossier of their own.
    let first = stage.open(&adoption(&father, &[])).await;
    send(&stage, &first, ADOPTERS, &health(&father, None)).await;
    let first = stage.settled(&first).await;
    let own = component(&first.components, ADOPTERS);
    assert_eq!(own.status, ComponentStatus::Filed, "{first:#?}");
    let own = first.documents.iter().find(|document| document.record.is_some()).unwrap();
    let own = own.record.unwrap();
    for others in [&[][..], &named] {
        let asked = ask(&stage, ADOPTION, &father, others).await;
        let adopters = component(&asked.components, ADOPTERS);
        assert_eq!(adopters.record, Some(own), "{}", adopters.reason);
        let childs = component(&asked.components, CHILDS);
        assert_eq!(childs.status, ComponentStatus::Needed, "{}", childs.reason);
    }

    // The child's, in a dossier that names them: theirs, though it names who brought them.
    let second = stage.open(&adoption(&father, &named)).await;
    assert_eq!(component(&second.components, CHILDS).status, ComponentStatus::Needed);
    send(&stage, &second, CHILDS, &health(&child, Some(&father))).await;
    let second = stage.settled(&second).await;
    let childs = second.documents.iter().find_map(|document| document.record).unwrap();
    let record = kept(&stage, &second, (childs, &child)).await;
    let [owner] = record.owners.as_slice() else { panic!("{}", record.owners.len()) };
    assert!(owner.subject.agrees(&child.subject()));
    assert_eq!(owner.bound_by, BoundBy::Number);

    // Now each has one.
    let third = stage.open(&adoption(&father, &named)).await;
    for components in [&third.components, &ask(&stage, ADOPTION, &father, &named).await.components]
    {
        let stands = |id| {
            let view = component(components, id);
            assert_eq!(view.status, ComponentStatus::Held, "{}", view.reason);
            (view.record.unwrap(), view.of.unwrap())
        };
        assert_eq!(stands(ADOPTERS), (own, Party::Applicant));
        assert_eq!(stands(CHILDS), (childs, Party::Other(0)));
        let says = &component(components, CHILDS).reason;
        assert!(says.contains(&format!("của {}", child.name)), "{says}");
    }
    let again = scan(&stage, &third, CHILDS, &health(&child, None)).await;
    let (status, refusal) = problem(again).await;
    assert_eq!((status, refusal.code.as_str()), (409, "component.held"));

    // Whatever the child applies for later.
    let asked = ask(&stage, "2.000205", &child, &[]).await;
    let held = asked.components.iter().find(|view| view.record == Some(childs));
    assert_eq!(held.map(|view| view.status), Some(ComponentStatus::Held), "{asked:#?}");
    assert_eq!(stage.check()["check"]["findings"], json!([]));
    let log = stage.log();
    for secret in [&father.name, &child.name] {
        assert!(!log.contains(secret.as_str()), "{secret} stands in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_checked_as_the_subject_is() {
    let stage = Stage::start().await;
    let Family { father, mother, child, .. } = Family::new(32);
    stage.open(&adoption(&mother, &[])).await;
    let RawSubject::Citizen { number, born, .. } = raw(&mother.subject()) else { unreachable!() };
    let wrong = |number: &str, name: &str| {
        let (number, name) = (number.to_owned(), name.to_owned());
        [RawSubject::Citizen { number, name, born }]
    };
    let twice = [raw(&child.subject()), raw(&child.subject())];
    let many = vec![raw(&child.subject()); 9];
    for (others, want) in [
        (&wrong("12", "Trần Thị Mẫu")[..], (422, "subject.number.digits")),
        (&wrong(&number, "Trần Thị Khác")[..], (409, "subject.differs")),
        (&[raw(&father.subject())][..], (400, "request.invalid")),
        (&twice[..], (400, "request.invalid")),
        (&many[..], (400, "request.invalid")),
    ] {
        let (status, refusal) = stage.refused("/v1/dossiers", &adoption(&father, others)).await;
        assert_eq!((status, refusal.code.as_str()), want);
        let said = serde_json::to_string(&refusal).unwrap();
        assert!(!said.contains(&number) && !said.contains(&father.name), "{said}");
        if want.0 != 409 {
            let asked = requirements(ADOPTION, &father, others);
            let (status, refusal) = stage.refused("/v1/requirements", &asked).await;
            assert_eq!((status, refusal.code.as_str()), want);
        }
    }
    // Nobody is named in what stands in the audit.
    let mut asked = requirements(ADOPTION, &father, &[raw(&child.subject())]);
    asked["purpose"] = json!(format!("Nhận nuôi {}", child.name));
    assert_eq!(stage.refused("/v1/requirements", &asked).await.0, 400);
}

fn adoption(applicant: &Person, others: &[RawSubject]) -> OpenDossier {
    OpenDossier {
        procedure: ADOPTION.parse().unwrap(),
        others: others.to_vec(),
        ..opening(&applicant.subject())
    }
}

fn requirements(procedure: &str, applicant: &Person, others: &[RawSubject]) -> Value {
    json!({
        "procedure": procedure, "subject": raw(&applicant.subject()), "others": others,
        "purpose": "Đăng ký nuôi con nuôi",
    })
}

async fn ask(
    stage: &Stage,
    procedure: &str,
    applicant: &Person,
    others: &[RawSubject],
) -> Requirements {
    stage.post("/v1/requirements", &requirements(procedure, applicant, others)).await
}

/// A health certificate of three weeks ago.
fn health(person: &Person, brought_by: Option<&Person>) -> Vec<u8> {
    let issued = schemas::clock::today().checked_sub(jiff::Span::new().days(21)).unwrap();
    let sheet = Press::open().unwrap().health_certificate(person, brought_by, issued);
    let wear = Wear::light(if brought_by.is_some() { 7 } else { 8 });
    Scan { wear, ..Scan::default() }.jpeg(&sheet).unwrap()
}

async fn scan(stage: &Stage, dossier: &DossierView, component: &str, scan: &[u8]) -> Response {
    let place = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
    let request = stage.http.post(place).header("Sohoa-Component", component);
    request.body(scan.to_vec()).send().await.unwrap()
}

async fn send(stage: &Stage, dossier: &DossierView, component: &str, paper: &[u8]) {
    assert_eq!(scan(stage, dossier, component, paper).await.status().as_u16(), 201);
}

/// The record as it is handed out to whom it is said to belong to.
async fn kept(
    stage: &Stage,
    dossier: &DossierView,
    (record, owner): (schemas::ids::RecordId, &Person),
) -> Record {
    let asked = json!({
        "request": schemas::Uuid::new_v4(), "record": record, "subject": raw(&owner.subject()),
        "purpose": "Đăng ký nuôi con nuôi", "dossier": dossier.code, "asked_by": "can-bo-3",
    });
    let lookup: schemas::api::Lookup = stage.post("/v1/lookups", &asked).await;
    lookup.record
}

fn component<'v>(views: &'v [ComponentView], id: &str) -> &'v ComponentView {
    views.iter().find(|view| view.id.as_str() == id).unwrap()
}
