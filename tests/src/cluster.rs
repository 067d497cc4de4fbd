//! A running cluster: intake, records, review and two workers, each a process of its own.

use std::ffi::OsString;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use tempfile::TempDir;
use tokio::sync::SemaphorePermit;

use crate::parts::{Parts, address};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::stage::{SPEAKING, binary, found, turn, turn_alone};
use crate::station::{Station, with_key};

/// A cluster of one test's own, as far as it can tell: its database, queues and blobs are nobody
/// else's. Dropping it kills its processes. A test has one at a time.
pub struct Cluster {
    pub(crate) parts: &'static Parts,
    folder: TempDir,
    database: String,
    pub(crate) intake: Process,
    pub(crate) records: Process,
    pub(crate) review: Process,
    pub(crate) workers: [Process; 2],
    /// Before the store, for everybody.
    pub(crate) store: Proxy,
    /// Before the database and the broker, for the first worker alone.
    pub(crate) first_workers: [Proxy; 2],
    station: Station,
    _turn: SemaphorePermit<'static>,
}

impl Deref for Cluster {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}

impl Cluster {
    /// Starts one on the parts that tests share.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same, with lines added to its configuration.
    pub async fn start_with(config: &str) -> Self {
        Self::start_telling("info", config).await
    }

    /// The same, logging what the filter lets through.
    pub async fn start_telling(filter: &str, config: &str) -> Self {
        Self::begin(turn().await, Parts::shared(), filter, config).await
    }

    /// Starts one on these parts, which it may break: nobody else is at work.
    pub async fn start_alone(parts: &'static Parts, config: &str) -> Self {
        Self::begin(turn_alone().await, parts, "info", config).await
    }

