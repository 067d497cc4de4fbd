//! What happens is told to others: signed, in order, again until they have it, and what hangs is
//! seen with its reason. The subscriber is a server of the test's own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use schemas::api::{DeliveryFate, DeliveryTrouble, DeliveryView, DossierView};
use schemas::event::EventKind;
use tempfile::TempDir;
use tests::{opening, somebody};

use crate::Stage;
use crate::receiver::{Receiver, SECRETS};

async fn open_and_close(stage: &Stage) -> DossierView {
    let dossier = stage.open(&opening(&somebody(1))).await;
    let close = stage.url(&format!("/v1/dossiers/{}/close", dossier.code));
    assert!(stage.http.post(close).send().await.unwrap().status().is_success());
    dossier
}

/// What `sohoa deliveries` says, and how it ends.
fn deliveries(stage: &Stage, args: &[&str]) -> (Option<i32>, String) {
    let server = stage.desk("/v1/deliveries");
    let output = stage.command(&[&["deliveries", "--server", server], args].concat());
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Waits until the first delivery is as wanted.
async fn until(stage: &Stage, wanted: impl Fn(&DeliveryView) -> bool) -> DeliveryView {
    let since = Instant::now();
    loop {
        let all: Vec<DeliveryView> = stage.get("/v1/deliveries").await;
        if let Some(found) = all.iter().find(|one| wanted(one)) {
            return found.clone();
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_signed_in_order_and_again_until_it_is_heard() {
    let receiver = Receiver::start().await;
    receiver.answers(&[503, 500]);
    let stage = Stage::start_with(&receiver.config("")).await;
    let dossier = open_and_close(&stage).await;
    let heard = receiver.heard(4).await;
    let kinds: Vec<EventKind> = heard.iter().map(|heard| heard.event().kind).collect();
    use EventKind::{Closed, Opened};
    assert_eq!(kinds, [Opened, Opened, Opened, Closed], "none passes the one before");
    for heard in &heard {
        let event = heard.event();
        assert_eq!(heard.header("content-type"), "application/cloudevents+json");
        assert_eq!(heard.header("webhook-id"), event.id.to_string());
        assert_eq!(event.subject, dossier.code);
        assert_eq!(event.source, "urn:sohoa:office:H26.01.02");
        assert!(SECRETS.iter().all(|secret| heard.is_signed_with(secret)));
        assert!(!heard.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
        // Nothing of whom it is about.
        let subject = somebody(1);
        for personal in [subject.reveal_number(), subject.name().reveal()] {
            assert!(!heard.body.contains(personal), "{}", heard.body);
        }
    }
    let bodies: Vec<&str> = heard[..3].iter().map(|heard| heard.body.as_str()).collect();
    assert_eq!(bodies, [bodies[0]; 3], "the same at every attempt");
    assert!(heard[2].event().sequence < heard[3].event().sequence);
    let all: Vec<DeliveryView> = stage.get("/v1/deliveries?fate=delivered").await;
    assert_eq!(all.iter().map(|one| one.attempts).collect::<Vec<_>>(), [3, 1]);
    let (code, told) = deliveries(&stage, &["list"]);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_is_seen_with_its_reason_and_decided_by_a_person() {
    let receiver = Receiver::start().await;
    receiver.answers(&[410, 302, 410]);
    let events = "events = [\"sohoa.dossier.opened\", \"sohoa.dossier.closed\"]";
    let stage = Stage::start_with(&receiver.config(events)).await;
    open_and_close(&stage).await;
    let hung = until(&stage, |one| one.fate == DeliveryFate::Hung).await;
    assert_eq!((hung.trouble, hung.status), (Some(DeliveryTrouble::Gone), Some(410)));
    // What hangs lets the next one go, and nobody follows it elsewhere.
    let sent_on = until(&stage, |one| one.event == EventKind::Closed && 0 < one.attempts).await;
    let redirected = sent_on.trouble == Some(DeliveryTrouble::Redirected);
    assert!(redirected || sent_on.trouble == Some(DeliveryTrouble::Gone), "{sent_on:?}");
    let closed =
        until(&stage, |one| one.event == EventKind::Closed && one.fate == DeliveryFate::Hung);
    let closed = closed.await;
    let (code, told) = deliveries(&stage, &["list"]);
    assert_eq!(code, Some(5), "something hangs");
    assert!(told.contains("mot-cua") && told.contains("(HTTP"), "{told}");
    let (_, told) = deliveries(&stage, &["list", "--json"]);
    assert!(told.contains("Nơi nhận báo không nhận nữa."), "{told}");
    assert!(stage.metrics().await.contains("sohoa_deliveries_hung 2"));

    assert_eq!(deliveries(&stage, &["retry", &hung.id.to_string()]).0, Some(0));
    assert_eq!(deliveries(&stage, &["drop", &closed.id.to_string()]).0, Some(0));
    let heard = receiver.heard(4).await;
    assert_eq!(heard[3].event().id, hung.event_id, "as it was, and nothing else");
    assert_eq!(deliveries(&stage, &["list"]).0, Some(0), "nothing hangs any more");
    assert_eq!(deliveries(&stage, &["drop", &hung.id.to_string()]).0, Some(3), "it was heard");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_told_by_tls_only_if_somebody_who_is_trusted_vouches_for_it() {
    let receiver = Receiver::start().await;
    let (port, authority) = receiver.over_tls().await;
    let address = format!("https://localhost:{port}");
    let mistrusting = Stage::start_with(&receiver.config_at(&address, "")).await;
    open_and_close(&mistrusting).await;
    let waits = until(&mistrusting, |one| 0 < one.attempts).await;
    assert_eq!(waits.trouble, Some(DeliveryTrouble::Unreachable));
    assert!(receiver.heard.lock().unwrap().is_empty());
    drop(mistrusting);
    let ca = format!("ca = {authority:?}");
    let stage = Stage::start_with(&receiver.config_at(&address, &ca)).await;
    open_and_close(&stage).await;
    until_delivered(&stage, 2).await;
    assert!(receiver.heard(2).await[0].is_signed_with(SECRETS[0]));
    drop(stage);
    // Vouched for, and by another name than its own.
    let address = format!("https://127.0.0.1:{port}");
    let misled = Stage::start_with(&receiver.config_at(&address, &ca)).await;
    open_and_close(&misled).await;
    let waits = until(&misled, |one| 0 < one.attempts).await;
    assert_eq!(waits.trouble, Some(DeliveryTrouble::Unreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_delays_what_is_told_and_loses_nothing() {
    let receiver = Receiver::start().await;
    receiver.answers(&[500; 2]);
    let mut stage = Stage::start_with(&receiver.config("")).await;
    open_and_close(&stage).await;
    receiver.heard(1).await;
    stage.kill();
    receiver.answers.lock().unwrap().clear();
    stage.launch();
    until_delivered(&stage, 2).await;
    let last = receiver.heard.lock().unwrap().last().unwrap().event();
    assert_eq!(last.kind, EventKind::Closed);
}

async fn until_delivered(stage: &Stage, count: usize) {
    let since = Instant::now();
    loop {
        let all: Vec<DeliveryView> = stage.get("/v1/deliveries?fate=delivered").await;
        if all.len() == count {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn an_office_that_could_not_tell_anybody_does_not_start() {
    let folder = TempDir::new().unwrap();
    let started = |config: &str| {
        let file = folder.path().join("sohoa.toml");
        std::fs::write(&file, config).unwrap();
        let output = Command::new(tests::binary("sohoa"))
            .args(["all", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .arg("--config")
            .arg(&file)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRETS[0]).unwrap();
    let config = |url: &str, file: &Path| {
        format!(
            "[[exchange.webhooks]]\nname = \"mot-cua\"\nurl = \"{url}\"\nsecret_file = {file:?}"
        )
    };
    let nowhere = folder.path().join("nowhere");
    for (config, wanted) in [
        (config("https://127.0.0.1/nhan", &secret), "lies inside"),
        (config("http://motcua.example.vn/nhan", &secret), "https://"),
        (config("https://motcua.example.vn/nhan", &nowhere), "nowhere"),
        ("[exchange.topic]".to_owned(), "no [broker]"),
    ] {
        let (code, told) = started(&config);
        assert!(code == Some(1) && told.contains(wanted), "{code:?} {told}");
        assert!(!told.contains(SECRETS[0]));
    }
}
