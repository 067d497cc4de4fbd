//! One's own session: beginning, looking at and ending it, and one's own password.

use access::{LoggedIn, Peer, Token, Way};
use archive::{InDirectory, NewSession, Person, Session};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use problem::{Answer, Json};
use schemas::access::Permission;
use schemas::api::{ChangePassword, LogIn, SessionView};
use schemas::code::Reason;

use crate::{PeopleDesk, password};

/// Log in.
///
/// The session is in a cookie that no script sees and no other site's page sends. Over an open
/// network nobody logs in: over TLS, or on the machine itself.
#[utoipa::path(
    post,
    path = "/v1/session",
    tag = "people",
    extensions(("x-permission" = json!("anyone"))),
    request_body(content = LogIn, example = json!({ "name": "can-bo-3", "password": "bốn con trâu trắng", "code": "123456" })),
    responses(
        (status = 201, description = "The session", body = SessionView, headers(("Set-Cookie" = String, description = "The session's token"))),
        (status = 400, description = "`request.invalid`"),
        (status = 401, description = "`access.login`; `access.second_factor`: the password is right, and a code is needed; `access.password_ended`"),
        (status = 403, description = "`access.insecure`, `access.cross_origin`, `access.locked_out`"),
        (status = 429, description = "`server.busy`, `access.paused`"),
    ),
)]
pub(crate) async fn log_in(
    State(desk): State<PeopleDesk>,
    peer: Peer,
    Json(login): Json<LogIn>,
) -> Answer<Response> {
    if peer.way == Way::Open {
        return Err(Reason::Insecure.into());
    }
    let person = desk.recognise(&login, peer).await?;
    let who = person.principal.id;
    let begun = desk.begin(person, peer, StatusCode::CREATED).await?;
    tracing::info!(principal.id = %who, "logged in");
    Ok(begun)
}

/// Show one's own session.
#[utoipa::path(
    get,
    path = "/v1/session",
    tag = "people",
    extensions(("x-permission" = json!("person"))),
    responses((status = 200, description = "The session", body = SessionView)),
)]
pub(crate) async fn show_session(
    State(desk): State<PeopleDesk>,
    LoggedIn(session): LoggedIn,
) -> Json<SessionView> {
    Json(desk.view(&session))
}

/// Log out.
#[utoipa::path(
    delete,
    path = "/v1/session",
    tag = "people",
    extensions(("x-permission" = json!("person"))),
    responses((status = 204, description = "The session has ended")),
)]
pub(crate) async fn log_out(
    State(desk): State<PeopleDesk>,
    LoggedIn(session): LoggedIn,
    peer: Peer,
) -> Answer<Response> {
    desk.archive.records.end_session(session.digest).await?;
    tracing::info!(principal.id = %session.person.principal.id, "logged out");
    let headers = [(header::SET_COOKIE, Token::no_cookie(peer)?)];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Change one's own password.
///
/// Every session of the person ends; this one goes on with another token.
#[utoipa::path(
    put,
    path = "/v1/session/password",
    tag = "people",
    extensions(("x-permission" = json!("person"))),
    request_body(content = ChangePassword, example = json!({ "current": "k3m9p-x2x7q-aaaaa-bbbbb", "new": "bốn con trâu trắng" })),
    responses(
        (status = 200, description = "The session", body = SessionView, headers(("Set-Cookie" = String, description = "The session's new token"))),
        (status = 400, description = "`request.invalid`"),
        (status = 401, description = "`access.unauthenticated`; `access.login`: it is another password"),
        (status = 403, description = "`access.forbidden`, `access.cross_origin`, `access.locked_out`"),
        (status = 422, description = "`person.password`"),
        (status = 429, description = "`server.busy`, `access.paused`"),
    ),
)]
pub(crate) async fn change_password(
    State(desk): State<PeopleDesk>,
    LoggedIn(session): LoggedIn,
    peer: Peer,
    Json(change): Json<ChangePassword>,
) -> Answer<Response> {
    let mut person = session.person;
    password::check(&change.new, &person.principal.name)?;
    if change.new == change.current {
        return Err(problem::Problem::new(Reason::PasswordUnfit).because("it is the present one"));
    }
    desk.confirm(&person, &change.current, None).await?;
    let hash = desk.passwords.hash(&change.new).await?;
    let (records, who) = (&desk.archive.records, person.principal.id);
    let changed = match &person.password {
        Some(shown) => records.change_password(who, (shown, &hash)).await?,
        None => false,
    };
    if !changed {
        tracing::info!(principal.id = %who, "a password that is another by now");
        return Err(Reason::LoginFailed.into());
    }
    tracing::info!(principal.id = %who, "password changed");
    (person.password, person.given_until) = (Some(hash), None);
    desk.begin(person, peer, StatusCode::OK).await
}

impl PeopleDesk {
    /// Begins a session, and answers with it.
    async fn begin(&self, person: Person, peer: Peer, status: StatusCode) -> Answer<Response> {
        let (cookie, session) = self.start(person, peer, None).await?;
        let headers = [(header::SET_COOKIE, cookie)];
        Ok((status, headers, Json(self.view(&session))).into_response())
    }

    /// Begins a session of somebody who was recognised, by the directory or by their password, and
    /// hands over its cookie.
    pub(crate) async fn start(
        &self,
        person: Person,
        peer: Peer,
        directory: Option<InDirectory<'_>>,
    ) -> Answer<(HeaderValue, Session)> {
        let (token, made_at) = (Token::make()?, Timestamp::now());
        let (cookie, digest) = (token.cookie(peer)?, token.digest());
        let ends_at = made_at + self.rules.lasts;
        let new = NewSession { digest, person: &person, directory, made_at, ends_at };
        if !self.archive.records.put_session(&new).await? {
            let who = person.principal.id;
            tracing::info!(principal.id = %who, "a login by what held no longer");
            return Err(match directory {
                Some(_) => Reason::DirectoryStranger.into(),
                None => Reason::LoginFailed.into(),
            });
        }
        let (seen_at, by_directory) = (made_at, directory.is_some());
        Ok((cookie, Session { digest, person, by_directory, made_at, seen_at, ends_at }))
    }

    pub(crate) fn view(&self, session: &Session) -> SessionView {
        let Session { person, .. } = session;
        let principal = &person.principal;
        let may = |one: &Permission| {
            principal.grants.iter().any(|grant| grant.role.permissions().contains(one))
        };
        SessionView {
            id: principal.id,
            name: principal.name.clone(),
            full_name: person.full_name.clone(),
            grants: principal.grants.clone(),
            permissions: Permission::ALL.iter().copied().filter(may).collect(),
            duties: self.rules.duties(session),
            second_factor: person.factor.is_some(),
            since: session.made_at.to_string(),
            ends_at: session.ends_at.to_string(),
            idle_seconds: u32::try_from(self.rules.idle.as_secs()).unwrap_or(u32::MAX),
        }
    }
}
