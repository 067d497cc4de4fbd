//! What speaks to a Sohoa as a station and an office do, and runs its commands, wherever its roles
//! run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use schemas::api::{DossierView, Problem, Receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::stage::binary;

/// Where the roles of a running Sohoa answer, and where its commands find what it keeps.
pub struct Station {
    /// Shows the station's key with everything it asks.
    pub http: Client,
    /// Addresses of intake, records and review; one process may be all three.
    pub(crate) desks: [String; 3],
    /// Addresses of every process.
    pub(crate) processes: Vec<String>,
    key_file: PathBuf,
    /// What tells a command where everything is.
    place: Vec<OsString>,
}

impl Station {
    /// One that has no key yet, of a Sohoa that runs nowhere yet.
    pub(crate) fn new(key_file: PathBuf, place: Vec<OsString>) -> Self {
        let (http, desks) = (Client::new(), Default::default());
        Self { http, desks, processes: Vec::new(), key_file, place }
    }

    /// From now on shows the key that its file holds.
    pub(crate) fn take_key(&mut self) {
        self.http = with_key(&self.key());
    }

    /// The key that it shows.
    pub fn key(&self) -> String {
        std::fs::read_to_string(&self.key_file).unwrap().trim().to_owned()
    }

    /// The file of that key.
    pub fn key_file(&self) -> &str {
        self.key_file.to_str().unwrap()
    }

    /// Runs a command of `sohoa`: on what this Sohoa keeps, or with the station's key on a server
    /// that it must be told.
    pub fn command(&self, words: &[&str]) -> Output {
        self.begin(words).wait_with_output().unwrap()
    }

    /// Begins a command of `sohoa`, and lets it run.
    pub fn begin(&self, words: &[&str]) -> Child {
        self.begin_at(&self.place, words)
    }

    /// The same, told to find what this Sohoa keeps there.
    pub(crate) fn begin_at(&self, place: &[OsString], words: &[&str]) -> Child {
        let mut command = Command::new(binary("sohoa"));
        command.args(["--log", "warn"]).args(words);
        if SPEAKING.contains(&words[0]) {
            command.args(["--key-file", self.key_file()]);
        } else {
            command.args(place);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// What `sohoa check` finds amiss.
    pub fn check(&self) -> Value {
        let output = self.command(&["check", "--json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Runs `sohoa access …` beside the running processes; what it prints.
    pub fn access(&self, words: &[&str]) -> String {
        let output = self.command(&[&["access"], words].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a key with `sohoa access key new`.
    pub fn new_key(&self, words: &[&str]) -> String {
        self.access(&[&["key", "new"], words].concat()).trim().to_owned()
    }

    /// Where the role answers that a path belongs to.
    pub fn desk(&self, path: &str) -> &str {
        let of = |roots: &[&str]| roots.iter().any(|root| path.starts_with(root));
        let desk = if of(&RECORDS) || path.ends_with("/inquiries") {
            1
        } else if of(&["/v1/parked", "/v1/documents", "/v1/pages"]) {
            2
        } else {
            0
        };
        &self.desks[desk]
    }

    /// A path of the role that it belongs to.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.desk(path))
    }

    /// Where scans are sent to.
    pub fn address(&self) -> &str {
        &self.desks[0]
    }

    /// Addresses of intake, records and review, who all know people; it may be one process.
    pub fn desks(&self) -> &[String; 3] {
        &self.desks
    }

    /// Where each process answers, `host:port`.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.processes.iter().map(|address| address.trim_start_matches("http://"))
    }

    /// What the `/metrics` of every process answers.
    pub async fn metrics(&self) -> String {
        let mut told = String::new();
        for address in &self.processes {
            let asked = self.http.get(format!("{address}/metrics")).send().await.unwrap();
            told.push_str(&asked.text().await.unwrap());
        }
        told
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        expect(self.http.get(self.url(path)).send().await.unwrap(), path).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> T {
        expect(self.http.post(self.url(path)).json(body).send().await.unwrap(), path).await
    }

    /// Posts and expects a refusal: its status and its problem document.
    pub async fn refused(&self, path: &str, body: &impl Serialize) -> (u16, Problem) {
        problem(self.http.post(self.url(path)).json(body).send().await.unwrap()).await
    }

    /// Opens a dossier for the sample procedure.
    pub async fn open(&self, body: &impl Serialize) -> DossierView {
        self.post("/v1/dossiers", body).await
    }

    /// Sends a scan; whatever the answer.
    pub async fn send(&self, dossier: &DossierView, scan: &[u8]) -> Response {
        self.http
            .post(self.url(&format!("/v1/dossiers/{}/scans", dossier.code)))
            .body(scan.to_vec())
            .send()
            .await
            .unwrap()
    }

    /// Sends a scan that must be accepted.
    pub async fn scan(&self, dossier: &DossierView, scan: &[u8]) -> Receipt {
        expect(self.send(dossier, scan).await, "scan").await
    }

    /// Waits until everything sent to the dossier has found its fate.
    pub async fn settled(&self, dossier: &DossierView) -> DossierView {
        let since = Instant::now();
        loop {
            let view: DossierView = self.get(&format!("/v1/dossiers/{}", dossier.code)).await;
            if view.settled {
                return view;
            }
            assert!(since.elapsed() < Duration::from_secs(240), "not settled: {:?}", view.pages);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Opens a dossier, sends the scans, waits, and tells what became of them.
    pub async fn put_through(&self, opening: &impl Serialize, scans: &[&[u8]]) -> DossierView {
        let dossier = self.open(opening).await;
        for scan in scans {
            self.scan(&dossier, scan).await;
        }
        self.settled(&dossier).await
    }
}

/// What the role `records` answers.
const RECORDS: [&str; 10] = [
    "/v1/requirements",
    "/v1/lookups",
    "/v1/records",
    "/v1/reports",
    "/v1/deliveries",
    "/v1/subjects",
    "/v1/audit",
    "/v1/export",
    "/v1/inquiries",
    "/v1/kho",
];

/// Commands that speak to a server, and show it a key.
const SPEAKING: [&str; 6] = ["push", "dossier", "parked", "deliveries", "export", "report"];

/// A client that shows a key with everything it asks.
pub fn with_key(key: &str) -> Client {
    let mut shown = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    shown.set_sensitive(true);
    Client::builder()
        .default_headers([(AUTHORIZATION, shown)].into_iter().collect())
        .build()
        .unwrap()
}

/// The answer, which must be one.
pub async fn expect<T: DeserializeOwned>(response: Response, what: &str) -> T {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{what}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{what}: {e}: {text}"))
}

/// The refusal that a response is.
pub async fn problem(response: Response) -> (u16, Problem) {
    let status: StatusCode = response.status();
    let text = response.text().await.unwrap();
    assert!(!status.is_success(), "not refused: {text}");
    (status.as_u16(), serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
}
