//! Who signs: keys in files or on tokens. Passwords and PINs stand in files of their own.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde::Deserialize;
use signing::{Signer, SoftKey};
use tokens::{Token, TokenPlace};
use worker::{Authority, Signing};

use super::{Address, file};

/// Who signs for this office; nobody when left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SigningConfig {
    /// The officer who scans.
    officer: Option<KeyConfig>,
    /// The agency.
    agency: Option<KeyConfig>,
    /// A time stamp authority (RFC 3161).
    timestamp_url: Option<Address>,
}

/// A key, in a file or on a token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeyConfig {
    /// PKCS #12 file with key and certificates.
    pkcs12: Option<PathBuf>,
    /// File that holds its password.
    password_file: Option<PathBuf>,
    /// A key on a token or in a module.
    pkcs11: Option<TokenConfig>,
    /// Whether the signature shows on the first page. The officer's always does.
    visible: bool,
}

/// A key behind PKCS #11.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenConfig {
    /// The vendor's library.
    module: PathBuf,
    /// Label of the token.
    token: String,
    /// Label of the key and of its certificate.
    key: String,
    /// File that holds the PIN.
    pin_file: PathBuf,
}

impl SigningConfig {
    /// Refuses what can't be meant.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, key) in [("officer", &self.officer), ("agency", &self.agency)] {
            let Some(key) = key else { continue };
            ensure!(
                key.pkcs12.is_some() != key.pkcs11.is_some(),
                "signing.{name} needs one of pkcs12 and pkcs11"
            );
            ensure!(
                key.pkcs12.is_some() == key.password_file.is_some(),
                "signing.{name}.pkcs12 and its password_file go together"
            );
        }
        ensure!(
            self.timestamp_url.is_none() || self.officer.is_some() || self.agency.is_some(),
            "signing.timestamp_url is there, but nobody signs: [signing.officer], [signing.agency]"
        );
        Ok(())
    }

    /// Opens the keys. That a password is wrong or a token missing is told before anything is
    /// accepted.
    pub(crate) async fn open(&self) -> anyhow::Result<Signing> {
        let config = self.clone();
        // Tokens take their time.
        #[expect(clippy::disallowed_methods, reason = "once, before anything else runs")]
        tokio::task::spawn_blocking(move || config.opened()).await?
    }

    fn opened(&self) -> anyhow::Result<Signing> {
        let open = |name: &str, key: &Option<KeyConfig>| {
            let key = key.as_ref().map(KeyConfig::open).transpose();
            key.with_context(|| format!("opening signing.{name}"))
        };
        let authority = self.timestamp_url.clone().map(|address| Authority::at(address.0));
        Ok(Signing {
            officer: open("officer", &self.officer)?,
            agency: open("agency", &self.agency)?,
            agency_shows: self.agency.as_ref().is_some_and(|key| key.visible),
            authority: authority.transpose()?,
        })
    }
}

impl KeyConfig {
    fn open(&self) -> anyhow::Result<Arc<dyn Signer>> {
        if let (Some(pkcs12), Some(password)) = (&self.pkcs12, &self.password_file) {
            let (bytes, password) = (file::bytes(pkcs12)?, file::secret(password)?);
            return Ok(Arc::new(SoftKey::open(&bytes, password.reveal())?));
        }
        let token = self.pkcs11.as_ref().context("no key is named")?;
        let place = TokenPlace {
            module: token.module.clone(),
            token: token.token.clone(),
            key: token.key.clone(),
        };
        Ok(Arc::new(Token::open(place, file::secret(&token.pin_file)?.reveal())?))
    }
}
