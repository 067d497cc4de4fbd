//! Sessions of people: a token of 256 random bits in a cookie, of which only the hash is kept.

use archive::Session;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use problem::{Answer, Problem};
use schemas::access::Role;
use schemas::api::Duty;
use schemas::code::Reason;
use schemas::ids::Blake3;

use crate::cookie::Cookie;
use crate::keys;
use crate::peer::Peer;

/// Given to no page of another site, and forgotten when the browser is closed.
const COOKIE: Cookie =
    Cookie { over_tls: "__Host-sohoa", on_machine: "sohoa", same_site: "Strict" };

/// The token of a session, as its person's browser holds it.
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Answer<Self> {
        keys::token().map(Self)
    }

    /// blake3 of it, which is what is kept.
    #[must_use]
    pub fn digest(&self) -> Blake3 {
        keys::digest(&self.0)
    }

    /// The cookie that a request shows, where it came in a way that nobody else reads.
    pub(crate) fn shown(headers: &HeaderMap, peer: Peer) -> Option<Self> {
        COOKIE.shown(headers, peer).map(Self)
    }

    /// What hands it to the browser (`Set-Cookie`).
    ///
    /// # Errors
    /// [`Reason::Insecure`] where others would read it on its way.
    pub fn cookie(&self, peer: Peer) -> Answer<HeaderValue> {
        COOKIE.set(peer, &self.0, "")
    }

    /// What has the browser forget it.
    ///
    /// # Errors
    /// [`Reason::Insecure`] where no browser has one.
    pub fn no_cookie(peer: Peer) -> Answer<HeaderValue> {
        COOKIE.set(peer, "", "; Max-Age=0")
    }
}

/// How long sessions last, and who needs more than a password.
#[derive(Debug, Clone)]
pub struct SessionRules {
    /// Without a request it ends after that.
    pub idle: SignedDuration,
    /// It ends after that, however much it is used.
    pub lasts: SignedDuration,
    /// Roles that need a second factor.
    pub second_factor: Vec<Role>,
}

impl SessionRules {
    /// Whether a session is good at that moment.
    pub(crate) fn is_good(&self, session: &Session, now: Timestamp) -> bool {
        let idle = now.duration_since(session.seen_at);
        now < session.ends_at && idle < self.idle && !session.person.principal.locked
    }

    /// Whether it is time to note that a session is used: once a minute, or oftener where it ends
    /// soon without that.
    pub(crate) fn is_unseen(&self, session: &Session, now: Timestamp) -> bool {
        let every = SignedDuration::from_mins(1).min(self.idle / 4);
        every <= now.duration_since(session.seen_at)
    }

    /// What a person must do before anything else is let through. Nothing where the office's
    /// directory vouches for them: passwords and second factors are its business then.
    #[must_use]
    pub fn duties(&self, session: &Session) -> Vec<Duty> {
        let (person, mut duties) = (&session.person, Vec::new());
        if session.by_directory {
            return duties;
        }
        if person.given_until.is_some() {
            duties.push(Duty::ChangePassword);
        }
        let needs = |role| self.second_factor.contains(&role);
        let needed = person.principal.grants.iter().any(|grant| needs(grant.role));
        if needed && person.factor.is_none() {
            duties.push(Duty::SetUpSecondFactor);
        }
        duties
    }
}

/// Who is logged in, for what concerns nobody else: their own session, password, second factor.
#[derive(Debug, Clone)]
pub struct LoggedIn(pub Session);

impl<S: Send + Sync> FromRequestParts<S> for LoggedIn {
    type Rejection = Problem;

    /// Only the guard puts a session there.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::new(Reason::Unauthenticated))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::header;

    use super::*;
    use crate::peer::Way;

    fn peer(way: Way) -> Peer {
        Peer { address: IpAddr::from([127, 0, 0, 1]), way }
    }

    #[test]
    fn a_token_is_handed_out_and_taken_back_where_nobody_else_reads_it() {
        let token = Token::make().unwrap();
        for (way, secure) in [(Way::Tls, true), (Way::Machine, false)] {
            let cookie = token.cookie(peer(way)).unwrap();
            let text = cookie.to_str().unwrap();
            assert!(text.contains("; Path=/; HttpOnly; SameSite=Strict"), "{text}");
            assert_eq!((text.starts_with("__Host-"), text.ends_with("; Secure")), (secure, secure));
            let mut shown = HeaderMap::new();
            let pair = text.split(';').next().unwrap();
            shown.insert(header::COOKIE, format!("theme=dark; {pair}").parse().unwrap());
            let read = Token::shown(&shown, peer(way)).unwrap();
            assert_eq!(read.digest(), token.digest());
            assert!(Token::shown(&shown, peer(Way::Open)).is_none());
            let other = if secure { Way::Machine } else { Way::Tls };
            assert!(Token::shown(&shown, peer(other)).is_none());
        }
        assert!(token.cookie(peer(Way::Open)).is_err());
    }
}
