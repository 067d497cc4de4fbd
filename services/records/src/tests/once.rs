//! Asking once, in the hands of people: near matches, what is shown, used or declined, corrections.

use access::Asker;
use archive::Reviser;
use axum::http::StatusCode;
use jiff::Timestamp;
use schemas::Uuid;
use schemas::access::{Permission, Reach};
use schemas::api::{
    AccessAnswer, ComponentStatus, Lookup, LookupSaid, NearMatch, Party, RecordStanding,
    RecordVersion, Requirements,
};
use schemas::code::Reason;
use schemas::ids::PrincipalId;
use schemas::record::Record;
use serde_json::{Value, json};

use super::{PDF, WHY, anyone, asker, office, owner};

#[tokio::test]
async fn what_a_person_found_of_a_near_match_decides_the_next_lookup() {
    let office = office().await;
    let record = office.publish(None).await;
    let old = asker("Nguyễn Thị Mẫu", "012345678", "1999-01-01");
    let slip = asker("Nguyễn Mẫu", "001199000013", "1999-01-01");
    let resolve = async |subject: &Value, same: bool| {
        let request = Uuid::new_v4();
        office.look_up(request, &record, subject).await.refused(Reason::SubjectNear);
        let found = json!({ "same": same, "reason": "Đã đối chiếu thẻ", "by": "can-bo-7" });
        let place = format!("/v1/lookups/near/{request}/resolve");
        // Whoever asked can't say it.
        office.post(&place, &found).await.refused(Reason::Forbidden);
        office.as_another().post(&place, &found).await.json::<NearMatch>()
    };
    let found = resolve(&old, true).await;
    assert!(found.found.unwrap().same);
    assert_eq!(office.look_up(Uuid::new_v4(), &record, &old).await.status, StatusCode::OK);
    // The same person's other records are theirs, too.
    let other = office.publish(None).await;
    assert_eq!(office.look_up(Uuid::new_v4(), &other, &old).await.status, StatusCode::OK);

    assert_ne!(office.ask(&slip).await.components[0].status, ComponentStatus::Held);
    resolve(&slip, false).await;
    let stranger = office.look_up(Uuid::new_v4(), &record, &slip).await;
    assert_eq!(stranger.refused(Reason::RecordUnknown), "");
    assert_eq!(office.get("/v1/lookups/near", &[]).await.body, b"[]");
    let nowhere = format!("/v1/lookups/near/{}/resolve", Uuid::nil());
    let found = json!({ "same": true, "reason": "Đã đối chiếu thẻ", "by": "can-bo-7" });
    office.post(&nowhere, &found).await.refused(Reason::NearUnknown);
}

#[tokio::test]
async fn a_short_name_that_a_person_knows_is_not_asked_again() {
    let office = office().await;
    let record = office.publish(None).await;
    let short = asker("Nguyễn Mẫu", "001199000013", "1999-01-01");
    let request = Uuid::new_v4();
    office.look_up(request, &record, &short).await.refused(Reason::SubjectNear);
    let found = json!({ "same": true, "reason": "Đã đối chiếu thẻ", "by": "can-bo-7" });
    let place = format!("/v1/lookups/near/{request}/resolve");
    assert_eq!(office.as_another().post(&place, &found).await.status, StatusCode::OK);
    assert_eq!(office.ask(&short).await.components[0].status, ComponentStatus::Held);
    // An old number that no card tells of is refused as ever.
    let old = asker("Nguyễn Thị Mẫu", "012345678", "1999-01-01");
    let asked = json!({ "procedure": "1.000001", "subject": old, "purpose": "Đăng ký thường trú" });
    office.post("/v1/requirements", &asked).await.refused(Reason::NumberDigits);
}

