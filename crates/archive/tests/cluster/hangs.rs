//! A database or a store that says nothing any more, and does not end its connections either; callers
//! who don't wait for it.

use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use archive::{AcceptError, Archive, ArchiveError, Findings, Patience, Place, SecretKey, Store};
use jiff::Timestamp;
use schemas::ids::Blake3;
use schemas::message::Lane;
use sqlx::Row;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::bed::{accept, bed, new_scan, open};
use crate::form::server;
use crate::queue::{announce, take};
use crate::rabbitmq::{Wire, broker};

/// Longest time until everything goes on.
const HEALED: Duration = Duration::from_secs(150);

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
    let store = Store {
        endpoint: Some(format!("http://127.0.0.1:{}", slow_store().await)),
        region: "us-east-1".to_owned(),
        bucket: "sohoa".to_owned(),
        prefix: String::new(),
        access_key: "sohoa".to_owned(),
        secret_key: SecretKey::new("sohoa-local".to_owned()),
        ca: None,
        path_style: true,
        encryption: None,
        patience: Patience::default(),
    };
    let slow = Archive::open(&Place { store: Some(store), ..bed.form.place() }).await.unwrap();
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
