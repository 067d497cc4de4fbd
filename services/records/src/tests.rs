//! The records over a real archive in a folder of its own, asked as another procedure asks.

use std::sync::Arc;
use std::time::Duration;

use access::Asker;
use archive::{Archive, FiledDocument, NewDossier, NewScan, Place, Reliance, revision_of};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use filing::Kinds;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use schemas::Uuid;
use schemas::access::{Permission, Reach};
use schemas::api::{
    AccessAnswer, AuditPage, ComponentStatus, DocumentVerdict, Lookup, NearMatch, RecordVersion,
    Report, Requirements,
};
use schemas::audit::Act;
use schemas::catalogue::Procedure;
use schemas::code::Reason;
use schemas::ids::{Blake3, DocumentId, DossierId, PageId, PrincipalId};
use schemas::kind::Validity;
use schemas::message::Lane;
use schemas::reading::{KindGuess, PageImage, PageReading};
use schemas::record::{BoundBy, Owner, Record, RecordPage, RecordState};
use schemas::subject::Subject;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Proof, RecordsDesk, router};

#[path = "../../../crates/problem/tests/support/answered.rs"]
mod answered;
mod once;

use answered::Answered;

const PDF: &[u8] = b"%PDF-1.7 not much of one";

/// An office with one procedure, which asks for a birth certificate.
#[derive(Clone)]
struct Office {
    archive: Archive,
    routes: Router,
    router: Router,
    _dir: Arc<TempDir>,
}

async fn office() -> Office {
    let dir = TempDir::new().unwrap();
    let archive = Archive::open(&Place::at(dir.path().join("data"))).await.unwrap();
    let procedure: Procedure = serde_json::from_value(json!({
        "code": "1.000001",
        "name": "Đăng ký thường trú",
        "components": [
            { "id": "TP01", "name": "Giấy khai sinh", "required": true, "order": 1, "kinds": ["birth_certificate"] },
        ],
    }))
    .unwrap();
    archive.records.import(&[procedure], date(2026, 1, 1)).await.unwrap();
    let desk = RecordsDesk::new(archive.clone(), Kinds::shipped(), "H26".parse().unwrap());
    let routes = router(desk).split_for_parts().0;
    let router = problem::everywhere(routes.clone()).layer(Extension(anyone("somebody")));
    Office { archive, routes, router, _dir: Arc::new(dir) }
}

fn citizen() -> Subject {
    Subject::Citizen {
        number: "001199000013".parse().unwrap(),
        name: "Nguyễn Thị Mẫu".parse().unwrap(),
        born: date(1999, 1, 1),
    }
}

fn asker(name: &str, number: &str, born: &str) -> Value {
    json!({ "type": "citizen", "number": number, "name": name, "born": born })
}

fn owner() -> Value {
    asker("NGUYỄN THỊ MẪU", "001199000013", "1999-01-01")
}

fn reading(image: Blake3) -> PageReading {
    PageReading { confidence: 0.9, ..PageReading::unread(0, image) }
}

/// Somebody whom the guard let through for every office.
fn anyone(who: &str) -> Asker {
    let id = PrincipalId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, who.as_bytes()));
    let granted = vec![(Permission::LookUp, Reach::Everywhere)];
    Asker { id, reach: Reach::Everywhere, granted }
}

impl Office {
    /// The same office, asked by somebody else whom the guard let through for every office.
    fn as_another(&self) -> Self {
        self.asked_by(anyone("another"))
    }

    /// The same office, asked by somebody else.
    fn asked_by(&self, asker: Asker) -> Self {
        let router = problem::everywhere(self.routes.clone()).layer(Extension(asker));
        Self { router, ..self.clone() }
    }

    async fn answer(&self, request: Request<Body>) -> Answered {
        Answered::by(&self.router, request).await
    }

