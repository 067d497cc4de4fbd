//! What breaks in a running cluster, at moments told by a seed, and what must hold after it:
//! every acknowledged page is there once, the dossier is that of a run without faults, and
//! `sohoa check` finds nothing amiss.

mod account;
mod strike;

use std::fmt;
use std::time::{Duration, Instant};

use failpoints::Point;
use reqwest::{Client, StatusCode};
use schemas::api::{DossierView, Receipt};
use schemas::ids::Blake3;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

pub use account::Outcome;

use crate::chance::Chance;
use crate::cluster::Cluster;
use crate::paper::Story;
use crate::parts::Parts;
use crate::process::Surroundings;
use crate::stage::binary;

/// Longest time until a dossier must have settled, whatever broke.
const LONGEST: Duration = Duration::from_secs(240);

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing does.
    None,
    /// A worker is killed and stays away until the other has done everything.
    Worker,
    /// The intake is killed while scans come in, and started again.
    Intake,
    /// The records or the back office is killed, and started again.
    Desk,
    /// A reader is killed in mid-page.
    Reader,
    /// Whoever comes by that moment of a page's life is killed, and started again.
    At(Point),
    /// Every node of the broker is killed, and started again.
    Broker,
    /// One node of three is killed, and stays away until everything is done.
    BrokerNode,
    /// PostgreSQL is stopped as a crash does, and started again.
    Database,
    /// Every connection to PostgreSQL is cut by the server, again and again, in the middle of
    /// whatever it is doing.
    Connections,
    /// The store answers 500 or 503 for some seconds.
    StoreFails,
    /// The store carries 200 KB a second for some seconds.
    StoreSlow,
    /// The store answers nothing for thirty seconds.
    StoreHangs,
    /// A worker is cut off from the broker for some seconds.
    BrokerCut,
    /// A worker is cut off from broker and database for longer than its lease, and works on: a
    /// page is worked on twice.
    Partition,
    /// The disk of the intake is full for some seconds.
    DiskFull,
    /// A page kills every reader that looks at it.
    Poison,
    /// A worker's clock jumps by an hour, forth or back, and returns.
    Clock,
    /// A message of a later version of the program.
    Tomorrow,
}

impl Fault {
    /// Every fault, after a run without one.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::None, Self::Worker, Self::Intake, Self::Desk, Self::Reader];
        let points = Point::ALL.iter().copied().filter(|point| Cluster::comes_by(*point));
        all.extend(points.map(Self::At));
        all.extend([
            Self::Broker,
            Self::BrokerNode,
            Self::Database,
            Self::Connections,
            Self::StoreFails,
            Self::StoreSlow,
            Self::StoreHangs,
            Self::BrokerCut,
            Self::Partition,
            Self::DiskFull,
            Self::Poison,
            Self::Clock,
            Self::Tomorrow,
        ]);
        all
    }
}

impl Fault {
    /// Whether this machine lets it be done.
    pub fn is_possible(self) -> bool {
        self != Self::DiskFull || Surroundings::may_mount()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Worker => "worker killed",
            Self::Intake => "intake killed",
            Self::Desk => "other role killed",
            Self::Reader => "reader killed",
            Self::At(point) => return f.pad(&format!("at {}", point.name())),
            Self::Broker => "broker killed",
            Self::BrokerNode => "broker node lost",
            Self::Database => "database crashed",
            Self::Connections => "connections cut",
            Self::StoreFails => "store 500 or 503",
            Self::StoreSlow => "store slow",
            Self::StoreHangs => "store hangs 30 s",
            Self::BrokerCut => "worker off broker",
            Self::Partition => "worker cut off",
            Self::DiskFull => "intake's disk full",
            Self::Poison => "poisoned page",
            Self::Clock => "clock jumps",
            Self::Tomorrow => "message of tomorrow",
        })
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
        let reader = format!("reader.program = {:?}", binary("scripted-reader"));
        let cluster = Cluster::start_alone(parts, &reader).await;
        let story = Story::told("khai-sinh");
        let mut trial = Self { cluster, story, calm: Value::Null, runs: 0 };
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
        account::compare("", &calm, &self.calm, &mut outcome.differs);
        self.calm = calm;
        outcome
    }

    async fn put_through(&mut self, fault: Fault, chance: &mut Chance) -> Outcome {
        self.runs += 1;
        self.prepare(fault);
        let dossier = self.cluster.open(&self.story.opening(None)).await;
        let scans: Vec<Vec<u8>> =
            self.story.scans.iter().map(|scan| self.of_this_run(scan, fault)).collect();
        let url = self.cluster.url(&format!("/v1/dossiers/{}/scans", dossier.code));
        let before = self.attempts_again();
        let (refused, met) = watch::channel(0);
        let sending = tokio::spawn(send_all(self.cluster.http.clone(), url, scans, refused));
        let (whole, away) = self.strike(fault, &dossier, met, chance).await;
        let acknowledged = sending.await.unwrap();
        let view = self.settled(&dossier).await;
        self.at_rest().await;
        let recovery = whole.elapsed();
        self.bring_back(away);
        let mut outcome = account::account(&acknowledged, &view);
        outcome.recovery = recovery;
        outcome.again = self.attempts_again() - before;
        assert!(self.cluster.all_live(), "{fault}: a process ended that nobody killed");
        let check = self.cluster.check();
        outcome.amiss.clone_from(check["check"]["findings"].as_array().unwrap());
        self.calm = account::plain(&view);
        outcome
    }

    /// A scan that no other run sent: what follows the picture makes it one of its own. To meet
    /// the intake's disk, it must be one that isn't held in memory.
    fn of_this_run(&self, scan: &[u8], fault: Fault) -> Vec<u8> {
        let more = if fault == Fault::DiskFull { vec![0; 3 << 19] } else { Vec::new() };
        [scan, &more, &self.runs.to_be_bytes()].concat()
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

    /// Waits until no job is left: what a dead worker had comes back when its lease is over, though
    /// the dossier has all that it needs.
    async fn at_rest(&self) {
        const LEFT: &str = "select (select count(*) from job) + (select count(*) from outbox)";
        let since = Instant::now();
        while self.cluster.sql(LEFT).trim() != "0" {
            assert!(since.elapsed() < LONGEST, "jobs are left");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Jobs that were done at another attempt than their first.
    fn attempts_again(&self) -> usize {
        let again = |line: &&str| line.contains("job done") && !line.contains("\"attempt\":1,");
        self.cluster.log().lines().filter(again).count()
    }
}

/// Sends scans one after the other as a station does: each again and again, until somebody is
/// there to acknowledge it. Tells what was acknowledged, and meanwhile how often one was told to
/// come back.
async fn send_all(
    http: Client,
    url: String,
    scans: Vec<Vec<u8>>,
    refused: watch::Sender<u32>,
) -> Vec<Blake3> {
    const LATER: [StatusCode; 3] = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::INSUFFICIENT_STORAGE,
    ];
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
                    let text = response.text().await.unwrap_or_default();
                    assert!(LATER.contains(&status), "no clear refusal: {status} {text}");
                    refused.send_modify(|times| *times += 1);
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
