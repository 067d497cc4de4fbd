//! Takes jobs off the queue and settles them. Nothing is acknowledged before its result is
//! stored, and every failure ends as done, retry or park, decided in one place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Archive, ArchiveError, Delivery, LEASE};
use failpoints::{Point, here};
use filing::Kinds;
use schemas::code::Reason;
use schemas::message::{Job, Message};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};
use vitals::{JobFate, PageFate};

use crate::jobs;
use crate::publish::SealFailed;
use crate::readers::{ReaderError, Readers};
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
    /// Who signs what is published.
    pub signing: Signing,
    /// What the PDFs say made them: `Sohoa 0.1.0`.
    pub made_by: String,
}

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
    #[error("the work panicked")]
    Panicked,
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
    let ended = tokio::try_join!(
        take(&desk, hands, Of::Both, &throughput, &stop),
        take(&desk, 1, Of::Counter, &throughput, &stop)
    );
    told.abort();
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
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let hands = Arc::new(Semaphore::new(hands));
    let mut in_hand = JoinSet::new();
    loop {
        let hand = hands.clone().acquire_owned().await?;
        let next = async {
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
                in_hand.spawn(async move {
                    settle(desk, delivery, stop).await;
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

/// How often a worker says that it has a job: a few times in a lease, so that a database which
/// is away for a moment costs nobody their job.
const BEAT: Duration = Duration::from_secs(5);

/// How long to wait before a job's fate that could not be stored is stored again.
const FATE_PAUSE: Duration = Duration::from_secs(5);

/// One job from delivery to fate. The job runs in a task of its own: a panic costs one attempt.
async fn settle(desk: Arc<Desk>, delivery: Delivery, stop: CancellationToken) {
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
                end(&desk, &delivery, ended.unwrap_or(Err(Failure::Panicked)), &stop).await;
            }
            // In both its reader dies with it.
            () = late(&stop) => {
                work.abort();
                hand_back(&desk, delivery).await;
            }
            () = lost(&desk, &delivery) => {
                work.abort();
                vitals::job(delivery.message.job.name(), JobFate::Lost);
                warn!("job is somebody else's by now");
            }
        }
    };
    kept.instrument(span).await;
}

/// Says again and again that this worker lives and has the job; ends when somebody else has it.
async fn lost(desk: &Desk, delivery: &Delivery) {
    loop {
        tokio::time::sleep(BEAT).await;
        match desk.archive.queue.extend(delivery).await {
            Ok(true) => {}
            Ok(false) => return,
            // It may be back before the lease is over.
            Err(error) => warn!(error = &error as &dyn std::error::Error, "lease not extended"),
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
    stop: &CancellationToken,
) {
    let fate = decide(&result, delivery.attempt);
    if let Err(failure) = &result {
        warn!(error = failure as &dyn std::error::Error, ?fate, "job failed");
    }
    count(&delivery.message.job, fate);
    let detail = result.err().map(|failure| failure.to_string()).unwrap_or_default();
    // A disk that is full fails this too. When the lease runs out or this process ends, the
    // job comes again; every job may.
    let since = Instant::now();
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
    }
}

async fn work(desk: &Desk, message: &Message) -> Result<(), Failure> {
    if Message::VERSION < message.version {
        return Err(Failure::TooNew(message.version));
    }
    here(Point::JobTaken);
    match &message.job {
        Job::Unpack { scan } => jobs::unpack(desk, message.lane, *scan).await?,
        Job::Read { page } => jobs::read(desk, message.lane, *page).await?,
        Job::File { .. } => jobs::file(desk, message.dossier).await?,
        Job::Seal { document, revision } => jobs::seal(desk, *document, revision).await?,
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
const WORLD_ATTEMPTS: u32 = 12;

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
            // It lacks a part, as a reader does that can't be started; the page lacks nothing.
            ReaderError::Refused { reason: Reason::Unavailable, .. }
            | ReaderError::Unstartable(_) => (WORLD_ATTEMPTS, Reason::Unavailable),
            ReaderError::NoWall { .. } => (WORLD_ATTEMPTS, Reason::ReaderNoWall),
            ReaderError::Refused { reason, .. } => (1, *reason),
            ReaderError::Crashed(_) => (CRASH_ATTEMPTS, Reason::ReaderCrashed),
            ReaderError::TimeLimit(_) | ReaderError::MemoryLimit | ReaderError::Nonsense(_) => {
                (READER_ATTEMPTS, error.reason())
            }
        },
        Failure::Seal(_) => (1, Reason::SealFailed),
        // Only another configuration helps.
        Failure::Sign(SigningFailed::NoOfficer) => (1, Reason::NoOfficer),
        // A token is plugged in again, an authority comes back.
        Failure::Sign(_) => (WORLD_ATTEMPTS, Reason::SignFailed),
        Failure::TooNew(_) => (1, Reason::MessageUnknown),
        Failure::Panicked => (READER_ATTEMPTS, Reason::Internal),
    };
    if attempt < attempts { Fate::Retry(pause(attempt)) } else { Fate::Park(reason) }
}

/// 1 s after the first attempt, doubled each time, at most 20 minutes.
fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(11)).min(Duration::from_secs(1200))
}

