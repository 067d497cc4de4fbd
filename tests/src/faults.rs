//! What breaks in a running cluster, at moments told by a seed, and what must hold after it:
//! every acknowledged page is there once, the dossier is that of a run without faults, and
//! `sohoa check` finds nothing amiss.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use schemas::Uuid;
use schemas::api::{DossierView, ParkedView, Receipt};
use schemas::ids::Blake3;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::paper::Story;
use crate::parts::Parts;
use crate::proxy::Mood;

/// Longest time until a dossier must have settled, whatever broke.
const LONGEST: Duration = Duration::from_secs(180);

/// Longer than a worker may be silent before its jobs are given to another.
const SILENCE: Duration = Duration::from_secs(25);

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing does.
    None,
    /// A worker is killed and stays away until the other has done everything.
    Worker,
    /// The intake is killed while scans come in, and started again.
    Intake,
    /// A reader is killed in mid-page.
    Reader,
    /// Every node of the broker is killed, and started again.
    Broker,
    /// One node of three is killed, and stays away until everything is done.
    BrokerNode,
    /// PostgreSQL is stopped as a crash does, and started again.
    Database,
    /// The store answers 500 or 503 for some seconds.
    StoreFails,
    /// The store answers nothing for thirty seconds.
    StoreHangs,
    /// A worker is cut off from the broker for some seconds.
    BrokerCut,
    /// A worker is cut off from broker and database for longer than its lease, and works on: a
    /// page is worked on twice.
    Partition,
    /// A message of a later version of the program.
    Tomorrow,
}

impl Fault {
    /// Every fault, after a run without one.
    pub const ALL: [Self; 12] = [
        Self::None,
        Self::Worker,
        Self::Intake,
        Self::Reader,
        Self::Broker,
        Self::BrokerNode,
        Self::Database,
        Self::StoreFails,
        Self::StoreHangs,
        Self::BrokerCut,
        Self::Partition,
        Self::Tomorrow,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Worker => "worker killed",
            Self::Intake => "intake killed",
            Self::Reader => "reader killed",
            Self::Broker => "broker killed",
            Self::BrokerNode => "broker node lost",
            Self::Database => "database crashed",
            Self::StoreFails => "store 500 or 503",
            Self::StoreHangs => "store hangs 30 s",
            Self::BrokerCut => "worker off broker",
            Self::Partition => "worker cut off",
            Self::Tomorrow => "message of tomorrow",
        })
    }
}

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Pages of scans that were acknowledged.
    pub pages: usize,
    /// Scans that were acknowledged and are not there, or without their pages.
    pub lost: usize,
    /// Scans or pages that are there twice.
    pub doubled: usize,
    /// Where the dossier is not that of a run without faults; empty where it is.
    pub differs: Vec<String>,
    /// What `sohoa check` found amiss.
    pub amiss: Vec<Value>,
    /// Jobs that were begun again.
    pub again: usize,
    /// From the moment when what broke was there again (or, where it stays away, was lost) until
    /// everything was done.
    pub recovery: Duration,
}

impl Outcome {
    /// Whether nothing was lost, doubled, changed or left amiss.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.differs.is_empty() && self.amiss.is_empty()
    }
}

/// A cluster to be broken, and what a dossier comes to that nothing happens to.
pub struct Trial {
    cluster: Cluster,
    story: Story,
    calm: Value,
    /// Runs so far: each sends scans of its own.
    runs: u64,
}

impl Trial {
    /// Starts a cluster on these parts, and puts a dossier through it in peace.
    pub async fn begin(parts: &'static Parts) -> Self {
        let cluster = Cluster::start_alone(parts).await;
        let mut trial =
            Self { cluster, story: Story::told("khai-sinh"), calm: Value::Null, runs: 0 };
        // The second of a citizen is unlike the first, of whom nothing was there; and like the
        // third.
        for _ in 0..2 {
            let mut chance = Chance(0);
            trial.put_through(Fault::None, &mut chance).await;
        }
        trial
    }

    /// Puts a dossier through while something breaks.
    pub async fn run(&mut self, fault: Fault, seed: u64) -> Outcome {
        let calm = self.calm.clone();
        let mut outcome = self.put_through(fault, &mut Chance(seed)).await;
        compare("", &calm, &self.calm, &mut outcome.differs);
        self.calm = calm;
        outcome
    }

    async fn put_through(&mut self, fault: Fault, chance: &mut Chance) -> Outcome {
        self.runs += 1;
        let dossier = self.cluster.open(&self.story.opening(None)).await;
        // What follows the picture makes it a scan of its own.
        let mark = self.runs.to_be_bytes();
        let scans: Vec<Vec<u8>> =
            self.story.scans.iter().map(|scan| [scan.as_slice(), &mark].concat()).collect();
        let url = self.cluster.url(&format!("/v1/dossiers/{}/scans", dossier.code));
        let before = self.attempts_again();
        let sending = tokio::spawn(send_all(self.cluster.http.clone(), url, scans));
        let (whole, dead) = self.strike(fault, &dossier, chance).await;
        let acknowledged = sending.await.unwrap();
        let view = self.settled(&dossier).await;
        let recovery = whole.elapsed();
        self.bring_back(dead);
        let mut outcome = account(&acknowledged, &view);
        outcome.recovery = recovery;
        outcome.again = self.attempts_again() - before;
        assert!(self.cluster.all_live(), "{fault}: a process ended that nobody killed");
        let check = self.cluster.check();
        outcome.amiss.clone_from(check["check"]["findings"].as_array().unwrap());
        self.calm = plain(&view);
        outcome
    }

