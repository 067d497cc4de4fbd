//! Takes jobs off the queue and settles them. Nothing is acknowledged before its result is
//! stored, and every failure ends as retry, park or handing back, decided in one place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Archive, ArchiveError, Delivery, LEASE};
use failpoints::{Point, here};
use filing::Kinds;
use schemas::code::Reason;
use schemas::message::{Job, Message};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};
use vitals::{JobFate, PageFate};

use crate::jobs;
use crate::publish::SealFailed;
use crate::readers::{ReaderError, Readers};
use crate::rest::Rest;
use crate::sign::{Signing, SigningFailed};
use crate::throughput::Throughput;

/// Everything the work needs.
pub struct Desk {
    /// The outside world.
    pub archive: Archive,
    /// Who reads.
    pub readers: Arc<Readers>,
    /// Kinds of paper.
    pub kinds: Kinds,
    /// How long a dossier must be quiet before its documents are sealed, so that a paper whose
    /// pages are still being fed is not published page by page.
    pub quiet: Duration,
    /// How long a job may take; [`LONGEST_JOB`] usually.
    pub longest_job: Duration,
    /// Who signs what is published.
    pub signing: Signing,
    /// What the PDFs say made them: `Sohoa 0.1.0`.
    pub made_by: String,
}

/// How long a job may take before it is taken for one that never ends, as over a token or a disk
/// that doesn't answer. A reader has two minutes for a question at most, and a job waits for two
/// others', a start before each: 7 minutes. The largest scan, from a store that is at the end of
/// our patience at every attempt, takes 14. That leaves 9 for a paper of hundreds of pages to be
/// brought and sealed.
pub const LONGEST_JOB: Duration = Duration::from_secs(30 * 60);

/// Why a job has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Reader(#[from] ReaderError),
    #[error(transparent)]
    Seal(#[from] SealFailed),
    #[error(transparent)]
    Sign(#[from] SigningFailed),
    #[error("message of version {0}, later than {known}", known = Message::VERSION)]
    TooNew(u16),
    #[error("papers are encrypted, and this process lacks the master key for them")]
    NoMaster,
    #[error("the work panicked")]
    Panicked,
    #[error("the work did not end within {} s", .0.as_secs())]
    Endless(Duration),
}

/// What becomes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Finished; forget it.
    Done,
    /// The world failed; again, after a pause.
    Retry(Duration),
    /// It can't succeed by being tried again; a person looks at it.
    Park(Reason),
    /// This process lacks what it takes; somebody else may have it, and the attempt doesn't count.
    HandBack,
}

/// How long what is in hand may take after `stop` before it is handed back: with what a reader
/// and the queue need to end, that is within ten seconds.
const GRACE: Duration = Duration::from_secs(6);

/// Works until `stop`, then finishes what is in hand or, where that takes too long, hands it
/// back.
///
/// # Errors
/// When the queue can't be asked any more.
pub async fn run(desk: Arc<Desk>, stop: CancellationToken) -> anyhow::Result<()> {
    // One hand more than readers: while one stores a result, none of them stands idle. And one for
    // the counter alone: whoever waits there doesn't wait for a page of the backlog.
    let hands = desk.readers.count() + 1;
    desk.archive.queue.prefetch(hands + 1);
    let throughput = Arc::new(Throughput::default());
    let told = tokio::spawn(throughput.clone().tell(desk.archive.records.clone()));
    let rest = Arc::new(Rest::default());
    let kept = {
        let (desk, rest) = (desk.clone(), rest.clone());
        async move { rest.keep(&desk.archive.queue, &desk.readers, hands + 1).await }
    };
    let kept = tokio::spawn(kept);
    let ended = tokio::try_join!(
        take(&desk, hands, Of::Both, &throughput, &rest, &stop),
        take(&desk, 1, Of::Counter, &throughput, &rest, &stop)
    );
    told.abort();
    kept.abort();
    desk.readers.close().await;
    ended.map(|_| ())
}

/// Lanes that a hand takes jobs of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Both,
    Counter,
}

