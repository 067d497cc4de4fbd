//! How fast jobs go through the table and through the broker:
//! `cargo test --workspace --test cluster -- --ignored --nocapture throughput`.

use std::time::{Duration, Instant};

use archive::{Archive, Broker};
use schemas::message::Lane;

use crate::bed::Bed;
use crate::rabbitmq::broker;

/// Workers that take and end jobs without doing anything.
const WORKERS: usize = 8;

async fn jobs_per_second(broker: Option<Broker>) -> f64 {
    let bed = Bed::pages("A", Lane::Backlog, "4000").await;
    let bed = bed.again_with(|place| place.broker = broker).await;
    bed.archive.queue.prefetch(2 * WORKERS);
    // What begins is not what is measured.
    drain(&bed.archive, 1000).await;
    let since = Instant::now();
    drain(&bed.archive, 3000).await;
    3000.0 / since.elapsed().as_secs_f64()
}

async fn drain(archive: &Archive, jobs: usize) {
    let workers = (0..WORKERS).map(|_| {
        let queue = archive.queue.clone();
        tokio::spawn(async move {
            for _ in 0..jobs / WORKERS {
                queue.done(queue.next().await.unwrap()).await.unwrap();
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures; it can't fail"]
async fn throughput_with_the_broker_beside_the_table() {
    for _ in 0..3 {
        let table = jobs_per_second(None).await;
        let carried = jobs_per_second(Some(broker())).await;
        let ratio = carried / table;
        eprintln!("table {table:.0} jobs/s, broker {carried:.0} jobs/s, ratio {ratio:.2}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
