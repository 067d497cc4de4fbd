//! A running Sohoa.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::process::Process;
use crate::station::{Station, with_key};

/// Tests that may be at work at once: more than that starve each other's readers.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Waits until this test may be at work. A stage does so by itself; a test needs to that has
/// much read without one.
pub async fn turn() -> SemaphorePermit<'static> {
    TURNS.acquire().await.unwrap()
}

/// Waits until this test may be at work alone.
pub(crate) async fn turn_alone() -> SemaphorePermit<'static> {
    TURNS.acquire_many(2).await.unwrap()
}

/// A `sohoa all` of one test's own. Dropping it kills it. A test has one at a time.
pub struct Stage {
    folder: TempDir,
    config: String,
    process: Process,
    station: Station,
    _turn: Option<SemaphorePermit<'static>>,
}

impl Deref for Stage {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
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
        let place = |name: &str| folder.path().join(name).into_os_string();
        let process = Process::new([
            "--log".into(),
            filter.into(),
            "all".into(),
            "--data".into(),
            place("data"),
            "--config".into(),
            place("sohoa.toml"),
        ]);
        let station = Station::new("");
        let mut stage = Self { folder, config, process, station, _turn: turn };
        stage.launch().await;
        stage
    }

    /// The folder that holds everything.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the process and waits until it is ready: on whatever port is free the first time,
    /// on the same later.
    #[expect(clippy::unused_async, reason = "who waits for it need not know how")]
    pub async fn launch(&mut self) {
        std::fs::write(self.folder.path().join("sohoa.toml"), &self.config).unwrap();
        self.process.launch();
        self.station.desks.fill(self.process.address.clone());
        self.station.http = with_key(&self.key());
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
        self.process.log()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the process as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks the process to stop.
    pub fn ask_to_stop(&self) {
        self.process.ask_to_stop();
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self) -> ExitStatus {
        self.process.ended()
    }

    /// Asks the process to stop, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// Process ids of the readers running now.
    pub fn readers(&self) -> Vec<u32> {
        self.process.readers()
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

    /// Runs a command of `sohoa`; those that need a server or a folder must be told so. Those
    /// that speak to a server show the key of the office's own machine.
    pub fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary("sohoa"));
        command.args(["--log", "warn"]).args(args);
        if SPEAKING.contains(&args[0]) {
            command.args(["--key-file", &self.key_file()]);
        }
        command.output().unwrap()
    }

    /// Makes a key with `sohoa access key new`, beside the running process.
    pub fn new_key(&self, args: &[&str]) -> String {
        self.access(&[&["key", "new"], args].concat()).trim().to_owned()
    }

    /// Runs `sohoa access …` beside the running process; what it prints.
    pub fn access(&self, args: &[&str]) -> String {
        let data = self.data();
        let output =
            self.command(&[&["access"], args, &["--data", data.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `sohoa check` finds amiss.
    pub fn check(&self) -> serde_json::Value {
        let data = self.data();
        found(&self.command(&["check", "--json", "--data", data.to_str().unwrap()]))
    }
}

/// Commands that speak to a server, and show it a key.
pub(crate) const SPEAKING: [&str; 6] =
    ["push", "dossier", "parked", "deliveries", "export", "report"];

/// What `sohoa check --json` said.
pub(crate) fn found(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// A binary of the workspace: beside this one, or beside the folder of tests that this one is in.
pub fn binary(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let mut near = here.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    let found = near.find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: cargo build --workspace --bins"))
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