    async fn get(&self, uri: &str, headers: &[(&str, &str)]) -> Answered {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, uri: &str, body: &Value) -> Answered {
        let request = Request::post(uri).header(header::CONTENT_TYPE, "application/json");
        self.answer(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn look_up(&self, request: Uuid, record: &Record, subject: &Value) -> Answered {
        let asked = json!({
            "request": request,
            "record": record.id,
            "subject": subject,
            "purpose": "Đăng ký thường trú",
            "asked_by": "can-bo-quay-3",
        });
        self.post("/v1/lookups", &asked).await
    }

    async fn ask(&self, subject: &Value) -> Requirements {
        let asked =
            json!({ "procedure": "1.000001", "subject": subject, "purpose": "Đăng ký thường trú" });
        self.post("/v1/requirements", &asked).await.json()
    }

    /// Puts a page through to a record of the citizen's, good until `last`.
    async fn publish(&self, last: Option<Date>) -> Record {
        let now = Timestamp::now();
        let (records, blobs) = (&self.archive.records, &self.archive.blobs);
        let new = NewDossier {
            id: DossierId::new(),
            office: "H26".parse().unwrap(),
            procedure: "1.000001".parse().unwrap(),
            procedure_version: 1,
            case: None,
            lane: Lane::Counter,
            subject: citizen(),
            others: Vec::new(),
            identity_checked: false,
        };
        let (by, reliance) = (PrincipalId::random(), Reliance::default());
        let dossier = records.open_dossier(by, &new, &reliance, now).await.unwrap();
        let bytes = blobs.put(dossier.code.as_str().as_bytes()).await.unwrap();
        let scan = NewScan {
            dossier: dossier.id,
            blake3: bytes,
            bytes: dossier.code.as_str().len() as u64,
            media_type: "image/jpeg".to_owned(),
            idempotency_key: None,
            component: None,
            station: None,
            scanned_by: by,
            stated: None,
            judged_by: None,
        };
        let scan = records.accept_scan(&scan, now).await.unwrap().scan;
        records.unpacked(scan.id, 1, "image/jpeg", &[]).await.unwrap();
        let page = PageId::nth(scan.id, 0);
        let image = PageImage::Jpeg { width: 1, height: 1, components: 1 };
        records.page_read(page, &reading(bytes), image, bytes).await.unwrap();
        let kind = KindGuess { id: "birth_certificate".parse().unwrap(), confidence: 0.9 };
        let component = "TP01".parse().unwrap();
        let revision = revision_of(&[page], Some(&kind.id), Some(&component));
        let document = FiledDocument {
            id: DocumentId::starting_at(page),
            revision: revision.clone(),
            pages: vec![page],
            kind: Some(kind.clone()),
            component: Some(component.clone()),
            confidence: 0.9,
            verdict: DocumentVerdict::Filed,
            why: String::new(),
        };
        let id = document.id;
        let filing = [document];
        let put = records.put_filing(dossier.id, (1, None), &filing, &[], Duration::ZERO);
        assert!(put.await.unwrap());
        let draft = Record {
            id: schemas::ids::RecordId::of(id),
            version: 0,
            document: id,
            kind: kind.id,
            name: "Giấy khai sinh".to_owned(),
            result: None,
            digitisation_code: String::new(),
            owners: vec![Owner { subject: citizen(), bound_by: BoundBy::Number }],
            fields: Vec::new(),
            validity: Validity::Unlimited,
            valid_until: last,
            state: RecordState::Published,
            superseded_by: None,
            sensitive: false,
            dossier: dossier.code,
            office: dossier.office,
            procedure: dossier.procedure,
            procedure_version: 1,
            component,
            pages: vec![RecordPage {
                page,
                scan: bytes,
                seq: 0,
                image: bytes,
                dpi: 300,
                rotation_deg: 0,
                skew_deg: 0.0,
                blank: false,
            }],
            pdf: blobs.put(PDF).await.unwrap(),
            pdf_bytes: PDF.len() as u64,
            published_at: String::new(),
            before: None,
            corrected: None,
            owners_said: false,
            hash: None,
        };
        records.publish(id, &revision, draft, now).await.unwrap().unwrap()
    }
}

const WHY: [(&str, &str); 2] =
    [("Sohoa-Purpose", "Ki%E1%BB%83m tra h%E1%BB%93 s%C6%A1"), ("Sohoa-Asked-By", "can-bo-quay-3")];

#[tokio::test]
async fn a_citizen_is_not_asked_again_for_what_is_published() {
    let office = office().await;
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Needed);
    let record = office.publish(None).await;
    let held = office.ask(&owner()).await.components.remove(0);
    assert_eq!((held.status, held.record), (ComponentStatus::Held, Some(record.id)));
    let other = asker("Trần Văn Khác", "001099000013", "1999-01-01");
    assert_eq!(office.ask(&other).await.components[0].status, ComponentStatus::Needed);
}

#[tokio::test]
async fn wrong_questions_are_refused_with_their_codes() {
    let office = office().await;
    let refused = async |procedure: &str, subject: Value, purpose: &str, reason| {
        let asked = json!({ "procedure": procedure, "subject": subject, "purpose": purpose });
        office.post("/v1/requirements", &asked).await.refused(reason)
    };
    refused("1.999999", owner(), "Đăng ký", Reason::ProcedureUnknown).await;
    refused("1.000001", asker("x", "1", "1999-01-01"), "Đăng ký", Reason::NumberDigits).await;
    let detail = refused("1.000001", owner(), " ? ", Reason::RequestInvalid).await;
    assert!(detail.contains("purpose"), "{detail}");
}

#[tokio::test]
async fn a_lookup_hands_out_the_record_and_its_repeat_the_same_answer() {
    let office = office().await;
    let record = office.publish(None).await;
    let request = Uuid::new_v4();
    let first: Lookup = office.look_up(request, &record, &owner()).await.json();
    assert_eq!(first.record, record);
    let again: Lookup = office.look_up(request, &record, &owner()).await.json();
    assert_eq!(again, first);
    let other = office.publish(None).await;
    office.look_up(request, &other, &owner()).await.refused(Reason::KeyReused);
    let next: Lookup = office.look_up(Uuid::new_v4(), &other, &owner()).await.json();
    assert_ne!(next.chain_hash, first.chain_hash);
    // What for, and never for whom: it stands in the audit.
    for purpose in ["Cho bà Nguyễn Thị Mẫu, đăng ký", "Số 001 199 000 013"] {
        let asked = json!({
            "request": Uuid::new_v4(), "record": other.id, "subject": owner(),
            "purpose": purpose, "asked_by": "can-bo-quay-3",
        });
        let detail = office.post("/v1/lookups", &asked).await.refused(Reason::RequestInvalid);
        assert!(detail.contains("never for whom"), "{detail}");
    }
    let mut asked = json!({
        "request": Uuid::new_v4(), "record": other.id, "subject": owner(),
        "purpose": "Đăng ký thường trú", "legal_basis": "Đơn của bà Nguyễn Thị Mẫu",
        "asked_by": "can-bo-quay-3",
    });
    office.post("/v1/lookups", &asked).await.refused(Reason::RequestInvalid);
    asked["legal_basis"] = "Nghị định 118/2025/NĐ-CP".into();
    asked["purpose"] = format!("Đăng ký{}", " ".repeat(500)).into();
    office.post("/v1/lookups", &asked).await.refused(Reason::RequestInvalid);
}

#[tokio::test]
async fn to_anybody_but_its_owner_a_record_is_not_there() {
    let office = office().await;
    let record = office.publish(None).await;
    for stranger in [
        asker("Trần Văn Khác", "001199000013", "1999-01-01"),
        asker("Nguyễn Thị Mẫu", "079199123456", "1999-01-01"),
        asker("Nguyễn Thị Lan", "001199000013", "1999-01-02"),
    ] {
        let refused = office.look_up(Uuid::new_v4(), &record, &stranger).await;
        assert_eq!(refused.refused(Reason::RecordUnknown), "");
    }
    assert_eq!(office.get("/v1/lookups/near", &[]).await.body, b"[]");
    let nowhere = Record { id: schemas::ids::RecordId::from_uuid(Uuid::nil()), ..record };
    let refused = office.look_up(Uuid::new_v4(), &nowhere, &owner()).await;
    assert_eq!(refused.refused(Reason::RecordUnknown), "");
}

#[tokio::test]
async fn somebody_who_is_nearly_the_owner_is_stopped_for_a_person_to_look() {
    let office = office().await;
    let record = office.publish(None).await;
    let near = [
        asker("Nguyễn Thị Mẫu", "001199000031", "1999-01-01"),
        asker("Nguyễn Thị Mẫu", "001199000013", "1999-01-02"),
        asker("Nguyễn Mẫu", "001199000013", "1999-01-01"),
        asker("Nguyễn Thị Mẫu", "012345678", "1999-01-01"),
    ];
    for subject in &near {
        let stopped = office.look_up(Uuid::new_v4(), &record, subject).await;
        assert_eq!(stopped.refused(Reason::SubjectNear), "", "not a word of the record");
    }
    let kept: Vec<NearMatch> = office.get("/v1/lookups/near", &[]).await.json();
    assert_eq!(kept.len(), near.len());
    assert!(kept.iter().all(|kept| kept.record == record.id));
    let own = asker("NGUYEN-THI  MAU", "001 199 000 013", "1999-01-01");
    assert_eq!(office.look_up(Uuid::new_v4(), &record, &own).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_lookup_is_repeated_byte_for_byte_whatever_became_of_the_record() {
    let office = office().await;
    let record = office.publish(None).await;
    let request = Uuid::new_v4();
    let first = office.look_up(request, &record, &owner()).await;
    assert_eq!(first.status, StatusCode::OK);
    let word = json!({ "reason": "Cấp sai thẩm quyền", "by": "can-bo-quay-3" });
    let place = format!("/v1/records/{}/revoke", record.id);
    assert_eq!(office.post(&place, &word).await.status, StatusCode::OK);
    assert_eq!(office.look_up(request, &record, &owner()).await.body, first.body);
    office.look_up(Uuid::new_v4(), &record, &owner()).await.refused(Reason::RecordNotUsable);
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Needed);
    let asked = json!({
        "request": Uuid::new_v4(), "record": record.id, "subject": owner(),
        "purpose": "Đăng ký thường trú", "asked_by": "can-bo-quay-3", "dossier": "H26-000000-0000",
    });
    office.post("/v1/lookups", &asked).await.refused(Reason::DossierUnknown);
}

#[tokio::test]
async fn a_report_counts_what_was_taken_in() {
    let office = office().await;
    let record = office.publish(None).await;
    let year = schemas::clock::today().year();
    let place = format!("/v1/reports?period={year}&by=office&figure=digitised");
    let report: Report = office.get(&place, &[]).await.json();
    assert_eq!(report.dossiers, [record.dossier]);
    let keys: Vec<_> = report.rows.iter().map(|row| row.key.as_deref()).collect();
    assert_eq!(keys, [None, Some("H26")]);
    assert_eq!((report.rows[1].indicators[1].of, report.rows[1].indicators[1].all), (1, 1));
    let csv = office.get(&format!("/v1/reports?period={year}&format=csv&office=H99"), &[]).await;
    assert!(String::from_utf8(csv.body).unwrap().contains("\r\nall,0,"));
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    for wrong in ["period=2026-13", "period=2026&figure=x", "period=2026&by=x", "by=office"] {
        office.get(&format!("/v1/reports?{wrong}"), &[]).await.refused(Reason::RequestInvalid);
    }
}

#[tokio::test]
async fn a_record_that_ran_out_is_not_handed_out() {
    let office = office().await;
    let today = schemas::clock::today();
    let spent = office.publish(Some(today.yesterday().unwrap())).await;
    office.look_up(Uuid::new_v4(), &spent, &owner()).await.refused(Reason::RecordNotUsable);
    office.get(&format!("/v1/records/{}", spent.id), &WHY).await.refused(Reason::RecordNotUsable);
    let last_day = office.publish(Some(today)).await;
    assert_eq!(office.look_up(Uuid::new_v4(), &last_day, &owner()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_reads_a_record_says_why_and_leaves_a_lookup() {
    let office = office().await;
    let record = office.publish(None).await;
    for place in [format!("/v1/records/{}", record.id), format!("/v1/records/{}/file", record.id)] {
        for missing in [&WHY[..1], &WHY[1..], &[]] {
            let detail = office.get(&place, missing).await.refused(Reason::RequestInvalid);
            assert!(detail.contains("Sohoa-"), "{detail}");
        }
        let read = office.get(&place, &WHY).await;
        assert_eq!(read.status, StatusCode::OK);
        assert!(read.headers.contains_key("sohoa-lookup"));
        let again = office.get(&place, &WHY).await;
        assert_ne!(again.headers["sohoa-lookup"], read.headers["sohoa-lookup"]);
        let unreadable = [("Sohoa-Purpose", "%FF%FF%FF%FF%FF"), WHY[1]];
        office.get(&place, &unreadable).await.refused(Reason::RequestInvalid);
        let invented = [WHY[0], WHY[1], ("Sohoa-Dossier", "H26-261120-9999")];
        office.get(&place, &invented).await.refused(Reason::DossierUnknown);
    }
    let shown: Record = office.get(&format!("/v1/records/{}", record.id), &WHY).await.json();
    assert_eq!(shown, record);
    office.get("/v1/records/nonsense", &WHY).await.refused(Reason::RecordUnknown);
}

#[tokio::test]
async fn the_file_comes_as_it_was_sealed_under_a_name_that_tells_nothing() {
    let office = office().await;
    let record = office.publish(None).await;
    let file = office.get(&format!("/v1/records/{}/file", record.id), &WHY).await;
    assert_eq!(file.body, PDF);
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/pdf");
    assert_eq!(file.headers[header::CONTENT_LENGTH], PDF.len().to_string().as_str());
    let name = format!("attachment; filename=\"{}-v1.pdf\"", record.id);
    assert_eq!(file.headers[header::CONTENT_DISPOSITION], name.as_str());
}

#[tokio::test]
async fn a_record_is_proved_by_hashes_that_anybody_can_compute_again() {
    let office = office().await;
    let record = office.publish(None).await;
    let proof: Proof = office.get(&format!("/v1/records/{}/proof", record.id), &[]).await.json();
    assert!(proof.hash_holds);
    assert_eq!(Some(proof.hash), record.hash);
    assert_eq!(proof.pdf, Blake3(*blake3::hash(PDF).as_bytes()));
    let scan = blake3::hash(record.dossier.as_str().as_bytes());
    assert_eq!(proof.pages[0].scan, Blake3(*scan.as_bytes()));
    let shown = office.get(&format!("/v1/records/{}", record.id), &WHY).await.body;
    let shown = String::from_utf8(shown).unwrap();
    let without = shown.replace(&format!(",\"hash\":\"{}\"", proof.hash), "");
    assert_eq!(proof.hash, Blake3(*blake3::hash(without.as_bytes()).as_bytes()));
    assert_eq!((proof.body, proof.signature), (None, None), "personal, and nobody said why");
    let place = format!("/v1/records/{}/proof", record.id);
    office.get(&place, &WHY[..1]).await.refused(Reason::RequestInvalid);
    let answer = office.get(&place, &WHY).await;
    assert!(answer.headers.contains_key("sohoa-lookup"));
    let full: Proof = answer.json();
    assert_eq!(full.body.as_deref(), Some(without.as_str()));
    assert_eq!(full.signature, None, "this office doesn't sign");
    let records = &office.archive.records;
    for signature in ["Zmlyc3Q=", "c2Vjb25k"] {
        records.put_proof(record.id, 1, signature, Timestamp::now()).await.unwrap();
    }
    let full: Proof = office.get(&place, &WHY).await.json();
    assert_eq!(full.signature.as_deref(), Some("Zmlyc3Q="), "the first one stands");
    let versions: Vec<RecordVersion> =
        office.get(&format!("/v1/records/{}/versions", record.id), &[]).await.json();
    assert_eq!(versions.iter().map(|v| (v.version, v.hash)).collect::<Vec<_>>(), [(1, proof.hash)]);
    let nowhere = format!("/v1/records/{}/versions", Uuid::nil());
    office.get(&nowhere, &[]).await.refused(Reason::RecordUnknown);
}

#[tokio::test]
async fn who_may_audit_and_not_look_up_is_shown_hashes_and_nothing_of_a_record() {
    let office = office().await;
    let record = office.publish(None).await;
    let granted = vec![(Permission::Audit, Reach::Everywhere)];
    let auditor = office.asked_by(Asker { granted, ..anyone("auditor") });
    for why in [&WHY[..0], &WHY[..]] {
        let answer = auditor.get(&format!("/v1/records/{}/proof", record.id), why).await;
        assert!(!answer.headers.contains_key("sohoa-lookup"), "nothing was read");
        let told = String::from_utf8(answer.body.clone()).unwrap();
        for personal in ["001199000013", "Mẫu", record.dossier.as_str()] {
            assert!(!told.contains(personal), "{told}");
        }
        let proof: Proof = answer.json();
        assert_eq!((proof.body, proof.signature), (None, None));
        assert!(proof.hash_holds && proof.signing.is_some());
        assert_eq!((Some(proof.hash), proof.pdf), (record.hash, record.pdf));
    }
}

#[tokio::test]
async fn an_owner_is_told_who_looked_and_nobody_else_is() {
    let office = office().await;
    let record = office.publish(None).await;
    office.look_up(Uuid::new_v4(), &record, &owner()).await;
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Held);
    office.archive.records.link_audit().await.unwrap();
    let ask = async |subject: &Value| {
        let asked = json!({ "subject": subject, "purpose": "Chủ sở hữu yêu cầu" });
        office.post("/v1/subjects/access", &asked).await.json::<AccessAnswer>()
    };
    let told = ask(&owner()).await;
    assert_eq!((told.records.len(), told.records[0].id), (1, record.id));
    let acts: Vec<_> = told.accesses.iter().map(|access| access.act).collect();
    assert_eq!(acts, [Act::Told, Act::LookedUp, Act::Published]);
    let looked = &told.accesses[1];
    assert_eq!(looked.asked_by.as_deref(), Some("can-bo-quay-3"));
    assert_eq!(looked.purpose.as_deref(), Some("Đăng ký thường trú"));
    assert_eq!(looked.text, "Xem nội dung");
    for stranger in [
        asker("Trần Văn Khác", "001199000013", "1999-01-01"),
        asker("Nguyễn Thị Mẫu", "001199000013", "1999-01-02"),
    ] {
        let told = ask(&stranger).await;
        assert!(told.records.is_empty() && told.accesses.is_empty());
    }
    // That it was told is told, too; whoever may audit sees the same.
    office.archive.records.link_audit().await.unwrap();
    assert_eq!(ask(&owner()).await.accesses[0].act, Act::AccessShown);
    let page = async |query: &str| office.get(&format!("/v1/audit{query}"), &[]).await;
    let all: AuditPage = page("").await.json();
    assert_eq!((all.lines.len(), all.next), (4, None));
    let two: AuditPage = page(&format!("?record={}&limit=2", record.id)).await.json();
    assert_eq!((two.lines.len(), two.next), (2, Some(3)));
    let rest: AuditPage = page(&format!("?record={}&before=3", record.id)).await.json();
    assert_eq!(rest.lines, all.lines[2..]);
    assert_eq!(office.get("/v1/audit/heads", &[]).await.body, b"[]");
    page("?limit=0").await.refused(Reason::RequestInvalid);
    page("?from=yesterday").await.refused(Reason::RequestInvalid);
}
