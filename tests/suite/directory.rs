//! Logging in by an office's directory: a real OpenID provider (Canaille), a browser that goes
//! there and comes back, and what somebody might try on the way. Each time the browser asks another
//! of the processes that know people. Directories that are of no use are in `useless_directory.rs`,
//! on one machine alone: a process refuses them by itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use schemas::access::Role;
use schemas::api::SessionView;
use serde_json::Value;
use tempfile::TempDir;
use tests::{expect, opening, problem, somebody};

use crate::Stage;

/// The stage's office.
pub(crate) const OFFICE: &str = "H26.01.02";

/// Where browsers believe that office to be, behind a proxy that ends TLS.
const PUBLIC: &str = "https://sohoa.example.vn";

/// What everybody in the directory has for a password.
pub(crate) const PASSWORD: &str = "bốn con trâu trắng";

/// The directory. Dropping it ends it.
pub(crate) struct Provider {
    pub(crate) port: u16,
    child: Child,
    /// What its clients show.
    secrets: TempDir,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let secrets = TempDir::new().unwrap();
        for client in ["sohoa", "khac"] {
            let secret = format!("{client} & bí mật\n");
            std::fs::write(secrets.path().join(client), secret).unwrap();
        }
        Self { port, child: Self::launch(port), secrets }
    }

    fn launch(port: u16) -> Child {
        let here = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new(format!("{here}/../.parts/canaille/bin/python"))
            .arg(format!("{here}/canaille/provider.py"))
            .args([port.to_string(), format!("{PUBLIC}/v1/session/openid/return")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(".parts/canaille is missing: deploy/setup.sh test");
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(told.any(|line| line.unwrap() == "ready"), "no directory");
        child
    }

    /// Ends it, and starts it anew with another key.
    fn rotate(&mut self) {
        self.end();
        self.child = Self::launch(self.port);
    }

    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// What an office's configuration says of it.
    pub(crate) fn config(&self, more: &str) -> String {
        let secret = self.secrets.path().join("sohoa");
        format!(
            "[access.openid]\nissuer = 'http://127.0.0.1:{}'\nclient_id = 'sohoa'\n\
             client_secret_file = {secret:?}\npublic = '{PUBLIC}'\nplain = true\n{more}",
            self.port
        )
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.end();
    }
}

/// A browser, which keeps cookies and shows where it is sent.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
    html: bool,
    /// How often it asked the office.
    asked: usize,
}

impl Browser {
    async fn send(&mut self, request: RequestBuilder) -> Response {
        let shown: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header(COOKIE, shown.join("; "));
        if self.html {
            request = request.header(ACCEPT, "text/html,*/*;q=0.8");
        }
        let response = request.send().await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            match set.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }

    /// Asks the office, as through a proxy that ends TLS and sends what is about sessions to each
    /// desk in turn.
    pub(crate) async fn ask(
        &mut self,
        stage: &Stage,
        method: Method,
        path: &str,
        body: Value,
    ) -> Response {
        let desk = match path.starts_with("/v1/session") {
            true => stage.desks()[self.asked % 3].as_str(),
            false => stage.desk(path),
        };
        self.asked += 1;
        let request = http().request(method, format!("{desk}{path}"));
        let request = request.header("x-forwarded-proto", "https");
        let request = request.header("x-forwarded-for", "203.0.113.7");
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn get(&mut self, stage: &Stage, path: &str) -> Response {
        self.ask(stage, Method::GET, path, Value::Null).await
    }

    /// Begins to log in: the directory's page.
    async fn begin(&mut self, stage: &Stage) -> Url {
        let sent = self.get(stage, "/v1/session/openid").await;
        assert_eq!(sent.status(), 303);
        assert!(self.cookies.contains_key("__Host-sohoa-visit"));
        location(&sent).unwrap().parse().unwrap()
    }

    /// Logs in at the directory, by its forms, until it sends the browser somewhere else.
    async fn through(&mut self, page: Url, name: &str) -> Url {
        // What it calls them by itself (`sub`), and has them log in by.
        let subject = format!("s-{name}");
        let mut answers = vec![("password", PASSWORD), ("login", subject.as_str())];
        let (mut at, directory) = (page.clone(), page.origin());
        while at.origin() == directory {
            let mut response = self.send(http().get(at.clone())).await;
            if response.status() == 200 {
                let text = response.text().await.unwrap();
                let token = text.split("name=\"csrf_token\"").nth(1).unwrap();
                let token = token.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
                let form = [("csrf_token", token), answers.pop().unwrap()];
                response = self.send(http().post(at.clone()).form(&form)).await;
            }
            let status = response.status();
            let next = location(&response);
            at = at.join(&next.unwrap_or_else(|| panic!("{status} at {}", at.path()))).unwrap();
        }
        at
    }

    /// Logs in at the directory: where it sends the browser back to.
    async fn sent_back(&mut self, stage: &Stage, name: &str) -> Url {
        let page = self.begin(stage).await;
        let back = self.through(page, name).await;
        assert!(
            back.as_str().starts_with(&format!("{PUBLIC}/v1/session/openid/return?")),
            "{back}"
        );
        back
    }

    /// Comes back.
    async fn come(&mut self, stage: &Stage, back: &Url) -> Response {
        let came = self.get(stage, &format!("{}?{}", back.path(), back.query().unwrap())).await;
        assert!(!self.cookies.contains_key("__Host-sohoa-visit"), "one way, whatever came of it");
        came
    }

    pub(crate) async fn log_in(&mut self, stage: &Stage, name: &str) -> Response {
        let back = self.sent_back(stage, name).await;
        self.come(stage, &back).await
    }
}

fn http() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

fn location(response: &Response) -> Option<String> {
    Some(response.headers().get(LOCATION)?.to_str().unwrap().to_owned())
}

/// The code of a refusal.
pub(crate) async fn code(response: Response) -> String {
    problem(response).await.1.code
}

/// The same address with another value in it.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut other = url.clone();
    let others = pairs.iter().filter(|(key, _)| key != name);
    other.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    other
}

