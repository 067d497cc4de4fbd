//! A database or a store that says nothing any more, and does not end its connections either; callers
//! who don't wait for it; those who wait for each other.

use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use archive::{
    AcceptError, Archive, ArchiveError, Asked, Findings, Patience, Place, SecretKey, Store,
};
use jiff::Timestamp;
use schemas::ids::Blake3;
use schemas::message::Lane;
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::bed::{Bed, SOMEBODY, accept, bed, new_scan, open, request};
use crate::check::grow_old;
use crate::form::server;
use crate::queue::{announce, take};
use crate::rabbitmq::{Wire, broker};
use crate::subjects::{done, erase};

/// Longest time until everything goes on.
const HEALED: Duration = Duration::from_secs(150);

/// Longest time until a store is asked the next thing.
const ASKED: Duration = Duration::from_secs(20);

/// How long the store thinks before it tells how old a blob is.
const THINKS: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_flow_again_after_the_database_went_away_without_a_word() {
    let (address, _) = server().rsplit_once('/').unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    let wire = Wire::to(port.parse().unwrap()).await;
    let bed = bed().await;
    let by_wire = bed.form.url().replace(&format!(":{port}/"), &format!(":{}/", wire.port));
    let bed = bed.again_with(|place| {
        place.broker = Some(broker());
        place.database = Some(by_wire.parse().unwrap());
    });
    let bed = bed.await;
    bed.archive.queue.prefetch(4);
    announce(&bed, "A", Lane::Counter, 1).await;
    let held = take(&bed).await;

    wire.go_dead();
    // What the connections held goes with them, as where another server takes over.
    let ended = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'sohoa'";
    assert!(0 < bed.tamper(ended).await);
    let other = Archive::open(&bed.form.place()).await.unwrap();
    let dossier = open(&other, "B", Lane::Counter).await;
    accept(&other, dossier.id, b"scan").await;

    let next = async {
        loop {
            match bed.archive.queue.next().await {
                Ok(delivery) if delivery.message.dossier == dossier.id => return delivery,
                // The first one's lease is over by now.
                Ok(_) => {}
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    };
    let extended = timeout(HEALED, bed.archive.queue.extend(&held));
    let (extended, next) = tokio::join!(extended, timeout(HEALED, next));
    assert!(extended.is_ok(), "a lease is extended for ever");
    assert!(next.is_ok(), "no job flows");
}

/// Lets go of what is asked when it was woken so many times.
async fn leave_after(wakes: u32, asking: impl Future) {
    let (mut asking, mut left) = (pin!(asking), wakes);
    std::future::poll_fn(|cx| match left.checked_sub(1) {
        None => Poll::Ready(()),
        Some(fewer) => {
            left = fewer;
            asking.as_mut().poll(cx).map(|_| ())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_stops_waiting_leaves_no_transaction_open() {
    const OPEN: &str = "select count(*) as open from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'";
    let bed = bed().await;
    bed.dossier().await;
    let mut tool = bed.form.tool().await;
    for wakes in 1..40 {
        leave_after(wakes, bed.dossier()).await;
        // Until the connection is back with the others.
        let mut open = 1;
        for _ in 0..50 {
            sleep(Duration::from_millis(10)).await;
            open = sqlx::query(OPEN).fetch_one(&mut tool).await.unwrap().get::<i64, _>("open");
            if open == 0 {
                break;
            }
        }
        assert_eq!(open, 0, "left after {wakes}");
    }
}

/// The store at that port.
fn store_at(port: u16) -> Store {
    Store {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        region: "us-east-1".to_owned(),
        bucket: "sohoa".to_owned(),
        prefix: String::new(),
        access_key: "sohoa".to_owned(),
        secret_key: SecretKey::new("sohoa-local".to_owned()),
        ca: None,
        path_style: true,
        encryption: None,
        patience: Patience::default(),
    }
}

/// A store where everything is old, and no removal ever ends: its port.
async fn slow_store() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4];
                if client.read_exact(&mut asked).await.is_err() {
                    return;
                }
                if asked != *b"HEAD" {
                    return std::future::pending().await;
                }
                sleep(THINKS).await;
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\
                    Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n";
                client.write_all(answer.as_bytes()).await.unwrap();
                std::future::pending().await
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scans_are_accepted_while_a_blob_of_nobodys_is_removed_from_a_slow_store() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let store = Some(store_at(slow_store().await));
    let slow = Archive::open(&Place { store, ..bed.form.place() }).await.unwrap();
    let mut found = Findings::default();
    found.add("blob.orphan", Blake3::of(b"nobody's"), true);
    let mending = tokio::spawn(async move { slow.mend(&found).await });

    sleep(THINKS / 4).await;
    let began = Instant::now();
    accept(&bed.archive, dossier.id, b"while its age is asked for").await;
    assert!(began.elapsed() < THINKS / 2, "{:?}", began.elapsed());
    sleep(THINKS).await;
    let began = Instant::now();
    accept(&bed.archive, dossier.id, b"while it is removed").await;
    assert!(began.elapsed() < THINKS / 2, "{:?}", began.elapsed());
    assert_eq!(mending.await.unwrap().unwrap(), [], "left for another time");
    // It may be removed yet.
    let key = bed.archive.blobs.put(b"nobody's").await.unwrap();
    let again = new_scan(dossier.id, key, None);
    let refused = bed.archive.records.accept_scan(&again, Timestamp::now()).await;
    let unavailable = matches!(
        refused,
        Err(AcceptError::Archive(ArchiveError::Unavailable { what: "needing a blob", .. }))
    );
    assert!(unavailable, "{refused:?}");
    assert_eq!(bed.tamper("update removal set asked_at = asked_at - 3600000000").await, 1);
    accept(&bed.archive, dossier.id, b"nobody's").await;
}

/// What a store is asked.
pub(crate) struct Question {
    /// The first line of the request, in small letters.
    line: String,
    answer: oneshot::Sender<String>,
}

impl Question {
    pub(crate) fn answer(self, status: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n");
        self.answer.send(format!("{head}Connection: close\r\n\r\n{body}")).unwrap();
    }
}

/// A store that answers as it is told to.
pub(crate) struct ToldStore {
    pub(crate) store: Store,
    questions: mpsc::Receiver<Question>,
}

impl ToldStore {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let store = store_at(listener.local_addr().unwrap().port());
        let (asks, questions) = mpsc::channel(8);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let asks = asks.clone();
                tokio::spawn(async move {
                    let Some(line) = hear(&mut client).await else { return };
                    let (answer, told) = oneshot::channel();
                    _ = asks.send(Question { line, answer }).await.is_ok();
                    if let Ok(told) = told.await {
                        _ = client.write_all(told.as_bytes()).await.is_ok();
                    }
                });
            }
        });
        Self { store, questions }
    }

    /// The next question, whose first line begins so.
    pub(crate) async fn asked(&mut self, begins: &str) -> Question {
        let question = timeout(ASKED, self.questions.recv()).await.expect("it is asked nothing");
        let question = question.unwrap();
        assert!(question.line.starts_with(begins), "{} and not {begins}", question.line);
        question
    }
}

