//! JSON bodies, refused with problem documents that name the field and never quote it.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use schemas::code::Reason;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::Problem;

/// Longest JSON body that is read, in bytes; the longest that means anything has a few
/// thousand.
pub const MAX_BODY: usize = 1 << 20;

/// How long a JSON body may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body, coming in or going out.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(invalid("the content type must be application/json"));
        }
        let body = timeout(PATIENCE, to_bytes(request.into_body(), MAX_BODY)).await;
        let Ok(Ok(bytes)) = body else {
            return Err(invalid("the body was cut short, took too long or is longer than 1 MB"));
        };
        if holds_nul(&bytes) {
            return Err(invalid("a text holds U+0000, which is no letter"));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid(whereabouts(&error)))?;
        json.end().map_err(|_| invalid("something follows the JSON value"))?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Reason::RequestInvalid).because(detail)
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(named) = named else { return false };
    let essence = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Whether a text of that JSON holds a NUL, which can stand in it escaped only. PostgreSQL keeps
/// none, so what one machine takes a cluster would fail over.
fn holds_nul(json: &[u8]) -> bool {
    let mut rest = json.iter();
    while let Some(byte) = rest.next() {
        // What follows a backslash is taken along: another one escapes nothing.
        if *byte == b'\\' && rest.next() == Some(&b'u') && rest.as_slice().starts_with(b"0000") {
            return true;
        }
    }
    false
}

/// Where a body is wrong. The parser's own words may quote the value, and so may the path
/// where the field isn't one of ours; so only names that look like our fields are told.
fn whereabouts(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let cause = error.inner();
    let place = format!("line {}, column {}", cause.line(), cause.column());
    if !cause.is_data() {
        return format!("not JSON at {place}");
    }
    let path = error.path().to_string();
    // The parser names a missing field by our own name for it.
    let message = cause.to_string();
    let missing = message.strip_prefix("missing field `").and_then(|m| m.split('`').next());
    match (is_ours(&path).then_some(path), missing.filter(|name| is_ours(name))) {
        (Some(path), Some(name)) => format!("`{name}` is missing in `{path}` at {place}"),
        (None, Some(name)) => format!("`{name}` is missing at {place}"),
        (Some(path), None) => format!("`{path}` is not as described at {place}"),
        (None, None) => format!("not as described at {place}"),
    }
}

/// Whether it could be a path of our fields: lower case and underscores, at most 60 letters.
fn is_ours(path: &str) -> bool {
    let letters =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    path.len() <= 60 && path.split('.').all(letters)
}
