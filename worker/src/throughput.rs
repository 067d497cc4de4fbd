//! How fast this worker goes, told to the records so that an intake can say when to come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use archive::Records;
use schemas::Uuid;
use tracing::warn;

/// How often the throughput is told.
const TELLING: Duration = Duration::from_secs(5);

/// How much of a new figure goes into the throughput: half of it is forgotten after some ten
/// seconds.
const NEW: f64 = 0.3;

/// Jobs ended since the throughput was told last.
#[derive(Debug, Default)]
pub(crate) struct Throughput {
    ended: AtomicU32,
}

impl Throughput {
    pub(crate) fn ended_one(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells the throughput for ever; a worker that has nothing to do is silent.
    pub(crate) async fn tell(self: Arc<Self>, records: Records) {
        let worker = Uuid::new_v4();
        let (mut throughput, mut told) = (None, 0);
        loop {
            tokio::time::sleep(TELLING).await;
            let ended = self.ended.swap(0, Ordering::Relaxed);
            let per_hour = smoothed(&mut throughput, ended);
            if per_hour == 0 && told == 0 {
                continue;
            }
            match records.put_throughput(worker, per_hour).await {
                Ok(()) => told = per_hour,
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "throughput not told");
                }
            }
        }
    }
}

/// The throughput in jobs an hour after so many have ended since the last time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small, not negative")]
fn smoothed(throughput: &mut Option<f64>, ended: u32) -> u64 {
    let now = f64::from(ended) * (3600.0 / TELLING.as_secs_f64());
    let smooth = match *throughput {
        Some(before) => before + NEW * (now - before),
        None if ended == 0 => return 0,
        None => now,
    };
    // Less than that is none: an idle worker's throughput never gets to zero by itself.
    const NONE: f64 = 10.0;
    *throughput = (NONE < smooth).then_some(smooth);
    throughput.unwrap_or(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_throughput_follows_what_ended_and_dies_away() {
        let mut throughput = None;
        assert_eq!(smoothed(&mut throughput, 0), 0);
        assert_eq!(smoothed(&mut throughput, 10), 7200);
        assert_eq!(smoothed(&mut throughput, 10), 7200);
        assert_eq!(smoothed(&mut throughput, 0), 5040);
        for _ in 0..20 {
            smoothed(&mut throughput, 0);
        }
        assert_eq!(smoothed(&mut throughput, 0), 0);
    }
}
