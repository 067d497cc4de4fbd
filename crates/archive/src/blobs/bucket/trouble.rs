//! What a store's refusals are to the archive.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::error::ArchiveError;

/// Codes by which stores say that there is no room; S3 itself has none.
const FULL: [&str; 4] =
    ["InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"];

/// Status of an answer that says the same (RFC 4918, section 11.5).
const INSUFFICIENT_STORAGE: u16 = 507;

/// What the store said: a code, and which answer of its that was. Never a header or a key.
#[derive(Debug, thiserror::Error)]
#[error("store: {says} (code {code})")]
pub struct StoreTrouble {
    /// The store's code, or the class of the error where it came from the client.
    pub code: String,
    /// The status and the request's number in the store's own log.
    pub says: String,
}

/// Turns a store's refusals into [`ArchiveError`], saying what was being done.
pub(super) trait Asking<T> {
    /// `what` in a few words: `reading a blob`.
    fn asking(self, what: &'static str) -> Result<T, ArchiveError>;
}

impl<T, E: ProvideErrorMetadata> Asking<T> for Result<T, SdkError<E>> {
    fn asking(self, what: &'static str) -> Result<T, ArchiveError> {
        self.map_err(|error| {
            let status = error.raw_response().map(|raw| raw.status().as_u16());
            let code = error.code().unwrap_or_else(|| class(&error)).to_owned();
            if status == Some(INSUFFICIENT_STORAGE) || FULL.contains(&code.as_str()) {
                return ArchiveError::Full;
            }
            let says = match (status, error.request_id()) {
                (Some(status), Some(request)) => format!("status {status}, request {request}"),
                (Some(status), None) => format!("status {status}"),
                (None, _) => "no answer".to_owned(),
            };
            ArchiveError::Unavailable { what, source: StoreTrouble { code, says }.into() }
        })
    }
}

/// Class of a client's error; its own text might quote a request.
fn class<E>(error: &SdkError<E>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "request",
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout",
        SdkError::DispatchFailure(failure) if failure.is_io() => "connection",
        SdkError::DispatchFailure(_) => "sending",
        SdkError::ResponseError(_) => "answer not understood",
        _ => "other",
    }
}