/// Takes jobs and settles so many at once, until `stop`; ends when all of them are.
async fn take(
    desk: &Arc<Desk>,
    hands: usize,
    of: Of,
    throughput: &Arc<Throughput>,
    rest: &Arc<Rest>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let hands = Arc::new(Semaphore::new(hands));
    let mut in_hand = JoinSet::new();
    loop {
        let hand = hands.clone().acquire_owned().await?;
        let next = async {
            rest.over().await;
            match of {
                Of::Both => desk.archive.queue.next().await,
                Of::Counter => desk.archive.queue.next_of_counter().await,
            }
        };
        let delivery = tokio::select! {
            () = stop.cancelled() => break,
            delivery = next => delivery,
        };
        match delivery {
            Ok(delivery) => {
                let (desk, stop, throughput) = (desk.clone(), stop.clone(), throughput.clone());
                let rest = rest.clone();
                in_hand.spawn(async move {
                    settle(desk, delivery, &rest, stop).await;
                    throughput.ended_one();
                    drop(hand);
                });
            }
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "queue can't be asked");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        while in_hand.try_join_next().is_some() {}
    }
    while in_hand.join_next().await.is_some() {}
    Ok(())
}

/// How often a worker says that it has a job: a few times in a lease, so that a database which is
/// away for a moment costs nobody their job.
const BEAT: Duration = Duration::from_secs(5);

/// How long it waits for an answer: one that is slow still comes in time, and where none comes
/// another can be asked for before the lease is over.
const ANSWER: Duration = Duration::from_secs(10);

/// How long to wait before a job's fate that could not be stored is stored again.
const FATE_PAUSE: Duration = Duration::from_secs(5);

/// How long storing a job's fate may take in all: longer than whoever waits for a database that
/// still answers.
const LONGEST_FATE: Duration = Duration::from_secs(180);

/// One job from delivery to fate. The job runs in a task of its own: a panic costs one attempt.
async fn settle(desk: Arc<Desk>, delivery: Delivery, rest: &Rest, stop: CancellationToken) {
    let message = delivery.message.clone();
    let attempt = delivery.attempt;
    let (job, target) = (message.job.name(), message.job.target(message.dossier));
    let span = info_span!("job", dossier.id = %message.dossier, job, job.target = %target, attempt);
    if let Some(parent) = &message.traceparent {
        vitals::trace::follow(&span, parent);
    }
    let work = {
        let (desk, message) = (desk.clone(), message.clone());
        async move { work(&desk, &message).await }.instrument(span.clone())
    };
    let mut work = tokio::spawn(work);
    let kept = async {
        tokio::select! {
            ended = &mut work => {
                let result = ended.unwrap_or(Err(Failure::Panicked));
                end(&desk, &delivery, result, rest, &stop).await;
            }
            // In all of them its reader dies with it.
            () = tokio::time::sleep(desk.longest_job) => {
                work.abort();
                let result = Err(Failure::Endless(desk.longest_job));
                end(&desk, &delivery, result, rest, &stop).await;
            }
            () = late(&stop) => {
                work.abort();
                hand_back(&desk, delivery).await;
            }
            () = lost(|| desk.archive.queue.extend(&delivery)) => {
                work.abort();
                vitals::job(delivery.message.job.name(), JobFate::Lost);
                warn!("job is somebody else's by now");
            }
        }
    };
    kept.instrument(span).await;
}

/// Says again and again, by extending the lease, that this worker lives and has the job; ends when
/// somebody else has it.
async fn lost<Extending>(extend: impl Fn() -> Extending)
where
    Extending: Future<Output = Result<bool, ArchiveError>>,
{
    let mut beats = tokio::time::interval_at(tokio::time::Instant::now() + BEAT, BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        // What goes unanswered, as over a connection that is dead, may do so for longer than the
        // lease has left; the next one goes another way.
        match tokio::time::timeout(ANSWER, extend()).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return,
            // It may be back before the lease is over.
            Ok(Err(error)) => {
                warn!(error = &error as &dyn std::error::Error, "lease not extended");
            }
            Err(_late) => warn!("lease not extended: no answer"),
        }
    }
}

/// Ends when what is still in hand must be handed back.
async fn late(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// Decides the job's fate and stores it.
async fn end(
    desk: &Desk,
    delivery: &Delivery,
    result: Result<(), Failure>,
    rest: &Rest,
    stop: &CancellationToken,
) {
    let fate = decide(&result, delivery.attempt);
    let job = delivery.message.job.name();
    match &result {
        Ok(()) => rest.worked(job),
        Err(failure) if fate == Fate::HandBack => rest.begin(job, failure),
        Err(failure) => warn!(error = failure as &dyn std::error::Error, ?fate, "job failed"),
    }
    count(&delivery.message.job, fate);
    let detail = result.err().map(|failure| failure.to_string()).unwrap_or_default();
    // A disk that is full fails this too. When the lease runs out or this process ends, the
    // job comes again; every job may.
    let since = Instant::now();
    let stored = async {
        while let Err(error) = store(desk, delivery, fate, &detail).await {
            error!(error = &error as &dyn std::error::Error, "job's fate not stored");
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(FATE_PAUSE) => {}
            }
            if LEASE < since.elapsed() {
                break;
            }
        }
    };
    if tokio::time::timeout(LONGEST_FATE, stored).await.is_err() {
        error!("job's fate not stored: no answer");
    }
}

