//! What happens to a dossier costs the same however many there are: `make bench-cluster`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use archive::Archive;
use jiff::Timestamp;
use schemas::ids::Blake3;
use schemas::message::Lane;
use sqlx::{AssertSqlSafe, Executor, Row};
use tempfile::TempDir;

use crate::bed::{MASTER, NUMBER, new_dossier, new_scan, open_new};
use crate::form::Form;
use crate::plans::{live, seed};
use crate::rabbitmq;

/// Each is done so often; the median is told.
const TIMES: u32 = 300;

/// Pages that the seed gives a dossier.
const PAGES_EACH: u32 = 4;

/// The indexes that no key stands on, and how each is dropped and made.
const INDEXES: &str = "
    select 'drop index ' || quote_ident(indexname) as drop_it, indexdef as make_it
    from pg_indexes
    where schemaname = current_schema()
      and not exists (select 1 from pg_constraint where conname = indexname)";

/// Costs may differ so much between sizes.
const MOST: f64 = 1.5;

#[tokio::test]
#[ignore = "takes minutes and gigabytes; see `make bench-cluster`"]
#[expect(clippy::print_stdout, reason = "a table for a person")]
#[expect(clippy::disallowed_methods, reason = "what to measure is told to this test alone")]
async fn growth_of_the_records_changes_no_cost() {
    let sizes = std::env::var("SOHOA_BENCH_PAGES").unwrap_or_else(|_| "10000 1000000".to_owned());
    let programs = PathBuf::from(std::env::var("SOHOA_BENCH_PROGRAMS").unwrap());
    let mut first: Option<[Duration; 4]> = None;
    let mut worst = 1.0_f64;
    println!("pages | open a dossier | acknowledge a scan | take a job | requirements");
    for pages in sizes.split_whitespace().map(|size| size.parse::<u32>().unwrap()) {
        let form = Form::new().await;
        fill(&form, pages / PAGES_EACH).await;
        form.tool().await.execute("delete from outbox").await.unwrap();
        form.tool().await.execute("vacuum analyze").await.unwrap();
        let archive = Archive::open(&form.place()).await.unwrap();
        live(&archive).await;
        let [open, scan, job] = costs(&archive).await;
        archive.close().await;
        let costs = [open, scan, job, requirements(&form, &programs).await];
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

/// Seeds so many dossiers. Indexes are made when all rows are there, and what refers to rows that are
/// seeded, too, isn't looked up: minutes in place of an hour.
async fn fill(form: &Form, dossiers: u32) {
    Archive::open(&form.place()).await.unwrap().close().await;
    let mut tool = form.tool().await;
    let indexes = tool.fetch_all(INDEXES).await.unwrap();
    let told = |what| indexes.iter().map(move |index| AssertSqlSafe(index.get::<String, _>(what)));
    for drop in told("drop_it") {
        tool.execute(drop).await.unwrap();
    }
    let alter = |what| AssertSqlSafe(format!("alter database {} {what}", form.database()));
    tool.execute(alter("set session_replication_role = replica")).await.unwrap();
    seed(form, dossiers, &[]).await;
    tool.execute(alter("reset session_replication_role")).await.unwrap();
    tool.execute("set maintenance_work_mem = '1GB'").await.unwrap();
    for make in told("make_it") {
        tool.execute(make).await.unwrap();
    }
}

/// Medians of what the records do for opening a dossier, acknowledging a scan and taking a job.
async fn costs(archive: &Archive) -> [Duration; 3] {
    let mut took: [Vec<Duration>; 3] = Default::default();
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
    }
    took.map(median)
}

/// Median of `POST /v1/requirements`, all of it, to a process of Sohoa's over that database.
async fn requirements(form: &Form, programs: &Path) -> Duration {
    // Nothing else is to be done meanwhile.
    for table in ["outbox", "job", "audit_pending"] {
        let delete = AssertSqlSafe(format!("delete from {table}"));
        form.tool().await.execute(delete).await.unwrap();
    }
    form.tool().await.execute("vacuum analyze").await.unwrap();
    let mut desk = Desk::open(form, programs);
    let mut took: Vec<Duration> = (0..TIMES).map(|_| desk.ask()).collect();
    // What was asked first warmed connections and statements.
    took.drain(..20);
    median(took)
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

/// `sohoa records`, and a line to it. Dropping it kills it.
struct Desk {
    process: Child,
    line: BufReader<TcpStream>,
    key: String,
    _folder: TempDir,
}

impl Desk {
    fn open(form: &Form, programs: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let (config, master) = (folder.path().join("sohoa.toml"), folder.path().join("master"));
        std::fs::write(&master, MASTER.repeat(32)).unwrap();
        let store = crate::form::part("seaweedfs");
        let text = format!(
            "[database]\nurl = {:?}\n[broker]\nurl = {:?}\nprefix = {prefix:?}\n\
             [store]\nendpoint = {store:?}\nbucket = \"sohoa\"\nprefix = \"{prefix}/\"\n\
             access_key = \"sohoa\"\nsecret_key = \"sohoa-local\"\n\
             [keys]\nmaster_file = {master:?}\n",
            form.url(),
            rabbitmq::shared().url(rabbitmq::VHOST),
            prefix = form.database(),
        );
        std::fs::write(&config, text).unwrap();
        let sohoa = |words: &[&str]| {
            let mut command = Command::new(programs.join("sohoa"));
            command.args(["--log", "warn"]).args(words).arg("--config").arg(&config);
            command.arg("--data").arg(folder.path().join(words[0]));
            command
        };
        assert!(sohoa(&["migrate"]).status().unwrap().success());
        let key = ["access", "key", "new", "growth", "--role", "officer", "--everywhere"];
        let key = sohoa(&key).output().unwrap();
        assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
        let mut process =
            sohoa(&["records", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(process.stderr.take().unwrap()).lines();
        // The first line that isn't a log line says where it listens.
        let mut told = told.map_while(Result::ok);
        let address = told.find_map(|line| Some(line.split_once("http://")?.1.to_owned())).unwrap();
        // Whatever else it says.
        std::thread::spawn(move || told.for_each(drop));
        let line = BufReader::new(TcpStream::connect(address.trim()).unwrap());
        line.get_ref().set_nodelay(true).unwrap();
        let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
        Self { process, line, key, _folder: folder }
    }

    /// What a citizen has to bring who has a birth certificate already.
    fn ask(&mut self) -> Duration {
        let body = serde_json::json!({
            "procedure": "1.004884",
            "subject": { "type": "citizen", "number": NUMBER, "name": "Nguyễn Thị Mẫu",
                "born": "1999-01-01" },
            "purpose": "Đăng ký lại khai sinh",
        });
        let (body, key) = (body.to_string(), &self.key);
        let head = format!(
            "POST /v1/requirements HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let since = Instant::now();
        self.line.get_mut().write_all(head.as_bytes()).unwrap();
        let (mut status, mut length, mut line) = (String::new(), 0, String::new());
        self.line.read_line(&mut status).unwrap();
        while self.line.read_line(&mut line).unwrap() > 2 {
            if let Some(told) = line.strip_prefix("content-length: ") {
                length = told.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut answer = vec![0; length];
        self.line.read_exact(&mut answer).unwrap();
        let took = since.elapsed();
        let answer = String::from_utf8(answer).unwrap();
        assert!(status.contains(" 200 "), "{status}{answer}");
        assert!(answer.contains("\"held\""), "{answer}");
        took
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        _ = self.process.kill().is_ok();
        _ = self.process.wait().is_ok();
    }
}
