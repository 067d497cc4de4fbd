//! Sends what must leave: each subscriber in its own time, dossiers side by side, those of one
//! dossier in order. Of many processes one sends.

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveError, DueDelivery, Outcome, Subscriber, Topic};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use schemas::Uuid;
use schemas::api::DeliveryTrouble;
use schemas::event::MEDIA_TYPE;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::inquiries::{self, OtherKho};
use crate::national::{Known, Synchronisation, Terms};
use crate::post::{Failed, Post, SHORT};
use crate::signature::Secrets;
use crate::topic;

const JSON: &str = "application/json";

/// Deliveries of a subscriber that are taken up at once, each of another dossier.
const AT_ONCE: u32 = 32;

/// Of these, those that are on the wire at the same time.
const SIDE_BY_SIDE: usize = 8;

/// How often it is looked for what is due, beside being told.
const POLL: Duration = Duration::from_secs(1);

/// How long one process alone sends after it last said so.
const HOLD: Duration = Duration::from_secs(30);

/// How long it takes that for certain: it counts by another clock than the database.
const CERTAIN: Duration = Duration::from_secs(25);

/// How often it says so while something is on its way. It may fail once.
const HOLD_AGAIN: Duration = Duration::from_secs(8);

/// Pause after the archive failed.
const TROUBLE: Duration = Duration::from_secs(5);

/// How long deliveries are kept that were delivered, in days.
const KEPT: u64 = 30;

/// How often they are looked through.
const TIDY: Duration = Duration::from_secs(3600);

/// Somebody who is told, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it asked for.
    pub subscriber: Subscriber,
    /// How it is told.
    pub channel: Channel,
}

/// How a subscriber is told.
#[derive(Debug, Clone)]
pub enum Channel {
    /// A signed request.
    Webhook(Post, Secrets),
    /// A message on a topic.
    Topic(Topic),
    /// The dossier as the national contract has it, on those terms, whatever happened to it.
    National(Post, Option<Key>, Arc<Terms>),
    /// A question to another Kho.
    Kho(OtherKho),
}

/// A key that we show to another. Never shown elsewhere.
#[derive(Debug, Clone)]
pub struct Key(HeaderValue);

impl Key {
    /// The key of that text; none where it can't be one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut shown = HeaderValue::from_str(&format!("Bearer {}", text.trim())).ok()?;
        shown.set_sensitive(true);
        Some(Self(shown))
    }

    /// The header that shows it.
    #[must_use]
    pub fn header(self) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, self.0)])
    }
}

/// How long to wait between attempts, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Longest pause after the first attempt; each later one doubles it.
    pub first: Duration,
    /// Longest pause.
    pub longest: Duration,
    /// Age at which a delivery is given up.
    pub give_up: Duration,
}

impl Backoff {
    /// Pause after so many attempts: between half of it and all of it, so that what failed
    /// together isn't tried together.
    fn pause(&self, attempts: u32) -> Duration {
        let longest = self.longest.max(self.first);
        let pause = self.first.saturating_mul(1 << attempts.min(20)).min(longest);
        let (chance, _) = Uuid::new_v4().as_u64_pair();
        pause / 2 + (pause / 2).mul_f32(f32::from((chance >> 48) as u16) / 65_536.0)
    }

    /// What a failed attempt comes to.
    fn after(&self, delivery: &DueDelivery, failed: Failed) -> Outcome {
        let too_old = self.give_up <= delivery.age;
        // Whoever wants nothing more is not asked again and again.
        if too_old || matches!(failed.trouble, DeliveryTrouble::Gone | DeliveryTrouble::Missing) {
            return Outcome::Hangs(failed.trouble);
        }
        let asked = failed.wait.unwrap_or_default().min(self.longest);
        Outcome::Again(failed.trouble, self.pause(delivery.attempts).max(asked))
    }
}

/// What it takes to send.
#[derive(Clone)]
pub struct Sender {
    /// Where it stands what must leave.
    pub archive: Archive,
    /// Everybody who is told.
    pub targets: Vec<Target>,
    /// When what failed is tried again.
    pub backoff: Backoff,
}

