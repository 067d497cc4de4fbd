//! A running Sohoa.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use schemas::api::{DossierView, Problem, Receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Tests that may be at work at once: more than that starve each other's readers.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Waits until this test may be at work. A stage does so by itself; a test needs to that has
/// much read without one.
pub async fn turn() -> SemaphorePermit<'static> {
    TURNS.acquire().await.unwrap()
}

/// A `sohoa all` of one test's own. Dropping it kills it. A test has one at a time.
pub struct Stage {
    folder: TempDir,
    config: String,
    filter: String,
    process: Option<Child>,
    address: String,
    log: Arc<Mutex<String>>,
    pub http: Client,
    _turn: Option<SemaphorePermit<'static>>,
}

impl Stage {
    /// Starts Sohoa on an empty folder, as an office would.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts Sohoa with lines added to its configuration.
    pub async fn start_with(config: &str) -> Self {
        Self::start_in(TempDir::new().unwrap(), config).await
    }

    /// Starts Sohoa with lines added to its configuration, logging what the filter lets through.
    pub async fn start_telling(filter: &str, config: &str) -> Self {
        Self::begin(TempDir::new().unwrap(), filter, config, Some(turn().await)).await
    }

    /// Starts another Sohoa beside the one that a test has, with lines added to its configuration.
    /// Nothing is to be read there, so it takes no turn.
    pub async fn start_beside(config: &str) -> Self {
        Self::begin(TempDir::new().unwrap(), "info", config, None).await
    }

    /// Starts Sohoa in a folder.
    pub async fn start_in(folder: TempDir, config: &str) -> Self {
        Self::begin(folder, "info", config, Some(turn().await)).await
    }

    async fn begin(
        folder: TempDir,
        filter: &str,
        config: &str,
        turn: Option<SemaphorePermit<'static>>,
    ) -> Self {
        let config = format!("office.code = \"H26.01.02\"\nfiling.quiet_seconds = 0\n{config}");
        let mut stage = Self {
            folder,
            config,
            filter: filter.to_owned(),
            process: None,
            address: "http://127.0.0.1:0".to_owned(),
            log: Arc::default(),
            http: Client::new(),
            _turn: turn,
        };
        stage.launch().await;
        stage
    }

    /// The folder that holds everything.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the process and waits until it is ready: on whatever port is free the first time,
    /// on the same later.
    pub async fn launch(&mut self) {
        let config = self.folder.path().join("sohoa.toml");
        std::fs::write(&config, &self.config).unwrap();
        let mut process = Command::new(binary("sohoa"))
            .args(["--log", &self.filter, "all", "--listen"])
            .arg(self.address.trim_start_matches("http://"))
            .arg("--data")
            .arg(self.data())
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, mut lines) = (self.log.clone(), BufReader::new(process.stderr.take().unwrap()));
        let mut line = String::new();
        // The first line that isn't a log line says where it listens.
        self.address = loop {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{}", told.lock().unwrap());
            told.lock().unwrap().push_str(&line);
            if let Some((_, address)) = line.trim().split_once("http://") {
                break format!("http://{address}");
            }
        };
        std::thread::spawn(move || {
            let mut line = String::new();
            while matches!(lines.read_line(&mut line), Ok(1..)) {
                told.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        self.process = Some(process);
        self.http = with_key(&self.key());
    }

    /// The file of the key with which commands on the office's own machine work.
    pub fn key_file(&self) -> String {
        self.data().join("key").to_str().unwrap().to_owned()
    }

    /// That key.
    pub fn key(&self) -> String {
        std::fs::read_to_string(self.key_file()).unwrap().trim().to_owned()
    }

    /// Everything that was logged, by every process this stage has had.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Kills the process as a power cut would.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Asks the process to stop.
    pub fn ask_to_stop(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self) -> std::process::ExitStatus {
        self.process.take().unwrap().wait().unwrap()
    }

    /// Asks the process to stop, and waits until it has.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// Has SQLite run something on the office's database, as somebody with a tool of their own;
    /// tells the rows that came out, as Python writes them.
    pub fn tamper(&self, sql: &str) -> String {
        const RUN: &str = "import sqlite3, sys\n\
            with sqlite3.connect(sys.argv[1], timeout=30) as db:\n    \
                for row in db.execute(sys.argv[2]): print(row)";
        let file = self.data().join("sohoa.sqlite");
        let output = Command::new("python3").args(["-c", RUN]).arg(file).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The answer of `/metrics`.
    pub async fn metrics(&self) -> String {
        self.http.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap()
    }

    /// Process ids of the readers running now.
    pub fn readers(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap() {
            // A thread may have ended since.
            let children = std::fs::read_to_string(task.unwrap().path().join("children"));
            let children = children.unwrap_or_default();
            found.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        }
        found
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    pub fn address(&self) -> &str {
        &self.address
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

    /// Runs a command of `sohoa`; those that need a server or a folder must be told so. Those
    /// that speak to a server show the key of the office's own machine.
    pub fn command(&self, args: &[&str]) -> std::process::Output {
        let mut command = Command::new(binary("sohoa"));
        command.args(["--log", "warn"]).args(args);
        if ["push", "dossier", "parked", "deliveries", "export", "report"].contains(&args[0]) {
            command.args(["--key-file", &self.key_file()]);
        }
        command.output().unwrap()
    }

    /// Makes a key with `sohoa access key new`, beside the running process.
    pub fn new_key(&self, args: &[&str]) -> String {
        let data = self.data();
        let made = ["access", "key", "new", "--data", data.to_str().unwrap()];
        let output = self.command(&[&made[..], args].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What `sohoa check` finds amiss.
    pub fn check(&self) -> serde_json::Value {
        let data = self.data();
        let output = self.command(&["check", "--json", "--data", data.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the end of its log, latest first\n{}", tail.join("\n"));
        }
    }
}

/// A client that shows a key with everything it asks.
pub fn with_key(key: &str) -> Client {
    let mut shown = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    shown.set_sensitive(true);
    Client::builder()
        .default_headers([(AUTHORIZATION, shown)].into_iter().collect())
        .build()
        .unwrap()
}

async fn expect<T: DeserializeOwned>(response: Response, what: &str) -> T {
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

/// A binary of the workspace, beside this test.
pub fn binary(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.parent().and_then(Path::parent).unwrap().join(name);
    assert!(path.is_file(), "{} is missing: cargo build --workspace --bins", path.display());
    path
}

/// A file or folder of the measuring data that lies beside the checkout on some machines.
/// `None`, and a line that says so, where it doesn't.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    if !found.exists() {
        eprintln!("skipped: {} is not here", found.display());
        return None;
    }
    Some(found)
}
