//! Nobody gets in who doesn't belong: the whole interface, asked with every role at every process.
//! What the first start of one machine makes is in `alone.rs`.
#![expect(clippy::print_stdout, reason = "who may do what is told as a table")]

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::{Client, Method, StatusCode};
use schemas::access::{Permission, Reach, Role};
use schemas::api::{DossierView, Problem, RawSubject};
use schemas::record::Record;
use serde::Deserialize;
use serde_json::{Value, json};
use tests::{Story, expect, jpeg_page, opening, raw, somebody, with_cookie, with_key};

use crate::Stage;
use crate::proof::first_record;

/// The stage's office.
const OFFICE: &str = "H26.01.02";

/// What is open to everyone: ways to log in.
const OPEN: [&str; 3] =
    ["POST /v1/session", "GET /v1/session/openid", "GET /v1/session/openid/return"];

/// Somebody who asks, and what must be let through.
struct Caller {
    name: String,
    http: Client,
    is_person: bool,
    /// None: not even known.
    may: Option<Vec<Permission>>,
}

/// What an operation's description says opens it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Opening {
    Holders(Vec<Permission>),
    Word(String),
}

impl Caller {
    fn expected(&self, opening: &Opening) -> &'static str {
        match (opening, &self.may) {
            (Opening::Word(word), _) if word == "anyone" => "yes",
            (_, None) => "401",
            (Opening::Word(word), Some(_)) if word == "person" && self.is_person => "yes",
            (Opening::Holders(needed), Some(may)) if may.iter().any(|one| needed.contains(one)) => {
                "yes"
            }
            (_, Some(_)) => "403",
        }
    }
}

async fn callers(stage: &Stage) -> Vec<Caller> {
    let unknown =
        |name: &str, http| Caller { name: name.to_owned(), http, is_person: false, may: None };
    let mut callers = vec![
        unknown("none", Client::new()),
        unknown("nonsense", with_key("sohoa_1_2")),
        unknown(
            "expired",
            with_key(&stage.new_key(&role("expired", Role::Officer, &["--days", "0"]))),
        ),
    ];
    // The id is right, the secret another's.
    let (mine, other) = (stage.key(), stage.new_key(&role("other", Role::Officer, &[])));
    let forged =
        format!("{}_{}", mine.rsplit_once('_').unwrap().0, other.rsplit_once('_').unwrap().1);
    callers.push(unknown("forged", with_key(&forged)));
    let revoked = stage.new_key(&role("revoked", Role::Officer, &[]));
    stage.access(&["key", "revoke", &id_of(&revoked)]);
    callers.push(unknown("revoked", with_key(&revoked)));
    let locked = stage.new_key(&role("locked", Role::Officer, &[]));
    stage.access(&["lock", "locked"]);
    callers.push(unknown("locked", with_key(&locked)));
    let rotated = stage.new_key(&role("rotated", Role::Station, &[]));
    stage.access(&["key", "rotate", &id_of(&rotated)]);
    callers.push(unknown("rotated", with_key(&rotated)));
    // The old one is still good for as long as was said.
    let old = stage.new_key(&role("in grace", Role::Station, &[]));
    let new = stage.access(&["key", "rotate", &id_of(&old), "--grace-hours", "1"]);
    for (name, key) in [("in grace", old.as_str()), ("after it", new.trim())] {
        let (http, may) = (with_key(key), Some(Role::Station.permissions().to_vec()));
        callers.push(Caller { name: name.to_owned(), http, is_person: false, may });
    }
    for each in Role::ALL {
        let key = stage.new_key(&role(&format!("one {}", each.as_str()), *each, &[]));
        let (name, may) = (each.as_str().to_owned(), Some(each.permissions().to_vec()));
        callers.push(Caller { name, http: with_key(&key), is_person: false, may });
        let may = Some(each.permissions().to_vec());
        let http = stage.person(&format!("p-{}", each.as_str()), *each, OFFICE).await.http();
        callers.push(Caller { name: format!("p-{}", each.as_str()), http, is_person: true, may });
    }
    let gone = stage.person("gone", Role::Officer, OFFICE).await.http();
    stage.access(&["person", "disable", "gone"]);
    callers.push(unknown("p, disabled", gone));
    callers.push(unknown("cookie, nonsense", with_cookie(&format!("sohoa={}", "0".repeat(64)))));
    let narrowed = stage.new_key(&role("narrowed", Role::Officer, &["--only", "scan"]));
    let may = Some(vec![Permission::Scan]);
    let name = "officer, scan only".to_owned();
    callers.push(Caller { name, http: with_key(&narrowed), is_person: false, may });
    callers
}