/// Sends until `stop`.
pub async fn run(sender: Sender, stop: CancellationToken) {
    let (sender, holder) = (Arc::new(sender), Uuid::new_v4().to_string());
    tokio::select! {
        () = stop.cancelled() => {}
        () = send_for_ever(&sender, &holder) => {}
    }
    if let Err(error) = sender.archive.records.leave_sending(&holder).await {
        warn!(error = &error as &dyn std::error::Error, "the next to send has to wait");
    }
}

async fn send_for_ever(sender: &Arc<Sender>, holder: &str) {
    let subscribers: Vec<Subscriber> =
        sender.targets.iter().map(|target| target.subscriber.clone()).collect();
    while let Err(error) = sender.archive.records.put_subscribers(&subscribers).await {
        warn!(error = &error as &dyn std::error::Error, "who is to be told can't be written down");
        sleep(TROUBLE).await;
    }
    // They end with this set.
    let mut tasks = JoinSet::new();
    for target in 0..sender.targets.len() {
        tasks.spawn(serve(Arc::clone(sender), target, holder.to_owned()));
    }
    tasks.spawn(tidy(sender.archive.clone()));
    while tasks.join_next().await.is_some() {}
}

/// Tells one subscriber.
async fn serve(sender: Arc<Sender>, target: usize, holder: String) {
    let mut changed = sender.archive.records.changed();
    loop {
        // In this order, so that nothing falls between looking and waiting.
        changed.borrow_and_update();
        match round(&sender, target, &holder).await {
            Ok(0) => tokio::select! {
                _ = changed.changed() => {}
                () = sleep(POLL) => {}
            },
            Ok(_) => {}
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "nothing can be sent");
                sleep(TROUBLE).await;
            }
        }
    }
}

/// Sends what is due; says how much that was.
async fn round(sender: &Arc<Sender>, target: usize, holder: &str) -> Result<usize, ArchiveError> {
    let records = &sender.archive.records;
    let name = &sender.targets[target].subscriber.name;
    let due = records.due_deliveries(name, AT_ONCE).await?;
    let since = Instant::now();
    if due.is_empty() || !records.hold_sending(holder, HOLD).await? {
        return Ok(0);
    }
    // An answer with many files takes longer than the sending is held for.
    tokio::select! {
        sent = send(sender, target, due) => sent,
        () = hold_on(&sender.archive, holder, since, HOLD_AGAIN) => {
            warn!("another process may send: what is on its way here is given up");
            Ok(0)
        }
    }
}

/// Holds the sending, which was held last at `since`, for as long as that can be done; ends before
/// another may have it.
async fn hold_on(archive: &Archive, holder: &str, mut since: Instant, again: Duration) {
    loop {
        let end = since + CERTAIN;
        sleep_until(end.min(Instant::now() + again)).await;
        let asked = Instant::now();
        if end <= asked {
            return;
        }
        match timeout_at(end, archive.records.hold_sending(holder, HOLD)).await {
            Ok(Ok(true)) => since = asked,
            Ok(Ok(false)) | Err(_) => return,
            Ok(Err(error)) => {
                warn!(error = &error as &dyn std::error::Error, "the sending can't be held on to");
            }
        }
    }
}

/// Sends these; says how many they were.
async fn send(
    sender: &Arc<Sender>,
    target: usize,
    due: Vec<DueDelivery>,
) -> Result<usize, ArchiveError> {
    let count = due.len();
    // What is on the wire ends with this set.
    let mut on_the_wire = JoinSet::new();
    for delivery in due {
        if SIDE_BY_SIDE <= on_the_wire.len() {
            ended(&mut on_the_wire).await?;
        }
        on_the_wire.spawn(deliver(Arc::clone(sender), target, delivery));
    }
    while !on_the_wire.is_empty() {
        ended(&mut on_the_wire).await?;
    }
    Ok(count)
}

/// Waits for one of those on the wire.
async fn ended(on_the_wire: &mut JoinSet<Result<(), ArchiveError>>) -> Result<(), ArchiveError> {
    match on_the_wire.join_next().await {
        None => Ok(()),
        Some(Ok(done)) => done,
        Some(Err(_)) => {
            Err(ArchiveError::Unavailable { what: "sending", source: "it panicked".into() })
        }
    }
}

