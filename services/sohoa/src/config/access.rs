//! Who gets in.

use std::net::IpAddr;

use ::access::SessionRules;
use anyhow::ensure;
use ipnet::IpNet;
use jiff::SignedDuration;
use schemas::access::Role;
use serde::Deserialize;

use super::openid::OpenIdConfig;

/// Who gets in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccessConfig {
    /// Whether `/metrics` is open or needs somebody who may audit.
    pub(crate) metrics: Watching,
    /// Proxies that are believed when they say for whom they ask (`X-Forwarded-For`) and that
    /// they were asked over TLS (`X-Forwarded-Proto`).
    pub(crate) proxies: Vec<Network>,
    /// A session ends after so long without a request, in minutes.
    pub(crate) idle_minutes: u32,
    /// A session ends after so long however much it is used, in hours.
    pub(crate) session_hours: u32,
    /// Roles whose holders log in with a second factor.
    pub(crate) second_factor: Vec<Role>,
    /// The office's directory, which vouches for people, too; none when left out.
    pub(crate) openid: Option<OpenIdConfig>,
}

/// An address, or a network: `10.0.0.7`, `10.0.0.0/24`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Network(pub(crate) IpNet);

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let net = text.parse::<IpNet>().or_else(|_| address());
        net.map(Self).map_err(|_| "neither an address nor a network like 10.0.0.0/24")
    }
}

/// Who may watch the process. What it counts holds nothing personal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Watching {
    /// Everyone who reaches the address.
    #[default]
    Open,
    /// Whoever has `audit` or `administer`.
    Closed,
}

impl Default for AccessConfig {
    /// Times of NIST SP 800-63B, section 4.2.3: half an hour idle, twelve in all.
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1"].map(|net| Network::try_from(net.to_owned()));
        Self {
            metrics: Watching::default(),
            proxies: loopback.into_iter().flatten().collect(),
            idle_minutes: 30,
            session_hours: 12,
            second_factor: vec![Role::Administrator],
            openid: None,
        }
    }
}

impl AccessConfig {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=12 * 60).contains(&self.idle_minutes),
            "access.idle_minutes must be from 1 to 720"
        );
        ensure!(
            (1..=24).contains(&self.session_hours),
            "access.session_hours must be from 1 to 24"
        );
        self.openid.as_ref().map_or(Ok(()), OpenIdConfig::check)
    }

    /// When sessions end, and who needs a second factor.
    pub(crate) fn sessions(&self) -> SessionRules {
        SessionRules {
            idle: SignedDuration::from_mins(i64::from(self.idle_minutes)),
            lasts: SignedDuration::from_hours(i64::from(self.session_hours)),
            second_factor: self.second_factor.clone(),
        }
    }
}