    async fn begin(
        turn: SemaphorePermit<'static>,
        parts: &'static Parts,
        filter: &str,
        config: &str,
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stage_{}_{nth}", std::process::id());
        parts.sql("postgres", &format!("create database {name}"));
        let folder = TempDir::new().unwrap();
        let store = Proxy::start(parts.store).await;
        let database = parts.database(&name);
        let broker = parts.broker();
        let first_workers =
            [Proxy::start(address(&database)).await, Proxy::start(address(&broker)).await];
        let nodes: Vec<String> = (2..=parts.nodes).map(|n| parts.node(n).to_string()).collect();
        let through = |url: &str, proxy: &Proxy| {
            url.replace(&address(url).to_string(), &proxy.address().to_string())
        };
        let write = |name: &str, database: &str, broker: &str, nodes: &[String]| {
            let text = format!(
                "office.code = \"H26.01.02\"\n\
                 filing.quiet_seconds = 1\n\
                 reader.count = 1\n\
                 {config}\n\
                 [database]\nurl = {database:?}\n\
                 [broker]\nurl = {broker:?}\nnodes = {nodes:?}\nprefix = {name:?}\n\
                 [store]\nendpoint = \"http://{}\"\nbucket = \"sohoa\"\nprefix = {prefix:?}\n\
                 access_key = \"sohoa\"\nsecret_key = \"sohoa-local\"\n",
                store.address(),
                name = folder.path().file_name().unwrap().to_str().unwrap(),
                prefix = format!("{}/", folder.path().file_name().unwrap().to_str().unwrap()),
            );
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("sohoa.toml", &database, &broker, &nodes);
        let [to_database, to_broker] = &first_workers;
        write("first.toml", &through(&database, to_database), &through(&broker, to_broker), &[]);
        let role = |role: &str, config: &str, data: &str| {
            let place = |name: &str| folder.path().join(name).into_os_string();
            let words: [OsString; 7] = [
                "--log".into(),
                filter.into(),
                role.into(),
                "--config".into(),
                place(config),
                "--data".into(),
                place(data),
            ];
            Process::new(words)
        };
        let mut cluster = Self {
            parts,
            intake: role("intake", "sohoa.toml", "intake"),
            records: role("records", "sohoa.toml", "records"),
            review: role("review", "sohoa.toml", "review"),
            workers: [role("work", "first.toml", "work-1"), role("work", "sohoa.toml", "work-2")],
            database: name,
            folder,
            store,
            first_workers,
            station: Station::new(""),
            _turn: turn,
        };
        let migrated = cluster.command(&["migrate"]);
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        cluster.first_key();
        std::thread::scope(|scope| {
            for process in cluster.processes_mut() {
                scope.spawn(|| process.launch());
            }
        });
        cluster.station.desks = [&cluster.intake, &cluster.records, &cluster.review]
            .map(|process| process.address.clone());
        cluster
    }

    /// Asks every process to stop, and waits until all have: the worst of their ends.
    pub fn terminate(&mut self) -> ExitStatus {
        self.processes().for_each(Process::ask_to_stop);
        let ends: Vec<ExitStatus> = self.processes_mut().map(Process::ended).collect();
        ends.into_iter().max_by_key(|end| end.code().unwrap_or(i32::MAX)).unwrap()
    }

    /// Stops the workers from that one on, as an operator does.
    pub fn stop_workers(&mut self, from: usize) {
        for worker in &mut self.workers[from..] {
            worker.ask_to_stop();
            worker.ended();
        }
    }

    /// A client of the store that knows nothing of Sohoa, by the wire that the cluster has.
    pub fn bare_store(&self) -> aws_sdk_s3::Client {
        let credentials = Credentials::new("sohoa", "sohoa-local", None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(format!("http://{}", self.store.address()))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .force_path_style(true)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// Everything that was logged by every process.
    pub fn log(&self) -> String {
        self.processes().map(Process::log).collect()
    }

    /// Whether every process runs.
    pub(crate) fn all_live(&mut self) -> bool {
        self.processes_mut().all(Process::lives)
    }

    pub(crate) fn processes_mut(&mut self) -> impl Iterator<Item = &mut Process> {
        let [first, second] = &mut self.workers;
        [&mut self.intake, &mut self.records, &mut self.review, first, second].into_iter()
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        [&self.intake, &self.records, &self.review].into_iter().chain(&self.workers)
    }

    /// A place in the folder that holds everything of this cluster's own.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data folders of its processes.
    pub(crate) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        ["intake", "records", "review", "work-1", "work-2"].map(|name| self.place(name)).into_iter()
    }

    /// Ends every connection to the cluster's database, whatever it is in the middle of.
    pub(crate) fn cut_connections(&self) {
        self.parts.sql(
            "postgres",
            &format!(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = '{}'",
                self.database
            ),
        );
    }

    /// The URL of the cluster's database.
    pub fn database(&self) -> String {
        self.parts.database(&self.database)
    }

    /// Runs something in the cluster's database; answers with its rows.
    pub fn sql(&self, sql: &str) -> String {
        self.parts.sql(&self.database, sql)
    }

    /// Makes the key that the station and its commands show, as whoever sets up a cluster does.
    fn first_key(&mut self) {
        let file = self.key_file();
        let all = ["--role", "officer", "--role", "back_office", "--everywhere", "--to", &file];
        let made = self.command(&[&["access", "key", "new", "stage"], &all[..]].concat());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.station.http = with_key(std::fs::read_to_string(file).unwrap().trim());
    }

    fn key_file(&self) -> String {
        self.place("key").to_str().unwrap().to_owned()
    }

    /// Runs a command of `sohoa`: on the cluster's parts, or with the station's key on a server
    /// that it must be told.
    pub fn command(&self, words: &[&str]) -> Output {
        let mut command = Command::new(binary("sohoa"));
        command.args(["--log", "warn"]).args(words);
        if SPEAKING.contains(&words[0]) {
            command.args(["--key-file", &self.key_file()]);
        } else {
            std::fs::create_dir_all(self.place("command")).unwrap();
            command.args([Path::new("--config"), &self.place("sohoa.toml")]);
            command.args([Path::new("--data"), &self.place("command")]);
        }
        command.output().unwrap()
    }

    /// What `sohoa check` finds amiss.
    pub fn check(&self) -> serde_json::Value {
        found(&self.command(&["check", "--json"]))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.processes_mut().for_each(Process::end);
        if !std::thread::panicking() {
            self.parts.sql("postgres", &format!("drop database {} with (force)", self.database));
        }
    }
}
