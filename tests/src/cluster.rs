//! A running cluster: intake, records, review and two workers, each a process of its own.

use std::ffi::OsString;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use tokio::sync::SemaphorePermit;

use crate::parts::{Parts, address};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::stage::{binary, found, turn, turn_alone};
use crate::station::Station;

/// A cluster of one test's own, as far as it can tell: its database, queues and blobs are nobody
/// else's. Dropping it kills its processes. A test has one at a time.
pub struct Cluster {
    pub(crate) parts: &'static Parts,
    folder: TempDir,
    database: String,
    pub(crate) intake: Process,
    records: Process,
    review: Process,
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
        Self::begin(turn().await, Parts::shared(), config).await
    }

    /// Starts one on these parts, which it may break: nobody else is at work.
    pub async fn start_alone(parts: &'static Parts) -> Self {
        Self::begin(turn_alone().await, parts, "").await
    }

    async fn begin(turn: SemaphorePermit<'static>, parts: &'static Parts, config: &str) -> Self {
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
                "info".into(),
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
        let [first, second] = &mut cluster.workers;
        let desks = [&mut cluster.intake, &mut cluster.records, &mut cluster.review];
        std::thread::scope(|scope| {
            for process in desks.into_iter().chain([first, second]) {
                scope.spawn(|| process.launch());
            }
        });
        cluster.station.desks = [&cluster.intake, &cluster.records, &cluster.review]
            .map(|process| process.address.clone());
        cluster
    }

    /// Everything that was logged by every process.
    pub fn log(&self) -> String {
        self.processes().map(Process::log).collect()
    }

    /// Whether every process runs.
    pub(crate) fn all_live(&mut self) -> bool {
        let [first, second] = &mut self.workers;
        let desks = [&mut self.intake, &mut self.records, &mut self.review];
        desks.into_iter().chain([first, second]).all(Process::lives)
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        [&self.intake, &self.records, &self.review].into_iter().chain(&self.workers)
    }

    /// Runs something in the cluster's database; answers with its rows.
    pub fn sql(&self, sql: &str) -> String {
        self.parts.sql(&self.database, sql)
    }

    /// Runs a command of `sohoa` on the cluster's parts.
    pub fn command(&self, words: &[&str]) -> Output {
        let place = |name: &str| self.folder.path().join(name);
        std::fs::create_dir_all(place("command")).unwrap();
        Command::new(binary("sohoa"))
            .args(["--log", "warn"])
            .args(words)
            .args([Path::new("--config"), &place("sohoa.toml")])
            .args([Path::new("--data"), &place("command")])
            .output()
            .unwrap()
    }

    /// What `sohoa check` finds amiss.
    pub fn check(&self) -> serde_json::Value {
        found(&self.command(&["check", "--json"]))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let [first, second] = &mut self.workers;
        for process in [&mut self.intake, &mut self.records, &mut self.review, first, second] {
            process.end();
        }
        if !std::thread::panicking() {
            self.parts.sql("postgres", &format!("drop database {} with (force)", self.database));
        }
    }
}
