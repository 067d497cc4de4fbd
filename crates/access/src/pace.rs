//! How much one principal may ask: generous, so that only a program gone wrong notices.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemas::ids::PrincipalId;

/// Requests of one principal in one [`WINDOW`].
const MOST: u32 = 5000;
/// How long they are counted together.
const WINDOW: Duration = Duration::from_secs(10);

/// What each principal asked of this process lately.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    asked: Mutex<HashMap<PrincipalId, (Instant, u32)>>,
}

impl Pace {
    /// Counts a request; the seconds to wait when it is one too many.
    pub(crate) fn count(&self, who: PrincipalId, now: Instant) -> Result<(), u32> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = asked.entry(who).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count <= MOST {
            return Ok(());
        }
        let left = WINDOW.saturating_sub(now.duration_since(*since));
        Err(u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_much_waits_and_nobody_else_does() {
        let (pace, now) = (Pace::default(), Instant::now());
        let (greedy, other) = (PrincipalId::random(), PrincipalId::random());
        assert!((0..MOST).all(|_| pace.count(greedy, now).is_ok()));
        assert_eq!(pace.count(greedy, now), Err(11));
        assert_eq!(pace.count(other, now), Ok(()));
        assert_eq!(pace.count(greedy, now + WINDOW), Ok(()));
    }
}
