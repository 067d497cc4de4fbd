//! What a cluster costs and gains, on this machine: `make bench-cluster`. Figures go to a table
//! for a person and, a JSON object a line, to a file for the plot.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring")]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use schemas::api::{DossierView, OpenDossier};
use schemas::message::Lane;
use serde_json::{Value, json};
use tests::{Cluster, Parts, Station, jpeg_page, opening, somebody};
use tokio::task::JoinSet;

/// Measures a cluster: what an intake takes beside bare PUTs, what a second worker brings,
/// how long a counter's page waits behind a backlog, and what memory an intake has then.
#[derive(Parser)]
struct Options {
    /// Pages to be read by one worker, and again by two.
    #[arg(long, default_value_t = 120)]
    pages: u64,
    /// Scans to be taken, and as many bare PUTs.
    #[arg(long, default_value_t = 600)]
    scans: u64,
    /// Pages of the backlog before the counter's.
    #[arg(long, default_value_t = 5000)]
    backlog: u64,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench/cluster.jsonl")]
    to: PathBuf,
}

/// Bytes of a scan in the comparison with bare PUTs: those of a page at 200 dots an inch.
const SCAN_BYTES: usize = 500_000;

/// Sent at once.
const AT_ONCE: u64 = 8;

/// Pages of the counter whose time is measured.
const COUNTED: u64 = 15;

#[tokio::main]
async fn main() {
    let Options { pages, scans, backlog, to } = Options::parse();
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut told = Told(File::create(to).unwrap());
    let parts: &'static Parts = Box::leak(Box::new(Parts::start("cluster-bench", 2, 1)));

    let mut cluster = Cluster::start_alone(parts, "").await;
    cluster.stop_workers(0);
    let bare = bare_puts(&cluster, scans).await;
    let taken = scans_taken(&cluster, scans).await;
    told.tell(
        "intake",
        "scans",
        json!({ "bare_puts_per_s": bare, "scans_per_s": taken }),
        taken / bare,
    );
    drop(cluster);

    let mut rates = Vec::new();
    for workers in [1, 2] {
        let mut cluster = Cluster::start_alone(parts, "").await;
        cluster.stop_workers(workers);
        rates.push(pages_read(&cluster, pages).await);
    }
    let told_rates = json!({ "one_per_min": rates[0], "two_per_min": rates[1] });
    told.tell("workers", "pages", told_rates, rates[1] / rates[0]);

    let cluster = Cluster::start_alone(parts, "").await;
    let idle = counters_page(&cluster, 0).await;
    let tenth = backlog / 10;
    fill(&cluster, 0, tenth).await;
    let [early, _] = cluster.intake_memory();
    fill(&cluster, tenth, backlog - tenth).await;
    let [late, most] = cluster.intake_memory();
    let megabytes = json!({ "early_mb": early, "late_mb": late, "most_mb": most });
    told.tell("memory", "megabytes", megabytes, late / early);
    let behind = counters_page(&cluster, COUNTED).await;
    let seconds = json!({ "idle_s": idle, "behind_s": behind, "backlog": backlog });
    told.tell("counter", "seconds", seconds, behind / idle);
    drop(cluster);
    parts.stop();
}

/// Where figures go.
struct Told(File);

impl Told {
    fn tell(&mut self, what: &str, of: &str, figures: Value, ratio: f64) {
        println!("{what}: {figures}, ratio {ratio:.2}");
        let line = json!({ "what": what, "of": of, "figures": figures, "ratio": ratio });
        writeln!(self.0, "{line}").unwrap();
    }
}

/// A scan that no other is, which nobody has to be able to read.
fn scan(seed: u64) -> Vec<u8> {
    // The head says that it is a JPEG; what follows can't be made smaller.
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 16, b'J', b'F', b'I', b'F', 0];
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while bytes.len() < SCAN_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