async fn hand_back(desk: &Desk, delivery: Delivery) {
    vitals::job(delivery.message.job.name(), JobFate::HandedBack);
    match desk.archive.queue.hand_back(delivery).await {
        Ok(()) => info!("job handed back"),
        Err(error) => error!(error = &error as &dyn std::error::Error, "job not handed back"),
    }
}

/// Counts an attempt. Pages that were read are counted where they are, with their stages.
fn count(job: &Job, fate: Fate) {
    let (fate, page) = match fate {
        Fate::Done => (JobFate::Done, None),
        Fate::Retry(_) => (JobFate::Retried, Some(PageFate::Retried)),
        Fate::Park(_) => (JobFate::Parked, Some(PageFate::Parked)),
        Fate::HandBack => (JobFate::HandedBack, None),
    };
    vitals::job(job.name(), fate);
    if let (Job::Read { .. }, Some(fate)) = (job, page) {
        vitals::page(fate);
    }
}

async fn store(
    desk: &Desk,
    delivery: &Delivery,
    fate: Fate,
    detail: &str,
) -> Result<(), ArchiveError> {
    let Archive { records, queue, .. } = &desk.archive;
    match fate {
        Fate::Done => queue.done(delivery.clone()).await,
        Fate::Retry(pause) => queue.retry(delivery.clone(), pause).await,
        Fate::Park(reason) => {
            records.park(&delivery.message, delivery.attempt, reason, detail).await?;
            queue.done(delivery.clone()).await
        }
        Fate::HandBack => queue.hand_back(delivery.clone()).await,
    }
}

async fn work(desk: &Desk, message: &Message) -> Result<(), Failure> {
    if Message::VERSION < message.version {
        return Err(Failure::TooNew(message.version));
    }
    here(Point::JobTaken);
    let done = match &message.job {
        Job::Unpack { scan } => jobs::unpack(desk, message.lane, *scan).await,
        Job::Read { page } => jobs::read(desk, message.lane, *page).await,
        Job::File { .. } => jobs::file(desk, message.dossier).await,
        Job::Seal { document, revision } => jobs::seal(desk, *document, revision).await,
    };
    match done {
        // Else it is the paper's own key that is missing, which no other process has.
        Err(Failure::Archive(ArchiveError::NoKey(_) | ArchiveError::OtherMaster))
            if desk.archive.lacks_master().await? =>
        {
            return Err(Failure::NoMaster);
        }
        done => done?,
    }
    info!("job done");
    here(Point::ResultStored);
    Ok(())
}

/// How often a page may outstay a reader or ask too much of it before a person looks at it.
const READER_ATTEMPTS: u32 = 2;
/// How often a reader may die over a page before a person looks at it. More than the above:
/// a reader is also killed from outside, and a process that was killed had counted an attempt.
const CRASH_ATTEMPTS: u32 = 6;
/// How often a job is tried when the world fails: with growing pauses, about two hours.
const WORLD_ATTEMPTS: u32 = 16;
/// How often a job may have no end before a person looks at it: with [`LONGEST_JOB`] each, about
/// two hours, too.
const ENDLESS_ATTEMPTS: u32 = 4;

