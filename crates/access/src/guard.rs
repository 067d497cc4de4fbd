//! The one place where a request is let through or refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use archive::{Archive, Principal};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use problem::{Answer, Problem};
use schemas::access::{Permission, Reach};
use schemas::code::Reason;
use utoipa::openapi::OpenApi;

use crate::asker::Asker;
use crate::description::opened_by;
use crate::keys::KeyText;
use crate::pace::Pace;

/// Addresses for everyone: they tell whether the process is well and what its interface is.
pub const OPEN: [&str; 3] = ["/healthz", "/readyz", "/v1/openapi.json"];

/// Where the process tells what it counted.
const METRICS: &str = "/metrics";

/// What opens `/metrics` where it isn't open.
const WATCHERS: [Permission; 2] = [Permission::Audit, Permission::Administer];

/// What the guard goes by.
pub struct Guard {
    archive: Archive,
    opened_by: HashMap<(Method, String), Vec<Permission>>,
    open_metrics: bool,
    pace: Pace,
}

/// Who somebody was found to be.
struct Known {
    principal: Principal,
    only: Vec<Permission>,
}

impl Guard {
    /// A guard of what that document describes, and of `/metrics` unless that is open.
    #[must_use]
    pub fn new(archive: Archive, face: &OpenApi, open_metrics: bool) -> Arc<Self> {
        let opened_by = opened_by(face);
        Arc::new(Self { archive, opened_by, open_metrics, pace: Pace::default() })
    }

    /// Lets a request through, with who asks where that matters, or says why not.
    async fn admit(&self, request: &mut Request) -> Answer<()> {
        let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        // There is nothing to guard; the router says so to everyone.
        let Some(path) = path else { return Ok(()) };
        if OPEN.contains(&path.as_str()) || (path == METRICS && self.open_metrics) {
            return Ok(());
        }
        let known = self.who(request.headers()).await?;
        let who = known.principal.id;
        self.pace
            .count(who, Instant::now())
            .map_err(|seconds| Problem::new(Reason::Busy).retry_after(seconds))?;
        // The router answers HEAD with what answers GET.
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        let needed = match self.opened_by.get(&(method, path.clone())) {
            Some(needed) => needed.as_slice(),
            None if path == METRICS => &WATCHERS,
            None if self.describes(&path) => return Err(Reason::MethodNotAllowed.into()),
            None => return Err(Reason::Forbidden.into()),
        };
        let reach = Reach::of(&known.principal.grants, &known.only, needed);
        if reach.is_nowhere() {
            tracing::info!(principal.id = %who, "not granted");
            return Err(Reason::Forbidden.into());
        }
        request.extensions_mut().insert(Asker { id: who, reach });
        Ok(())
    }

    fn describes(&self, path: &str) -> bool {
        self.opened_by.keys().any(|(_, described)| described == path)
    }

    /// Who shows what the headers hold.
    async fn who(&self, headers: &HeaderMap) -> Answer<Known> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = shown.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let known = match bearer.map(str::parse::<KeyText>) {
            Some(Ok(key)) => self.holder(&key).await?,
            Some(Err(_)) | None => None,
        };
        known.filter(|known| !known.principal.locked).ok_or(Reason::Unauthenticated.into())
    }

    /// Who holds a key, if it is one and still good.
    async fn holder(&self, shown: &KeyText) -> Answer<Option<Known>> {
        let Some(key) = self.archive.records.key(shown.id).await? else { return Ok(None) };
        // Hashes of secrets that nobody can guess: how long it takes to compare them tells nothing.
        let good =
            key.digest == shown.digest() && !key.revoked && Timestamp::now() < key.expires_at;
        Ok(good.then_some(Known { principal: key.holder, only: key.only }))
    }
}

/// The layer around every route: `axum::middleware::from_fn_with_state(guard, access::check)`.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    match guard.admit(&mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
