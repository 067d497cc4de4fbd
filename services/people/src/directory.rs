//! Logging in by the office's directory (OpenID Connect): its authorization code flow with PKCE.
//!
//! The browser goes to the directory and comes back with a code; Sohoa asks the directory for the
//! token behind it. Whoever that names begins a session like any other. What they may is granted
//! here, to people who were made here: the directory only says who it is.

mod page;
mod provider;
mod token;

use std::time::{Duration, Instant};

use access::{Peer, Visit, Way};
use archive::InDirectory;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use problem::{Answer, Json, Problem, Query};
use schemas::api::SessionView;
use schemas::code::Reason;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::PeopleDesk;
use crate::login::{Login, paused};

pub use provider::{Directory, DirectoryError, DirectoryTerms};

/// Steps to the directory and back from one neighbourhood in ten minutes: an office begins its day
/// behind one address.
pub(crate) const MOST_STEPS: u32 = 600;

/// How long they are counted together.
pub(crate) const STEPS_WINDOW: Duration = Duration::from_secs(600);

/// Longest code that a directory gives.
const LONGEST_CODE: usize = 4096;

/// What the directory has the browser bring back.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Back {
    /// What the token is asked for with.
    code: Option<String>,
    /// What the browser was sent with.
    state: Option<String>,
    /// Why there is no code (RFC 6749, section 4.1.2.1).
    error: Option<String>,
    /// Who sends it back (RFC 9207).
    iss: Option<String>,
}

/// Log in by the office's directory.
///
/// Sends the browser there. It comes back within ten minutes, to the address beside this one.
#[utoipa::path(
    get,
    path = "/v1/session/openid",
    tag = "people",
    extensions(("x-permission" = json!("anyone"))),
    responses(
        (status = 303, description = "To the directory", headers(("Location" = String, description = "Its page"), ("Set-Cookie" = String, description = "What the browser is known by when it is back"))),
        (status = 403, description = "`access.insecure`"),
        (status = 404, description = "`access.directory_none`"),
        (status = 429, description = "`server.busy`, `access.paused`"),
        (status = 503, description = "`access.directory_down`"),
    ),
)]
pub(crate) async fn go_to_directory(
    State(desk): State<PeopleDesk>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    page::answered(&headers, desk.go(peer).await)
}

/// Come back from the office's directory.
///
/// A browser gets a page that leads on; who asks for JSON gets the session. It is one as after
/// logging in with a password, but for what a password has one do first.
#[utoipa::path(
    get,
    path = "/v1/session/openid/return",
    tag = "people",
    extensions(("x-permission" = json!("anyone"))),
    params(Back),
    responses(
        (status = 200, description = "The session", body = SessionView, headers(("Set-Cookie" = String, description = "The session's token"))),
        (status = 400, description = "`request.invalid`, `access.directory_visit`"),
        (status = 401, description = "`access.directory_refused`"),
        (status = 403, description = "`access.insecure`, `access.directory_weak`, `access.directory_stranger`"),
        (status = 404, description = "`access.directory_none`"),
        (status = 429, description = "`server.busy`, `access.paused`"),
        (status = 503, description = "`access.directory_down`"),
    ),
)]
pub(crate) async fn come_back(
    State(desk): State<PeopleDesk>,
    peer: Peer,
    headers: HeaderMap,
    visit: Answer<Visit>,
    back: Answer<Query<Back>>,
) -> Response {
    let mut response = page::answered(&headers, desk.back(&headers, peer, visit, back).await);
    // Whatever came of it, it was this browser's one way.
    if let Ok(none) = Visit::no_cookie(peer) {
        response.headers_mut().append(header::SET_COOKIE, none);
    }
    response
}

impl PeopleDesk {
    /// Sends a browser to the directory.
    async fn go(&self, peer: Peer) -> Answer<Response> {
        let directory = self.step(peer)?;
        let (visit, now) = (Visit::make()?, Timestamp::now());
        let cookie = visit.cookie(peer)?;
        let page = directory.page(&visit).await?;
        let until = now + SignedDuration::from_secs(Visit::SECONDS);
        self.archive.records.put_visit(visit.digest(), now, until).await?;
        let headers = [(header::LOCATION, page.to_string())];
        let cookie = [(header::SET_COOKIE, cookie)];
        Ok((StatusCode::SEE_OTHER, headers, cookie).into_response())
    }

    /// Lets whoever comes back in, if they are somebody.
    async fn back(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        visit: Answer<Visit>,
        back: Answer<Query<Back>>,
    ) -> Answer<Response> {
        let directory = self.step(peer)?;
        let (visit, Query(back), now) = (visit?, back?, Timestamp::now());
        // Another browser's state doesn't derive from this one's cookie.
        let same = back.state.is_some_and(|state| state == visit.state());
        if !same || !self.archive.records.take_visit(visit.digest(), now).await? {
            return Err(Reason::DirectoryVisit.into());
        }
        let terms = &directory.terms;
        let code = back.code.filter(|code| code.len() <= LONGEST_CODE);
        let (None, Some(code), true) =
            (back.error, code, back.iss.is_none_or(|iss| iss == terms.issuer))
        else {
            return Err(Reason::DirectoryRefused.into());
        };
        let claims = directory.token(&code, &visit).await?;
        if !claims.meets(&terms.demand) {
            tracing::info!("the directory vouches for somebody too weakly");
            return Err(Reason::DirectoryWeak.into());
        }
        let name = claims.named(&terms.name_claim).map(Login::typed);
        let who = InDirectory {
            issuer: &terms.issuer,
            subject: &claims.sub,
            name: name.as_ref().map(|name| name.0.as_str()),
        };
        let person = self.archive.records.person_in_directory(who, now).await?;
        let Some(person) = person.filter(|person| !person.principal.locked) else {
            tracing::info!("the directory knows somebody who has no place here");
            return Err(Reason::DirectoryStranger.into());
        };
        // Both steps went well, and what is counted are those that don't.
        let from = peer.neighbourhood();
        (0..2).for_each(|_| self.steps.uncount(&from));
        let (cookie, session) = self.start(person, peer, Some(who)).await?;
        let id = session.person.principal.id;
        tracing::info!(principal.id = %id, "logged in by the directory");
        let cookie = [(header::SET_COOKIE, cookie)];
        if page::is_asked_for(headers) {
            return Ok((cookie, page::leading_on(&terms.landing)).into_response());
        }
        Ok((cookie, Json(self.view(&session))).into_response())
    }

    /// Counts a step to the directory or back, or refuses it.
    fn step(&self, peer: Peer) -> Answer<&Directory> {
        let directory = self.directory.as_deref().ok_or(Problem::new(Reason::DirectoryNone))?;
        if peer.way == Way::Open {
            return Err(Reason::Insecure.into());
        }
        self.steps.count(peer.neighbourhood(), Instant::now()).map_err(paused)?;
        Ok(directory)
    }
}
