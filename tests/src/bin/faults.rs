//! The fault table: each fault so many times on a running cluster, at moments told by a seed.
#![allow(missing_docs, clippy::print_stdout, reason = "a tool for measuring")]

use std::time::Duration;

use clap::Parser;
use tests::Parts;
use tests::faults::{Fault, Trial};

/// Breaks a running cluster again and again and prints the fault table.
#[derive(Parser)]
struct Options {
    /// Runs of each fault.
    #[arg(default_value_t = 20)]
    runs: u64,
    /// Faults whose name holds one of these; all of them when left out.
    only: Vec<String>,
    /// Where the moments begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which cluster of this machine: two of them at once take half the time.
    #[arg(long, default_value_t = 1)]
    cluster: u16,
}

#[tokio::main]
async fn main() {
    let Options { runs, only, seed, cluster } = Options::parse();
    let parts: &'static Parts =
        Box::leak(Box::new(Parts::start(&format!("faults-{cluster}"), cluster, 3)));
    let chosen = |fault: &Fault| {
        let name = fault.to_string();
        only.is_empty() || only.iter().any(|word| name.contains(word.as_str()))
    };
    println!(
        "{:<20} {:>4} {:>6} {:>5} {:>8} {:>8} {:>6} {:>6} {:>8} {:>8}",
        "fault",
        "runs",
        "pages",
        "lost",
        "doubled",
        "differ",
        "amiss",
        "again",
        "median s",
        "worst s"
    );
    let mut whole = true;
    let mut trial = Trial::begin(parts).await;
    for fault in Fault::all().into_iter().filter(chosen) {
        if !fault.is_possible() {
            println!("{fault:<20} not tried: this machine lets nobody mount a small disk");
            continue;
        }
        let mut outcomes = Vec::new();
        for run in 0..runs {
            let outcome = trial.run(fault, seed + run).await;
            if !outcome.is_whole() {
                eprintln!("{fault}, seed {}: {outcome:?}", seed + run);
                whole = false;
            }
            outcomes.push(outcome);
        }
        let mut recoveries: Vec<Duration> = outcomes.iter().map(|one| one.recovery).collect();
        recoveries.sort_unstable();
        let sum = |count: fn(&tests::faults::Outcome) -> usize| -> usize {
            outcomes.iter().map(count).sum()
        };
        println!(
            "{fault:<20} {:>4} {:>6} {:>5} {:>8} {:>8} {:>6} {:>6} {:>8.1} {:>8.1}",
            outcomes.len(),
            sum(|one| one.pages),
            sum(|one| one.lost),
            sum(|one| one.doubled),
            sum(|one| usize::from(!one.differs.is_empty())),
            sum(|one| one.amiss.len()),
            sum(|one| one.again),
            recoveries.get(recoveries.len() / 2).map_or(0.0, Duration::as_secs_f64),
            recoveries.last().map_or(0.0, Duration::as_secs_f64),
        );
    }
    drop(trial);
    parts.stop();
    std::process::exit(i32::from(!whole));
}
