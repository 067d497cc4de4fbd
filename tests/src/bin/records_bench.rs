//! What requirements and lookups take beside the bare SQL that they need, with as many records as
//! a province has: `make bench-records`.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring")]

use std::time::{Duration, Instant};

use clap::Parser;
use jiff::Timestamp;
use schemas::audit::{Act, AuditLine};
use schemas::record::{Owner, Record};
use schemas::subject::Subject;
use serde_json::{Value, json};
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor, Row, Transaction};
use tests::{Cluster, Parts, Stage, Station, Story, raw};

/// Measures what `POST /v1/requirements` and `POST /v1/lookups` take over HTTP, and what the SQL
/// behind them takes alone, in turns.
#[derive(Parser)]
struct Options {
    /// Records on PostgreSQL, those of a third as many citizens; none leaves it out.
    #[arg(long, default_value_t = 10_000_000)]
    records: u64,
    /// Records on SQLite; none leaves it out.
    #[arg(long, default_value_t = 200_000)]
    embedded: u64,
    /// How often each is done.
    #[arg(long, default_value_t = 2000)]
    times: u64,
}

/// What it is asked for.
const PROCEDURE: &str = "1.004222";
const CASE: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";
const PURPOSE: &str = "Đăng ký thường trú";

/// Provinces whose codes numbers begin with, a million citizens in each.
const PROVINCES: [&str; 10] =
    ["001", "002", "004", "006", "008", "010", "011", "012", "014", "015"];

/// Rows put in at once.
const BATCH: u64 = 500_000;

#[tokio::main]
async fn main() {
    let Options { records, embedded, times } = Options::parse();
    install_default_drivers();
    println!("form | records | asked | p50 ms: SQL, Sohoa | p99 ms: SQL, Sohoa | p99 in times");
    if embedded > 0 {
        let stage = Stage::start().await;
        let url = format!("sqlite://{}", stage.data().join("sohoa.sqlite").display());
        let on = only(&url).await;
        // As the archive has it.
        on.execute("pragma busy_timeout = 30000").await.unwrap();
        on.execute("pragma synchronous = full").await.unwrap();
        Bench::seeded(&stage, on, embedded).await.measure("SQLite", times).await;
    }
    if records > 0 {
        let parts: &'static Parts = Box::leak(Box::new(Parts::start("records-bench", 3, 1)));
        let cluster = Cluster::start_alone(parts, "").await;
        let url = cluster.database();
        let on = only(&url).await;
        let bench = Bench::seeded(&cluster, on, records).await;
        bench.on.execute("vacuum analyze").await.unwrap();
        bench.measure("PostgreSQL", times).await;
        drop(cluster);
        parts.stop();
    }
}

/// One connection, which nobody asks whether it is there: what the SQL costs, and nothing else.
async fn only(url: &str) -> AnyPool {
    let pool = AnyPoolOptions::new().max_connections(1).test_before_acquire(false);
    pool.connect(url).await.unwrap()
}

/// A Sohoa full of records, and the way to its database beside it.
struct Bench<'a> {
    station: &'a Station,
    on: AnyPool,
    records: u64,
    citizens: u64,
    /// The one record that was published; the others are made after it.
    model: Record,
}

impl<'a> Bench<'a> {
    /// Puts a dossier through, and many records beside the first that came of it.
    async fn seeded(station: &'a Station, on: AnyPool, records: u64) -> Self {
        let story = Story::told("khai-sinh");
        station.put_through(&story.opening(None), &story.scans()).await;
        let row = sqlx::query("select record_id, body from record order by record_id limit 1");
        let row = row.fetch_one(&on).await.unwrap();
        let mut model: Record = serde_json::from_str(row.get("body")).unwrap();
        let citizen = |owner: &Owner| matches!(owner.subject, Subject::Citizen { .. });
        model.owners.retain(citizen);
        model.owners.truncate(1);
        let bench = Self { station, on, records, citizens: (records * 3 / 10).max(1), model };
        let mut first = 0;
        while first < records {
            bench.put(first, records.min(first + BATCH)).await;
            first += BATCH;
        }
        bench
    }