#[tokio::test]
async fn others_are_told_apart_and_are_whom_a_person_found_them_to_be() {
    let office = office().await;
    let record = office.publish(None).await;
    let child = asker("Trần Văn Con", "001220000013", "2020-05-04");
    let short = asker("Nguyễn Mẫu", "001199000013", "1999-01-01");
    let ask = async |subject: &Value, other: &Value| {
        let asked = json!({
            "procedure": "1.000001", "subject": subject, "others": [other],
            "purpose": "Đăng ký thường trú",
        });
        let told = office.post("/v1/requirements", &asked).await;
        told.json::<Requirements>().components.remove(0)
    };
    let own = ask(&owner(), &child).await;
    assert_eq!((own.status, own.of), (ComponentStatus::Held, Some(Party::Applicant)));
    assert!(own.reason.contains("của NGUYỄN THỊ MẪU,"), "{}", own.reason);
    // Nobody says whose is asked for, so another's is for a person to look at.
    let anothers = ask(&child, &owner()).await;
    assert_eq!((anothers.status, anothers.record), (ComponentStatus::Unsure, None));
    assert!(anothers.reason.contains("của NGUYỄN THỊ MẪU nhưng"), "{}", anothers.reason);
    let near = ask(&child, &short).await;
    assert!(near.reason.contains("của Nguyễn Mẫu nhưng họ tên"), "{}", near.reason);

    let request = Uuid::new_v4();
    office.look_up(request, &record, &short).await.refused(Reason::SubjectNear);
    let found = json!({ "same": true, "reason": "Đã đối chiếu thẻ", "by": "can-bo-7" });
    let place = format!("/v1/lookups/near/{request}/resolve");
    assert_eq!(office.as_another().post(&place, &found).await.status, StatusCode::OK);
    let found = ask(&child, &short).await;
    assert!(found.reason.contains("của Nguyễn Thị Mẫu nhưng không rõ"), "{}", found.reason);
    // The two are one, which a person's word shows.
    let asked = json!({
        "procedure": "1.000001", "subject": owner(), "others": [short],
        "purpose": "Đăng ký thường trú",
    });
    office.post("/v1/requirements", &asked).await.refused(Reason::RequestInvalid);
}

#[tokio::test]
async fn a_lookup_is_shown_before_it_is_used_and_may_be_declined() {
    let office = office().await;
    let record = office.publish(None).await;
    let lookup: Lookup = office.look_up(Uuid::new_v4(), &record, &owner()).await.json();
    let place = format!("/v1/lookups/{}", lookup.id);
    let shown: Lookup = office.get(&place, &[]).await.json();
    assert_eq!(shown, lookup);
    assert_eq!(office.get(&format!("{place}/file"), &[]).await.body, PDF);
    office.as_another().get(&place, &[]).await.refused(Reason::LookupUnknown);
    office.get(&format!("/v1/lookups/{}", Uuid::nil()), &[]).await.refused(Reason::LookupUnknown);

    let words = format!("{place}/words");
    let say =
        async |word: &str| office.post(&words, &json!({ "word": word, "by": "can-bo" })).await;
    say("used").await.refused(Reason::LookupNotShown);
    assert_eq!(say("shown").await.status, StatusCode::OK);
    assert_eq!(say("declined").await.status, StatusCode::OK);
    let said: Vec<LookupSaid> = say("used").await.json();
    assert_eq!(said.len(), 3);
    let word = json!({ "reason": "Cấp sai thẩm quyền", "by": "can-bo-quay-3" });
    let revoke = format!("/v1/records/{}/revoke", record.id);
    assert_eq!(office.post(&revoke, &word).await.status, StatusCode::OK);
    say("used").await.refused(Reason::RecordNotUsable);
    let nobody = json!({ "word": "shown", "by": " " });
    office.post(&words, &nobody).await.refused(Reason::RequestInvalid);
}

#[tokio::test]
async fn what_became_of_a_lookup_for_a_dossier_stays_once_that_is_closed() {
    let office = office().await;
    let record = office.publish(None).await;
    let mut asked = json!({
        "request": Uuid::new_v4(), "record": record.id, "subject": owner(),
        "purpose": "Đăng ký thường trú", "asked_by": "can-bo", "dossier": record.dossier,
        "component": "TP02",
    });
    office.post("/v1/lookups", &asked).await.refused(Reason::ComponentUnknown);
    asked["component"] = "TP01".into();
    let lookup: Lookup = office.post("/v1/lookups", &asked).await.json();
    let words = format!("/v1/lookups/{}/words", lookup.id);
    let say =
        async |word: &str, by: &str| office.post(&words, &json!({ "word": word, "by": by })).await;
    for word in ["shown", "used"] {
        assert_eq!(say(word, "can-bo").await.status, StatusCode::OK);
    }
    let records = &office.archive.records;
    let dossier = records.dossier(&record.dossier).await.unwrap().unwrap();
    records.close_dossier(dossier.id).await.unwrap();
    say("declined", "can-bo").await.refused(Reason::DossierClosed);
    say("used", "can-bo-khac").await.refused(Reason::DossierClosed);
    let again: Vec<LookupSaid> = say("used", "can-bo").await.json();
    assert_eq!(again.len(), 2, "it was said before");
    let shown: Vec<LookupSaid> = say("shown", "can-bo").await.json();
    assert_eq!(shown.len(), 3, "that changes nothing of the dossier");
    let same: Lookup = office.post("/v1/lookups", &asked).await.json();
    assert_eq!(same, lookup);
}