/// The first line of a request, once all of that is there.
async fn hear(client: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).await.ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    client.read_exact(&mut body).await.ok()?;
    head.lines().next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_transaction_waits_while_a_large_store_lists_its_blobs_for_a_check() {
    const OPEN: &str = "select pid from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'";
    let bed = bed().await;
    let mut large = ToldStore::start().await;
    let store = Some(large.store.clone());
    let archive = Archive::open(&Place { store, ..bed.form.place() }).await.unwrap();
    let name = Blake3::of(b"nobody's").to_string();
    let (shard, rest) = name.split_at(2);
    let list = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated>
         <Contents><Key>blobs/{shard}/{rest}</Key></Contents></ListBucketResult>"
    );
    let lists = async {
        let question = large.asked("get /sohoa").await;
        assert!(question.line.contains("list-type=2"), "{}", question.line);
        assert_eq!(bed.tamper(OPEN).await, 0);
        question.answer("200 OK", &list);
        // It went since.
        large.asked("head /sohoa/blobs/").await.answer("404 Not Found", "");
        let question = large.asked("get /sohoa").await;
        assert!(question.line.contains("uploads"), "{}", question.line);
        question.answer("200 OK", "<ListMultipartUploadsResult></ListMultipartUploadsResult>");
    };
    let (checked, ()) = tokio::join!(archive.check(None), lists);
    let checked = checked.unwrap();
    assert_eq!((checked.blobs, checked.findings), (1, Vec::new()));
}

