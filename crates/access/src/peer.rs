//! Where a request comes from. A proxy in front says for whom it asks and how it was asked itself;
//! that is believed of the proxies that the configuration names, and of nobody else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;
use problem::Problem;
use schemas::code::Reason;

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Over TLS, which a proxy ended.
    Tls,
    /// From this machine to itself.
    Machine,
    /// Over a network, for all on it to read.
    Open,
}

/// Where a request comes from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Who asks; unspecified where a proxy doesn't tell it in a way that can be read.
    pub address: IpAddr,
    /// How it came.
    pub way: Way,
}

impl Peer {
    /// What connection and headers tell.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpNet]) -> Self {
        let connected = extensions.get::<ConnectInfo<SocketAddr>>();
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let connected = connected.map_or(unknown, |of| of.0.ip().to_canonical());
        let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
        if !is_proxy(&connected) {
            return Self::plain(connected);
        }
        // Each proxy adds at the end whom it was asked by; the first from the end that isn't one
        // of ours is who asks.
        let mut address = connected;
        let named = headers.get_all("x-forwarded-for").iter();
        let named: Vec<&str> = named.filter_map(|value| value.to_str().ok()).collect();
        for told in named.join(",").rsplit(',').map(str::trim).filter(|told| !told.is_empty()) {
            address = told.parse().map_or(unknown, |told: IpAddr| told.to_canonical());
            if !is_proxy(&address) {
                break;
            }
        }
        let asked = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        match asked.is_some_and(|asked| asked.trim().eq_ignore_ascii_case("https")) {
            true => Self { address, way: Way::Tls },
            false => Self::plain(address),
        }
    }

    fn plain(address: IpAddr) -> Self {
        let way = if address.is_loopback() { Way::Machine } else { Way::Open };
        Self { address, way }
    }

    /// What is counted together: an address, or a network of IPv6, where one house has so many.
    #[must_use]
    pub fn neighbourhood(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => self.address,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    /// Only the guard puts a peer there.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or(Problem::new(Reason::Internal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(connected: &str, headers: &[(&'static str, &'static str)], want: (&str, Way)) {
        let proxies = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/24".parse().unwrap()];
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(connected.parse().unwrap(), 1)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let found = Peer::of(&extensions, &map, &proxies);
        assert_eq!(
            (found.address.to_string().as_str(), found.way),
            want,
            "{connected} {headers:?}"
        );
    }

    #[test]
    fn a_proxy_is_believed_and_nobody_else() {
        let (by, tls) = ("x-forwarded-for", ("x-forwarded-proto", "https"));
        check("127.0.0.1", &[], ("127.0.0.1", Way::Machine));
        check("192.0.2.1", &[], ("192.0.2.1", Way::Open));
        check("::ffff:192.0.2.1", &[], ("192.0.2.1", Way::Open));
        check("192.0.2.1", &[(by, "127.0.0.1"), tls], ("192.0.2.1", Way::Open));
        check("10.0.0.7", &[(by, "192.0.2.1"), tls], ("192.0.2.1", Way::Tls));
        check("127.0.0.1", &[(by, "192.0.2.1")], ("192.0.2.1", Way::Open));
        // What somebody says of themselves stands before what the proxy adds.
        check("10.0.0.7", &[(by, "127.0.0.1, 192.0.2.1")], ("192.0.2.1", Way::Open));
        check("10.0.0.7", &[(by, "127.0.0.1"), (by, "192.0.2.1")], ("192.0.2.1", Way::Open));
        check("127.0.0.1", &[(by, "192.0.2.1, 10.0.0.7")], ("192.0.2.1", Way::Open));
        check("127.0.0.1", &[(by, "192.0.2.1, unknown")], ("0.0.0.0", Way::Open));
    }

    #[test]
    fn a_house_has_one_neighbourhood() {
        let of = |address: &str| {
            Peer { address: address.parse().unwrap(), way: Way::Open }.neighbourhood().to_string()
        };
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
