//! The cluster that `deploy/local-cluster` starts, as whoever tries one has it: three nodes of
//! RabbitMQ, two intakes and two workers, of which one each is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use schemas::api::{DossierView, PageState, Receipt};
use schemas::ids::DossierCode;
use serde_json::{Value, json};
use tests::{Story, binary, expect, jpeg_page, opening, somebody, turn, with_key};
use tokio::task::JoinSet;

/// Dossiers beside the sample's, and pages of each.
const DOSSIERS: u64 = 2;
const PAGES: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_started_by_one_command_loses_an_intake_and_a_worker_and_nothing_else() {
    let _turn = turn().await;
    let mut local = Local::start();
    local.answers_as_the_readme_says().await;
    // By the keys that were made for it: what the processes lack they say at their start.
    for (name, lacking) in [("intake-1", "not encrypted"), ("records", "of this process's own")] {
        let log = local.told(&format!("log/{name}"));
        assert!(!log.is_empty() && !log.contains(lacking), "{log}");
    }
    let story = Story::told("khai-sinh");
    let sample: DossierView = local.open(&story.opening(None)).await;
    let mut dossiers = vec![(sample.code, story.scans)];
    for seed in 0..DOSSIERS {
        let opened: DossierView = local.open(&opening(&somebody(seed))).await;
        let pages = (0..PAGES).map(|nth| jpeg_page(seed * PAGES + nth));
        dossiers.push((opened.code, pages.collect()));
    }

    // The first of each to both intakes at once: it is kept once.
    let mut acknowledged: BTreeMap<&DossierCode, BTreeSet<_>> = BTreeMap::new();
    for (code, scans) in &dossiers {
        let sent = [0, 1].map(|intake| local.try_send(intake, code, &scans[0]));
        let [one, other]: [reqwest::Result<Response>; 2] =
            futures_util::future::join_all(sent).await.try_into().unwrap();
        let one: Receipt = expect(one.unwrap(), "one of the two").await;
        let other: Receipt = expect(other.unwrap(), "the other").await;
        assert_eq!(one.scan, other.scan);
        assert!(one.repeated != other.repeated, "kept once: {one:?} {other:?}");
        acknowledged.entry(code).or_default().insert(one.blake3);
    }
    local.until("both workers work", |local| local.jobs_done().iter().all(|jobs| 0 < *jobs));

    // The others alternately; meanwhile an intake loses its power, and then a worker that reads.
    let mut sending = JoinSet::new();
    for (code, scans) in &dossiers {
        for (nth, scan) in scans.iter().enumerate().skip(1) {
            let (local, code, scan) = (local.clone(), code.clone(), scan.clone());
            sending.spawn(async move {
                let receipt = local.send(nth % 2, &code, &scan).await;
                (code, receipt.blake3)
            });
        }
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    local.kill("intake-2");
    for (code, scan) in sending.join_all().await {
        acknowledged.get_mut(&code).unwrap().insert(scan);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    local.kill("work-1");
    let status = local.run("status", &[]);
    let told = String::from_utf8(status.stdout).unwrap();
    assert!(!status.status.success(), "{told}");
    let away: Vec<&str> = told.lines().filter(|line| line.ends_with(" not ready")).collect();
    assert_eq!(away, ["intake-2    not ready", "work-1      not ready"]);

    let mut settled = Vec::new();
    for (code, scans) in &dossiers {
        let view = local.settled(code).await;
        let kept = view.scans.iter().map(|scan| scan.blake3);
        assert_eq!(kept.collect::<BTreeSet<_>>(), acknowledged[code]);
        assert_eq!(view.scans.len(), scans.len(), "none is there twice");
        for scan in &view.scans {
            let mut states = scan.pages.iter().map(|page| page.state);
            assert!(!scan.pages.is_empty() && states.all(|state| state == PageState::Read));
        }
        settled.push(view);
    }
    assert_eq!(local.check(), json!([]));
    let record = settled[0].documents.iter().find_map(|own| own.record).unwrap();
    let pdf = local.file(&record.to_string()).await;
    assert!(pdf.starts_with(b"%PDF-"));

    // Started again, only what was away is.
    let before = local.numbers();
    local.start_again();
    let (after, back) = (local.numbers(), ["intake-2", "work-1"]);
    for (name, number) in &before {
        assert_eq!(after[name] != *number, back.contains(&name.as_str()), "{name}");
    }

    let stopped = local.run("stop", &[]);
    assert!(stopped.status.success(), "{stopped:?}");
    // One that was killed is gone a moment later.
    let since = Instant::now();
    while !local.left().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(5), "they go on: {:?}", local.left());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let open: Vec<u16> = (local.first..local.first + 400).filter(|port| connects(*port)).collect();
    assert!(open.is_empty(), "somebody listens on {open:?}");
    assert!(!local.run("status", &[]).status.success());

    // Everything is still there, and work goes on.
    local.start_again();
    for (before, (code, scans)) in settled.iter().zip(&dossiers) {
        assert_eq!(&local.settled(code).await, before);
        assert!(local.send(1, code, &scans[0]).await.repeated, "it was kept before");
    }
    assert_eq!(local.file(&record.to_string()).await, pdf);
    let (code, _) = &dossiers[1];
    assert!(!local.send(1, code, &jpeg_page(1000)).await.repeated);
    local.settled(code).await;
    assert_eq!(local.check(), json!([]));
}

/// A cluster in a folder of its own, which whoever started it stops.
#[derive(Clone)]
struct Local {
    folder: PathBuf,
    first: u16,
    http: Client,
    /// By their names.
    addresses: BTreeMap<String, String>,
}

impl Local {
    /// Starts one in an empty folder, on ports that no cluster started by hand has, nor any other
    /// part of the tests.
    fn start() -> Running {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        // Two copies of this source on one machine are to get along with each other.
        let here = blake3::hash(root.as_os_str().as_encoded_bytes()).as_bytes()[0];
        let first = 26_400 + 400 * (u16::from(here) % 15);
        let folder = root.join("target/local-cluster");
        let (http, addresses) = (Client::new(), BTreeMap::new());
        let mut local = Running(Self { folder, first, http, addresses });
        // What a run that was killed left.
        local.clear();
        local.start_again();
        local.0.http = with_key(local.told("key").trim());
        local
    }

    /// Starts what doesn't run.
    fn start_again(&mut self) {
        let programs = binary("sohoa");
        let programs = programs.parent().unwrap().to_str().unwrap();
        let since = Instant::now();
        let started = self.run("start", &[&self.first.to_string(), programs]);
        assert!(started.status.success(), "{started:?}");
        eprintln!("started after {:.1} s", since.elapsed().as_secs_f64());
        let told = String::from_utf8(started.stdout).unwrap();
        let lines = told.lines().filter_map(|line| line.split_once(" http://127.0.0.1:"));
        self.addresses = lines
            .map(|(name, port)| (name.trim().to_owned(), format!("http://127.0.0.1:{port}")))
            .collect();
    }

    fn clear(&self) {
        if self.folder.exists() {
            assert!(self.run("stop", &[]).status.success());
            std::fs::remove_dir_all(&self.folder).unwrap();
        }
    }

    fn run(&self, action: &str, words: &[&str]) -> Output {
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/local-cluster"))
            .arg(action)
            .arg(&self.folder)
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .unwrap()
    }

    /// What stands in a file of its folder; nothing where it isn't.
    fn told(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }

    fn url(&self, name: &str, path: &str) -> String {
        format!("{}{path}", self.addresses[name])
    }

    /// What each role says that it answers is what README's table of paths gives it.
    async fn answers_as_the_readme_says(&self) {
        let readme = include_str!("../../README.md");
        let section = readme.split("\n### One address\n").nth(1).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let quoted = |cell: &'static str| cell.split('`').skip(1).step_by(2);
        let mut table: Vec<(&str, Vec<&str>)> = Vec::new();
        for row in section.lines().filter(|line| line.starts_with("| `/v1/")) {
            let [_, paths, roles, _]: [&str; 4] =
                row.split('|').collect::<Vec<_>>().try_into().unwrap();
            table.extend(quoted(paths).map(|path| (path, quoted(roles).collect())));
        }
        for (name, role) in [("intake-1", "intake"), ("records", "records"), ("review", "review")] {
            let face = self.http.get(self.url(name, "/v1/openapi.json")).send().await.unwrap();
            let face: Value = expect(face, "what it answers").await;
            let paths = face["paths"].as_object().unwrap();
            assert!(!paths.is_empty());
            for path in paths.keys() {
                let below = |own: &str| {
                    let rest = path.strip_prefix(own);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                let rows = table.iter().filter(|(own, _)| below(own));
                let (_, roles) = rows.max_by_key(|(own, _)| own.len()).unwrap();
                assert!(roles.contains(&role), "{role} answers {path}, of {roles:?}");
            }
        }
    }

    /// Opens a dossier at the first intake.
    async fn open(&self, body: &impl serde::Serialize) -> DossierView {
        let open = self.http.post(self.url("intake-1", "/v1/dossiers")).json(body);
        expect(open.send().await.unwrap(), "opening").await
    }

    /// Sends a scan to that intake.
    async fn try_send(
        &self,
        intake: usize,
        code: &DossierCode,
        scan: &[u8],
    ) -> reqwest::Result<Response> {
        let intake = ["intake-1", "intake-2"][intake];
        let url = self.url(intake, &format!("/v1/dossiers/{code}/scans"));
        self.http.post(url).body(scan.to_vec()).send().await
    }

    /// Sends a scan as a station does that knows both intakes: to that one, and to the other when
    /// it gets no answer.
    async fn send(&self, intake: usize, code: &DossierCode, scan: &[u8]) -> Receipt {
        if let Ok(answer) = self.try_send(intake, code, scan).await
            && let Ok(receipt) = answer.json().await
        {
            return receipt;
        }
        let answer = self.try_send(1 - intake, code, scan).await;
        expect(answer.unwrap(), "the other intake").await
    }

    async fn settled(&self, code: &DossierCode) -> DossierView {
        let url = self.url("intake-1", &format!("/v1/dossiers/{code}"));
        let since = Instant::now();
        loop {
            let view: DossierView =
                expect(self.http.get(&url).send().await.unwrap(), "a dossier").await;
            if view.settled {
                return view;
            }
            assert!(since.elapsed() < Duration::from_secs(240), "not settled: {:?}", view.pages);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The PDF of a record.
    async fn file(&self, record: &str) -> Vec<u8> {
        let file = self.http.get(self.url("records", &format!("/v1/records/{record}/file")));
        let file = file.header("sohoa-purpose", "Kiem thu").header("sohoa-asked-by", "test");
        let file = file.send().await.unwrap().error_for_status().unwrap();
        file.bytes().await.unwrap().to_vec()
    }

    /// Jobs that each worker has done.
    fn jobs_done(&self) -> [usize; 2] {
        ["log/work-1", "log/work-2"].map(|log| {
            let is_done = |line: &&str| line.contains("job done");
            self.told(log).lines().filter(is_done).count()
        })
    }

    /// Process ids of the roles that run, or have been killed.
    fn numbers(&self) -> BTreeMap<String, String> {
        let number = |name: &String| (name.clone(), self.told(&format!("run/{name}")));
        self.addresses.keys().map(number).collect()
    }

    fn kill(&self, name: &str) {
        let number = self.told(&format!("run/{name}"));
        assert!(Command::new("kill").args(["-KILL", number.trim()]).status().unwrap().success());
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !done(self) {
            assert!(since.elapsed() < Duration::from_secs(120), "{what}: not within two minutes");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What `sohoa check` finds amiss.
    fn check(&self) -> Value {
        let output = Command::new(binary("sohoa"))
            .args(["--log", "warn", "check", "--json", "--config"])
            .arg(self.folder.join("sohoa.toml"))
            .arg("--data")
            .arg(self.folder.join("data/check"))
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        told["check"]["findings"].clone()
    }

    /// Processes that were started with or in its folder, or by one that was.
    fn left(&self) -> Vec<String> {
        let folder = self.folder.to_str().unwrap();
        let mut left = Vec::new();
        for process in std::fs::read_dir("/proc").unwrap() {
            // It may have ended since, or be somebody else's.
            let read = |what: &str| std::fs::read(process.as_ref().unwrap().path().join(what));
            let (command, surroundings) = (read("cmdline"), read("environ"));
            let told = [command.unwrap_or_default(), surroundings.unwrap_or_default()];
            let [command, surroundings] =
                told.map(|told| String::from_utf8_lossy(&told).into_owned());
            if command.contains(folder) || surroundings.contains(folder) {
                left.push(command.replace('\0', " "));
            }
        }
        left
    }
}

/// Whether somebody listens there.
fn connects(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Dropping it stops the cluster; where a test failed, what it holds stays.
struct Running(Local);

impl std::ops::Deref for Running {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Local {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.run("stop", &[]);
        } else {
            self.clear();
        }
    }
}
