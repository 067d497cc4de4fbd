//! A body on its way into the blobs: counted, looked at, hashed and kept, or refused with
//! nothing kept.

use std::time::{Duration, Instant};

use archive::{Blobs, Received};
use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt;
use problem::{Answer, Problem};
use schemas::code::Reason;
use schemas::format::{Format, HEAD};

/// What is left of a refused body is read up to this many bytes and this long before the
/// answer is given: a sender that is still sending when the connection closes never sees it.
const LINGER: (u64, Duration) = (16 << 20, Duration::from_secs(5));

/// Slowest rate at which a body may come at once it has been silent long enough, in bytes a second:
/// below that of any line, and whoever drips does not keep others from their turn.
const SLOWEST: u64 = 8 << 10;

/// What an upload must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Longest body, in bytes.
    pub(crate) bytes: u64,
    /// Length that the sender promised.
    pub(crate) promised: Option<u64>,
    /// How long the sender may send nothing.
    pub(crate) stall: Duration,
}

/// A scan whose bytes are durable.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) blob: Received,
    pub(crate) format: Format,
}

/// Receives a body; `came` grows with it. When this fails, nothing of it is left.
pub(crate) async fn receive(
    blobs: &Blobs,
    body: &mut BodyDataStream,
    limits: Limits,
    came: &mut u64,
) -> Answer<Kept> {
    check_promise(limits)?;
    let mut incoming = blobs.receive(limits.promised).await?;
    let mut head = Vec::with_capacity(HEAD);
    let mut waited = Duration::ZERO;
    while let Some(chunk) = next(body, patience(limits, *came, waited), &mut waited).await? {
        let length = incoming.len() + chunk.len() as u64;
        *came = length;
        if limits.bytes < length {
            return Err(too_large(limits));
        }
        if head.len() < HEAD {
            head.extend(chunk.iter().take(HEAD - head.len()));
            if head.len() == HEAD && Format::of(&head).is_none() {
                return Err(Reason::ScanUnknownFormat.into());
            }
        }
        incoming.write(&chunk).await?;
    }
    let length = incoming.len();
    if let Some(promised) = limits.promised.filter(|promised| *promised != length) {
        let detail = format!("{length} bytes of {promised} came");
        return Err(Problem::new(Reason::BodyCutShort).because(detail));
    }
    if length == 0 {
        return Err(Reason::ScanEmpty.into());
    }
    let format = Format::of(&head).ok_or(Reason::ScanUnknownFormat)?;
    let blob = incoming.finish().await?;
    Ok(Kept { blob, format })
}

/// Reads on a little, so that the sender of a refused body gets to see the answer.
pub(crate) async fn linger(body: &mut BodyDataStream) {
    let (most, longest) = LINGER;
    let read_on = async {
        let mut left = most;
        while let Some(Ok(chunk)) = body.next().await {
            match left.checked_sub(chunk.len() as u64) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whether it came to its end makes no difference.
    tokio::time::timeout(longest, read_on).await.unwrap_or_default();
}

/// Refuses by the promise alone what can't be taken.
fn check_promise(limits: Limits) -> Answer<()> {
    match limits.promised {
        Some(0) => Err(Reason::ScanEmpty.into()),
        Some(promised) if limits.bytes < promised => Err(too_large(limits)),
        _ => Ok(()),
    }
}

/// How much longer to wait for a sender who has been waited for that long.
fn patience(limits: Limits, came: u64, waited: Duration) -> Duration {
    let due = limits.stall + Duration::from_secs(came / SLOWEST);
    limits.stall.min(due.saturating_sub(waited))
}

/// What comes next; `waited` grows with the time until it is there.
async fn next(
    body: &mut BodyDataStream,
    patience: Duration,
    waited: &mut Duration,
) -> Answer<Option<Bytes>> {
    let cut_short = |detail| Problem::new(Reason::BodyCutShort).because(detail);
    let since = Instant::now();
    let came = tokio::time::timeout(patience, body.next()).await;
    *waited += since.elapsed();
    match came {
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(None) => Ok(None),
        Ok(Some(Err(_))) => Err(cut_short("the connection broke")),
        Err(_) => Err(cut_short("nothing came for too long, or too little")),
    }
}

fn too_large(limits: Limits) -> Problem {
    let detail = format!("at most {} bytes are taken", limits.bytes);
    Problem::new(Reason::ScanTooLarge).because(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_drips_is_waited_for_no_longer_than_whoever_is_silent() {
        let stall = Duration::from_secs(30);
        let limits = Limits { bytes: 256 << 20, promised: None, stall };
        assert_eq!(patience(limits, 0, Duration::ZERO), stall);
        assert_eq!(patience(limits, 1, Duration::from_secs(29)), Duration::from_secs(1));
        assert_eq!(patience(limits, 2, Duration::from_secs(58)), Duration::ZERO);
        // A megabyte in a minute is slow, and well.
        assert_eq!(patience(limits, 1 << 20, Duration::from_secs(60)), stall);
    }
}
