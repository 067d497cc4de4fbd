//! How much one may ask in a time: a principal, or an address that nobody known asks from. Each
//! process counts for itself, and forgets when it ends.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Askers that are counted at once. Beyond that new ones go uncounted: refusing them would be
/// what somebody with many addresses wants.
const ROOM: usize = 10_000;

/// How often those are forgotten who asked long ago, while there is no room for others: to look
/// through all at every request would be work that somebody with many addresses can order.
const SWEPT_EVERY: Duration = Duration::from_secs(1);

/// What each asked lately.
#[derive(Debug)]
pub struct RateLimit<K> {
    most: u32,
    window: Duration,
    asked: Mutex<Asked<K>>,
}

#[derive(Debug)]
struct Asked<K> {
    /// Since when each is counted, and how often.
    counts: HashMap<K, (Instant, u32)>,
    swept: Option<Instant>,
}

impl<K: Eq + Hash> Asked<K> {
    /// Whether there is room for one more.
    fn has_room(&mut self, now: Instant, window: Duration) -> bool {
        let full = ROOM <= self.counts.len();
        if full && self.swept.is_none_or(|swept| SWEPT_EVERY <= now.duration_since(swept)) {
            self.counts.retain(|_, (since, _)| now.duration_since(*since) < window);
            self.swept = Some(now);
        }
        self.counts.len() < ROOM
    }
}

impl<K: Eq + Hash> RateLimit<K> {
    /// Lets each ask so often in a window of that length.
    #[must_use]
    pub fn new(most: u32, window: Duration) -> Self {
        let asked = Asked { counts: HashMap::new(), swept: None };
        Self { most, window, asked: Mutex::new(asked) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The seconds to wait, when it is one too many.
    pub fn count(&self, who: K, now: Instant) -> Result<(), u32> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.counts.contains_key(&who) && !asked.has_room(now, self.window) {
            return Ok(());
        }
        let (since, count) = asked.counts.entry(who).or_insert((now, 0));
        if self.window <= now.duration_since(*since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count <= self.most {
            return Ok(());
        }
        let left = self.window.saturating_sub(now.duration_since(*since));
        Err(u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Takes back what was counted last: it was none of what is to be limited.
    pub fn uncount(&self, who: &K) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = asked.counts.get_mut(who) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_much_waits_and_nobody_else_does() {
        let window = Duration::from_secs(10);
        let (limit, now) = (RateLimit::new(100, window), Instant::now());
        assert!((0..100).all(|_| limit.count("greedy", now).is_ok()));
        assert_eq!(limit.count("greedy", now), Err(11));
        assert_eq!(limit.count("other", now), Ok(()));
        assert_eq!(limit.count("greedy", now + window), Ok(()));
    }

    #[test]
    fn what_is_taken_back_was_not_asked() {
        let (limit, now) = (RateLimit::new(1, Duration::from_secs(10)), Instant::now());
        assert_eq!(limit.count("a", now), Ok(()));
        limit.uncount(&"a");
        assert_eq!(limit.count("a", now), Ok(()));
        assert_eq!(limit.count("a", now), Err(11));
    }

    #[test]
    fn many_who_ask_take_no_more_room_than_there_is() {
        let window = Duration::from_secs(10);
        let (limit, now) = (RateLimit::new(1, window), Instant::now());
        assert!((0..2 * ROOM).all(|who| limit.count(who, now).is_ok()));
        assert_eq!(limit.asked.lock().unwrap().counts.len(), ROOM);
        assert!(limit.count(0, now).is_err(), "who is counted stays so");
        limit.count(3 * ROOM, now + window).unwrap();
        assert_eq!(limit.asked.lock().unwrap().counts.len(), 1);
    }
}
