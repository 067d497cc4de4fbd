//! How each fault is done to a cluster, and undone.

use std::time::{Duration, Instant};

use failpoints::Point;
use schemas::Uuid;
use schemas::api::{DossierView, ParkedView};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Fault, Trial};
use crate::chance::Chance;
use crate::cluster::{COMES_BY, Cluster};
use crate::paper::{jpeg_page, opening, somebody};
use crate::process::Surroundings;
use crate::proxy::Mood;

/// Longer than a worker may be silent before its jobs are given to another.
const SILENCE: Duration = Duration::from_secs(25);

/// What is away until everything is done.
pub(super) enum Away {
    Worker(usize),
    Node(u16),
    /// Away are the usual surroundings.
    Usual(Role),
}

/// A role by its process.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Intake,
    FirstWorker,
}

impl Trial {
    /// What must be so before anything is sent.
    pub(super) fn prepare(&mut self, fault: Fault) {
        let cluster = &mut self.cluster;
        match fault {
            Fault::DiskFull => {
                let disk = cluster.place("intake");
                cluster.intake.move_to(Surroundings::SmallDisk(disk));
            }
            Fault::Clock => {
                let clock = cluster.place("clock");
                std::fs::write(&clock, "+0").unwrap();
                cluster.workers[0].move_to(Surroundings::Clock(clock));
            }
            _ => {}
        }
    }

    /// Breaks something. Answers with when it was whole again, and what is still away.
    pub(super) async fn strike(
        &mut self,
        fault: Fault,
        dossier: &DossierView,
        mut refused: watch::Receiver<u32>,
        chance: &mut Chance,
    ) -> (Instant, Option<Away>) {
        let cluster = &mut self.cluster;
        let mut away = None;
        match fault {
            Fault::None => {}
            Fault::Worker => {
                sleep(chance.within(6000)).await;
                let which = chance.either();
                cluster.workers[which].kill();
                away = Some(Away::Worker(which));
            }
            Fault::Intake => {
                sleep(chance.within(1500)).await;
                cluster.intake.kill();
                cluster.intake.launch();
            }
            Fault::Desk => {
                sleep(chance.within(4000)).await;
                let desk =
                    if chance.either() == 0 { &mut cluster.records } else { &mut cluster.review };
                desk.kill();
                sleep(chance.within(1000)).await;
                desk.launch();
            }
            Fault::Reader => {
                sleep(chance.within(6000)).await;
                for reader in cluster.workers[chance.either()].readers() {
                    // It may have ended by itself.
                    kill(reader);
                }
            }
            Fault::At(point) => at(cluster, point, chance).await,
            Fault::Broker => {
                sleep(chance.within(5000)).await;
                (1..=cluster.parts.nodes).for_each(|nth| cluster.parts.kill_node(nth));
                sleep(chance.within(2000)).await;
                cluster.parts.start_nodes();
            }
            Fault::BrokerNode => {
                sleep(chance.within(5000)).await;
                let nth = 1 + u16::try_from(chance.below(cluster.parts.nodes.into())).unwrap();
                cluster.parts.kill_node(nth);
                away = Some(Away::Node(nth));
            }
            Fault::Database => {
                sleep(chance.within(5000)).await;
                cluster.parts.crash_postgres();
                sleep(chance.within(2000)).await;
                cluster.parts.start_postgres();
            }
            Fault::Connections => {
                sleep(chance.within(1000)).await;
                for _ in 0..12 {
                    sleep(chance.within(800)).await;
                    cluster.cut_connections();
                }
            }
            Fault::StoreFails => {
                sleep(chance.within(4000)).await;
                let status = [500, 503][chance.either()];
                cluster.store.is(Mood::Answers(status));
                sleep(Duration::from_secs(3) + chance.within(5000)).await;
                cluster.store.is(Mood::Fair);
            }
            Fault::StoreSlow => {
                sleep(chance.within(2000)).await;
                cluster.store.is(Mood::Slow(200_000));
                sleep(Duration::from_secs(10)).await;
                cluster.store.is(Mood::Fair);
            }
            Fault::StoreHangs => {
                sleep(chance.within(4000)).await;
                cluster.store.is(Mood::Hangs);
                sleep(Duration::from_secs(30)).await;
                cluster.store.is(Mood::Fair);
            }
            Fault::BrokerCut => {
                sleep(chance.within(5000)).await;
                cluster.first_workers[1].is(Mood::Refuses);
                sleep(chance.within(5000)).await;
                cluster.first_workers[1].is(Mood::Fair);
            }
            Fault::Partition => {
                sleep(chance.within(5000)).await;
                cluster.first_workers.iter().for_each(|wire| wire.is(Mood::Hangs));
                sleep(SILENCE).await;
                cluster.first_workers.iter().for_each(|wire| wire.is(Mood::Fair));
            }
            Fault::DiskFull => {
                let filler = cluster.intake.seen_by_it(&cluster.place("intake").join("filler"));
                sleep(chance.within(600)).await;
                // What a scan on its way has of it is free again when that scan is through.
                loop {
                    fill(&filler);
                    let met = refused.wait_for(|times| *times > 0);
                    if let Ok(met) = timeout(Duration::from_millis(20), met).await {
                        met.expect("no scan met the full disk");
                        break;
                    }
                }
                sleep(Duration::from_secs(2) + chance.within(3000)).await;
                std::fs::remove_file(filler).unwrap();
                away = Some(Away::Usual(Role::Intake));
            }
            Fault::Poison => poison(cluster, self.runs).await,
            Fault::Clock => {
                let clock = cluster.place("clock");
                let jump = ["+3600", "-3600"][chance.either()];
                sleep(chance.within(4000)).await;
                std::fs::write(&clock, jump).unwrap();
                sleep(Duration::from_secs(5) + chance.within(10_000)).await;
                std::fs::write(&clock, "+0").unwrap();
                away = Some(Away::Usual(Role::FirstWorker));
            }
            Fault::Tomorrow => {
                sleep(chance.within(3000)).await;
                announce_of_tomorrow(cluster, dossier);
                let told =
                    |view: &ParkedView| view.job == "translate" && view.dossier == dossier.code;
                parked(cluster, told).await;
            }
        }
        (Instant::now(), away)
    }

