//! A running Sohoa.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use failpoints::Point;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::parts::rabbitmq;
use crate::process::Process;
use crate::station::Station;

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
    /// It takes no turn: where it is to read, the test takes one.
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
        let on = vec!["--data".into(), place("data")];
        let station = Station::new(folder.path().join("data/key"), on);
        let mut stage = Self { folder, config, process, station, _turn: turn };
        stage.launch();
        stage
    }

    /// The folder that holds everything.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a configuration says to tell what happens on a topic of that name, and the URL of the
    /// broker that has it.
    pub fn topic(exchange: &str) -> (String, String) {
        let url = rabbitmq();
        (format!("[exchange.topic]\nexchange = {exchange:?}\nbroker.url = {url:?}\n"), url)
    }

    /// The folder of scans that are being received.
    pub fn incoming(&self) -> PathBuf {
        self.data().join("incoming")
    }

    /// Adds lines to the configuration that the next process reads.
    pub fn configure(&mut self, lines: &str) {
        self.config.push_str(lines);
    }

    /// The folder of the audit, of whoever keeps it.
    pub fn audit(&self) -> PathBuf {
        self.data().join("audit")
    }

    /// The file of the master key.
    pub fn master(&self) -> PathBuf {
        self.data().join("master.key")
    }

    /// Runs a command of `sohoa` by a configuration of these lines.
    pub fn command_with(&self, config: &str, words: &[&str]) -> Output {
        let file = self.folder.path().join("beside.toml");
        std::fs::write(&file, config).unwrap();
        let place = ["--data".into(), self.data().into(), "--config".into(), file.into()];
        self.begin_at(&place, words).wait_with_output().unwrap()
    }

    /// Starts the process and waits until it is ready: on whatever port is free the first time,
    /// on the same later.
    pub fn launch(&mut self) {
        std::fs::write(self.folder.path().join("sohoa.toml"), &self.config).unwrap();
        self.process.launch();
        self.station.desks.fill(self.process.address.clone());
        self.station.processes = vec![self.process.address.clone()];
        self.station.take_key();
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
    pub fn sql(&self, sql: &str) -> String {
        const RUN: &str = "import sqlite3, sys\n\
            with sqlite3.connect(sys.argv[1], timeout=30) as db:\n    \
                for row in db.execute(sys.argv[2]): print(row)";
        let file = self.data().join("sohoa.sqlite");
        let output = Command::new("python3").args(["-c", RUN]).arg(file).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same with a file of statements, whatever they leave without what it refers to.
    pub fn sql_of(&self, statements: &Path) {
        const RUN: &str = "import sqlite3, sys\n\
            with sqlite3.connect(sys.argv[1], timeout=60) as db:\n    \
                db.executescript(open(sys.argv[2], encoding='utf-8').read())";
        let file = self.data().join("sohoa.sqlite");
        let mut python = Command::new("python3");
        assert!(python.args(["-c", RUN]).arg(file).arg(statements).status().unwrap().success());
    }

    /// Whether its process comes by that point: without a broker nobody sends jobs, and who erases
    /// calls a command.
    pub fn comes_by(point: Point) -> bool {
        !matches!(point, Point::JobsSent | Point::DossierErased)
    }

    /// Whoever comes by that point is killed.
    pub fn arm(&self, point: Point) {
        std::fs::write(self.data().join(point.name()), "").unwrap();
    }

    /// Waits until somebody came by a point that was armed.
    pub fn died(&mut self) {
        self.process.ended();
    }

    /// Takes a blob away, as a disk does that fails.
    #[expect(clippy::unused_async, reason = "it takes a while elsewhere")]
    pub async fn lose(&self, blob: &str) {
        let (shard, rest) = blob.split_at(2);
        std::fs::remove_file(self.data().join("blobs").join(shard).join(rest)).unwrap();
    }

    /// What stands in the tables that make up the queue.
    #[expect(clippy::unused_async, reason = "it takes a while elsewhere")]
    pub async fn queued(&self) -> String {
        QUEUE.map(|table| self.sql(&format!("select * from {table}"))).concat()
            + &self.sql("select name, sql from sqlite_master")
    }
}

/// Tables of what is to be done.
pub(crate) const QUEUE: [&str; 6] = ["outbox", "job", "office_turn", "pace", "parked", "counter"];

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