/// Tries a delivery once, and writes down what came of it.
async fn deliver(
    sender: Arc<Sender>,
    target: usize,
    delivery: DueDelivery,
) -> Result<(), ArchiveError> {
    let Sender { archive, targets, backoff } = &*sender;
    let Target { subscriber, channel } = &targets[target];
    let (outcome, status) = match channel.send(archive, &delivery).await {
        Ok(status) => (Outcome::Delivered, status),
        Err(failed) => (backoff.after(&delivery, failed), failed.status),
    };
    let (subscriber, attempt) = (subscriber.name.as_str(), delivery.attempts + 1);
    match outcome {
        Outcome::Delivered => {
            info!(delivery.id = %delivery.id, subscriber, attempt, "delivered");
        }
        Outcome::Again(trouble, _) => {
            warn!(delivery.id = %delivery.id, subscriber, attempt, ?trouble, "not delivered yet");
        }
        Outcome::Hangs(trouble) => {
            warn!(delivery.id = %delivery.id, subscriber, attempt, ?trouble, "delivery hangs");
        }
    }
    archive.records.tried_delivery(delivery.id, outcome, status).await
}

/// Forgets what was delivered long ago.
async fn tidy(archive: Archive) {
    loop {
        let kept = Duration::from_secs(24 * 3600 * KEPT);
        if let Err(error) = archive.records.forget_deliveries(kept).await {
            warn!(error = &error as &dyn std::error::Error, "old deliveries stay");
        }
        sleep(TIDY).await;
    }
}

impl Channel {
    /// Tries once; says the status of the answer where there is one.
    async fn send(&self, archive: &Archive, delivery: &DueDelivery) -> Result<Option<u16>, Failed> {
        match self {
            Self::Webhook(post, secrets) => {
                let headers = signed(delivery, secrets, Timestamp::now().as_second())?;
                let answer = post.send(MEDIA_TYPE, headers, delivery.body.clone(), SHORT).await?;
                Ok(Some(answer.status))
            }
            Self::National(post, key, terms) => {
                let headers = key.clone().map(Key::header).unwrap_or_default();
                let known = known(archive, delivery).await?;
                let data = vec![known.told(terms)];
                let body = Synchronisation { is_updating: delivery.known, data };
                let body = serde_json::to_string(&body).map_err(|_| DeliveryTrouble::Missing)?;
                let answer = post.send(JSON, headers, body, SHORT).await?;
                taken(&answer)?;
                let (records, results) = (&archive.records, known.told_results(terms));
                records.synced(delivery.dossier, &results).await.map_err(away)?;
                let told = [known.records()];
                records.exported(&told, (None, Timestamp::now())).await.map_err(away)?;
                Ok(Some(answer.status))
            }
            Self::Kho(kho) => inquiries::send(archive, kho, delivery).await,
            Self::Topic(topic) => topic::tell(topic, delivery).await.map(|()| None),
        }
    }
}

/// The dossier as it is now; it may have gone on since the delivery was made.
async fn known(archive: &Archive, delivery: &DueDelivery) -> Result<Known, Failed> {
    let ask = async {
        let dossier = archive.records.dossier_by_id(delivery.dossier).await?;
        let Some(dossier) = dossier else { return Ok(None) };
        Known::of(archive, dossier).await
    };
    let known: Option<Known> = ask.await.map_err(away)?;
    Ok(known.ok_or(DeliveryTrouble::Missing)?)
}

/// Our own side can't do its part just now.
fn away(error: ArchiveError) -> Failed {
    warn!(error = &error as &dyn std::error::Error, "a dossier can't be told");
    DeliveryTrouble::Unreachable.into()
}

/// Whether the other side says that it took it: `error_code` 0, as text or as a number.
fn taken(answer: &crate::post::Answer) -> Result<(), Failed> {
    let failed = |trouble| Failed { status: Some(answer.status), ..Failed::from(trouble) };
    let said: serde_json::Value =
        serde_json::from_slice(&answer.body).map_err(|_| failed(DeliveryTrouble::Nonsense))?;
    match said.get("error_code") {
        Some(code) if code == "0" || code == 0 => Ok(()),
        Some(_) => Err(failed(DeliveryTrouble::Refused)),
        None => Err(failed(DeliveryTrouble::Nonsense)),
    }
}