    /// Undoes what was to last until everything was done.
    pub(super) fn bring_back(&mut self, away: Option<Away>) {
        let cluster = &mut self.cluster;
        match away {
            None => {}
            Some(Away::Worker(which)) => cluster.workers[which].launch(),
            Some(Away::Node(nth)) => cluster.parts.start_node(nth),
            Some(Away::Usual(Role::Intake)) => cluster.intake.move_to(Surroundings::Usual),
            Some(Away::Usual(Role::FirstWorker)) => {
                cluster.workers[0].move_to(Surroundings::Usual);
            }
        }
    }
}

/// Arms a point wherever a process may come by, waits until one did and was killed, and starts it
/// again.
async fn at(cluster: &mut Cluster, point: Point, chance: &mut Chance) {
    match point {
        // Each of a dossier's jobs comes by; some come after the sixth, however fast it goes.
        Point::JobTaken | Point::ResultStored | Point::JobsSent => {
            let until = cluster.jobs_done() + usize::try_from(chance.below(7)).unwrap();
            while cluster.jobs_done() < until {
                sleep(Duration::from_millis(50)).await;
            }
        }
        _ => sleep(chance.within(600)).await,
    }
    cluster.arm(point);
    cluster.died();
    sleep(chance.within(2000)).await;
    cluster.launch();
}

/// Sends a page that kills every reader to a dossier of its own, and waits until a person is
/// shown it.
async fn poison(cluster: &Cluster, run: u64) {
    let other = cluster.open(&opening(&somebody(run))).await;
    let page = [jpeg_page(1).as_slice(), &run.to_be_bytes(), b"#crash"].concat();
    cluster.scan(&other, &page).await;
    parked(cluster, |view| view.dossier == other.code && view.code == "reader.crashed").await;
}

/// Takes every byte that is left.
fn fill(file: &std::path::Path) {
    use std::io::Write;
    let mut file = std::fs::File::options().create(true).append(true).open(file).unwrap();
    for size in [65_536, 4096, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

fn kill(pid: u32) {
    drop(std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status());
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
async fn parked(cluster: &Cluster, told: impl Fn(&ParkedView) -> bool) {
    let since = Instant::now();
    loop {
        let list: Vec<ParkedView> = cluster.get("/v1/parked").await;
        if list.iter().any(&told) {
            return;
        }
        assert!(since.elapsed() < COMES_BY, "not parked: {list:?}");
        sleep(Duration::from_millis(100)).await;
    }
}