/// The one place where a failure's fate is decided. `attempt` counts from 1, and counts the
/// attempts that ended with this whole process.
fn decide(result: &Result<(), Failure>, attempt: u32) -> Fate {
    let failure = match result {
        Ok(()) => return Fate::Done,
        Err(failure) => failure,
    };
    let (attempts, reason) = match failure {
        Failure::Archive(error) => match error {
            ArchiveError::Missing(_)
            | ArchiveError::Corrupt { .. }
            | ArchiveError::Erased(_)
            | ArchiveError::Template { .. } => (1, Reason::Internal),
            ArchiveError::Full => (WORLD_ATTEMPTS, Reason::StorageFull),
            // A key is put back, a database is brought up to date.
            ArchiveError::Locked(_)
            | ArchiveError::NewerSchema
            | ArchiveError::OlderSchema
            | ArchiveError::NoKey(_)
            | ArchiveError::OtherMaster
            | ArchiveError::Unavailable { .. } => (WORLD_ATTEMPTS, Reason::Unavailable),
        },
        Failure::Reader(error) => match error {
            ReaderError::Unstartable(_) | ReaderError::NoWall { .. } => return Fate::HandBack,
            // It lacks a part that others do without; the page lacks nothing.
            ReaderError::Refused { reason: Reason::Unavailable, .. } => {
                (WORLD_ATTEMPTS, Reason::Unavailable)
            }
            ReaderError::Refused { reason, .. } => (1, *reason),
            ReaderError::Crashed(_) => (CRASH_ATTEMPTS, Reason::ReaderCrashed),
            ReaderError::TimeLimit(_) | ReaderError::MemoryLimit | ReaderError::Nonsense(_) => {
                (READER_ATTEMPTS, error.reason())
            }
        },
        Failure::Seal(SealFailed::TooLarge) => (1, Reason::SealTooLarge),
        Failure::Seal(_) => (1, Reason::SealFailed),
        // Only another configuration helps.
        Failure::Sign(SigningFailed::NoOfficer) => (1, Reason::NoOfficer),
        // A token is plugged in again, an authority comes back.
        Failure::Sign(_) => (WORLD_ATTEMPTS, Reason::SignFailed),
        Failure::TooNew(_) => (1, Reason::MessageUnknown),
        Failure::NoMaster => return Fate::HandBack,
        Failure::Panicked => (READER_ATTEMPTS, Reason::Internal),
        Failure::Endless(_) => (ENDLESS_ATTEMPTS, Reason::Unavailable),
    };
    if attempt < attempts { Fate::Retry(pause(attempt)) } else { Fate::Park(reason) }
}