    /// Breaks something. Answers with when it was whole again, and what is still away.
    async fn strike(
        &mut self,
        fault: Fault,
        dossier: &DossierView,
        chance: &mut Chance,
    ) -> (Instant, Option<Away>) {
        let cluster = &mut self.cluster;
        let some = |below: u64, chance: &mut Chance| Duration::from_millis(chance.below(below));
        match fault {
            Fault::None => {}
            Fault::Worker => {
                sleep(some(6000, chance)).await;
                let which = usize::from(chance.below(2) == 1);
                cluster.workers[which].kill();
                return (Instant::now(), Some(Away::Worker(which)));
            }
            Fault::Intake => {
                sleep(some(1500, chance)).await;
                cluster.intake.kill();
                cluster.intake.launch();
            }
            Fault::Reader => {
                sleep(some(6000, chance)).await;
                let which = usize::from(chance.below(2) == 1);
                for reader in cluster.workers[which].readers() {
                    // It may have ended by itself.
                    kill(reader);
                }
            }
            Fault::Broker => {
                sleep(some(5000, chance)).await;
                (1..=cluster.parts.nodes).for_each(|nth| cluster.parts.kill_node(nth));
                sleep(some(2000, chance)).await;
                cluster.parts.start_nodes();
            }
            Fault::BrokerNode => {
                sleep(some(5000, chance)).await;
                let nth = 1 + u16::from(chance.below(2) == 1) + u16::from(chance.below(2) == 1);
                cluster.parts.kill_node(nth);
                return (Instant::now(), Some(Away::Node(nth)));
            }
            Fault::Database => {
                sleep(some(5000, chance)).await;
                cluster.parts.crash_postgres();
                sleep(some(2000, chance)).await;
                cluster.parts.start_postgres();
            }
            Fault::StoreFails => {
                sleep(some(4000, chance)).await;
                let status = if chance.below(2) == 0 { 500 } else { 503 };
                cluster.store.is(Mood::Answers(status));
                sleep(Duration::from_secs(3) + some(5000, chance)).await;
                cluster.store.is(Mood::Fair);
            }
            Fault::StoreHangs => {
                sleep(some(4000, chance)).await;
                cluster.store.is(Mood::Hangs);
                sleep(Duration::from_secs(30)).await;
                cluster.store.is(Mood::Fair);
            }
            Fault::BrokerCut => {
                sleep(some(5000, chance)).await;
                cluster.first_workers[1].is(Mood::Refuses);
                sleep(some(5000, chance)).await;
                cluster.first_workers[1].is(Mood::Fair);
            }
            Fault::Partition => {
                sleep(some(5000, chance)).await;
                cluster.first_workers.iter().for_each(|wire| wire.is(Mood::Hangs));
                sleep(SILENCE).await;
                cluster.first_workers.iter().for_each(|wire| wire.is(Mood::Fair));
            }
            Fault::Tomorrow => {
                sleep(some(3000, chance)).await;
                announce_of_tomorrow(cluster, dossier);
                parked_unknown(cluster, dossier).await;
            }
        }
        (Instant::now(), None)
    }

    fn bring_back(&mut self, away: Option<Away>) {
        match away {
            None => {}
            Some(Away::Worker(which)) => self.cluster.workers[which].launch(),
            Some(Away::Node(nth)) => self.cluster.parts.start_node(nth),
        }
    }

