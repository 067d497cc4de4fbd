//! A running cluster: intake, records, review and two workers, each a process of its own.

use std::ffi::OsString;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use failpoints::Point;
use tempfile::TempDir;
use tokio::sync::{OnceCell, SemaphorePermit};

use crate::overheard::Overheard;
use crate::parts::{Parts, address};
use crate::process::{Process, Surroundings};
use crate::proxy::Proxy;
use crate::stage::{QUEUE, turn, turn_alone};
use crate::station::Station;

/// A master key of nobody's.
const MASTER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Longest time until somebody has come by a point.
pub(crate) const COMES_BY: Duration = Duration::from_secs(120);

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
    overheard: OnceCell<Overheard>,
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
        let is_up_to_date = parts.create(&name);
        let folder = TempDir::new().unwrap();
        let place = |name: &str| folder.path().join(name).into_os_string();
        std::fs::write(place("master"), MASTER).unwrap();
        std::fs::create_dir(place("command")).unwrap();
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
                 access_key = \"sohoa\"\nsecret_key = \"sohoa-local\"\n\
                 [keys]\nmaster_file = {:?}\n",
                store.address(),
                place("master"),
                name = folder.path().file_name().unwrap().to_str().unwrap(),
                prefix = format!("{}/", folder.path().file_name().unwrap().to_str().unwrap()),
            );
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("sohoa.toml", &database, &broker, &nodes);
        let [to_database, to_broker] = &first_workers;
        write("first.toml", &through(&database, to_database), &through(&broker, to_broker), &[]);
        let role = |role: &str, config: &str, data: &str| {
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
        let on = ["--config".into(), place("sohoa.toml"), "--data".into(), place("command")];
        let station = Station::new(folder.path().join("key"), on.into());
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
            station,
            overheard: OnceCell::new(),
            _turn: turn,
        };
        if !is_up_to_date {
            let migrated = cluster.command(&["migrate"]);
            assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
            parts.take_for_model(&cluster.database);
        }
        cluster.first_key();
        cluster.launch();
        cluster
    }

    /// Starts every process that doesn't run, and waits until it is ready.
    pub fn launch(&mut self) {
        std::thread::scope(|scope| {
            for process in self.processes_mut() {
                if !process.lives() {
                    scope.spawn(move || process.launch());
                }
            }
        });
        self.take_addresses();
    }

    fn take_addresses(&mut self) {
        let addresses: Vec<String> = self.processes().map(|one| one.address.clone()).collect();
        self.station.desks.clone_from_slice(&addresses[..3]);
        self.station.processes = addresses;
    }

    /// Kills every process as a power cut would.
    pub fn kill(&mut self) {
        self.processes_mut().for_each(Process::end);
    }

    /// Asks every process to stop.
    pub fn ask_to_stop(&self) {
        self.processes().for_each(Process::ask_to_stop);
    }

    /// Megabytes of memory that the intake has, and most that it ever had.
    pub fn intake_memory(&self) -> [f64; 2] {
        self.intake.memory()
    }

    /// Waits until every process has ended: the worst of their ends.
    pub fn ended(&mut self) -> ExitStatus {
        let ends: Vec<ExitStatus> = self.processes_mut().map(Process::ended).collect();
        ends.into_iter().max_by_key(|end| end.code().unwrap_or(i32::MAX)).unwrap()
    }

    /// Asks every process to stop, and waits until all have: the worst of their ends.
    pub fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// Process ids of the readers running now.
    pub fn readers(&self) -> Vec<u32> {
        self.workers.iter().flat_map(Process::readers).collect()
    }

    /// Whether a process of it comes by that point: who erases calls a command.
    pub fn comes_by(point: Point) -> bool {
        point != Point::DossierErased
    }

    /// Whoever comes by that point is killed.
    pub fn arm(&self, point: Point) {
        self.folders().for_each(|folder| std::fs::write(folder.join(point.name()), "").unwrap());
    }

    /// Waits until somebody came by a point that was armed. Others may have come by at the same
    /// time, and die alike; from then on nobody does.
    pub fn died(&mut self) {
        let since = Instant::now();
        while self.all_live() {
            assert!(since.elapsed() < COMES_BY, "nobody comes by");
            std::thread::sleep(Duration::from_millis(10));
        }
        for folder in self.folders() {
            Point::ALL.iter().for_each(|one| drop(std::fs::remove_file(folder.join(one.name()))));
        }
    }

    /// Has the intake and the first worker, or else all others, be that program from now on.
    pub fn put_beside(&mut self, program: &Path, takes_in: bool) {
        for (nth, process) in self.processes_mut().enumerate() {
            let is_of_them = nth == 0 || nth == 3;
            process.move_to(match is_of_them == takes_in {
                true => Surroundings::Program(program.to_owned()),
                false => Surroundings::Usual,
            });
        }
        self.take_addresses();
    }

    /// What a configuration says to tell what happens on a topic of that name, and the URL of the
    /// broker that has it: the one that carries the cluster's jobs.
    pub fn topic(exchange: &str) -> (String, String) {
        (format!("[exchange.topic]\nexchange = {exchange:?}\n"), Parts::shared().broker())
    }

    /// The folder of scans that are being received.
    pub fn incoming(&self) -> PathBuf {
        self.place("intake/incoming")
    }

    /// Adds lines to the configuration that the next processes read.
    pub fn configure(&mut self, lines: &str) {
        for name in ["sohoa.toml", "first.toml"] {
            let text = std::fs::read_to_string(self.place(name)).unwrap() + lines;
            std::fs::write(self.place(name), text).unwrap();
        }
    }

    /// The folder of the audit, of whoever keeps it.
    pub fn audit(&self) -> PathBuf {
        self.place("records/audit")
    }

    /// The file of the master key.
    pub fn master(&self) -> PathBuf {
        self.place("master")
    }

    /// Runs a command of `sohoa` by a configuration that has these lines, too.
    pub fn command_with(&self, config: &str, words: &[&str]) -> Output {
        let file = self.place("beside.toml");
        let all = std::fs::read_to_string(self.place("sohoa.toml")).unwrap() + config;
        std::fs::write(&file, all).unwrap();
        let data = self.place("command");
        let place = ["--config".into(), file.into(), "--data".into(), data.into()];
        self.begin_at(&place, words).wait_with_output().unwrap()
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

    /// Takes a blob away, as a store does that fails.
    pub async fn lose(&self, blob: &str) {
        let (shard, rest) = blob.split_at(2);
        let key = format!("{}/blobs/{shard}/{rest}", self.name());
        let gone = self.bare_store().delete_object().bucket("sohoa").key(key).send().await;
        gone.unwrap();
    }

    /// What stands in the tables of what is to be done, what the broker's parts are called, and
    /// everything that went over it since this was asked first.
    pub async fn queued(&self) -> String {
        let overheard = self.overheard.get_or_init(|| Overheard::of(self.parts)).await;
        let tables = QUEUE.map(|table| self.sql(&format!("select * from {table}")));
        tables.concat() + &overheard.told()
    }

    /// What its queues and blobs are called after.
    fn name(&self) -> &str {
        self.folder.path().file_name().unwrap().to_str().unwrap()
    }

    /// Everything that was logged by every process.
    pub fn log(&self) -> String {
        self.processes().map(Process::log).collect()
    }

    /// How many jobs its workers have done.
    pub(crate) fn jobs_done(&self) -> usize {
        self.workers.iter().map(|worker| worker.log().matches("\"job done\"").count()).sum()
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

    /// The same with a file of statements, whatever they leave without what it refers to.
    pub fn sql_of(&self, statements: &Path) {
        self.parts.sql_of(&self.database, statements);
    }

    /// Makes the key that the station and its commands show, as whoever sets up a cluster does.
    fn first_key(&mut self) {
        let all = ["local", "--role", "officer", "--role", "back_office", "--everywhere", "--to"];
        self.station.new_key(&[&all[..], &[self.station.key_file()]].concat());
        self.station.take_key();
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
