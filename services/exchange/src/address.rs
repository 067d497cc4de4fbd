//! Where a request may go. An address inside is for those subscribers alone whose configuration
//! says so: whoever gets a name to point inside must not have us knock there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Every address of a name lies inside.
#[derive(Debug, thiserror::Error)]
#[error("the address lies inside")]
pub(crate) struct Inside;

/// Resolves names, and leaves out what lies inside.
pub(crate) struct OutsideOnly;

impl Resolve for OutsideOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let outside: Vec<SocketAddr> = found.filter(|found| is_outside(found.ip())).collect();
            if outside.is_empty() {
                return Err(Inside.into());
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}

/// Whether an address can be reached from anywhere (RFC 6890: not private, not of this machine or
/// this wire, not reserved).
pub(crate) fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_outside_v4(v4),
        IpAddr::V6(v6) => is_outside_v6(v6),
    }
}

fn is_outside_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let benchmarks = a == 198 && (18..20).contains(&b);
    let inside = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || v4.is_multicast()
        || shared
        || protocols
        || benchmarks;
    // 0.0.0.0/8 is this network, 240.0.0.0/4 with the broadcast address is reserved.
    !inside && a != 0 && a < 240
}

fn is_outside_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_outside_v4(v4);
    }
    let [first, second, ..] = v6.segments();
    // Of all there are only 2000::/3 is handed out; of that, 2002::/16 and 2001::/32 and 64:ff9b::
    // carry an IPv4 address, which may be any, and 2001:db8::/32 is for documents.
    let handed_out = first & 0xe000 == 0x2000;
    let carries_v4 = first == 0x2002 || (first == 0x2001 && second == 0);
    let documents = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    handed_out && !carries_v4 && !documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_is_told_from_what_lies_outside() {
        let inside = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
        ];
        for text in inside {
            assert!(!is_outside(text.parse().unwrap()), "{text}");
        }
        for text in ["113.160.0.1", "8.8.8.8", "172.32.0.1", "2405:4800::1", "::ffff:8.8.8.8"] {
            assert!(is_outside(text.parse().unwrap()), "{text}");
        }
    }
}