/// Comes back when somebody waits for a lock.
async fn somebody_waits(bed: &Bed) {
    const WAIT: &str = "select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let mut tool = bed.form.tool().await;
    for _ in 0..1000 {
        if !sqlx::query(WAIT).fetch_all(&mut tool).await.unwrap().is_empty() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scans_are_accepted_while_a_dossier_is_held_for_long_and_a_blob_is_to_be_removed() {
    let bed = bed().await;
    let (held, dossier) = (bed.dossier().await, bed.dossier().await);
    let orphan = bed.archive.blobs.put(b"nobody's").await.unwrap();
    grow_old(&bed, orphan);
    let found = bed.archive.check(None).await.unwrap();
    assert_eq!(found.findings.len(), 1);
    let mut tool = bed.form.tool().await;
    tool.execute("begin").await.unwrap();
    let hold = format!("update dossier set turn = turn + 1 where dossier_id = '{}'", held.id);
    tool.execute(AssertSqlSafe(hold)).await.unwrap();

    let accepted = async {
        somebody_waits(&bed).await;
        let began = Instant::now();
        accept(&bed.archive, dossier.id, b"one scan").await;
        began.elapsed()
    };
    let (mended, took) = tokio::join!(bed.archive.mend(&found), accepted);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(mended.unwrap(), [], "left for another time");
    assert!(bed.archive.blobs.contains(orphan).await.unwrap());
    tool.execute("rollback").await.unwrap();
    assert_eq!(bed.archive.mend(&found).await.unwrap().len(), 1);
    assert!(!bed.archive.blobs.contains(orphan).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lookup_that_is_kept_at_the_moment_its_record_is_erased_goes_with_it() {
    let bed = bed().await;
    let (dossier, _) = done(&bed).await;
    let mut tool = bed.form.tool().await;
    for sql in [
        "begin",
        "select record_id from record for share",
        "insert into lookup (lookup_id, record_id, asked_at, question, body, chain_hash)
         select 'late', record_id, 1, 'q', body, hash from record",
    ] {
        tool.execute(sql).await.unwrap();
    }
    let keeps = async {
        somebody_waits(&bed).await;
        tool.execute("commit").await.unwrap();
    };
    let (erased, ()) = tokio::join!(erase(&bed, dossier.id, true, true), keeps);
    assert_eq!(erased.unwrap().records.len(), 1);
    assert_eq!(bed.tamper("delete from lookup").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_record_that_is_being_erased_no_near_match_is_kept() {
    let bed = bed().await;
    let (_, record) = done(&bed).await;
    let owner = &record.owners[0].subject;
    let asked = Asked { number: "012345678".to_owned(), ..Asked::from(owner) };
    let lookup = request(&record, "Đăng ký kết hôn");
    let mut tool = bed.form.tool().await;
    for sql in ["begin", "delete from record"] {
        tool.execute(sql).await.unwrap();
    }
    let erases = async {
        somebody_waits(&bed).await;
        tool.execute("commit").await.unwrap();
    };
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let near = records.put_near(SOMEBODY, &lookup, (&asked, owner), now);
    let (kept, ()) = tokio::join!(near, erases);
    assert!(!kept.unwrap());
    assert_eq!(bed.tamper("delete from near_match").await, 0);
}
