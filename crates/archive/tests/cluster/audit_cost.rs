//! What the audit costs: lookups and requirements beside the same without it, and beside the chain
//! whose one row all lookups waited for once: `make bench-audit`.

use std::time::{Duration, Instant};

use archive::Archive;
use jiff::Timestamp;
use schemas::Uuid;
use schemas::clock::today;
use schemas::ids::PrincipalId;
use schemas::record::Record;
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use tokio::task::JoinSet;

use crate::bed::{Bed, NUMBER, SOMEBODY, bed, filed, request};

/// Each is done so often, in turns; the median is told.
const TIMES: usize = 400;

/// Who asks at once.
const CROWD: usize = 8;

/// Lookups of each of them.
const EACH: usize = 100;

/// What a lookup did before it left a line.
const PUT: &str = "
    insert into lookup (lookup_id, record_id, asked_at, question, body, chain_hash)
    values ($1, $2, $3, 'q', $4, 'h')";

async fn published(bed: &Bed) -> Record {
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    bed.publish(&dossier, document.id).await
}

/// A lookup as it was, without the audit; with the old chain where `chained`.
async fn bare(on: &AnyPool, record: &Record, chained: bool) {
    let id = Uuid::new_v4().to_string();
    let body = serde_json::to_string(record).unwrap();
    let mut tx = on.begin().await.unwrap();
    if chained {
        let next = "update chain set length = length + 1 where name = 'lookup'";
        sqlx::query(next).execute(&mut *tx).await.unwrap();
    }
    let before = "select question, body, chain_hash from lookup where lookup_id = $1";
    sqlx::query(before).bind(&id).fetch_optional(&mut *tx).await.unwrap();
    let in_use = "select hash from record where record_id = $1 and version = 1 for share";
    let record = record.id.to_string();
    sqlx::query(in_use).bind(&record).fetch_one(&mut *tx).await.unwrap();
    let put = sqlx::query(PUT).bind(&id).bind(&record).bind(1_i64).bind(body);
    put.execute(&mut *tx).await.unwrap();
    if chained {
        let link = "update chain set hash = 'h' where name = 'lookup'";
        sqlx::query(link).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn median(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1000.0
}

async fn looked_up(archive: &Archive, record: &Record) {
    let asked = request(record, "Đăng ký kết hôn");
    archive.records.put_lookup(SOMEBODY, &asked, record, Timestamp::now()).await.unwrap();
}

/// Lookups a second of a crowd.
async fn a_second(mut tasks: JoinSet<()>) -> f64 {
    let since = Instant::now();
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    (CROWD * EACH) as f64 / since.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "measures; see `make bench-audit`"]
#[expect(clippy::print_stdout, reason = "a table for a person")]
async fn what_the_audit_costs() {
    let bed = bed().await;
    let record = published(&bed).await;
    let records = bed.archive.records.clone();
    // Lines are bound meanwhile, as in a running office.
    let keeper = tokio::spawn({
        let records = records.clone();
        async move {
            loop {
                records.link_audit().await.unwrap();
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    });
    // Connections as the archive has them.
    let on = AnyPoolOptions::new().max_connections(6).test_before_acquire(false);
    let on = on.connect(&bed.form.url()).await.unwrap();
    let (principal, mut took) = (PrincipalId::random(), [const { Vec::new() }; 4]);
    for _ in 0..TIMES {
        let since = Instant::now();
        bare(&on, &record, false).await;
        took[0].push(since.elapsed());
        let since = Instant::now();
        looked_up(&bed.archive, &record).await;
        took[1].push(since.elapsed());
        let since = Instant::now();
        records.procedure(&record.procedure, today()).await.unwrap();
        let held = records.records_of(NUMBER).await.unwrap();
        took[2].push(since.elapsed());
        let told: Vec<_> = held.iter().map(|held| (held.id, held.version)).collect();
        let who = (principal, "Đăng ký kết hôn");
        records.told(&told, who, Timestamp::now()).await.unwrap();
        took[3].push(since.elapsed());
    }
    let [bare_ms, lookup_ms, asked_ms, told_ms] = took.map(median);
    println!("lookup: {bare_ms:.2} ms without, {lookup_ms:.2} ms with: {:.2}", lookup_ms / bare_ms);
    println!(
        "records of a citizen: {asked_ms:.2} ms without, {told_ms:.2} ms with: + {:.2} ms",
        told_ms - asked_ms
    );
    let mut rates = Vec::new();
    for chained in [Some(true), Some(false), None] {
        let mut tasks = JoinSet::new();
        for _ in 0..CROWD {
            let (archive, record, on) = (bed.archive.clone(), record.clone(), on.clone());
            tasks.spawn(async move {
                for _ in 0..EACH {
                    match chained {
                        Some(chained) => bare(&on, &record, chained).await,
                        None => looked_up(&archive, &record).await,
                    }
                }
            });
        }
        rates.push(a_second(tasks).await);
    }
    keeper.abort();
    println!(
        "{CROWD} at once, lookups a second: {:.0} with the old chain, {:.0} without any, {:.0} audited",
        rates[0], rates[1], rates[2]
    );
}
