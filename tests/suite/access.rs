//! Nobody gets in who doesn't belong: the whole interface, asked with every role.

use std::os::unix::fs::PermissionsExt;

use reqwest::{Client, Method, StatusCode};
use schemas::access::{Permission, Reach, Role};
use schemas::api::{DossierView, Problem, RawSubject};
use serde_json::{Value, json};
use tests::{Stage, jpeg_page, opening, somebody, with_key};

/// The stage's office.
const OFFICE: &str = "H26.01.02";

/// Somebody who asks, and what must be let through.
struct Caller {
    name: &'static str,
    http: Client,
    /// None: not even known.
    may: Option<Vec<Permission>>,
}

impl Caller {
    fn expected(&self, needed: &[Permission]) -> &'static str {
        match &self.may {
            None => "401",
            Some(may) if may.iter().any(|one| needed.contains(one)) => "yes",
            Some(_) => "403",
        }
    }
}

fn callers(stage: &Stage) -> Vec<Caller> {
    let unknown = |name, http| Caller { name, http, may: None };
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
    access(stage, &["key", "revoke", &id_of(&revoked)]);
    callers.push(unknown("revoked", with_key(&revoked)));
    let locked = stage.new_key(&role("locked", Role::Officer, &[]));
    access(stage, &["lock", "locked"]);
    callers.push(unknown("locked", with_key(&locked)));
    for each in Role::ALL {
        let key = stage.new_key(&role(&format!("one {}", each.as_str()), *each, &[]));
        let may = Some(each.permissions().to_vec());
        callers.push(Caller { name: each.as_str(), http: with_key(&key), may });
    }
    let narrowed = stage.new_key(&role("narrowed", Role::Officer, &["--only", "scan"]));
    let may = Some(vec![Permission::Scan]);
    callers.push(Caller { name: "officer, scan only", http: with_key(&narrowed), may });
    callers
}

/// Arguments for a key of that role at the stage's office.
fn role<'a>(name: &'a str, role: Role, more: &[&'a str]) -> Vec<&'a str> {
    [&[name, "--role", role.as_str(), "--office", OFFICE], more].concat()
}

fn access(stage: &Stage, args: &[&str]) -> String {
    let data = stage.data();
    let output = stage.command(&[&["access"], args, &["--data", data.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_open_to_those_whom_its_description_names_and_to_nobody_else() {
    let stage = Stage::start().await;
    let callers = callers(&stage);
    let face: Value = stage.get("/v1/openapi.json").await;
    let mut table = format!("{:<42}", "");
    callers.iter().for_each(|caller| table.push_str(&format!(" {:>9.9}", caller.name)));
    let mut walked = 0;
    for (path, methods) in face["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let what = format!("{method} {path}");
            let needed: Vec<Permission> = serde_json::from_value(operation["x-permission"].clone())
                .unwrap_or_else(|_| panic!("{what} names no permission"));
            assert_eq!(operation["security"], json!([{ "key": [] }]), "{what}");
            assert!(!operation["responses"]["401"].is_null(), "{what}");
            let path = path.replace("{code}", "none").replace("{id}", "none");
            table.push_str(&format!("\n{what:<42}"));
            for caller in &callers {
                let got = asked(&caller.http, &method, &stage.url(&path)).await;
                table.push_str(&format!(" {got:>9}"));
                assert_eq!(got, caller.expected(&needed), "{what} by {}", caller.name);
            }
            walked += 1;
        }
    }
    eprintln!("{table}");
    assert!(16 <= walked, "{walked}");
    let all = Role::ALL.iter().map(|role| role.permissions().len()).sum::<usize>();
    assert!(0 < all && Reach::of(&[], &[], Permission::ALL).is_nowhere());
    // What is there but not described: only what says so by itself.
    for path in ["/healthz", "/readyz", "/metrics", "/v1/openapi.json"] {
        assert_eq!(asked(&Client::new(), &Method::GET, &stage.url(path)).await, "yes", "{path}");
    }
    let head = Client::new().head(stage.url("/v1/parked")).send().await.unwrap();
    assert_eq!(head.status(), 401);
    // Neither the log nor the lists hold a key's secret.
    let told = format!("{}{}", stage.log(), access(&stage, &["key", "list", "--json"]));
    assert!(!told.contains(stage.key().rsplit_once('_').unwrap().1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_office_has_is_answered_as_what_nobody_has() {
    let stage = Stage::start().await;
    let page = jpeg_page(1);
    let view = stage.put_through(&opening(&somebody(1)), &[page.as_slice()]).await;
    let of = |name, office| {
        stage.new_key(&[name, "--role", "officer", "--role", "back_office", "--office", office])
    };
    let (above, other) = (with_key(&of("above", "H26.01")), with_key(&of("other", "H26.01.03")));
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
        let response = other.post(stage.url(&path)).body(page.clone()).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
    // Nor is a record of it put right or withdrawn there, or its dossier counted.
    let record = view.documents[0].record.unwrap();
    for (what, more) in [
        ("revoke", json!({})),
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

fn citizen() -> RawSubject {
    opening(&somebody(1)).subject
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_keys_for_their_owner_alone_and_no_later_one_does() {
    let mut stage = Stage::start().await;
    let key = stage.key();
    for file in ["key", "administrator.key"] {
        let mode = stage.data().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(stage.terminate().code(), Some(0));
    stage.launch().await;
    assert_eq!(stage.key(), key);
    assert_eq!(asked(&stage.http, &Method::GET, &stage.url("/v1/parked")).await, "yes");

    // Rotated beside the running process, the old one is still good for as long as was said.
    let old = stage.new_key(&role("quay-3", Role::Station, &[]));
    let new = access(&stage, &["key", "rotate", &id_of(&old), "--grace-hours", "1"]);
    let scan = stage.url("/v1/dossiers/none/scans");
    for key in [old.as_str(), new.trim()] {
        assert_eq!(asked(&with_key(key), &Method::POST, &scan).await, "yes");
    }
    access(&stage, &["key", "rotate", &id_of(new.trim())]);
    assert_eq!(asked(&with_key(new.trim()), &Method::POST, &scan).await, "401");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_closed_where_the_configuration_says_so() {
    let stage = Stage::start_with("access.metrics = \"closed\"").await;
    let url = stage.url("/metrics");
    assert_eq!(asked(&Client::new(), &Method::GET, &url).await, "401");
    assert_eq!(asked(&stage.http, &Method::GET, &url).await, "403");
    let administrator = std::fs::read_to_string(stage.data().join("administrator.key")).unwrap();
    assert_eq!(asked(&with_key(administrator.trim()), &Method::GET, &url).await, "yes");
}
