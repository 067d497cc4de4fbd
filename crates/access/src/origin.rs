//! Whether a page of another site asks, in the name of whoever is logged in here. A cookie that is
//! `SameSite=Strict` doesn't go along with such a request; this stands in front of that, for
//! browsers and neighbours that the cookie's word doesn't cover (another port of this host is the
//! same site).

use axum::http::{HeaderMap, Method, header};

/// Whether that request may change something: it is not from a page of another origin.
///
/// Browsers say where a page is from (`Sec-Fetch-Site`; older ones `Origin` with whatever isn't
/// a `GET`). What says neither is no browser, and nobody makes it ask against its will.
pub(crate) fn is_own(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, headers: &[(&'static str, &'static str)], want: bool) {
        let mut map = HeaderMap::new();
        map.insert(header::HOST, "sohoa.example.vn".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        assert_eq!(is_own(&method, &map), want, "{method} {headers:?}");
    }

    #[test]
    fn a_page_of_another_origin_changes_nothing() {
        check(Method::POST, &[], true);
        check(Method::POST, &[("sec-fetch-site", "same-origin")], true);
        check(Method::POST, &[("sec-fetch-site", "none")], true);
        check(Method::DELETE, &[("sec-fetch-site", "cross-site")], false);
        check(Method::POST, &[("sec-fetch-site", "same-site")], false);
        check(Method::POST, &[("origin", "https://sohoa.example.vn")], true);
        check(Method::POST, &[("origin", "https://sohoa.example.vn:8443")], false);
        check(Method::PUT, &[("origin", "https://example.vn")], false);
        check(Method::POST, &[("origin", "null")], false);
        check(Method::GET, &[("sec-fetch-site", "cross-site")], true);
    }
}
