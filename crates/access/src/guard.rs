//! The one place where a request is let through or refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Archive, Principal, Session};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
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
use crate::peer::Peer;
use crate::rate_limit::RateLimit;
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

/// How often it is looked whether somebody who follows what happens still may.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
    known: RateLimit<PrincipalId>,
    strange: RateLimit<IpAddr>,
}

/// Who somebody was found to be.
struct Known {
    principal: Principal,
    only: Vec<Permission>,
    session: Option<Session>,
}

/// What opened an operation to somebody.
struct Entry {
    who: PrincipalId,
    reach: Reach,
    needed: Vec<Permission>,
}

impl Guard {
    /// A guard of what that document describes.
    #[must_use]
    pub fn new(archive: Archive, face: &OpenApi, rules: GuardRules) -> Arc<Self> {
        let (known, strange) = (RateLimit::new(MOST, WINDOW), RateLimit::new(MOST_STRANGE, WINDOW));
        Arc::new(Self { archive, opened_by: opened_by(face), rules, known, strange })
    }

    /// Lets a request through, with who asks where that matters, or says why not. Answers what
    /// opened it to them.
    async fn admit(&self, request: &mut Request, peer: Peer) -> Answer<Option<Entry>> {
        let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let open = path.as_deref().is_none_or(|path| {
            OPEN.contains(&path) || (path == METRICS && self.rules.open_metrics)
        });
        // Where there is no path there is nothing to guard; the router says so to everyone.
        let Some(path) = path.filter(|_| !open) else {
            self.count_stranger(peer)?;
            return Ok(None);
        };
        // The router answers HEAD with what answers GET.
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        let opening = self.opened_by.get(&(method, path.clone()));
        if opening == Some(&Opening::Word(Word::Anyone)) {
            self.count_stranger(peer)?;
            return match is_own(request.method(), request.headers()) {
                true => Ok(None),
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
        self.see(&known).await?;
        let needed = match opening {
            Some(Opening::Word(_)) => {
                let session = known.session.ok_or(Reason::Forbidden)?;
                request.extensions_mut().insert(LoggedIn(session));
                return Ok(None);
            }
            Some(Opening::Holders(needed)) => needed.as_slice(),
            None if path == METRICS => &WATCHERS,
            None if self.describes(&path) => return Err(Reason::MethodNotAllowed.into()),
            None => return Err(Reason::Forbidden.into()),
        };
        let reach = self.reach(&known, needed)?;
        if reach.is_nowhere() {
            tracing::info!(principal.id = %who, "not granted");
            return Err(Reason::Forbidden.into());
        }
        let of = |one: &Permission| self.reach(&known, std::slice::from_ref(one));
        let granted = needed.iter().map(|one| Ok((*one, of(one)?))).collect::<Answer<_>>()?;
        request.extensions_mut().insert(Asker { id: who, reach: reach.clone(), granted });
        Ok(Some(Entry { who, reach, needed: needed.to_vec() }))
    }

    /// Where somebody may do what needs one of these.
    fn reach(&self, known: &Known, needed: &[Permission]) -> Answer<Reach> {
        if let Some(session) = &known.session {
            self.undone(session)?;
        }
        Ok(Reach::of(&known.principal.grants, &known.only, needed))
    }

    /// Comes back when whoever showed these headers would not be let in as they were any more:
    /// their session or key has ended, or reaches other offices. Where that can't be told, too:
    /// who may come back does, and goes on after the last event that they saw.
    async fn until_over(self: Arc<Self>, entry: Entry, shown: HeaderMap, peer: Peer) {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let known = self.who(&Method::GET, &shown, peer).await;
            let known = known.ok().flatten().filter(|known| known.principal.id == entry.who);
            let reach = known.and_then(|known| self.reach(&known, &entry.needed).ok());
            if reach != Some(entry.reach.clone()) {
                tracing::info!(principal.id = %entry.who, "followed no longer");
                return;
            }
        }
    }

    /// Notes that a session is used.
    async fn see(&self, known: &Known) -> Answer<()> {
        let now = Timestamp::now();
        match &known.session {
            Some(session) if self.rules.sessions.is_unseen(session, now) => {
                Ok(self.archive.records.see_session(session.digest, now).await?)
            }
            _ => Ok(()),
        }
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
        if !self.rules.sessions.is_good(&session, Timestamp::now()) {
            return Ok(None);
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
    let shown = request.headers().clone();
    let mut response = match guard.admit(&mut request, peer).await {
        Ok(entry) => match (entry, next.run(request).await) {
            (Some(entry), response) if is_stream(&response) => {
                let over = guard.until_over(entry, shown, peer);
                response.map(|body| Body::from_stream(body.into_data_stream().take_until(over)))
            }
            (_, response) => response,
        },
        Err(problem) => problem.into_response(),
    };
    headers::put(&mut response, peer);
    response
}

/// Whether an answer goes on for as long as somebody listens.
fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
