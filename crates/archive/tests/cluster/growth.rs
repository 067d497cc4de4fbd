//! What happens to a dossier costs the same however many there are: `make bench-cluster`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use archive::Archive;
use jiff::Timestamp;
use schemas::Uuid;
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
    let mut sizes = sizes.split_whitespace().map(|size| size.parse::<u32>().unwrap());
    let smallest = sizes.next().unwrap();
    let base = Form::new().await;
    fill(&base, smallest / PAGES_EACH).await;
    let mut worst = 1.0_f64;
    println!("pages | open a dossier | acknowledge a scan | take a job | requirements");
    for (nth, pages) in sizes.enumerate() {
        let form = Form::new().await;
        fill(&form, pages / PAGES_EACH).await;
        let forms = [&base, &form];
        let [mut few, mut many] = work_on_dossiers(forms).await;
        let [asked_few, asked_many] = ask_for_requirements(forms, &programs).await;
        few.push(asked_few);
        many.push(asked_many);
        if nth == 0 {
            println!("{smallest} | {}", told(&few, &few));
        }
        println!("{pages} | {}", told(&many, &few));
        let ratios = many.iter().zip(&few).map(|(cost, base)| times(*cost, *base));
        worst = ratios.fold(worst, f64::max);
    }
    assert!(worst <= MOST, "{worst:.2} times");
}

fn times(cost: Duration, base: Duration) -> f64 {
    cost.as_secs_f64() / base.as_secs_f64()
}

/// Each cost, and how many times that of `base` it is.
fn told(costs: &[Duration], base: &[Duration]) -> String {
    let each = costs.iter().zip(base).map(|(cost, base)| {
        format!("{:.2} ms ({:.2}×)", cost.as_secs_f64() * 1000.0, times(*cost, *base))
    });
    each.collect::<Vec<_>>().join(" | ")
}

/// Seeds so many dossiers, and does once what is done to one. Indexes are made when all rows are
/// there, and what refers to rows that are seeded, too, isn't looked up: minutes in place of an hour.
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
    settle(form, &["outbox", "audit_pending"]).await;
    let archive = Archive::open(&form.place()).await.unwrap();
    live(&archive).await;
    archive.close().await;
}

/// Nothing is to be done in that archive but what is measured, and nothing to be written of what was.
async fn settle(form: &Form, emptied: &[&str]) {
    let mut tool = form.tool().await;
    for table in emptied {
        tool.execute(AssertSqlSafe(format!("delete from {table}"))).await.unwrap();
    }
    tool.execute("vacuum analyze").await.unwrap();
    tool.execute("checkpoint").await.unwrap();
    assert!(Command::new("sync").status().unwrap().success());
}

/// Medians, for each archive, of what the records do for opening a dossier, acknowledging a scan and
/// taking a job. Each is done in both in turn, so what else the machine does is as much in the one's
/// figures as in the other's.
async fn work_on_dossiers(forms: [&Form; 2]) -> [Vec<Duration>; 2] {
    let mut archives = Vec::new();
    for form in forms {
        settle(form, &["outbox"]).await;
        archives.push(Archive::open(&form.place()).await.unwrap());
    }
    let mut took: [[Vec<Duration>; 3]; 2] = Default::default();
    for nth in 0..TIMES {
        for (archive, took) in archives.iter().zip(&mut took) {
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
    }
    for archive in archives {
        archive.close().await;
    }
    took.map(|took| took.map(median).to_vec())
}

/// The same of all of `POST /v1/requirements`, to a process of Sohoa's over each.
async fn ask_for_requirements(forms: [&Form; 2], programs: &Path) -> [Duration; 2] {
    let mut desks = Vec::new();
    for form in forms {
        settle(form, &["outbox", "audit_pending", "job"]).await;
        desks.push(Desk::open(form, programs));
    }
    let mut took: [Vec<Duration>; 2] = Default::default();
    for _ in 0..TIMES {
        for (desk, took) in desks.iter_mut().zip(&mut took) {
            took.push(desk.ask());
        }
    }
    took.map(|mut took| {
        // What was asked first warmed connections and statements.
        took.drain(..20);
        median(took)
    })
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
        let name = Uuid::new_v4().to_string();
        let key = ["access", "key", "new", &name, "--role", "officer", "--everywhere"];
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
