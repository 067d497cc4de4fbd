//! Cookies that are there for this host alone and for no script.

use axum::http::{HeaderMap, HeaderValue, header};
use problem::{Answer, Problem};
use schemas::code::Reason;

use crate::peer::{Peer, Way};

/// A cookie by its two names. Over TLS its prefix has browsers refuse one that another host or an
/// open connection has set (RFC 6265bis, section 4.1.3.2); on the machine itself there is no TLS,
/// and not every browser takes the other.
pub(crate) struct Cookie {
    pub(crate) over_tls: &'static str,
    pub(crate) on_machine: &'static str,
    /// Whether other sites' pages send it along: `Strict`, `Lax`.
    pub(crate) same_site: &'static str,
}

impl Cookie {
    /// What a request shows, where it came in a way that nobody else reads: a [`crate::keys::token`].
    pub(crate) fn shown(&self, headers: &HeaderMap, peer: Peer) -> Option<String> {
        let name = self.name(peer)?;
        let cookies = headers.get_all(header::COOKIE).iter();
        let mut each = cookies.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
        let value = each.find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then_some(value)
        })?;
        (value.len() == 64).then(|| value.to_owned())
    }

    /// What hands it to the browser (`Set-Cookie`).
    pub(crate) fn set(&self, peer: Peer, value: &str, more: &str) -> Answer<HeaderValue> {
        let name = self.name(peer).ok_or(Reason::Insecure)?;
        let (site, secure) = (self.same_site, if peer.way == Way::Tls { "; Secure" } else { "" });
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={site}{secure}{more}");
        let mut value = HeaderValue::try_from(text).map_err(|_| Problem::new(Reason::Internal))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn name(&self, peer: Peer) -> Option<&'static str> {
        match peer.way {
            Way::Tls => Some(self.over_tls),
            Way::Machine => Some(self.on_machine),
            Way::Open => None,
        }
    }
}
