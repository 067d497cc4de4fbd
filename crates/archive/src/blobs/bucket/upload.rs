//! Sending a blob: in one piece, or in parts that the store puts together. Nobody can read any of
//! it before the store has all of it.

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
};
use bytes::Bytes;
use schemas::ids::Blake3;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Bucket;
use super::trouble::{Asking, StoreTrouble};
use crate::blobs::Blobs;
use crate::blobs::store::Encryption;
use crate::error::ArchiveError;

const DOING: &str = "keeping a blob";

/// Blobs from this size on go up in parts, so that a broken connection costs one of them.
const IN_PARTS: u64 = 16 << 20;

/// Bytes in a part; S3 takes no fewer than 5 MiB in any but the last, and 10,000 parts.
const PART: u64 = 8 << 20;

/// Bytes read from the file at a time.
const READ_AT_ONCE: usize = 256 << 10;

/// Parts on their way at the same time.
const AT_ONCE: usize = 3;

/// A blob younger than this won't be taken for one without a row before its row is written; half
/// of what `check` waits.
const YOUNG: Duration = Duration::from_secs(1800);

/// What a store says of a conditional request when the name is taken, or is being taken at this
/// moment by another request.
const TAKEN: [&str; 2] = ["PreconditionFailed", "ConditionalRequestConflict"];

/// Where the bytes are.
#[derive(Clone, Copy)]
pub(in crate::blobs) enum Source<'a> {
    /// All of a blob that is sent in one piece.
    Bytes(&'a Bytes),
    /// Any blob.
    File(&'a Path),
}

/// Whether to write over an object of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    Yes,
}

/// Keeps it; true where a blob of that name wasn't there.
pub(super) async fn keep(
    to: &Bucket,
    key: Blake3,
    from: Source<'_>,
    len: u64,
    blobs: &Blobs,
) -> Result<bool, ArchiveError> {
    if send(to, key, from, len, Over::No).await? {
        return Ok(true);
    }
    if is_well(to, key, len, blobs).await? {
        return Ok(false);
    }
    // It may be damaged, and this one is not; or so old that a check would clear it away before
    // its row is written.
    send(to, key, from, len, Over::Yes).await?;
    Ok(false)
}

/// Sends it; false when there is one of that name already.
async fn send(
    to: &Bucket,
    key: Blake3,
    from: Source<'_>,
    len: u64,
    over: Over,
) -> Result<bool, ArchiveError> {
    if len < IN_PARTS {
        return whole(to, key, from, len, over).await;
    }
    let (algorithm, kms) = encryption(to);
    let asked = to.client.create_multipart_upload().bucket(&to.store.bucket).key(to.name(key));
    let asked = asked.set_server_side_encryption(algorithm).set_ssekms_key_id(kms);
    let begun = asked.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.asking(DOING)?;
    let upload = begun.upload_id().unwrap_or_default();
    let sent = match parts(to, key, upload, from, len).await {
        Ok(parts) => complete(to, key, upload, parts, over).await,
        Err(error) => Err(error),
    };
    if !matches!(sent, Ok(true)) {
        // Best effort: what stays is cleared by a later `sohoa check --mend`.
        abort(to, key, upload).await.unwrap_or_default();
        return sent;
    }
    match to.look(key).await? {
        Some(seen) if seen.len == len => Ok(true),
        _ => Err(trouble("length", "the parts were put together to another length")),
    }
}

async fn whole(
    to: &Bucket,
    key: Blake3,
    from: Source<'_>,
    len: u64,
    over: Over,
) -> Result<bool, ArchiveError> {
    let (algorithm, kms) = encryption(to);
    let asked = to.client.put_object().bucket(&to.store.bucket).key(to.name(key));
    let asked = asked.set_server_side_encryption(algorithm).set_ssekms_key_id(kms);
    let asked = asked.set_if_none_match(condition(over)).body(piece(from, 0, len).await?);
    let config = Builder::new().timeout_config(to.timeouts(len));
    unless_taken(asked.customize().config_override(config).send().await)
}

