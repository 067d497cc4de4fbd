//! A body on its way into the blobs: counted, looked at, hashed and kept, or refused with
//! nothing kept.

use std::time::Duration;

use archive::Blobs;
use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt;
use problem::{Answer, Problem};
use schemas::code::Reason;
use schemas::ids::Blake3;

use crate::formats::{self, HEAD};

/// What is left of a refused body is read up to this many bytes and this long before the
/// answer is given: a sender that is still sending when the connection closes never sees it.
const LINGER: (u64, Duration) = (16 << 20, Duration::from_secs(5));

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
    pub(crate) blake3: Blake3,
    pub(crate) bytes: u64,
    pub(crate) media_type: &'static str,
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
    while let Some(chunk) = next(body, limits.stall).await? {
        let length = incoming.len() + chunk.len() as u64;
        *came = length;
        if limits.bytes < length {
            return Err(too_large(limits));
        }
        if head.len() < HEAD {
            head.extend(chunk.iter().take(HEAD - head.len()));
            if head.len() == HEAD && formats::media_type(&head).is_none() {
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
    let media_type = formats::media_type(&head).ok_or(Reason::ScanUnknownFormat)?;
    let (blake3, bytes) = incoming.finish().await?;
    Ok(Kept { blake3, bytes, media_type })
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

async fn next(body: &mut BodyDataStream, stall: Duration) -> Answer<Option<Bytes>> {
    let cut_short = |detail| Problem::new(Reason::BodyCutShort).because(detail);
    match tokio::time::timeout(stall, body.next()).await {
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(None) => Ok(None),
        Ok(Some(Err(_))) => Err(cut_short("the connection broke".to_owned())),
        Err(_) => Err(cut_short(format!("nothing came for {} s", stall.as_secs()))),
    }
}

fn too_large(limits: Limits) -> Problem {
    let detail = format!("at most {} bytes are taken", limits.bytes);
    Problem::new(Reason::ScanTooLarge).because(detail)
}
