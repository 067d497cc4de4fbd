//! Parts of an address, refused with problem documents.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemas::code::Reason;
use serde::de::DeserializeOwned;

use crate::{Answer, Problem};

/// The parts of a path. What can't be a part of it names nothing.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(Reason::NotFound)),
        }
    }
}

/// The parameters after the question mark.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(_) => {
                let detail = "the parameters after the question mark are not as described";
                Err(Problem::new(Reason::RequestInvalid).because(detail))
            }
        }
    }
}

/// How many things an answer holds at most: as many as were asked for, `usual` where nothing was
/// said.
///
/// # Errors
/// [`Reason::RequestInvalid`] unless it is from 1 to `most`: an answer that is cut shorter than was
/// asked for looks like all there is.
pub fn limit(asked: Option<u32>, usual: u32, most: u32) -> Answer<u32> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::new(Reason::RequestInvalid).because(format!("`limit` is from 1 to {most}")))
}