async fn parts(
    to: &Bucket,
    key: Blake3,
    upload: &str,
    from: Source<'_>,
    len: u64,
) -> Result<Vec<CompletedPart>, ArchiveError> {
    let (mut sending, mut sent) = (JoinSet::new(), Vec::new());
    let starts = (0..len).step_by(usize::try_from(PART).unwrap_or(usize::MAX));
    for (number, start) in (1..).zip(starts) {
        let bytes = PART.min(len - start);
        let asked = to.client.upload_part().bucket(&to.store.bucket).key(to.name(key));
        let asked = asked.upload_id(upload).part_number(number);
        let asked = asked.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let asked = asked.body(piece(from, start, bytes).await?);
        let config = Builder::new().timeout_config(to.timeouts(bytes));
        sending.spawn(async move {
            let part = asked.customize().config_override(config).send().await.asking(DOING)?;
            let done = CompletedPart::builder().part_number(number);
            Ok(done.set_e_tag(part.e_tag).set_checksum_crc32(part.checksum_crc32).build())
        });
        if sending.len() == AT_ONCE {
            sent.extend(next(&mut sending).await?);
        }
    }
    while let Some(part) = next(&mut sending).await? {
        sent.push(part);
    }
    sent.sort_by_key(CompletedPart::part_number);
    Ok(sent)
}

async fn next(
    sending: &mut JoinSet<Result<CompletedPart, ArchiveError>>,
) -> Result<Option<CompletedPart>, ArchiveError> {
    match sending.join_next().await {
        Some(Ok(part)) => part.map(Some),
        Some(Err(_)) => Err(trouble("task", "the sending of a part broke off")),
        None => Ok(None),
    }
}

async fn complete(
    to: &Bucket,
    key: Blake3,
    upload: &str,
    parts: Vec<CompletedPart>,
    over: Over,
) -> Result<bool, ArchiveError> {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let asked = to.client.complete_multipart_upload().bucket(&to.store.bucket).key(to.name(key));
    let asked = asked.upload_id(upload).multipart_upload(parts);
    let asked = asked.set_if_none_match(condition(over)).send().await;
    // Done by an attempt whose answer was lost: what is there will be looked at.
    if asked.as_ref().err().and_then(ProvideErrorMetadata::code) == Some("NoSuchUpload") {
        return Ok(false);
    }
    unless_taken(asked)
}

pub(super) async fn abort(to: &Bucket, key: Blake3, upload: &str) -> Result<(), ArchiveError> {
    let asked = to.client.abort_multipart_upload().bucket(&to.store.bucket).key(to.name(key));
    match asked.upload_id(upload).send().await {
        Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
        aborted => aborted.asking("clearing an upload").map(|_| ()),
    }
}

/// Whether the object of that name, which somebody wrote before, is whole and young, and can be
/// read.
async fn is_well(to: &Bucket, key: Blake3, len: u64, blobs: &Blobs) -> Result<bool, ArchiveError> {
    match to.look(key).await? {
        Some(seen) if seen.len == len && seen.age < YOUNG => {}
        _ => return Ok(false),
    }
    match timeout(to.patience().whole(len), blobs.is_true(key)).await {
        Ok(Err(
            ArchiveError::Missing(_)
            | ArchiveError::Corrupt { .. }
            | ArchiveError::Erased(_)
            | ArchiveError::NoKey(_),
        )) => Ok(false),
        Ok(looked) => looked,
        Err(_) => Err(trouble("timeout", "it took too long to read it back")),
    }
}

/// True when it was done, false when the name was taken.
fn unless_taken<T, E: ProvideErrorMetadata>(
    asked: Result<T, SdkError<E>>,
) -> Result<bool, ArchiveError> {
    match asked {
        Err(error) if error.code().is_some_and(|code| TAKEN.contains(&code)) => Ok(false),
        asked => asked.asking(DOING).map(|_| true),
    }
}

async fn piece(from: Source<'_>, start: u64, bytes: u64) -> Result<ByteStream, ArchiveError> {
    let path = match from {
        Source::Bytes(all) => return Ok(ByteStream::from(all.clone())),
        Source::File(path) => path,
    };
    let piece = ByteStream::read_from().path(path).offset(start).length(Length::Exact(bytes));
    let piece = piece.buffer_size(READ_AT_ONCE).build().await;
    piece.map_err(|error| ArchiveError::Unavailable {
        what: "reading what was received",
        source: error.into(),
    })
}

fn condition(over: Over) -> Option<String> {
    (over == Over::No).then(|| "*".to_owned())
}

fn encryption(to: &Bucket) -> (Option<ServerSideEncryption>, Option<String>) {
    match &to.store.encryption {
        None => (None, None),
        Some(Encryption::Own) => (Some(ServerSideEncryption::Aes256), None),
        Some(Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
    }
}

fn trouble(code: &str, says: &str) -> ArchiveError {
    let source = StoreTrouble { code: code.to_owned(), says: says.to_owned() };
    ArchiveError::Unavailable { what: DOING, source: source.into() }
}