/// Arguments for a key of that role at the stage's office.
fn role<'a>(name: &'a str, role: Role, more: &[&'a str]) -> Vec<&'a str> {
    [&[name, "--role", role.as_str(), "--office", OFFICE], more].concat()
}

/// The id in a key, which is no secret.
fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

/// The answer in a word: 401, 403, or let through, whatever came of it then.
async fn asked(http: &Client, method: &Method, url: &str) -> &'static str {
    let request = http.request(method.clone(), url).header("content-type", "application/json");
    let response = request.body("{}").send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    let code = serde_json::from_str::<Problem>(&text).map(|problem| problem.code);
    match status {
        StatusCode::UNAUTHORIZED => {
            assert_eq!(code.unwrap(), "access.unauthenticated");
            "401"
        }
        StatusCode::FORBIDDEN => {
            assert_eq!(code.unwrap(), "access.forbidden");
            "403"
        }
        status => {
            assert!(!status.is_server_error(), "{method} {url}: {status} {text}");
            "yes"
        }
    }
}

/// What a role may do of an operation, among those who were let in.
fn cell(let_in: &BTreeSet<&str>, role: Role) -> &'static str {
    let person = format!("p-{}", role.as_str());
    match (let_in.contains("none"), let_in.contains(role.as_str()), let_in.contains(&*person)) {
        (true, ..) => "anyone",
        (_, true, true) => "yes",
        (_, false, true) => "own session",
        (_, true, false) => "key only",
        (_, false, false) => "·",
    }
}

/// Every operation that a document describes.
fn operations(face: &Value) -> Vec<(String, Method, Value)> {
    let mut found = Vec::new();
    for (path, methods) in face["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            found.push((path.clone(), method, operation.clone()));
        }
    }
    found
}

/// The operations of every process with where it answers; those that end the caller's session last.
async fn everywhere(stage: &Stage) -> Vec<(&str, String, Method, Value)> {
    let mut all = Vec::new();
    for host in stage.hosts() {
        let answer = Client::new().get(format!("http://{host}/v1/openapi.json")).send().await;
        let face: Value = expect(answer.unwrap(), host).await;
        let own = operations(&face).into_iter();
        all.extend(own.map(|(path, method, operation)| (host, path, method, operation)));
    }
    all.sort_by_key(|(_, path, method, _)| ends_session(path, method));
    all
}

fn ends_session(path: &str, method: &Method) -> bool {
    path == "/v1/session" && method == Method::DELETE
}