    /// Waits until the dossier has settled. The intake may not always answer meanwhile.
    async fn settled(&self, dossier: &DossierView) -> DossierView {
        let since = Instant::now();
        let url = self.cluster.url(&format!("/v1/dossiers/{}", dossier.code));
        let mut last = String::new();
        while since.elapsed() < LONGEST {
            let asked = self.cluster.http.get(&url).timeout(Duration::from_secs(10)).send().await;
            if let Ok(response) = asked {
                last = response.text().await.unwrap_or_default();
                match serde_json::from_str::<DossierView>(&last) {
                    Ok(view) if view.settled => return view,
                    _ => {}
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("not settled: {last}")
    }

    /// Jobs that were done at another attempt than their first.
    fn attempts_again(&self) -> usize {
        let again = |line: &&str| line.contains("job done") && !line.contains("\"attempt\":1,");
        self.cluster.log().lines().filter(again).count()
    }
}

/// What is away until everything is done.
enum Away {
    Worker(usize),
    Node(u16),
}

fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    drop(killed);
}

/// Sends scans one after the other as a station does: each again and again, until somebody is
/// there to acknowledge it.
async fn send_all(http: Client, url: String, scans: Vec<Vec<u8>>) -> Vec<Blake3> {
    let mut acknowledged = Vec::new();
    for scan in scans {
        let since = Instant::now();
        let receipt = loop {
            let sent = http.post(&url).body(scan.clone()).timeout(Duration::from_secs(60));
            match sent.send().await {
                Ok(response) if response.status().is_success() => {
                    if let Ok(receipt) = response.json::<Receipt>().await {
                        break receipt;
                    }
                }
                Ok(response) => {
                    let status = response.status();
                    let later = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
                    let text = response.text().await.unwrap_or_default();
                    assert!(later.contains(&status), "no clear refusal: {status} {text}");
                }
                Err(_) => {}
            }
            assert!(since.elapsed() < LONGEST, "nobody acknowledges");
            sleep(Duration::from_millis(100)).await;
        };
        acknowledged.push(receipt.blake3);
        sleep(Duration::from_millis(150)).await;
    }
    acknowledged
}

/// Compares what was acknowledged with what is there.
fn account(acknowledged: &[Blake3], view: &DossierView) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut scans, mut pages) = (BTreeSet::new(), BTreeSet::new());
    for scan in &view.scans {
        outcome.doubled += usize::from(!scans.insert(scan.blake3));
        for page in &scan.pages {
            outcome.doubled += usize::from(!pages.insert((scan.blake3, page.seq)));
        }
    }
    for scan in acknowledged {
        let found = view.scans.iter().find(|found| found.blake3 == *scan);
        let count = found.map_or(0, |found| found.pages.len());
        outcome.lost += usize::from(count == 0);
        outcome.pages += count;
    }
    outcome
}

/// What a dossier came to, without what no two dossiers have in common.
fn plain(view: &DossierView) -> Value {
    let mut value = serde_json::to_value(view).unwrap();
    let of_its_own = ["code", "opened_at"];
    value.as_object_mut().unwrap().retain(|key, _| !of_its_own.contains(&key.as_str()));
    let mut known = Vec::new();
    name(&mut value["scans"], &mut known);
    name(&mut value, &mut known);
    value
}

/// Puts in an id's place which one it is, in the order of their first mention.
fn name(value: &mut Value, known: &mut Vec<String>) {
    match value {
        Value::String(text) if text.parse::<Uuid>().is_ok() => {
            let nth = known.iter().position(|id| id == text).unwrap_or_else(|| {
                known.push(text.clone());
                known.len() - 1
            });
            *value = json!(format!("id {nth}"));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| name(value, known)),
        Value::Object(fields) => {
            // Content, reasons that name a dossier, and how often it was published.
            fields.retain(|key, _| !["blake3", "reason", "record_version"].contains(&key.as_str()));
            fields.values_mut().for_each(|value| name(value, known));
        }
        _ => {}
    }
}

/// Names each place where two differ.
fn compare(place: &str, calm: &Value, found: &Value, differs: &mut Vec<String>) {
    match (calm, found) {
        (Value::Object(calm), Value::Object(found)) if calm.len() == found.len() => {
            for (key, value) in calm {
                let other = found.get(key).unwrap_or(&Value::Null);
                compare(&format!("{place}/{key}"), value, other, differs);
            }
        }
        (Value::Array(calm), Value::Array(found)) if calm.len() == found.len() => {
            for (nth, (value, other)) in calm.iter().zip(found).enumerate() {
                compare(&format!("{place}/{nth}"), value, other, differs);
            }
        }
        _ if calm == found => {}
        _ => differs.push(format!("{place}: {calm} became {found}")),
    }
}

/// A job of this dossier that only tomorrow's program knows.
fn announce_of_tomorrow(cluster: &Cluster, dossier: &DossierView) {
    let code = &dossier.code;
    let id = cluster.sql(&format!("select dossier_id from dossier where code = '{code}'"));
    let id = id.trim();
    let message = json!({
        "version": 2, "lane": "counter", "office": dossier.office, "dossier": id,
        "job": { "do": "translate", "into": "tày" },
    });
    let job = Uuid::new_v4();
    cluster.sql(&format!(
        "insert into outbox
         (job_id, dossier_id, lane, office, job, target, message, made_at, due_at)
         values ('{job}', '{id}', 'counter', '{}', 'translate', '{id}', '{message}', 1, 1)",
        dossier.office
    ));
}

/// Waits until that job is where a person sees it.
async fn parked_unknown(cluster: &Cluster, dossier: &DossierView) {
    let since = Instant::now();
    loop {
        let list: Vec<ParkedView> = cluster.get("/v1/parked").await;
        let told = |view: &ParkedView| view.job == "translate" && view.dossier == dossier.code;
        if list.iter().any(told) {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "not parked: {list:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Numbers by a seed (splitmix64), so that a failure can be run again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}
