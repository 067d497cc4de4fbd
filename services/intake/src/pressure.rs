//! How much is taken at once. A sender that comes too much is asked to come back, with a time
//! that is worth waiting for; what was sent before stays safe.

use archive::Waiting;
use jiff::Timestamp;
use problem::{Answer, Problem};
use schemas::code::Reason;
use tokio::sync::OwnedSemaphorePermit;

use crate::desk::IntakeDesk;

/// Seconds after which a turn is likely free again: about as long as a scan takes over an
/// office's line.
const NEXT_TURN: u32 = 3;
/// Shortest and longest time to come back after when too many jobs wait, in seconds.
const SHORTEST: i64 = 5;
const LONGEST: i64 = 300;

/// Waits for a turn to upload; the turn ends when the permit is dropped.
pub(crate) async fn turn(desk: &IntakeDesk) -> Answer<OwnedSemaphorePermit> {
    let waiting = desk.archive.records.waiting().await?;
    if waiting.full {
        let seconds = time_to_drain(&waiting, Timestamp::now());
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

/// Seconds until a tenth of the waiting jobs is done. They arrived within the age of the
/// oldest, and in a queue that neither grows nor shrinks as many are done in that time: a tenth
/// takes a tenth of it.
fn time_to_drain(waiting: &Waiting, now: Timestamp) -> u32 {
    let age = waiting.oldest.map_or(0, |oldest| (now.as_second() - oldest.as_second()).max(0));
    u32::try_from((age / 10).clamp(SHORTEST, LONGEST)).unwrap_or(NEXT_TURN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_the_queue_has_waited_the_later_a_sender_comes_back() {
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let after = |seconds: i64| {
            let oldest = Timestamp::from_second(now.as_second() - seconds).unwrap();
            time_to_drain(&Waiting { jobs: 100, oldest: Some(oldest), full: true }, now)
        };
        assert_eq!([after(0), after(600), after(86_400)], [5, 60, 300]);
    }
}