#[tokio::test]
async fn a_correction_makes_a_version_with_the_last_day_that_follows() {
    let office = office().await;
    let record = office.publish(None).await;
    let place = format!("/v1/records/{}/correct", record.id);
    let word = |version: u32, name: &str, value: &str| {
        let fields = json!([{ "name": name, "value": value }]);
        json!({ "version": version, "fields": fields, "reason": "Đọc sai", "by": "can-bo" })
    };
    office.post(&place, &word(1, "issued_on", "17/1")).await.refused(Reason::RequestInvalid);
    office.post(&place, &word(2, "issuer", "UBND")).await.refused(Reason::RecordNotUsable);
    assert_eq!(office.post(&place, &word(1, "issuer", "UBND")).await.status, StatusCode::OK);
    let shown: Record = office.get(&format!("/v1/records/{}", record.id), &WHY).await.json();
    assert_eq!((shown.version, shown.fields[0].value.as_str()), (2, "UBND"));
    let versions = office.get(&format!("/v1/records/{}/versions", record.id), &[]).await;
    let versions: Vec<RecordVersion> = versions.json();
    assert_eq!(versions[1].standing, RecordStanding::Corrected);
    assert_eq!(versions[1].ended_reason.as_deref(), Some("Đọc sai"));
}

#[tokio::test]
async fn a_correction_is_taken_back_and_one_of_the_holder_gives_the_record_another_owner() {
    let office = office().await;
    let record = office.publish(None).await;
    let place = format!("/v1/records/{}/correct", record.id);
    let word = |version: u32, fields: Value, take_back: &[&str]| {
        json!({ "version": version, "fields": fields, "take_back": take_back,
            "reason": "Đọc sai", "by": "can-bo" })
    };
    let last = json!([{ "name": "valid_until", "value": "2020-01-01" }]);
    assert_eq!(office.post(&place, &word(1, last.clone(), &[])).await.status, StatusCode::OK);
    assert_ne!(office.ask(&owner()).await.components[0].status, ComponentStatus::Held);
    let twice = word(2, last, &["valid_until"]);
    office.post(&place, &twice).await.refused(Reason::RequestInvalid);
    office.post(&place, &word(2, json!([]), &[])).await.refused(Reason::RequestInvalid);
    let taken_back = office.post(&place, &word(2, json!([]), &["valid_until"])).await;
    assert_eq!(taken_back.status, StatusCode::OK);
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Held);

    let holder = |number: &str| {
        json!([
            { "name": "holder_number", "value": number },
            { "name": "holder_name", "value": "Trần Văn Khác" },
            { "name": "holder_born", "value": "1999-01-01" },
        ])
    };
    let unlike = office.post(&place, &word(3, holder("12"), &[])).await;
    unlike.refused(Reason::RequestInvalid);
    let alone = json!([{ "name": "holder_number", "value": "001099000013" }]);
    let detail = office.post(&place, &word(3, alone, &[])).await.refused(Reason::RequestInvalid);
    assert!(detail.contains("holder_name"), "{detail}");
    let put_right = office.post(&place, &word(3, holder("001099000013"), &[])).await;
    assert_eq!(put_right.status, StatusCode::OK);
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Needed);
    let other = asker("Trần Văn Khác", "001099000013", "1999-01-01");
    assert_eq!(office.ask(&other).await.components[0].status, ComponentStatus::Held);
}