/// The three headers of the scheme.
fn signed(delivery: &DueDelivery, secrets: &Secrets, seconds: i64) -> Result<HeaderMap, Failed> {
    let id = delivery.event.to_string();
    let signature = secrets.sign(&id, seconds, &delivery.body);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ] {
        let value = HeaderValue::try_from(value).map_err(|_| DeliveryTrouble::Nonsense)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use archive::Place;
    use schemas::event::EventKind;
    use schemas::ids::{DeliveryId, DossierId, EventId};
    use tempfile::TempDir;
    use tokio::time::timeout;

    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(4),
        longest: Duration::from_secs(60),
        give_up: Duration::from_secs(3600),
    };

    fn due(attempts: u32, age: u64) -> DueDelivery {
        let event = EventId::of(DossierId::new(), 1);
        DueDelivery {
            id: DeliveryId::of(event, "one"),
            event,
            kind: EventKind::Closed,
            dossier: DossierId::new(),
            office: "H26.01".parse().unwrap(),
            body: "{}".to_owned(),
            attempts,
            age: Duration::from_secs(age),
            known: false,
        }
    }

    #[tokio::test]
    async fn the_sending_is_held_on_to_until_another_may_have_it() {
        let dir = TempDir::new().unwrap();
        let archive = Archive::open(&Place::at(dir.path().join("data"))).await.unwrap();
        let (records, again) = (&archive.records, Duration::from_millis(20));
        assert!(records.hold_sending("one", HOLD).await.unwrap());
        let held = hold_on(&archive, "one", Instant::now(), again);
        assert!(timeout(10 * again, held).await.is_err(), "nobody else wants it");
        assert!(!records.hold_sending("another", HOLD).await.unwrap());
        // Whoever can't say so in time isn't asked whether it may.
        hold_on(&archive, "one", Instant::now() - CERTAIN, again).await;
        records.leave_sending("one").await.unwrap();
        assert!(records.hold_sending("another", HOLD).await.unwrap());
        let lost = hold_on(&archive, "one", Instant::now(), again);
        assert!(timeout(CERTAIN / 2, lost).await.is_ok(), "another has it");
    }

    #[test]
    fn pauses_grow_to_their_longest_and_are_never_the_same_for_all() {
        for (attempts, longest) in [(0, 4), (1, 8), (3, 32), (4, 60), (40, 60)] {
            let pause = BACKOFF.pause(attempts).as_secs_f32();
            let longest = longest as f32;
            assert!((longest / 2.0..=longest).contains(&pause), "{attempts}: {pause}");
        }
        assert_ne!(BACKOFF.pause(4), BACKOFF.pause(4));
    }

    #[test]
    fn a_delivery_hangs_when_it_is_too_old_or_not_wanted() {
        let failed = Failed::from(DeliveryTrouble::Late);
        let again = BACKOFF.after(&due(2, 3599), failed);
        let Outcome::Again(DeliveryTrouble::Late, pause) = again else { panic!("{again:?}") };
        assert!((8..=16).contains(&pause.as_secs()), "{pause:?}");
        let hangs = Outcome::Hangs(DeliveryTrouble::Late);
        assert_eq!(BACKOFF.after(&due(2, 3600), failed), hangs);
        let gone = Failed::from(DeliveryTrouble::Gone);
        assert_eq!(BACKOFF.after(&due(0, 1), gone), Outcome::Hangs(DeliveryTrouble::Gone));
    }

    #[test]
    fn who_asks_to_wait_is_waited_for_but_not_for_ever() {
        let wait = |secs| Failed {
            wait: Some(Duration::from_secs(secs)),
            ..Failed::from(DeliveryTrouble::Refused)
        };
        let pause = |asked| match BACKOFF.after(&due(0, 0), wait(asked)) {
            Outcome::Again(_, pause) => pause.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!((pause(30), pause(86_400)), (30, 60));
    }
}