/// PUTs a second into the same store, by the same wire.
async fn bare_puts(cluster: &Cluster, count: u64) -> f64 {
    let store = cluster.bare_store();
    let scans: Vec<Vec<u8>> = (0..count).map(|seed| scan(count + seed)).collect();
    let since = Instant::now();
    at_once(scans, |nth, scan| {
        let put = store.put_object().bucket("sohoa").key(format!("bare/{nth}"));
        async move { drop(put.body(scan.into()).send().await.unwrap()) }
    })
    .await;
    per_second(count, since.elapsed())
}

/// Scans acknowledged a second, of as many counters as send at once. No worker is there: it is the
/// intake that is measured.
async fn scans_taken(cluster: &Cluster, count: u64) -> f64 {
    let mut urls = Vec::new();
    for counter in 0..AT_ONCE {
        let dossier = cluster.open(&opening(&somebody(counter))).await;
        urls.push(cluster.url(&format!("/v1/dossiers/{}/scans", dossier.code)));
    }
    let scans: Vec<Vec<u8>> = (0..count).map(scan).collect();
    let since = Instant::now();
    at_once(scans, |nth, scan| {
        let sent = cluster.http.post(&urls[nth % urls.len()]).body(scan);
        async move { assert!(sent.send().await.unwrap().status().is_success()) }
    })
    .await;
    per_second(count, since.elapsed())
}

/// Pages read a minute.
async fn pages_read(cluster: &Cluster, count: u64) -> f64 {
    let pages: Vec<Vec<u8>> = (0..count).map(jpeg_page).collect();
    let mut dossiers = Vec::new();
    for seed in 0..count / 10 {
        dossiers.push(cluster.open(&opening(&somebody(seed))).await);
    }
    let since = Instant::now();
    for (nth, page) in pages.iter().enumerate() {
        cluster.scan(&dossiers[nth % dossiers.len()], page).await;
    }
    for dossier in &dossiers {
        read(cluster, dossier).await;
    }
    60.0 * per_second(count, since.elapsed())
}

/// Puts so many pages into the backlog of another office, from somebody on.
async fn fill(cluster: &Cluster, from: u64, count: u64) {
    const EACH: u64 = 100;
    let page = jpeg_page(1);
    for seed in 0..count.div_ceil(EACH) {
        let office = Some("H26.02".parse().unwrap());
        let backlog =
            OpenDossier { lane: Lane::Backlog, office, ..opening(&somebody(from + seed)) };
        let dossier = cluster.open(&backlog).await;
        let url = cluster.url(&format!("/v1/dossiers/{}/scans", dossier.code));
        let marks = EACH.min(count - seed * EACH);
        let scans = (0..marks).map(|mark| [page.as_slice(), &mark.to_be_bytes()].concat());
        at_once(scans.collect(), |_, scan| {
            let sent = cluster.http.post(&url).body(scan);
            async move { assert!(sent.send().await.unwrap().status().is_success()) }
        })
        .await;
    }
}

/// Median seconds from a counter's receipt to its page read.
async fn counters_page(cluster: &Cluster, first: u64) -> f64 {
    let mut took = Vec::new();
    for seed in first..first + COUNTED {
        let dossier = cluster.open(&opening(&somebody(seed))).await;
        let page = jpeg_page(1000 + seed);
        cluster.scan(&dossier, &page).await;
        let since = Instant::now();
        read(cluster, &dossier).await;
        took.push(since.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64()
}

/// Waits until every page of a dossier is read.
async fn read(cluster: &Station, dossier: &DossierView) {
    loop {
        let path = format!("/v1/dossiers/{}", dossier.code);
        let view: DossierView = cluster.get(&path).await;
        let unpacked =
            !view.scans.is_empty() && view.scans.iter().all(|scan| !scan.pages.is_empty());
        if unpacked && view.pages.waiting == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Does something with each, several at once.
async fn at_once<F>(scans: Vec<Vec<u8>>, each: impl Fn(usize, Vec<u8>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut sending = JoinSet::new();
    for (nth, scan) in scans.into_iter().enumerate() {
        if AT_ONCE <= sending.len() as u64 {
            sending.join_next().await.unwrap().unwrap();
        }
        sending.spawn(each(nth, scan));
    }
    sending.join_all().await;
}

fn per_second(count: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64()
}
