//! People at the door: logging in, what stands against guessing, and who says what they may.

use std::time::Duration;

use reqwest::header::SET_COOKIE;
use reqwest::{Client, Method, Response};
use schemas::access::Role;
use schemas::api::{FactorOffer, PersonView, RecoveryCodes};
use serde_json::{Value, json};
use tests::{
    PersonThere, code_of, cookie_of, expect, jpeg_page, opening, problem, somebody, with_cookie,
    with_key,
};

use crate::Stage;

/// The stage's office.
const OFFICE: &str = "H26.01.02";

/// The code of a refusal.
pub(crate) async fn code(response: Response) -> String {
    problem(response).await.1.code
}

/// What becomes of a session's cookie: its code, or nothing where it is good.
pub(crate) async fn standing(stage: &Stage, cookie: &str) -> Option<String> {
    let response = with_cookie(cookie).get(stage.url("/v1/session")).send().await.unwrap();
    if response.status().is_success() { None } else { Some(code(response).await) }
}

pub(crate) async fn ask(
    stage: &Stage,
    by: &PersonThere,
    method: Method,
    path: &str,
    body: Value,
) -> Response {
    by.http().request(method, stage.url(path)).json(&body).send().await.unwrap()
}

/// Whether that is told before the stream ends.
async fn hears(stream: &mut Response, what: &str) -> bool {
    while let Some(chunk) = stream.chunk().await.unwrap() {
        if String::from_utf8_lossy(&chunk).contains(what) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_is_answered_like_a_wrong_password_and_guessing_is_paused() {
    let stage = Stage::start().await;
    stage.person("can-bo", Role::Officer, OFFICE).await;
    let mut answers = Vec::new();
    for name in ["can-bo", "khong-ai"] {
        for attempt in 0..6 {
            let response = stage.log_in(name, "con trâu không trắng", None).await;
            let waits = response.headers().get("retry-after").is_some();
            assert_eq!(
                (response.status().as_u16(), waits),
                match attempt {
                    0..5 => (401, false),
                    _ => (429, true),
                },
                "{name} {attempt}"
            );
            answers.push((attempt, response.text().await.unwrap()));
        }
    }
    let (known, unknown) = answers.split_at(6);
    assert_eq!(known, unknown);

    // The right one waits as well, until somebody who may says otherwise, or the pause is over.
    let right = async || stage.log_in("can-bo", "bốn con trâu trắng", None).await;
    assert_eq!(code(right().await).await, "access.paused");
    let listed: Value = serde_json::from_str(&stage.access(&["person", "list", "--json"])).unwrap();
    let of = listed.as_array().unwrap().iter().find(|person| person["name"] == "can-bo").unwrap();
    assert_eq!(of["attempts"], 5, "those that were paused are not counted");
    assert!(of["wait_until"].is_string());
    stage.access(&["person", "unlock", "can-bo"]);
    assert_eq!(right().await.status(), 201);
    let wrong = stage.log_in("can-bo", "con trâu không trắng", None).await;
    assert_eq!(wrong.status(), 401, "what went well begins the count anew");

    // After a hundred nobody is let in, however long they wait.
    stage.sql("update login_attempt set attempts = 100, wait_until = 0");
    assert_eq!(code(right().await).await, "access.locked_out");
    assert!(stage.access(&["person", "list"]).contains("bị khoá vì sai quá nhiều lần"));
    stage.access(&["person", "unlock", "can-bo"]);
    assert_eq!(right().await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_go_through_many_names() {
    let stage = Stage::start().await;
    let mut seen = Vec::new();
    for n in 0..32 {
        seen.push(stage.log_in(&format!("ten-{n}"), "mật khẩu hay gặp", None).await.status());
    }
    assert!(seen[..30].iter().all(|status| *status == 401), "{seen:?}");
    assert!(seen[30..].iter().all(|status| *status == 429), "{seen:?}");
    // Nobody's name is kept for it.
    let kept = stage.sql("select * from login_attempt");
    assert_eq!((kept.lines().count(), kept.contains("ten-")), (30, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_for_the_code_after_the_password_does_not_use_their_address_up() {
    const FORGOTTEN: &str = "delete from login_attempt";
    let stage = Stage::start().await;
    let mut person = stage.person("can-bo", Role::Officer, OFFICE).await;
    stage.set_up_factor(&mut person).await;
    let first_step = async || code(stage.log_in("can-bo", &person.password, None).await).await;
    // By name they are counted: whoever has the password doesn't go on guessing the code.
    for _ in 0..5 {
        assert_eq!(first_step().await, "access.second_factor");
    }
    assert_eq!(first_step().await, "access.paused");
    for _ in 0..32 {
        stage.sql(FORGOTTEN);
        assert_eq!(first_step().await, "access.second_factor");
    }
    stage.sql(FORGOTTEN);
    let right = stage.log_in("can-bo", &person.password, Some(&person.recovery[0])).await;
    assert_eq!(right.status(), 201);
    // A code that is wrong is a wrong attempt.
    let mut refused = Vec::new();
    for _ in 0..31 {
        stage.sql(FORGOTTEN);
        let wrong = stage.log_in("can-bo", &person.password, Some("000000")).await;
        refused.push(code(wrong).await);
    }
    assert_eq!(refused.last().unwrap(), "access.paused", "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_every_way_there_is() {
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::Officer, OFFICE).await;
    let fresh = async || {
        let response = stage.log_in("can-bo", "bốn con trâu trắng", None).await;
        let set = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        assert!(set.starts_with("sohoa=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict"));
        cookie_of(&response)
    };
    let ended = Some("access.unauthenticated".to_owned());

    let cookie = fresh().await;
    assert_eq!(standing(&stage, &cookie).await, None);
    let out = with_cookie(&cookie).delete(stage.url("/v1/session")).send().await.unwrap();
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().ends_with("Max-Age=0"));
    assert_eq!(standing(&stage, &cookie).await, ended);
    assert_eq!(standing(&stage, &person.cookie).await, None, "others go on");

    let cookie = fresh().await;
    stage.sql("update person_session set seen_at = seen_at - 31 * 60000000");
    assert_eq!(standing(&stage, &cookie).await, ended, "idle");

    let cookie = fresh().await;
    stage.sql("update person_session set seen_at = seen_at - 29 * 60000000");
    assert_eq!(standing(&stage, &cookie).await, None);
    stage.sql("update person_session set seen_at = seen_at - 29 * 60000000");
    assert_eq!(standing(&stage, &cookie).await, None, "it was seen in between");
    stage.sql("update person_session set ends_at = ends_at - 43200000000");
    assert_eq!(standing(&stage, &cookie).await, ended, "however much it is used");

    let cookie = fresh().await;
    stage.access(&["person", "disable", "can-bo"]);
    assert_eq!(standing(&stage, &cookie).await, ended);
    let again = stage.log_in("can-bo", "bốn con trâu trắng", None).await;
    assert_eq!(code(again).await, "access.login");
    stage.access(&["person", "enable", "can-bo"]);
    assert_eq!(standing(&stage, &cookie).await, ended, "enabled, but not logged in");

    let cookie = fresh().await;
    let given = stage.access(&["person", "password", "can-bo"]);
    assert_eq!(standing(&stage, &cookie).await, ended);
    stage.sql("update person set given_until = given_until - 691200000000");
    let late = stage.log_in("can-bo", given.trim(), None).await;
    assert_eq!(code(late).await, "access.password_ended");
    // Of tokens and passwords only hashes are kept.
    let kept = stage.sql("select * from person_session") + &stage.sql("select * from person");
    assert!(!kept.contains(cookie.trim_start_matches("sohoa=")) && !kept.contains(given.trim()));
    assert!(kept.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::Officer, OFFICE).await;
    let body = serde_json::to_value(opening(&somebody(1))).unwrap();
    let post = async |path: &str, header: Option<(&str, &str)>| {
        let mut request = person.http().post(stage.url(path)).json(&body);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    };
    for other in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://example.vn"),
        ("origin", "null"),
    ] {
        for path in ["/v1/dossiers", "/v1/session"] {
            let refused = post(path, Some(other)).await;
            assert_eq!(code(refused).await, "access.cross_origin", "{other:?} {path}");
        }
    }
    let own = stage.address().to_owned();
    for own in [None, Some(("sec-fetch-site", "same-origin")), Some(("origin", own.as_str()))] {
        assert_eq!(post("/v1/dossiers", own).await.status(), 201, "{own:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_opens_the_door_once() {
    let stage = Stage::start().await;
    let mut person = stage.person("can-bo", Role::Officer, OFFICE).await;
    let elsewhere = cookie_of(&stage.log_in("can-bo", &person.password, None).await);
    stage.set_up_factor(&mut person).await;
    assert!(standing(&stage, &elsewhere).await.is_some(), "other sessions end");
    assert_eq!(standing(&stage, &person.cookie).await, None);

    let secret = person.factor.clone().unwrap();
    let log_in = async |code: Option<&str>| stage.log_in("can-bo", &person.password, code).await;
    let next = code_of(&secret, 1);
    for refused in [None, Some("000000"), person.confirmed.as_deref()] {
        assert_eq!(code(log_in(refused).await).await, "access.second_factor", "{refused:?}");
    }
    assert_eq!(log_in(Some(&next)).await.status(), 201);
    assert_eq!(code(log_in(Some(&next)).await).await, "access.second_factor", "once");

    assert_eq!(person.recovery.len(), 10);
    let recovery = person.recovery[3].to_uppercase();
    assert_eq!(log_in(Some(&recovery)).await.status(), 201);
    assert_eq!(code(log_in(Some(&recovery)).await).await, "access.second_factor", "once");
    let kept = stage.sql("select * from recovery_code");
    assert_eq!((kept.lines().count(), kept.contains(&person.recovery[0])), (9, false));

    // Another second factor is offered to whoever has the present one.
    let offer = async |body: Value| {
        ask(&stage, &person, Method::POST, "/v1/session/second-factor", body).await
    };
    let without = offer(json!({ "password": person.password })).await;
    assert_eq!(code(without).await, "access.second_factor");
    let with = json!({ "password": person.password, "code": person.recovery[0] });
    assert_eq!(offer(with).await.status(), 200);
    let wrong = json!({ "code": next });
    let wrong = ask(&stage, &person, Method::PUT, "/v1/session/second-factor", wrong).await;
    assert_eq!(code(wrong).await, "second_factor.wrong");
    let status = log_in(Some(&person.recovery[1])).await.status();
    assert_eq!(status, 201, "until it is confirmed the present one holds");

    stage.access(&["person", "forget-factor", "can-bo"]);
    assert_eq!(log_in(None).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_that_confirms_a_second_factor_is_not_guessed_and_is_late_after_ten_minutes() {
    const PLACE: &str = "/v1/session/second-factor";
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::Officer, OFFICE).await;
    let offer = async || {
        let asked = json!({ "password": person.password });
        let offered = ask(&stage, &person, Method::POST, PLACE, asked).await;
        expect::<FactorOffer>(offered, "asking for a secret").await.secret
    };
    let confirm =
        async |code: &str| ask(&stage, &person, Method::PUT, PLACE, json!({ "code": code })).await;
    assert_eq!(code(confirm("000000").await).await, "second_factor.not_offered");
    let secret = offer().await;
    for _ in 0..5 {
        assert_eq!(code(confirm("000000").await).await, "second_factor.wrong");
    }
    let paused = confirm(&code_of(secret.reveal(), 0)).await;
    assert!(paused.headers().contains_key("retry-after"));
    assert_eq!(code(paused).await, "access.paused", "the right one, too");
    let at_the_door = stage.log_in("can-bo", &person.password, None).await;
    assert_eq!(code(at_the_door).await, "access.paused", "they are counted together");

    stage.access(&["person", "unlock", "can-bo"]);
    stage.sql("update person set factor_next_at = factor_next_at - 601000000");
    let late = confirm(&code_of(secret.reveal(), 0)).await;
    assert_eq!(code(late).await, "second_factor.not_offered");
    let secret = offer().await;
    for _ in 0..4 {
        assert_eq!(code(confirm("000000").await).await, "second_factor.wrong");
    }
    let confirmed = confirm(&code_of(secret.reveal(), 0)).await;
    let codes: RecoveryCodes = expect(confirmed, "confirming it").await;
    let recovery = codes.codes[0].reveal();
    let right = stage.log_in("can-bo", &person.password, Some(recovery)).await;
    assert_eq!(right.status(), 201, "what went well begins the count anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_an_office_reaches_its_people_and_no_others() {
    let stage = Stage::start().await;
    let administrator = stage.person("quan-tri", Role::Administrator, "H26.01").await;
    stage.new_person("cua-minh", Role::Officer, OFFICE);
    stage.new_person("noi-khac", Role::Officer, "H26.02");
    let listed: Value = serde_json::from_str(&stage.access(&["person", "list", "--json"])).unwrap();
    let id = |name: &str| {
        let of = listed.as_array().unwrap().iter().find(|person| person["name"] == name).unwrap();
        of["id"].as_str().unwrap().to_owned()
    };
    let ask = async |method: Method, path: String, body: Value| {
        ask(&stage, &administrator, method, &path, body).await
    };
    let seen = ask(Method::GET, "/v1/persons".to_owned(), json!({})).await;
    let seen: Vec<PersonView> = expect(seen, "listing").await;
    let names: Vec<&str> = seen.iter().map(|person| person.name.as_str()).collect();
    assert_eq!(names, ["cua-minh", "quan-tri"]);

    let grants = |office: Value| json!({ "grants": [{ "role": "officer", "office": office }] });
    let (mine, other, own) = (id("cua-minh"), id("noi-khac"), id("quan-tri"));
    for (method, what, body) in [
        (Method::GET, "", json!({})),
        (Method::PUT, "/grants", grants(json!(OFFICE))),
        (Method::POST, "/password", json!({})),
        (Method::POST, "/disable", json!({})),
        (Method::POST, "/enable", json!({})),
        (Method::POST, "/unlock", json!({})),
        (Method::DELETE, "/second-factor", json!({})),
    ] {
        let path = |id: &str| format!("/v1/persons/{id}{what}");
        let refused = ask(method.clone(), path(&other), body.clone()).await;
        assert_eq!(code(refused).await, "person.unknown", "{what}");
        let done = ask(method.clone(), path(&mine), body.clone()).await;
        assert_eq!(done.status(), 200, "{what}");
        if !["", "/unlock"].contains(&what) {
            let refused = ask(method, path(&own), body).await;
            assert_eq!(code(refused).await, "person.oneself", "{what}");
        }
    }
    for out_of_reach in [json!("H26"), json!("H26.02"), Value::Null] {
        let path = format!("/v1/persons/{mine}/grants");
        let refused = ask(Method::PUT, path, grants(out_of_reach.clone())).await;
        assert_eq!(code(refused).await, "access.forbidden", "{out_of_reach}");
        let mut make = grants(out_of_reach);
        make["name"] = json!("nguoi-moi");
        let refused = ask(Method::POST, "/v1/persons".to_owned(), make).await;
        assert_eq!(code(refused).await, "access.forbidden");
    }
    for invalid in [
        json!({ "name": "Cán bộ", "grants": [{ "role": "officer", "office": OFFICE }] }),
        json!({ "name": "nguoi-moi", "grants": [] }),
    ] {
        let refused = ask(Method::POST, "/v1/persons".to_owned(), invalid).await;
        assert_eq!(code(refused).await, "person.invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_is_gone_with_the_next_request() {
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::BackOffice, OFFICE).await;
    let parked = async || ask(&stage, &person, Method::GET, "/v1/parked", json!({})).await;
    assert_eq!(parked().await.status(), 200);
    stage.access(&["person", "grant", "can-bo", "--role", "officer", "--office", OFFICE]);
    assert_eq!(code(parked().await).await, "access.forbidden");
    stage.access(&["person", "grant", "can-bo", "--role", "administrator", "--everywhere"]);
    let list = ask(&stage, &person, Method::GET, "/v1/persons", json!({})).await;
    assert_eq!(code(list).await, "access.second_factor_must_be_set_up");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_dossier_hears_no_more_when_they_no_longer_may() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let path = format!("/v1/dossiers/{}/events", dossier.code);
    stage.scan(&dossier, &jpeg_page(1)).await;
    let follow = async |client: Client| {
        let mut response = client.get(stage.url(&path)).send().await.unwrap();
        assert!(hears(&mut response, "scan_received").await);
        response
    };
    let leaves = stage.person("roi-di", Role::Officer, OFFICE).await;
    let moves = stage.person("chuyen-di", Role::Officer, OFFICE).await;
    let stays = stage.person("o-lai", Role::Officer, OFFICE).await;
    let key = stage.new_key(&["quay-9", "--role", "officer", "--office", OFFICE]);
    let left = follow(leaves.http()).await;
    let moved = follow(moves.http()).await;
    let mut stayed = follow(stays.http()).await;
    let revoked = follow(with_key(&key)).await;

    let out = ask(&stage, &leaves, Method::DELETE, "/v1/session", json!({})).await;
    assert_eq!(out.status(), 204);
    stage.access(&["person", "grant", "chuyen-di", "--role", "officer", "--office", "H26.09"]);
    stage.access(&["key", "revoke", key.split('_').nth(1).unwrap()]);
    for (whose, gone) in [("left", left), ("moved", moved), ("revoked", revoked)] {
        let rest = tokio::time::timeout(Duration::from_secs(15), gone.bytes()).await;
        rest.unwrap_or_else(|_| panic!("{whose}: it goes on")).unwrap();
    }
    let receipt = stage.scan(&dossier, &jpeg_page(2)).await;
    assert!(hears(&mut stayed, &receipt.scan.to_string()).await, "who still may hears on");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_over_an_open_network_and_tls_is_known_from_the_proxy() {
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::Officer, OFFICE).await;
    let login = json!({ "name": "can-bo", "password": person.password });
    let through = async |proto: &str, from: &str| {
        let request = Client::new().post(stage.url("/v1/session")).json(&login);
        let request = request.header("x-forwarded-for", from);
        request.header("x-forwarded-proto", proto).send().await.unwrap()
    };
    assert_eq!(code(through("http", "192.0.2.7").await).await, "access.insecure");
    let over_tls = through("https", "192.0.2.7").await;
    let set = over_tls.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.starts_with("__Host-sohoa=") && set.ends_with("SameSite=Strict; Secure"), "{set}");
    assert!(over_tls.headers().contains_key("strict-transport-security"));
    let cookie = cookie_of(&over_tls);
    assert!(standing(&stage, &cookie).await.is_some(), "it came over TLS and stays there");
    let client = with_cookie(&cookie).get(stage.url("/v1/session"));
    let client = client.header("x-forwarded-for", "192.0.2.7");
    assert_eq!(client.header("x-forwarded-proto", "https").send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_a_browser_to_keep_to_itself() {
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::Officer, OFFICE).await;
    for path in ["/healthz", "/v1/openapi.json", "/v1/session", "/v1/parked", "/nowhere"] {
        let response = person.http().get(stage.url(path)).send().await.unwrap();
        let headers = response.headers();
        let of = |name: &str| headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default();
        assert!(of("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(of("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(of("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(of("cache-control"), "no-store", "{path}");
        assert_eq!(of("x-frame-options"), "DENY", "{path}");
        assert_eq!(of("strict-transport-security"), "", "{path}");
        assert_eq!(of("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_asks_no_more_than_a_person_would() {
    let stage = Stage::start().await;
    let person = stage.person("can-bo", Role::Officer, OFFICE).await;
    let mut refused = None;
    for _ in 0..1200 {
        let response = Client::new().get(stage.url("/v1/parked"));
        let response = response.header("x-forwarded-for", "192.0.2.9").send().await.unwrap();
        if response.status() == 429 {
            refused = response.headers().get("retry-after").cloned();
            break;
        }
        assert_eq!(response.status(), 401);
    }
    assert!(refused.is_some());
    assert_eq!(standing(&stage, &person.cookie).await, None, "whoever is known goes on");
}
