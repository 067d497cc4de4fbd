//! What happens to a dossier costs the same however many there are: `make bench-cluster`.

use std::time::{Duration, Instant};

use archive::Archive;
use jiff::Timestamp;
use schemas::ids::Blake3;
use schemas::message::Lane;
use sqlx::Executor;

use crate::bed::{NUMBER, new_dossier, new_scan, open_new};
use crate::form::Form;
use crate::plans::{live, seed};

/// Each is done so often; the median is told.
const TIMES: u32 = 300;

/// Pages that the seed gives a dossier.
const PAGES_EACH: u32 = 4;

/// Costs may differ so much between sizes.
const MOST: f64 = 1.5;

#[tokio::test]
#[ignore = "takes minutes and gigabytes; see `make bench-cluster`"]
#[expect(clippy::print_stdout, reason = "a table for a person")]
#[expect(clippy::disallowed_methods, reason = "what to measure is told to this test alone")]
async fn growth_of_the_records_changes_no_cost() {
    let sizes = std::env::var("SOHOA_BENCH_PAGES").unwrap_or_else(|_| "10000 1000000".to_owned());
    let mut first: Option<[Duration; 4]> = None;
    let mut worst = 1.0_f64;
    println!("pages | open a dossier | acknowledge a scan | take a job | records of a citizen");
    for pages in sizes.split_whitespace().map(|size| size.parse::<u32>().unwrap()) {
        let form = Form::new().await;
        seed(&form, pages / PAGES_EACH).await;
        form.tool().await.execute("delete from outbox").await.unwrap();
        form.tool().await.execute("vacuum analyze").await.unwrap();
        let archive = Archive::open(&form.place()).await.unwrap();
        live(&archive).await;
        let costs = costs(&archive).await;
        archive.close().await;
        let base = *first.get_or_insert(costs);
        let told = costs.iter().zip(base).map(|(cost, base)| {
            let ratio = cost.as_secs_f64() / base.as_secs_f64();
            worst = worst.max(ratio);
            format!("{:.2} ms ({ratio:.2}×)", cost.as_secs_f64() * 1000.0)
        });
        println!("{pages} | {}", told.collect::<Vec<_>>().join(" | "));
    }
    assert!(worst <= MOST, "{worst:.2} times");
}

/// Medians of what the records do for opening a dossier, acknowledging a scan, taking a job, and
/// answering what a citizen has to bring.
async fn costs(archive: &Archive) -> [Duration; 4] {
    let mut took: [Vec<Duration>; 4] = Default::default();
    for nth in 0..TIMES {
        let (records, now) = (&archive.records, Timestamp::now());
        let new = new_dossier("H1", Lane::Counter);
        let since = Instant::now();
        let dossier = open_new(records, &new, now).await.unwrap();
        took[0].push(since.elapsed());

        let blob = Blake3(*blake3::hash(&nth.to_le_bytes()).as_bytes());
        let scan = new_scan(dossier.id, blob, None);
        let since = Instant::now();
        records.accept_scan(&scan, now).await.unwrap();
        took[1].push(since.elapsed());

        let since = Instant::now();
        let delivery = archive.queue.take().await.unwrap().unwrap();
        took[2].push(since.elapsed());
        archive.queue.done(delivery).await.unwrap();

        let since = Instant::now();
        assert_eq!(records.records_of(NUMBER).await.unwrap().len(), 1);
        took[3].push(since.elapsed());
    }
    took.map(|mut took| {
        took.sort_unstable();
        took[took.len() / 2]
    })
}