#[tokio::test]
async fn what_is_several_peoples_is_each_ones() {
    let office = office().await;
    let record = office.publish(None).await;
    let other = asker("Trần Văn Khác", "001099000013", "1999-01-01");
    let place = format!("/v1/records/{}/correct", record.id);
    let word = |version: u32, add: &[&Value], remove: &[&str]| {
        json!({ "version": version, "add_owners": add, "remove_owners": remove,
            "reason": "Giấy tờ của cả hai vợ chồng", "by": "can-bo" })
    };
    let refused = async |word: Value| office.post(&place, &word).await;
    refused(word(1, &[], &[])).await.refused(Reason::RequestInvalid);
    refused(word(1, &[&owner()], &[])).await.refused(Reason::RequestInvalid);
    refused(word(1, &[], &["001099000013"])).await.refused(Reason::RequestInvalid);
    let detail = refused(word(1, &[], &["001199000013"])).await.refused(Reason::RequestInvalid);
    assert!(detail.contains("one owner stays"), "{detail}");
    let unlike = asker("Trần Văn Khác", "001099000013", "1998-01-01");
    refused(word(1, &[&unlike], &[])).await.refused(Reason::BornDiffers);

    assert_eq!(office.post(&place, &word(1, &[&other], &[])).await.status, StatusCode::OK);
    for each in [&owner(), &other] {
        let held = office.ask(each).await.components.remove(0);
        assert_eq!((held.status, held.record), (ComponentStatus::Held, Some(record.id)));
        let looked = office.look_up(Uuid::new_v4(), &record, each).await;
        assert_eq!(looked.json::<Lookup>().record.owners.len(), 2);
    }
    // Nearly the one or nearly the other: compared by a person in both cases.
    for slip in [
        asker("Nguyễn Mẫu", "001199000013", "1999-01-01"),
        asker("Trần Khác", "001099000013", "1999-01-01"),
    ] {
        office.look_up(Uuid::new_v4(), &record, &slip).await.refused(Reason::SubjectNear);
    }
    // Neither of them is named by what something is asked for.
    let asked = json!({ "request": Uuid::new_v4(), "record": record.id, "subject": owner(),
        "purpose": "Cho ông Trần Văn Khác", "asked_by": "can-bo" });
    office.post("/v1/lookups", &asked).await.refused(Reason::RequestInvalid);
    office.archive.records.link_audit().await.unwrap();
    for each in [&owner(), &other] {
        let asked = json!({ "subject": each, "purpose": "Chủ sở hữu yêu cầu" });
        let told: AccessAnswer = office.post("/v1/subjects/access", &asked).await.json();
        assert_eq!((told.records.len(), told.records[0].id), (1, record.id));
        let looked = told.accesses.iter().filter(|own| own.act.as_str() == "looked_up").count();
        assert_eq!(looked, 2, "both are told of both");
    }
    // One field can't say whose it is any more.
    let holder = json!({ "version": 2, "fields": [{ "name": "holder_name", "value": "Lê Lạ" }],
        "reason": "Đọc sai", "by": "can-bo" });
    let detail = refused(holder).await.refused(Reason::RequestInvalid);
    assert!(detail.contains("add_owners"), "{detail}");

    let taken_off = office.post(&place, &word(2, &[], &["001199000013"])).await;
    assert_eq!(taken_off.status, StatusCode::OK);
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Needed);
    office.look_up(Uuid::new_v4(), &record, &owner()).await.refused(Reason::RecordUnknown);
    assert_eq!(office.ask(&other).await.components[0].status, ComponentStatus::Held);
    let shown: Record = office.get(&format!("/v1/records/{}", record.id), &WHY).await.json();
    let corrected = shown.corrected.unwrap();
    assert!(corrected.owners && corrected.fields.is_empty() && corrected.principal.is_some());
}

#[tokio::test]
async fn a_paper_that_another_one_replaced_is_not_handed_out_and_says_by_what() {
    let office = office().await;
    let (record, by) = (office.publish(None).await, office.publish(None).await);
    let place = format!("/v1/records/{}/supersede", record.id);
    let word = |by_record: Option<schemas::ids::RecordId>| json!({ "version": 1, "by_record": by_record, "reason": "Đã cấp lại", "by": "can-bo-7" });
    for wrong in [
        json!({ "version": 1, "reason": "ừ", "by": "can-bo-7" }),
        json!({ "version": 1, "reason": "Đã cấp lại", "by": "" }),
        word(Some(record.id)),
    ] {
        office.post(&place, &wrong).await.refused(Reason::RequestInvalid);
    }
    let nowhere = schemas::ids::RecordId::from_uuid(Uuid::nil());
    office.post(&place, &word(Some(nowhere))).await.refused(Reason::RecordUnknown);
    let of_nothing = format!("/v1/records/{nowhere}/supersede");
    office.post(&of_nothing, &word(None)).await.refused(Reason::RecordUnknown);
    let other_version = json!({ "version": 2, "reason": "Đã cấp lại", "by": "can-bo-7" });
    office.post(&place, &other_version).await.refused(Reason::RecordNotUsable);
    assert_eq!(office.ask(&owner()).await.components[0].status, ComponentStatus::Held);

    for _ in 0..2 {
        let done = office.post(&place, &word(Some(by.id))).await;
        assert_eq!(done.json::<Value>(), json!({ "record": record.id, "version": 1 }));
    }
    // The other one still stands for the component; without it the component says why.
    assert_eq!(office.ask(&owner()).await.components[0].record, Some(by.id));
    let told = office.get(&format!("/v1/records/{}", record.id), &WHY).await;
    let told = told.refused(Reason::RecordNotUsable);
    assert!(told.contains(&by.id.to_string()), "{told}");
    let versions = office.get(&format!("/v1/records/{}/versions", record.id), &[]).await;
    let versions: Vec<RecordVersion> = versions.json();
    assert_eq!(versions[0].standing, RecordStanding::Superseded);
    assert_eq!(versions[0].superseded_by, Some(by.id));
    assert_eq!(versions[0].ended_reason.as_deref(), Some("Đã cấp lại"));

    let place = format!("/v1/records/{}/supersede", by.id);
    assert_eq!(
        office.post(&place, &word(Some(record.id))).await.refused(Reason::RecordNotUsable),
        ""
    );
    assert_eq!(office.post(&place, &word(None)).await.status, StatusCode::OK);
    let asked = office.ask(&owner()).await;
    assert_eq!(asked.components[0].status, ComponentStatus::Needed);
    let reason = &asked.components[0].reason;
    assert!(reason.contains("đã có bản khác thay thế"), "{reason}");
}