fn value(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

pub(crate) fn add(stage: &Stage, name: &str, role: Role) {
    let add = ["person", "add", name, "--directory", "--role", role.as_str(), "--office", OFFICE];
    assert_eq!(stage.access(&add), "", "no password");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_directory_vouches_for_may_what_was_granted_here() {
    let mut provider = Provider::start();
    let stage = Stage::start_with(&provider.config("")).await;
    add(&stage, "can-bo", Role::Officer);

    let mut browser = Browser::default();
    let view: SessionView = expect(browser.log_in(&stage, "can-bo").await, "logging in").await;
    assert_eq!((view.name.as_str(), view.duties.as_slice()), ("can-bo", &[][..]));
    let open = serde_json::to_value(opening(&somebody(1))).unwrap();
    let opened = browser.ask(&stage, Method::POST, "/v1/dossiers", open).await;
    assert_eq!(opened.status(), 201);
    let persons = browser.get(&stage, "/v1/persons").await;
    assert_eq!(code(persons).await, "access.forbidden");
    let out = browser.ask(&stage, Method::DELETE, "/v1/session", Value::Null).await;
    assert_eq!(out.status(), 204);
    assert_eq!(browser.get(&stage, "/v1/session").await.status(), 401);

    // Who looks at it sees a page that leads on, for the directory's page began it: a redirect
    // would go on without the session's cookie.
    browser.html = true;
    let page = browser.log_in(&stage, "can-bo").await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("Đã đăng nhập") && page.contains("url=/v1/session\""), "{page}");
    assert_eq!(browser.get(&stage, "/v1/session").await.status(), 200);

    // A name in the directory makes nobody who is somebody already, or a stranger, one of ours.
    stage.person("quan-tri", Role::Administrator, OFFICE).await;
    for name in ["quan-tri", "nguoi-la"] {
        let refused = Browser::default().log_in(&stage, name).await;
        assert_eq!(code(refused).await, "access.directory_stranger", "{name}");
    }
    let mut looks = Browser { html: true, ..Browser::default() };
    let refused = looks.log_in(&stage, "nguoi-la").await;
    assert_eq!((refused.status().as_u16(), looks.cookies.get("__Host-sohoa")), (403, None));
    assert!(refused.text().await.unwrap().contains("Hãy nhờ người quản trị"));
    // Whoever was left to it is vouched for by it alone, second factor and all.
    stage.access(&["person", "directory", "quan-tri"]);
    let mut administrator = Browser::default();
    let view: SessionView = expect(administrator.log_in(&stage, "quan-tri").await, "so").await;
    assert!(view.duties.is_empty());
    let persons = administrator.get(&stage, "/v1/persons").await;
    let persons: Vec<Value> = expect(persons, "listing").await;
    assert!(persons.iter().any(|one| one["name"] == "quan-tri" && one["by_directory"] == true));
    assert_eq!(code(stage.log_in("quan-tri", PASSWORD, None).await).await, "access.login");

    // The directory's word opens nothing for who was disabled here.
    stage.access(&["person", "disable", "can-bo"]);
    assert_eq!(browser.get(&stage, "/v1/session").await.status(), 401);
    let refused = Browser::default().log_in(&stage, "can-bo").await;
    assert_eq!(code(refused).await, "access.directory_stranger");
    stage.access(&["person", "enable", "can-bo"]);
    provider.rotate();
    let again = Browser::default().log_in(&stage, "can-bo").await;
    assert_eq!(again.status(), 200, "with the directory's new key");

    // By its subject: the same name is another's now.
    stage.sql("update directory_person set subject = subject || '-2019'");
    let refused = Browser::default().log_in(&stage, "can-bo").await;
    assert_eq!(code(refused).await, "access.directory_stranger");
    stage.access(&["person", "directory", "can-bo"]);
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&stage, "can-bo").await.status(), 200);

    // Whoever is given a password is the directory's no longer.
    stage.access(&["person", "password", "can-bo"]);
    assert_eq!(browser.get(&stage, "/v1/session").await.status(), 401);
    let refused = Browser::default().log_in(&stage, "can-bo").await;
    assert_eq!(code(refused).await, "access.directory_stranger");

    // A directory that is gone is said to be, and people with passwords go on.
    provider.end();
    let refused = Browser::default().get(&stage, "/v1/session/openid").await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(code(refused).await, "access.directory_down");
    stage.person("nguoi-khac", Role::Officer, OFFICE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_from_the_directory_is_good_once_for_the_browser_that_was_sent() {
    let provider = Provider::start();
    let stage = Stage::start_with(&provider.config("")).await;
    add(&stage, "can-bo", Role::Officer);
    let mut browser = Browser::default();

    // Again, by another browser, by one that was never sent, with another state, too late.
    let back = browser.sent_back(&stage, "can-bo").await;
    let kept = browser.cookies.clone();
    assert_eq!(browser.come(&stage, &back).await.status(), 200);
    let mut replaying = Browser { cookies: kept, ..Browser::default() };
    assert_eq!(code(replaying.come(&stage, &back).await).await, "access.directory_visit");
    let back = browser.sent_back(&stage, "can-bo").await;
    let mut other = Browser::default();
    assert_eq!(code(other.come(&stage, &back).await).await, "access.directory_visit");
    other.begin(&stage).await;
    assert_eq!(code(other.come(&stage, &back).await).await, "access.directory_visit");
    let forged = with(&back, "state", &"0".repeat(64));
    assert_eq!(code(browser.come(&stage, &forged).await).await, "access.directory_visit");
    let back = browser.sent_back(&stage, "can-bo").await;
    stage.sql("update directory_visit set ends_at = 0");
    assert_eq!(code(browser.come(&stage, &back).await).await, "access.directory_visit");

    // Somebody else's code, put into one's own way back: another login's (its verifier and nonce
    // are others), another office's, none; another directory's word; a refusal.
    let stolen = value(&browser.sent_back(&stage, "can-bo").await, "code");
    let others = with(&other.begin(&stage).await, "client_id", "khac");
    let others = with(&others, "redirect_uri", "https://khac.example.vn/return");
    let khac = Browser::default().through(others, "can-bo").await;
    assert_eq!(khac.host_str(), Some("khac.example.vn"));
    for (name, wrong) in [
        ("code", stolen.as_str()),
        ("code", &value(&khac, "code")),
        ("code", "khong-co"),
        ("iss", "https://khac.example.vn"),
        ("error", "access_denied"),
    ] {
        let mut victim = Browser::default();
        let back = with(&victim.sent_back(&stage, "can-bo").await, name, wrong);
        let refused = victim.come(&stage, &back).await;
        assert_eq!(refused.status(), 401, "{name} {wrong}");
        assert_eq!(code(refused).await, "access.directory_refused", "{name}");
        assert_eq!(victim.cookies.get("__Host-sohoa"), None);
    }
    // Nor does the directory send anybody elsewhere.
    let page = browser.begin(&stage).await;
    assert_eq!(value(&page, "redirect_uri"), format!("{PUBLIC}/v1/session/openid/return"));
    assert_eq!(value(&page, "code_challenge_method"), "S256");
    let elsewhere = with(&page, "redirect_uri", "https://khac.example.vn/return");
    let answer = browser.send(http().get(elsewhere)).await;
    assert!(location(&answer).is_none_or(|to| !to.contains("khac.example.vn")));

    // Over an open network nobody begins; and nothing of all this is told.
    for desk in stage.desks() {
        let open = http().get(format!("{desk}/v1/session/openid"));
        let open = open.header("x-forwarded-for", "203.0.113.7").send().await.unwrap();
        assert_eq!(code(open).await, "access.insecure");
    }
    let told = stage.log() + &stage.sql("select * from directory_visit");
    for secret in [&stolen, "can-bo", &value(&page, "state"), &value(&page, "nonce")] {
        assert!(!told.contains(secret), "{secret}");
    }
}