/// The operations of the interface, whoever answers them.
fn interface() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi.json");
    let face: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let all = operations(&face).into_iter();
    all.map(|(path, method, _)| format!("{method} {path}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_open_to_those_whom_its_description_names_and_to_nobody_else() {
    let stage = Stage::start_with("access.metrics = \"closed\"").await;
    let callers = callers(&stage).await;
    let roles = Role::ALL.iter().map(|role| format!("{:^15}", role.as_str()));
    let mut table = format!("{:<48}{}", "", roles.collect::<String>());
    let (mut walked, mut over) = (BTreeSet::new(), false);
    for (host, path, method, operation) in everywhere(&stage).await {
        let what = format!("{method} {path}");
        let opening: Opening = serde_json::from_value(operation["x-permission"].clone())
            .unwrap_or_else(|_| panic!("{what} says nothing of who may"));
        let security = match &opening {
            Opening::Holders(_) => json!([{ "key": [] }, { "session": [] }]),
            Opening::Word(word) if word == "person" => json!([{ "session": [] }]),
            Opening::Word(word) => {
                // What is open to everyone is named here as well.
                assert!(word == "anyone" && OPEN.contains(&what.as_str()), "{what}: {word}");
                json!([])
            }
        };
        assert_eq!(operation["security"], security, "{what}");
        let may_refuse = !operation["responses"]["401"].is_null();
        assert!(may_refuse || OPEN.contains(&what.as_str()), "{what}");
        let url = format!("http://{host}{path}").replace("{code}", "none").replace("{id}", "none");
        let mut let_in = BTreeSet::new();
        for caller in &callers {
            let got = asked(&caller.http, &method, &url).await;
            // A session that ended at one process is over at every other.
            let is_over = over && caller.is_person;
            let want = if is_over { "401" } else { caller.expected(&opening) };
            assert_eq!(got, want, "{what} by {} at {url}", caller.name);
            if got == "yes" {
                let_in.insert(caller.name.as_str());
            }
        }
        over |= ends_session(&path, &method);
        if walked.insert(what.clone()) {
            let cells = Role::ALL.iter().map(|role| format!("{:^15}", cell(&let_in, *role)));
            table.push_str(&format!("\n{what:<48}{}", cells.collect::<String>()));
        }
    }
    println!("{}", table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
    assert_eq!(walked, interface(), "the processes together answer what is described");
    assert!(30 <= walked.len(), "{}", walked.len());
    let all = Role::ALL.iter().map(|role| role.permissions().len()).sum::<usize>();
    assert!(0 < all && Reach::of(&[], &[], Permission::ALL).is_nowhere());
    what_is_not_described(&stage).await;
    let head = Client::new().head(stage.url("/v1/parked")).send().await.unwrap();
    assert_eq!(head.status(), 401);
    // Neither the log nor the lists hold a key's secret.
    let told = format!("{}{}", stage.log(), stage.access(&["key", "list", "--json"]));
    assert!(!told.contains(stage.key().rsplit_once('_').unwrap().1));
}

/// Of what is there but not described: only what says so by itself is open, and the metrics are
/// not, for the configuration closes them.
async fn what_is_not_described(stage: &Stage) {
    let administrator = stage.new_key(&role("watcher", Role::Administrator, &[]));
    let person = stage.person("watching", Role::Administrator, OFFICE).await;
    for host in stage.hosts() {
        for path in ["/healthz", "/readyz", "/v1/openapi.json"] {
            let url = format!("http://{host}{path}");
            assert_eq!(asked(&Client::new(), &Method::GET, &url).await, "yes", "{url}");
        }
        let url = format!("http://{host}/metrics");
        assert_eq!(asked(&Client::new(), &Method::GET, &url).await, "401", "{url}");
        assert_eq!(asked(&stage.http, &Method::GET, &url).await, "403", "{url}");
        for watcher in [&with_key(&administrator), &person.http()] {
            assert_eq!(asked(watcher, &Method::GET, &url).await, "yes", "{url}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_office_has_is_answered_as_what_nobody_has() {
    let stage = Stage::start().await;
    let page = jpeg_page(1);
    let view = stage.put_through(&opening(&somebody(1)), &[page.as_slice()]).await;
    let of = |name, office| {
        stage.new_key(&[name, "--role", "officer", "--role", "back_office", "--office", office])
    };
    let others = of("other", "H26.01.03");
    let (above, other) = (with_key(&of("above", "H26.01")), with_key(&others));
    let id = view.scans[0].pages[0].id;
    let there = [format!("/v1/dossiers/{}", view.code), format!("/v1/pages/{id}/reading")];
    let nowhere = [
        "/v1/dossiers/H26-000000-0000".to_owned(),
        format!("/v1/pages/{}/reading", view.scans[0].id),
    ];
    for (there, nowhere) in there.iter().zip(&nowhere) {
        let ask = async |http: &Client, path: &String| {
            let response = http.get(stage.url(path)).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        assert_eq!(ask(&above, there).await.0, 200, "{there}");
        let (hidden, missing) = (ask(&other, there).await, ask(&other, nowhere).await);
        assert_eq!((hidden.0, &hidden), (404, &missing), "{there}");
    }
    for path in
        [format!("/v1/dossiers/{}/scans", view.code), format!("/v1/dossiers/{}/close", view.code)]
    {
        // Whoever is refused before the scan was read is hung up on: each has a line of its own.
        let request = with_key(&others).post(stage.url(&path)).body(page.clone());
        assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
    }
    // Nor is a record of it put right or withdrawn there, or its dossier counted.
    let record = view.documents[0].record.unwrap();
    for (what, more) in [
        ("revoke", json!({})),
        ("supersede", json!({ "version": 1 })),
        (
            "correct",
            json!({ "version": 1, "fields": [{
        "name": "issued_on", "value": "2025-01-17" }] }),
        ),
    ] {
        let mut word = json!({ "reason": "Không phải của mình", "by": "can-bo" });
        word.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = stage.url(&format!("/v1/records/{record}/{what}"));
        let response = other.post(url).json(&word).send().await.unwrap();
        assert_eq!(response.status(), 404, "{what}");
    }
    let counted = async |http: &Client| -> Value {
        let url = stage.url(&format!("/v1/reports?period={}", &view.opened_at[..4]));
        http.get(url).send().await.unwrap().json().await.unwrap()
    };
    assert_ne!(counted(&above).await["rows"], counted(&other).await["rows"]);
    let unchanged: DossierView = stage.get(&format!("/v1/dossiers/{}", view.code)).await;
    assert_eq!(unchanged, view);
    // Nor does it open one there.
    let asked = json!({ "procedure": "1.001193", "subject": citizen(), "office": OFFICE });
    let response = other.post(stage.url("/v1/dossiers")).json(&asked).send().await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_shows_an_officer_the_record_and_an_administrator_hashes_alone() {
    let stage = Stage::start().await;
    let story = Story::told("khai-sinh");
    let view = stage.put_through(&opening(&story.dossier.subject), &story.scans()[..2]).await;
    let url = stage.url(&format!("/v1/records/{}/proof", first_record(&view).0));
    let ask = async |http: &Client| {
        let request = http.get(&url).header("sohoa-purpose", "Kiem tra so lieu");
        let answer = request.header("sohoa-asked-by", "can-bo-3").send().await.unwrap();
        let is_read = answer.headers().contains_key("sohoa-lookup");
        (is_read, expect::<Value>(answer, "a proof").await)
    };
    let (is_read, shown) = ask(&stage.http).await;
    assert!(is_read, "it leaves a lookup");
    let body = shown["body"].as_str().unwrap();
    let record: Record = serde_json::from_str(body).unwrap();
    let owner = raw(&record.owners[0].subject);
    let RawSubject::Citizen { number, name, .. } = owner else { unreachable!() };
    assert!(body.contains(&number) && body.contains(&name), "{body}");

    // What the audit goes by is the same, and nothing of the record stands beside it.
    let administrator = ["quan-tri", "--role", "administrator", "--everywhere"];
    let (is_read, told) = ask(&with_key(&stage.new_key(&administrator))).await;
    assert!(!is_read);
    let fields = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let known = |names: &str| names.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let hashes = "hash hash_holds pages pdf pdf_bytes published_at record signing state version";
    assert_eq!(fields(&told), known(hashes));
    for field in hashes.split(' ') {
        assert_eq!(told[field], shown[field], "{field}");
    }
    for page in told["pages"].as_array().unwrap() {
        assert_eq!(fields(page), known("image page scan seq"));
    }
    let told = told.to_string();
    assert!(!told.contains(&number) && !told.contains(&name), "{told}");
}

fn citizen() -> RawSubject {
    opening(&somebody(1)).subject
}
