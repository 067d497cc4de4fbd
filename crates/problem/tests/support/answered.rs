//! What a service's tests ask of it and what it answers.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use schemas::code::Reason;
use tower::ServiceExt;

/// An answer, with its body read to the end.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// What these routes answer.
    pub(crate) async fn by(router: &Router, request: Request<Body>) -> Self {
        let response = router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        Self { status, headers, body: body.to_vec() }
    }

    #[track_caller]
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Checks that it is a refusal for that reason, and gives its detail.
    #[track_caller]
    pub(crate) fn refused(&self, reason: Reason) -> String {
        let problem: schemas::api::Problem = self.json();
        assert_eq!(problem.code, reason.code(), "{problem:?}");
        assert_eq!(self.status.as_u16(), reason.status());
        problem.detail.unwrap_or_default()
    }
}
