//! The one place where a request is let through or refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Archive, Principal, Session};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use jiff::Timestamp;
use problem::{Answer, Problem};
use schemas::access::{Permission, Reach};
use schemas::api::Duty;
use schemas::code::Reason;
use schemas::ids::PrincipalId;
use utoipa::openapi::OpenApi;

use crate::asker::Asker;
use crate::description::{Opening, Word, opened_by};
use crate::headers;
use crate::keys::KeyText;
use crate::origin::is_own;
use crate::pace::Pace;
use crate::peer::Peer;
use crate::session::{LoggedIn, SessionRules, Token};

/// Addresses for everyone: they tell whether the process is well and what its interface is.
pub const OPEN: [&str; 3] = ["/healthz", "/readyz", "/v1/openapi.json"];

/// Where the process tells what it counted.
const METRICS: &str = "/metrics";

/// What opens `/metrics` where it isn't open.
const WATCHERS: [Permission; 2] = [Permission::Audit, Permission::Administer];

/// Requests of one principal in ten seconds: generous, so that only a program gone wrong notices.
const MOST: u32 = 5000;

/// Requests of one neighbourhood in ten seconds by nobody known.
const MOST_STRANGE: u32 = 1000;

/// How long they are counted together.
const WINDOW: Duration = Duration::from_secs(10);

/// What the guard goes by, beside the interface's description.
#[derive(Debug, Clone)]
pub struct GuardRules {
    /// Whether `/metrics` is for everyone.
    pub open_metrics: bool,
    /// Proxies that are believed when they say for whom they ask.
    pub proxies: Vec<IpNet>,
    /// When a session is good.
    pub sessions: SessionRules,
}

/// What the guard goes by.
pub struct Guard {
    archive: Archive,
    opened_by: HashMap<(Method, String), Opening>,
    rules: GuardRules,
    known: Pace<PrincipalId>,
    strange: Pace<IpAddr>,
}

/// Who somebody was found to be.
struct Known {
    principal: Principal,
    only: Vec<Permission>,
    session: Option<Session>,
}

impl Guard {
    /// A guard of what that document describes.
    #[must_use]
    pub fn new(archive: Archive, face: &OpenApi, rules: GuardRules) -> Arc<Self> {
        let (known, strange) = (Pace::new(MOST, WINDOW), Pace::new(MOST_STRANGE, WINDOW));
        Arc::new(Self { archive, opened_by: opened_by(face), rules, known, strange })
    }

    /// Lets a request through, with who asks where that matters, or says why not.
    async fn admit(&self, request: &mut Request, peer: Peer) -> Answer<()> {
        let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        // There is nothing to guard; the router says so to everyone.
        let Some(path) = path else { return self.count_stranger(peer) };
        if OPEN.contains(&path.as_str()) || (path == METRICS && self.rules.open_metrics) {
            return self.count_stranger(peer);
        }
        // The router answers HEAD with what answers GET.
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        let opening = self.opened_by.get(&(method, path.clone()));
        if opening == Some(&Opening::Word(Word::Anyone)) {
            self.count_stranger(peer)?;
            return match is_own(request.method(), request.headers()) {
                true => Ok(()),
                false => Err(Reason::CrossOrigin.into()),
            };
        }
        let known = match self.who(request.method(), request.headers(), peer).await? {
            Some(known) => known,
            None => {
                self.count_stranger(peer)?;
                return Err(Reason::Unauthenticated.into());
            }
        };
        let who = known.principal.id;
        self.known.count(who, Instant::now()).map_err(busy)?;
        let needed = match opening {
            Some(Opening::Word(_)) => {
                let session = known.session.ok_or(Reason::Forbidden)?;
                request.extensions_mut().insert(LoggedIn(session));
                return Ok(());
            }
            Some(Opening::Holders(needed)) => needed.as_slice(),
            None if path == METRICS => &WATCHERS,
            None if self.describes(&path) => return Err(Reason::MethodNotAllowed.into()),
            None => return Err(Reason::Forbidden.into()),
        };
        if let Some(session) = &known.session {
            self.undone(session)?;
        }
        let reach = Reach::of(&known.principal.grants, &known.only, needed);
        if reach.is_nowhere() {
            tracing::info!(principal.id = %who, "not granted");
            return Err(Reason::Forbidden.into());
        }
        request.extensions_mut().insert(Asker { id: who, reach });
        Ok(())
    }

    /// Whether there is something that a person must do first.
    fn undone(&self, session: &Session) -> Answer<()> {
        match self.rules.sessions.duties(session).first() {
            None => Ok(()),
            Some(Duty::ChangePassword) => Err(Reason::PasswordMustChange.into()),
            Some(Duty::SetUpSecondFactor) => Err(Reason::SecondFactorMustBeSetUp.into()),
        }
    }

    fn count_stranger(&self, peer: Peer) -> Answer<()> {
        self.strange.count(peer.neighbourhood(), Instant::now()).map_err(busy)
    }

    fn describes(&self, path: &str) -> bool {
        self.opened_by.keys().any(|(_, described)| described == path)
    }

    /// Who shows what the headers hold: a key, or else a session.
    async fn who(&self, method: &Method, headers: &HeaderMap, peer: Peer) -> Answer<Option<Known>> {
        let Some(shown) = headers.get(header::AUTHORIZATION) else {
            let Some(token) = Token::shown(headers, peer) else { return Ok(None) };
            if !is_own(method, headers) {
                return Err(Reason::CrossOrigin.into());
            }
            return self.person(&token).await;
        };
        let bearer = shown.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let known = match bearer.map(str::parse::<KeyText>) {
            Some(Ok(key)) => self.holder(&key).await?,
            Some(Err(_)) | None => None,
        };
        Ok(known.filter(|known| !known.principal.locked))
    }

    /// Whose session it is, if it is one and still good.
    async fn person(&self, token: &Token) -> Answer<Option<Known>> {
        let records = &self.archive.records;
        let Some(session) = records.session(token.digest()).await? else { return Ok(None) };
        let now = Timestamp::now();
        if !self.rules.sessions.is_good(&session, now) {
            return Ok(None);
        }
        if self.rules.sessions.is_unseen(&session, now) {
            records.see_session(session.digest, now).await?;
        }
        let principal = session.person.principal.clone();
        Ok(Some(Known { principal, only: Vec::new(), session: Some(session) }))
    }

    /// Who holds a key, if it is one and still good.
    async fn holder(&self, shown: &KeyText) -> Answer<Option<Known>> {
        let Some(key) = self.archive.records.key(shown.id).await? else { return Ok(None) };
        // Hashes of secrets that nobody can guess: how long it takes to compare them tells nothing.
        let good =
            key.digest == shown.digest() && !key.revoked && Timestamp::now() < key.expires_at;
        Ok(good.then_some(Known { principal: key.holder, only: key.only, session: None }))
    }
}

fn busy(seconds: u32) -> Problem {
    Problem::new(Reason::Busy).retry_after(seconds)
}

/// The layer around every route: `axum::middleware::from_fn_with_state(guard, access::check)`.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let peer = Peer::of(request.extensions(), request.headers(), &guard.rules.proxies);
    request.extensions_mut().insert(peer);
    let mut response = match guard.admit(&mut request, peer).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    headers::put(&mut response, peer);
    response
}
