//! How much is taken at once. A sender that comes too much is asked to come back, with a time
//! that is worth waiting for; what was sent before stays safe.

use std::time::{Duration, Instant};

use archive::{ArchiveError, Records, Waiting};
use jiff::Timestamp;
use problem::{Answer, Problem};
use schemas::code::Reason;
use tokio::sync::{Mutex, OwnedSemaphorePermit};

use crate::desk::IntakeDesk;

/// Seconds after which a turn is likely free again: about as long as a scan takes over an
/// office's line.
const NEXT_TURN: u32 = 3;
/// The same for a full queue, where nothing tells how fast it empties.
const UNTOLD: u64 = 5;
/// Shortest and longest time to come back after when too many jobs wait, in seconds.
const SHORTEST: u64 = 1;
const LONGEST: u64 = 120;

/// How long a count holds at most.
const HOLDS: Duration = Duration::from_millis(200);

/// What waits, counted once for all who ask at about the same time. They share the room that was
/// found, so that no more are let in than by counting for each.
#[derive(Default)]
pub(crate) struct Gauge(Mutex<Option<Count>>);

struct Count {
    at: Instant,
    waiting: Waiting,
    let_in: u32,
}

impl Gauge {
    async fn read(&self, records: &Records) -> Result<Waiting, ArchiveError> {
        // Whoever comes while it is counted counts for themselves: where the database doesn't
        // answer, nobody waits for one after the other to find out.
        let Ok(mut last) = self.0.try_lock() else { return records.waiting().await };
        if let Some(count) = &mut *last
            && count.at.elapsed() < HOLDS
            && count.let_in < count.waiting.room
        {
            count.let_in += 1;
            return Ok(count.waiting);
        }
        let at = Instant::now();
        let waiting = records.waiting().await?;
        *last = Some(Count { at, waiting, let_in: 1 });
        Ok(waiting)
    }
}

/// Waits for a turn to upload; the turn ends when the permit is dropped.
pub(crate) async fn turn(desk: &IntakeDesk) -> Answer<OwnedSemaphorePermit> {
    let waiting = desk.gauge.read(&desk.archive.records).await?;
    if waiting.room == 0 {
        let throughput = desk.archive.records.throughput().await?;
        let seconds = time_to_drain(&waiting, throughput, Timestamp::now());
        return Err(Problem::new(Reason::Busy).because("too many pages wait").retry_after(seconds));
    }
    let turn = desk.turns.clone().acquire_owned();
    match tokio::time::timeout(desk.settings.turn, turn).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => {
            let problem = Problem::new(Reason::Busy).because("too many uploads at once");
            Err(problem.retry_after(NEXT_TURN))
        }
    }
}

/// Seconds until a tenth of the waiting jobs is done, at the throughput in jobs an hour that the
/// workers say they go at. Where none says anything (they have just started), what waits tells:
/// it arrived within the age of the oldest, and in a queue that neither grows nor shrinks as
/// many are done in that time, so a tenth takes a tenth of it.
fn time_to_drain(waiting: &Waiting, throughput: u64, now: Timestamp) -> u32 {
    let age = waiting.oldest.map_or(0, |oldest| now.as_second() - oldest.as_second());
    let age = u64::try_from(age).unwrap_or(0);
    let seconds = match throughput {
        0 => UNTOLD.max(age / 10),
        throughput => (u64::from(waiting.jobs) * 360).div_ceil(throughput),
    };
    u32::try_from(seconds.clamp(SHORTEST, LONGEST)).unwrap_or(NEXT_TURN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(jobs: u32, age_s: i64, throughput: u64, want_s: u32) {
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let oldest = Timestamp::from_second(now.as_second() - age_s).unwrap();
        let waiting = Waiting { jobs, oldest: Some(oldest), room: 0 };
        assert_eq!(time_to_drain(&waiting, throughput, now), want_s);
    }

    #[test]
    fn the_faster_jobs_end_the_sooner_a_sender_comes_back() {
        // A tenth of 20,000 at two jobs a second would take 1,000 s, at forty 50 s.
        check(20_000, 10, 7_200, 120);
        check(20_000, 10, 144_000, 50);
        check(20_000, 10, 20_000_000, 1);
        check(60, 600, 7_200, 3);
    }

    #[test]
    fn without_a_pace_the_age_of_what_waits_tells() {
        check(100, 0, 0, 5);
        check(100, 600, 0, 60);
        check(100, 86_400, 0, 120);
    }
}
