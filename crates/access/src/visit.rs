//! A browser's way to the office's directory and back: a token of 256 random bits in a cookie, from
//! which everything is derived that must fit when it comes back. So nothing of it is kept but that
//! it is on its way.

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use problem::{Answer, Problem};
use schemas::code::Reason;
use schemas::ids::Blake3;

use crate::cookie::Cookie;
use crate::keys;
use crate::peer::Peer;

/// Sent along when the directory's page leads back, and never with what another page posts.
const COOKIE: Cookie =
    Cookie { over_tls: "__Host-sohoa-visit", on_machine: "sohoa-visit", same_site: "Lax" };

/// A browser's way to the directory and back.
pub struct Visit(String);

impl Visit {
    /// How long it may take, in seconds.
    pub const SECONDS: i64 = 600;

    /// A new one.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Answer<Self> {
        keys::token().map(Self)
    }

    /// What comes back in the address (`state`, RFC 6749, section 10.12).
    #[must_use]
    pub fn state(&self) -> String {
        self.derived("sohoa 2026-11 openid state")
    }

    /// What the directory puts into its token (`nonce`, OpenID Connect Core, section 15.5.2).
    #[must_use]
    pub fn nonce(&self) -> String {
        self.derived("sohoa 2026-11 openid nonce")
    }

    /// What proves that the code is asked for by whoever sent the browser (RFC 7636).
    #[must_use]
    pub fn verifier(&self) -> String {
        self.derived("sohoa 2026-11 openid verifier")
    }

    /// blake3 of it, which is what is kept.
    #[must_use]
    pub fn digest(&self) -> Blake3 {
        keys::digest(&self.0)
    }

    fn derived(&self, what: &'static str) -> String {
        Blake3(blake3::derive_key(what, self.0.as_bytes())).to_string()
    }

    /// What hands it to the browser (`Set-Cookie`).
    ///
    /// # Errors
    /// [`Reason::Insecure`] where others would read it on its way.
    pub fn cookie(&self, peer: Peer) -> Answer<HeaderValue> {
        COOKIE.set(peer, &self.0, &format!("; Max-Age={}", Self::SECONDS))
    }

    /// What has the browser forget it.
    ///
    /// # Errors
    /// [`Reason::Insecure`] where no browser has one.
    pub fn no_cookie(peer: Peer) -> Answer<HeaderValue> {
        COOKIE.set(peer, "", "; Max-Age=0")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    /// The one that the browser is on.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().copied();
        let shown = peer.and_then(|peer| COOKIE.shown(&parts.headers, peer));
        shown.map(Self).ok_or(Problem::new(Reason::DirectoryVisit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_differs_and_tells_nothing_of_the_rest() {
        let visit = Visit("0".repeat(64));
        let all = [visit.state(), visit.nonce(), visit.verifier(), visit.digest().to_string()];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!((different.len(), all[0].len()), (4, 64));
        assert_ne!(Visit::make().unwrap().state(), all[0]);
    }
}