#[tokio::test]
async fn why_a_version_ended_never_says_whose_the_record_was_or_is() {
    let office = office().await;
    let (record, both) = (office.publish(None).await, office.publish(None).await);
    let other = asker("Trần Văn Khác", "001099000013", "1999-01-01");
    let say = async |of: &Record, what: &str, more: &Value, reason: &str| {
        let mut word = json!({ "reason": reason, "by": "can-bo-7" });
        word.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        office.post(&format!("/v1/records/{}/{what}", of.id), &word).await
    };
    let add = json!({ "version": 1, "add_owners": [other] });
    assert_eq!(say(&both, "correct", &add, "Của cả hai").await.status, StatusCode::OK);

    let (nothing, version) = (json!({}), json!({ "version": 1 }));
    let by_both = json!({ "version": 1, "by_record": both.id });
    let issuer = json!({ "version": 1, "fields": [{ "name": "issuer", "value": "UBND" }] });
    let holder = json!({ "version": 1, "fields": [
        { "name": "holder_number", "value": "001099000013" },
        { "name": "holder_name", "value": "Trần Văn Khác" },
        { "name": "holder_born", "value": "1999-01-01" },
    ] });
    let (own, new) = ("Giấy của bà NGUYỄN THỊ MẪU", "Giấy của ông Trần Văn Khác");
    for (what, more, reason) in [
        ("revoke", &nothing, own),
        ("revoke", &nothing, "Cấp sai cho số 001 199 000 013"),
        ("supersede", &version, own),
        ("supersede", &by_both, new),
        ("correct", &issuer, own),
        ("correct", &add, new),
        ("correct", &holder, own),
        ("correct", &holder, "Giấy của số 001099000013"),
    ] {
        let refused = say(&record, what, more, reason).await.refused(Reason::RequestInvalid);
        assert!(refused.contains("never whose it is"), "{what} {reason}: {refused}");
    }
    let versions = office.get(&format!("/v1/records/{}/versions", record.id), &[]).await;
    let versions: Vec<RecordVersion> = versions.json();
    assert_eq!((versions.len(), versions[0].standing), (1, RecordStanding::Published), "as it was");
    // Who is no owner may be named.
    assert_eq!(say(&record, "revoke", &nothing, new).await.status, StatusCode::OK);
}

#[tokio::test]
async fn why_a_version_ended_is_told_to_who_may_look_it_up_at_its_office_alone() {
    let office = office().await;
    let record = office.publish(None).await;
    // As it was kept before a reason was looked at.
    let reason = "Giấy của bà Nguyễn Thị Mẫu";
    let who = Reviser { reason, by: "can-bo-7", principal: PrincipalId::random() };
    office.archive.records.revoke(record.id, who, Timestamp::now()).await.unwrap();
    let at = |office: &str| Reach::Offices(vec![office.parse().unwrap()]);
    let (look_up, audit) = (Permission::LookUp, Permission::Audit);
    for (granted, told) in [
        (vec![(look_up, at("H26"))], Some(reason)),
        (vec![(look_up, at("H27"))], None),
        (vec![(audit, Reach::Everywhere)], None),
        (vec![(look_up, at("H27")), (audit, Reach::Everywhere)], None),
    ] {
        let asking = Asker { granted: granted.clone(), ..anyone("somebody else") };
        let place = format!("/v1/records/{}/versions", record.id);
        let versions = office.asked_by(asking).get(&place, &[]).await;
        let versions: Vec<RecordVersion> = versions.json();
        assert_eq!(versions[0].standing, RecordStanding::Revoked, "{granted:?}");
        assert_eq!(versions[0].ended_reason.as_deref(), told, "{granted:?}");
    }
}
