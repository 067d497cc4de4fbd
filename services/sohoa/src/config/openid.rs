//! The office's directory, which vouches for people (OpenID Connect).

use std::path::PathBuf;

use anyhow::{Context, ensure};
use people::{Directory, DirectoryTerms};
use serde::Deserialize;

use super::{Address, file};

/// The office's directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenIdConfig {
    /// Who it is: the address below which its configuration is found, letter by letter.
    issuer: String,
    /// What it calls this office.
    client_id: String,
    /// File that holds what this office shows it.
    client_secret_file: PathBuf,
    /// This office's own address, as browsers reach it. The directory sends them back to
    /// `v1/session/openid/return` below it, and nowhere else.
    public: Address,
    /// The path that somebody is led to who is logged in.
    #[serde(default = "own_session")]
    landing: String,
    /// Which claim holds the login name, by which somebody is known the first time.
    #[serde(default = "preferred_username")]
    name_claim: String,
    /// Of what the token's `acr` or `amr` must hold one; nothing is demanded when left out.
    #[serde(default)]
    demand: Vec<String>,
    /// Certificates of the authority that vouches for it, as PEM; the usual ones when left out.
    ca: Option<PathBuf>,
    /// Whether it and this office need not be HTTPS.
    #[serde(default)]
    plain: bool,
}

fn own_session() -> String {
    "/v1/session".to_owned()
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

impl OpenIdConfig {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let issuer = Address::try_from(self.issuer.clone()).ok().map(|address| address.0);
        let bare = issuer.as_ref().is_some_and(|url| {
            let named = !url.username().is_empty() || url.password().is_some();
            url.query().is_none() && url.fragment().is_none() && !named
        });
        ensure!(bare, "access.openid.issuer is not an address");
        let open = |scheme: &str| scheme == "https" || self.plain;
        let scheme = issuer.as_ref().map_or("", |url| url.scheme());
        ensure!(
            open(scheme) && open(self.public.0.scheme()),
            "access.openid.issuer and public must be https:// (or say `plain = true`)"
        );
        ensure!(!self.client_id.is_empty(), "access.openid.client_id is empty");
        ensure!(
            self.public.0.path() == "/" && self.public.0.query().is_none(),
            "access.openid.public must have no path"
        );
        // It stands in a page, and leads nowhere else.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
        ensure!(
            self.landing.starts_with('/')
                && !self.landing.starts_with("//")
                && self.landing.bytes().all(plain),
            "access.openid.landing must be a path like /v1/session"
        );
        Ok(())
    }

    /// The directory, its secret read. Nothing is asked of it yet.
    pub(crate) fn open(&self) -> anyhow::Result<Directory> {
        let terms = DirectoryTerms {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: file::secret(&self.client_secret_file)?,
            public: self.public.0.clone(),
            landing: self.landing.clone(),
            name_claim: self.name_claim.clone(),
            demand: self.demand.clone(),
            ca: self.ca.as_deref().map(file::bytes).transpose()?,
            plain: self.plain,
        };
        Directory::new(terms).context("access.openid")
    }
}