    /// Puts records in, from one number to before another: each its citizen's alone.
    async fn put(&self, from: u64, to: u64) {
        let own = self.number_of(&self.model);
        let body = serde_json::to_string(&self.model).unwrap();
        let of_citizen = format!("n % {}", self.citizens);
        let province = PROVINCES
            .iter()
            .enumerate()
            .fold(String::new(), |sql, (nth, code)| format!("{sql} when {nth} then '{code}'"));
        // Both dialects know this: as many digits as are wanted, zeros before.
        let digits = |what: &str, of: u64| format!("substr(cast({of} + {what} as text), 2)");
        let number = format!(
            "(case {of_citizen} / 1000000 {province} end) || '{middle}' || {last}",
            middle = &own[3..6],
            last = digits(&format!("{of_citizen} % 1000000"), 1_000_000),
        );
        let id = format!("'{}' || {}", &id_of(0)[..24], digits("n", 1_000_000_000_000));
        let seed = format!(
            "with recursive seed (n) as (
                 select cast({from} as bigint) union all select n + 1 from seed where n + 1 < {to})"
        );
        let record = format!(
            "insert into record (record_id, version, document_id, dossier_id, revision,
                 digitisation_code, state, published_at, hash, pdf, body)
             {seed}
             select {id}, 1, document_id, dossier_id, revision, digitisation_code, 'published',
                 published_at, hash, pdf, replace(replace($1, $2, {id}), $3, {number})
             from seed, record where record_id = $2 and version = 1"
        );
        let own_id = self.model.id.to_string();
        let put = sqlx::query(AssertSqlSafe(record)).bind(body).bind(own_id).bind(own);
        put.execute(&self.on).await.unwrap();
        let owner = format!(
            "insert into record_owner (number, record_id, version)
             {seed} select {number}, {id}, 1 from seed"
        );
        sqlx::query(AssertSqlSafe(owner)).execute(&self.on).await.unwrap();
    }

    fn number_of(&self, record: &Record) -> String {
        record.owners[0].subject.reveal_number().to_owned()
    }

    /// The owner of a record, as an officer types it.
    fn owner(&self, nth: u64) -> (String, Value) {
        let citizen = nth % self.citizens;
        let province = PROVINCES[usize::try_from(citizen / 1_000_000).unwrap()];
        let middle = &self.number_of(&self.model)[3..6];
        let number = format!("{province}{middle}{:06}", citizen % 1_000_000);
        let mut subject = serde_json::to_value(raw(&self.model.owners[0].subject)).unwrap();
        subject["number"] = number.clone().into();
        (number, subject)
    }

    /// Asks each in turns, and tells the figures.
    async fn measure(&self, form: &str, times: u64) {
        let mut took: [Vec<Duration>; 5] = Default::default();
        // What is asked first warms connections and statements.
        for turn in 0..times + 20 {
            // Spread over all records, never the same citizen's twice.
            let nth = (turn * 2 + 1) * self.records / (2 * (times + 20));
            let (number, subject) = self.owner(nth);
            let lap = [
                timed(self.bare_requirements(&number)).await,
                timed(self.requirements(&subject)).await,
                timed(self.bare_lookup(&id_of(nth), true)).await,
                timed(self.lookup(&id_of(nth), &subject)).await,
                timed(self.bare_lookup(&id_of(nth), false)).await,
            ];
            if turn >= 20 {
                took.iter_mut().zip(lap).for_each(|(took, lap)| took.push(lap));
            }
        }
        took.iter_mut().for_each(|took| took.sort_unstable());
        let at = |which: usize, hundredths: usize| {
            took[which][(took[which].len() * hundredths / 100).min(took[which].len() - 1)]
                .as_secs_f64()
                * 1000.0
        };
        for (asked, sql) in [("requirements", 0), ("lookups", 2)] {
            println!(
                "{form} | {} | {asked} | {:.2}, {:.2} | {:.2}, {:.2} | {:.2}",
                self.records,
                at(sql, 50),
                at(sql + 1, 50),
                at(sql, 99),
                at(sql + 1, 99),
                at(sql + 1, 99) / at(sql, 99),
            );
        }
        let line = at(2, 50) - at(4, 50);
        println!(
            "{form} | {} | a lookup's line in the audit: {line:.2} ms of {:.2}, adds {:.0} %",
            self.records,
            at(3, 50),
            100.0 * line / (at(3, 50) - line),
        );
    }

    async fn requirements(&self, subject: &Value) {
        let asked = json!({ "procedure": PROCEDURE, "case": CASE, "subject": subject,
            "purpose": PURPOSE });
        let _: Value = self.station.post("/v1/requirements", &asked).await;
    }

    async fn lookup(&self, record: &str, subject: &Value) {
        let asked = json!({ "request": schemas::Uuid::new_v4(), "record": record,
            "subject": subject, "purpose": PURPOSE, "asked_by": "may-do" });
        let _: Value = self.station.post("/v1/lookups", &asked).await;
    }

    /// The procedure and the records are read, and that they were told of is written.
    async fn bare_requirements(&self, number: &str) {
        const ENTRY: &str = "select version, valid_from, valid_to, digest, body
            from procedure_version where code = $1 and valid_to is null";
        const OWNED: &str = "select record.version, state, published_at, hash, pdf, body
            from record join record_owner using (record_id, version)
            where number = $1 and state = 'published' order by published_at, record_id";
        sqlx::query(ENTRY).bind(PROCEDURE).fetch_one(&self.on).await.unwrap();
        let held = sqlx::query(OWNED).bind(number).fetch_all(&self.on).await.unwrap();
        assert!(!held.is_empty());
        let mut tx = self.on.begin().await.unwrap();
        leave(&mut tx).await;
        tx.commit().await.unwrap();
    }

    /// The record is read, and the lookup is written, with its line in the audit or without.
    async fn bare_lookup(&self, record: &str, audited: bool) {
        const LATEST: &str = "select version, state, published_at, hash, pdf, body from record
            where record_id = $1 order by version desc limit 1";
        const PUT: &str = "insert into lookup
            (lookup_id, record_id, asked_at, question, body, chain_hash)
            values ($1, $2, $3, $4, $5, $4)";
        let row = sqlx::query(LATEST).bind(record).fetch_one(&self.on).await.unwrap();
        let (body, hash): (String, String) = (row.get("body"), row.get("hash"));
        let mut tx = self.on.begin().await.unwrap();
        let put = sqlx::query(PUT).bind(schemas::Uuid::new_v4().to_string()).bind(record);
        put.bind(1_i64).bind(hash).bind(body).execute(&mut *tx).await.unwrap();
        if audited {
            leave(&mut tx).await;
        }
        tx.commit().await.unwrap();
    }
}

/// A line of the audit, where they wait to be bound.
async fn leave(tx: &mut Transaction<'_, Any>) {
    const PUT: &str = "insert into audit_pending (line_id, body) values ($1, $2)";
    let line = AuditLine {
        purpose: Some(PURPOSE.to_owned()),
        ..AuditLine::new(Act::Told, Timestamp::now())
    };
    let body = serde_json::to_string(&line).unwrap();
    sqlx::query(PUT).bind(line.id.to_string()).bind(body).execute(&mut **tx).await.unwrap();
}

async fn timed(what: impl Future<Output = ()>) -> Duration {
    let since = Instant::now();
    what.await;
    since.elapsed()
}

/// The id of a record by its number.
fn id_of(nth: u64) -> String {
    format!("00000000-0000-4000-8000-{nth:012}")
}
