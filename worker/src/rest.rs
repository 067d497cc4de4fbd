//! A worker that can't work takes no jobs: they are others' meanwhile, or wait where there are
//! none. Its own lack would else cost them their attempts, and it fails so much faster than others
//! work that most of them would come by.

use std::time::Duration;

use archive::Queue;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::consume::Failure;
use crate::readers::Readers;

/// The first pause before jobs are taken again, and the longest; they double in between.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Whether this worker takes jobs.
#[derive(Debug, Default)]
pub(crate) struct Rest(watch::Sender<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Whether no jobs are taken.
    rests: bool,
    /// The job that this worker could not do last; none when it has done such a one since.
    cannot: Option<&'static str>,
    /// Pauses since it could.
    pauses: u32,
}

impl Rest {
    /// A job of that name failed for what this process lacks.
    pub(crate) fn begin(&self, job: &'static str, failure: &Failure) {
        let mut is_news = false;
        self.0.send_if_modified(|state| {
            is_news = state.cannot.is_none();
            state.cannot = Some(job);
            !std::mem::replace(&mut state.rests, true)
        });
        if is_news {
            warn!(
                error = failure as &dyn std::error::Error,
                "this worker can't work, and takes no jobs until it can"
            );
        } else {
            debug!(error = failure as &dyn std::error::Error, "this worker still can't work");
        }
    }

    /// A job of that name was done.
    pub(crate) fn worked(&self, job: &'static str) {
        let is_news = self.0.send_if_modified(|state| {
            let can = !state.rests && state.cannot == Some(job);
            if can {
                *state = State::default();
            }
            can
        });
        if is_news {
            info!("this worker works again");
        }
    }

    /// Waits until jobs may be taken.
    pub(crate) async fn over(&self) {
        let mut state = self.0.subscribe();
        // An error says that there is nobody any more who could say so.
        drop(state.wait_for(|state| !state.rests).await);
    }

    /// Ends each rest, for ever: when its pause is over and a reader can be started. So many jobs
    /// are then taken at once.
    pub(crate) async fn keep(&self, queue: &Queue, readers: &Readers, jobs: usize) {
        let mut state = self.0.subscribe();
        while state.wait_for(|state| state.rests).await.is_ok() {
            queue.rest();
            loop {
                let pauses = self.0.borrow().pauses;
                tokio::time::sleep(pause(pauses)).await;
                self.0.send_modify(|state| state.pauses = pauses.saturating_add(1));
                if readers.ready().await {
                    break;
                }
            }
            queue.prefetch(jobs);
            self.0.send_modify(|state| state.rests = false);
        }
    }
}

/// How long to pause after so many pauses.
fn pause(before: u32) -> Duration {
    let (first, longest) = PAUSES;
    first.saturating_mul(1 << before.min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(rest: &Rest) -> State {
        *rest.0.borrow()
    }

    #[test]
    fn pauses_grow_until_what_could_not_be_done_is() {
        let rest = Rest::default();
        rest.begin("read", &Failure::NoMaster);
        assert!(state(&rest).rests);
        rest.0.send_modify(|state| (state.rests, state.pauses) = (false, 3));
        rest.worked("file");
        assert_eq!(state(&rest).pauses, 3, "for which nothing is lacking");
        rest.begin("unpack", &Failure::NoMaster);
        rest.worked("unpack");
        assert!(state(&rest).rests, "in hand since before");
        rest.0.send_modify(|state| state.rests = false);
        rest.worked("unpack");
        assert_eq!((state(&rest).cannot, state(&rest).pauses), (None, 0));
        let seconds = [0, 1, 5, 6, 40].map(|before| pause(before).as_secs());
        assert_eq!(seconds, [1, 2, 32, 60, 60]);
    }
}
