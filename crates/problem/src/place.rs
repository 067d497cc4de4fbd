//! Parts of an address, refused with problem documents.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemas::code::Reason;
use serde::de::DeserializeOwned;

use crate::Problem;

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