/// 1 s after the first attempt, doubled each time, at most 20 minutes.
fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(11)).min(Duration::from_secs(1200))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    use archive::Broker;
    use schemas::ids::Blake3;
    use schemas::reader::Wall;
    use signing::SignFailed;

    use super::*;
    use crate::bed::{desk_with, grey_jpeg, to_be_sealed};

    /// Retried before the attempt of that number, and parked with it.
    #[track_caller]
    fn check(failure: impl Into<Failure>, last: u32, reason: Reason) {
        let failed: Result<(), Failure> = Err(failure.into());
        if 1 < last {
            assert_eq!(decide(&failed, 1), Fate::Retry(pause(1)), "{failed:?}");
            assert_eq!(decide(&failed, last - 1), Fate::Retry(pause(last - 1)), "{failed:?}");
        }
        assert_eq!(decide(&failed, last), Fate::Park(reason), "{failed:?}");
    }

    #[test]
    fn the_archive_is_given_time_but_for_what_no_time_mends() {
        let text = str::to_owned;
        for lasting in [
            ArchiveError::Missing(text("page 1")),
            ArchiveError::Corrupt { what: text("page 1"), detail: text("reading") },
            ArchiveError::Erased(text("blob 1")),
            ArchiveError::Template { what: "dossier codes", detail: text("a brace is not closed") },
        ] {
            check(lasting, 1, Reason::Internal);
        }
        check(ArchiveError::Full, 16, Reason::StorageFull);
        for passing in [
            ArchiveError::Locked("data".into()),
            ArchiveError::NewerSchema,
            ArchiveError::OlderSchema,
            ArchiveError::NoKey(text("blob 1")),
            ArchiveError::OtherMaster,
            ArchiveError::Unavailable { what: "reading a page", source: "pool closed".into() },
        ] {
            check(passing, 16, Reason::Unavailable);
        }
    }

    #[test]
    fn a_reader_is_given_time_and_a_bad_page_is_not() {
        let refused = |reason| ReaderError::Refused { reason, detail: String::new() };
        check(refused(Reason::ScanBroken), 1, Reason::ScanBroken);
        check(refused(Reason::Unavailable), 16, Reason::Unavailable);
        let killed = ReaderError::Crashed("signal: 9 (SIGKILL)".to_owned());
        check(killed, 6, Reason::ReaderCrashed);
        check(ReaderError::TimeLimit(Duration::from_secs(60)), 2, Reason::ReaderTimeLimit);
        check(ReaderError::MemoryLimit, 2, Reason::ReaderMemoryLimit);
        check(ReaderError::Nonsense("word"), 2, Reason::ReaderNonsense);
    }

    #[test]
    fn what_else_fails_is_tried_as_often_as_may_help() {
        check(SealFailed::Lacks("pages"), 1, Reason::SealFailed);
        check(SealFailed::TooLarge, 1, Reason::SealTooLarge);
        let unplugged = SigningFailed::Key(SignFailed::Key("no token".to_owned()));
        check(unplugged, 16, Reason::SignFailed);
        check(SigningFailed::NoOfficer, 1, Reason::NoOfficer);
        check(Failure::TooNew(9), 1, Reason::MessageUnknown);
        check(Failure::Panicked, 2, Reason::Internal);
        check(Failure::Endless(LONGEST_JOB), 4, Reason::Unavailable);
        assert_eq!(decide(&Ok(()), 1), Fate::Done);
    }

    #[test]
    fn what_this_process_lacks_costs_no_job_an_attempt() {
        let no_wall = ReaderError::NoWall { wall: Wall::Seccomp, detail: String::new() };
        for failure in [
            Failure::from(ReaderError::Unstartable("no pipes".to_owned())),
            Failure::from(no_wall),
            Failure::NoMaster,
        ] {
            let failed = Err(failure);
            assert_eq!(decide(&failed, 1), Fate::HandBack, "{failed:?}");
            assert_eq!(decide(&failed, u32::MAX), Fate::HandBack, "{failed:?}");
        }
    }

    #[tokio::test]
    async fn a_job_that_never_ends_is_let_go_and_tried_again() {
        let (_folder, desk) = desk_with("exec sleep 600", Duration::from_millis(300)).await;
        let (queue, rest) = (&desk.archive.queue, Rest::default());
        let job = queue.next().await.unwrap();
        let settled = settle(desk.clone(), job, &rest, CancellationToken::new());
        tokio::time::timeout(Duration::from_secs(10), settled).await.unwrap();
        assert_eq!(queue.next().await.unwrap().attempt, 2);
        rest.over().await;
    }

    #[tokio::test]
    async fn a_worker_whose_readers_cannot_start_hands_its_job_back_and_rests() {
        let (_folder, desk) = desk_with("exit 1", LONGEST_JOB).await;
        let (queue, rest) = (&desk.archive.queue, Rest::default());
        let job = queue.next().await.unwrap();
        settle(desk.clone(), job, &rest, CancellationToken::new()).await;
        assert_eq!(queue.next().await.unwrap().attempt, 1);
        let over = tokio::time::timeout(Duration::from_millis(100), rest.over());
        assert!(over.await.is_err());
    }

    #[tokio::test]
    async fn a_document_too_large_to_be_sealed_is_parked_and_none_of_its_images_read() {
        let (folder, desk) = desk_with("exit 1", LONGEST_JOB).await;
        let image = grey_jpeg(16 << 20);
        let seal = to_be_sealed(&desk, 17, &image).await;
        // Whoever reads it now finds it damaged.
        let name = Blake3::of(&image).to_string();
        let blob = folder.path().join("blobs").join(&name[..2]).join(&name[2..]);
        let blob = OpenOptions::new().write(true).open(blob).unwrap();
        blob.write_all_at(b"another", 8 << 20).unwrap();
        assert!(desk.archive.blobs.get(Blake3::of(&image)).await.is_err());
        let rest = Rest::default();
        let settled = settle(desk.clone(), seal, &rest, CancellationToken::new());
        tokio::time::timeout(Duration::from_secs(60), settled).await.unwrap();
        let parked = desk.archive.records.parked(10).await.unwrap();
        let parked: Vec<_> = parked.iter().map(|job| (job.job.as_str(), &*job.code)).collect();
        assert_eq!(parked, [("seal", "seal.too_large")]);
    }

    #[tokio::test]
    async fn a_lease_whose_extension_goes_unanswered_is_asked_for_again_before_it_is_over() {
        let (_folder, desk) = desk_with("exit 1", LONGEST_JOB).await;
        let queue = &desk.archive.queue;
        let job = queue.next().await.unwrap();
        // Somebody else has it by now, as the first answer will say.
        queue.hand_back(job.clone()).await.unwrap();
        let _others = queue.next().await.unwrap();
        let is_first = AtomicBool::new(true);
        let extend = || async {
            if is_first.swap(false, Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            queue.extend(&job).await
        };
        tokio::time::timeout(LEASE, lost(extend)).await.unwrap();
    }

    #[test]
    fn the_world_is_given_about_two_hours_and_fewer_attempts_than_a_broker_gives() {
        let hours = (1..WORLD_ATTEMPTS).map(pause).sum::<Duration>().as_secs_f64() / 3600.0;
        assert!((1.75..2.25).contains(&hours), "{hours}");
        let broker = Broker::at("amqp://sohoa:secret@broker.example:5672/office".parse().unwrap());
        assert!(WORLD_ATTEMPTS < broker.delivery_limit);
    }

    #[test]
    fn the_pause_doubles_up_to_twenty_minutes() {
        for (attempt, seconds) in [(1, 1), (4, 8), (11, 1024), (12, 1200), (u32::MAX, 1200)] {
            assert_eq!(pause(attempt), Duration::from_secs(seconds), "{attempt}");
        }
    }
}