#[cfg(test)]
mod tests {
    use schemas::reader::Wall;
    use signing::SignFailed;

    use super::*;

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
        check(ArchiveError::Full, 12, Reason::StorageFull);
        for passing in [
            ArchiveError::Locked("data".into()),
            ArchiveError::NewerSchema,
            ArchiveError::OlderSchema,
            ArchiveError::NoKey(text("blob 1")),
            ArchiveError::OtherMaster,
            ArchiveError::Unavailable { what: "reading a page", source: "pool closed".into() },
        ] {
            check(passing, 12, Reason::Unavailable);
        }
    }

    #[test]
    fn a_reader_is_given_time_and_a_bad_page_is_not() {
        let refused = |reason| ReaderError::Refused { reason, detail: String::new() };
        check(refused(Reason::ScanBroken), 1, Reason::ScanBroken);
        check(refused(Reason::Unavailable), 12, Reason::Unavailable);
        check(ReaderError::Unstartable("no pipes".to_owned()), 12, Reason::Unavailable);
        let no_wall = ReaderError::NoWall { wall: Wall::Seccomp, detail: String::new() };
        check(no_wall, 12, Reason::ReaderNoWall);
        let killed = ReaderError::Crashed("signal: 9 (SIGKILL)".to_owned());
        check(killed, 6, Reason::ReaderCrashed);
        check(ReaderError::TimeLimit(Duration::from_secs(60)), 2, Reason::ReaderTimeLimit);
        check(ReaderError::MemoryLimit, 2, Reason::ReaderMemoryLimit);
        check(ReaderError::Nonsense("word"), 2, Reason::ReaderNonsense);
    }

    #[test]
    fn what_else_fails_is_tried_as_often_as_may_help() {
        check(SealFailed::Lacks("pages"), 1, Reason::SealFailed);
        let unplugged = SigningFailed::Key(SignFailed::Key("no token".to_owned()));
        check(unplugged, 12, Reason::SignFailed);
        check(SigningFailed::NoOfficer, 1, Reason::NoOfficer);
        check(Failure::TooNew(9), 1, Reason::MessageUnknown);
        check(Failure::Panicked, 2, Reason::Internal);
        assert_eq!(decide(&Ok(()), 1), Fate::Done);
    }

    #[test]
    fn the_pause_doubles_up_to_twenty_minutes() {
        for (attempt, seconds) in [(1, 1), (4, 8), (11, 1024), (12, 1200), (u32::MAX, 1200)] {
            assert_eq!(pause(attempt), Duration::from_secs(seconds), "{attempt}");
        }
    }
}
