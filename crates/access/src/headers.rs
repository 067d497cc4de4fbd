//! What every answer tells a browser: to guess nothing, to show nothing of it in another site's
//! page, to tell nobody where it was, and to keep nothing.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::peer::{Peer, Way};

/// What is said unless a handler says otherwise. Nothing of the interface is a page, so no
/// script, style or picture belongs to it.
const EVERYWHERE: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Answers hold personal data, or refuse somebody.
    (header::CACHE_CONTROL, "no-store"),
];

/// For a year; only where TLS is there already.
const TLS_ONLY: &str = "max-age=31536000";

/// Says it with an answer.
pub(crate) fn put(response: &mut Response, peer: Peer) {
    let headers = response.headers_mut();
    for (name, value) in EVERYWHERE {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if peer.way == Way::Tls {
        let value = HeaderValue::from_static(TLS_ONLY);
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
}
