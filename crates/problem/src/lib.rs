//! Refusals over HTTP, as RFC 9457 has them: every answer that isn't the one asked for is a
//! problem document with a stable code, whoever gives it: a handler, an extractor, a router
//! that finds nothing at an address, or a handler that panics.
//!
//! This crate knows HTTP and, for [`Problem::from`] an [`archive::ArchiveError`], the archive:
//! what a full disk looks like from outside is said once, here, and not in every service.

mod body;
mod place;

use std::any::Any;

use archive::ArchiveError;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemas::code::Reason;
use tower_http::catch_panic::CatchPanicLayer;

pub use body::{Json, MAX_BODY};
pub use place::{Path, Query, limit};

/// An answer, or the refusal.
pub type Answer<T> = Result<T, Problem>;

/// Media type of a problem document (RFC 9457, section 6.1).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Refusals that say when to come back.
const WAITS: [Reason; 4] =
    [Reason::Busy, Reason::LoginPaused, Reason::Unavailable, Reason::DirectoryDown];

/// Seconds after which to come back where nothing better is known.
const RETRY_AFTER: u32 = 5;

/// A refusal on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    reason: Reason,
    detail: Option<String>,
    retry_after: u32,
}

impl Problem {
    /// A refusal for that reason.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self { reason, detail: None, retry_after: RETRY_AFTER }
    }

    /// Says what exactly, for whoever made the request. Never personal data: name the field,
    /// not its value.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Seconds after which to come back, for refusals that say so ([`Reason::Busy`],
    /// [`Reason::LoginPaused`], [`Reason::Unavailable`] and [`Reason::DirectoryDown`]); at least 1.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = seconds.max(1);
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> schemas::api::Problem {
        schemas::api::Problem {
            kind: format!("urn:sohoa:problem:{}", self.reason.code()),
            title: self.reason.vi().to_owned(),
            status: self.reason.status(),
            code: self.reason.code().to_owned(),
            detail: self.detail.clone(),
        }
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<ArchiveError> for Problem {
    /// What the archive's trouble is to somebody outside. The trouble itself is for the log.
    fn from(error: ArchiveError) -> Self {
        let reason = match &error {
            ArchiveError::Full => Reason::StorageFull,
            // Another process may have what this one lacks.
            ArchiveError::Locked(_)
            | ArchiveError::Unavailable { .. }
            | ArchiveError::NewerSchema
            | ArchiveError::OlderSchema
            | ArchiveError::OtherMaster => Reason::Unavailable,
            ArchiveError::Erased(_) => Reason::RecordErased,
            ArchiveError::Missing(_)
            | ArchiveError::NoKey(_)
            | ArchiveError::Corrupt { .. }
            | ArchiveError::Template { .. } => Reason::Internal,
        };
        tracing::error!(code = reason.code(), error = told(&error), "the archive failed");
        Self::new(reason)
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}

impl IntoResponse for Problem {
    /// Also the one place where a refusal is logged: code and status, nothing of the request.
    /// What broke on our side was logged where it broke.
    fn into_response(self) -> Response {
        let (code, status) = (self.reason.code(), self.reason.status());
        if status < 500 {
            tracing::info!(code, status, "refused");
        }
        let mut response = axum::Json(self.document()).into_response();
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if WAITS.contains(&self.reason) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after));
        }
        if status == 401 {
            // RFC 9110, section 11.6.1.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Makes problem documents of what the router answers by itself: nothing at that address, no
/// such method there, a handler that panicked. To be put around everything, last.
pub fn everywhere(router: Router) -> Router {
    router
        .fallback(async || Problem::new(Reason::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Reason::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(of_panic))
}

/// A panic's message may quote anything, so it is left to the panic hook.
fn of_panic(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!(code = Reason::Internal.code(), "a handler panicked");
    Problem::new(Reason::Internal).into_response()
}

#[cfg(test)]
mod tests;
