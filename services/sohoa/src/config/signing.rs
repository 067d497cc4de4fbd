//! Who signs: keys in files or on tokens. Passwords and PINs stand in files of their own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use serde::Deserialize;
use signing::{Signer, SoftKey};
use tokens::{Token, TokenPlace};
use tracing::warn;
use worker::{Authority, Signing};

use super::{Address, file};

/// Who signs for this office; nobody when left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SigningConfig {
    /// Officers with a key of their own.
    officers: Vec<OfficerConfig>,
    /// Signs in place of whoever scans and has none.
    officer: Option<KeyConfig>,
    /// Whether nobody signs in place of another. What was scanned before it was kept by whom is
    /// still signed by `officer`.
    personal_only: bool,
    /// The agency.
    agency: Option<KeyConfig>,
    /// A time stamp authority (RFC 3161).
    timestamp_url: Option<Address>,
}

/// An officer with a key of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficerConfig {
    /// Login name; or the name of a station, whose scans are this officer's.
    name: String,
    /// As in [`KeyConfig`].
    pkcs12: Option<PathBuf>,
    /// As in [`KeyConfig`].
    password_file: Option<PathBuf>,
    /// As in [`KeyConfig`].
    pkcs11: Option<TokenConfig>,
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
        for (place, key) in self.keys() {
            ensure!(
                key.pkcs12.is_some() != key.pkcs11.is_some(),
                "{place} needs one of pkcs12 and pkcs11"
            );
            ensure!(
                key.pkcs12.is_some() == key.password_file.is_some(),
                "{place}.pkcs12 and its password_file go together"
            );
        }
        for (nth, officer) in self.officers.iter().enumerate() {
            let place = Self::place(nth);
            ensure!(!officer.name.trim().is_empty(), "{place} has no name");
            let is_taken = self.officers[..nth].iter().any(|before| before.name == officer.name);
            ensure!(!is_taken, "{place} has the name of one before: a name has one key");
        }
        ensure!(
            !self.personal_only || !self.officers.is_empty(),
            "signing.personal_only is set, but nobody has a key: [[signing.officers]]"
        );
        ensure!(
            self.timestamp_url.is_none() || !self.keys().is_empty(),
            "signing.timestamp_url is there, but nobody signs: [signing.officer], \
             [[signing.officers]], [signing.agency]"
        );
        Ok(())
    }

    /// The names that the officers' keys are for, each with the place where it stands.
    pub(crate) fn names(&self) -> impl Iterator<Item = (String, &str)> {
        let names = self.officers.iter().map(|officer| officer.name.as_str());
        names.enumerate().map(|(nth, name)| (Self::place(nth), name))
    }

    /// What an officer is called where no name belongs: counted from 1.
    fn place(nth: usize) -> String {
        format!("signing.officers[{}]", nth + 1)
    }

    /// All keys, each with the place where it stands.
    fn keys(&self) -> Vec<(String, KeyConfig)> {
        let one = |place: &str, key: &Option<KeyConfig>| Some((place.to_owned(), key.clone()?));
        let officers = self.officers.iter().enumerate();
        let officers = officers.map(|(nth, officer)| (Self::place(nth), officer.key()));
        let keys = [one("signing.officer", &self.officer), one("signing.agency", &self.agency)];
        keys.into_iter().flatten().chain(officers).collect()
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
        let open = |place: &str, key: &KeyConfig| {
            let key = key.open().with_context(|| format!("opening {place}"))?;
            if key.chain().good_until().is_some_and(|until| until < Timestamp::now()) {
                warn!(key = place, "the certificate has expired");
            }
            anyhow::Ok(key)
        };
        let one = |place: &str, key: &Option<KeyConfig>| {
            key.as_ref().map(|key| open(place, key)).transpose()
        };
        let mut officers = HashMap::new();
        for (nth, officer) in self.officers.iter().enumerate() {
            officers.insert(officer.name.clone(), open(&Self::place(nth), &officer.key())?);
        }
        let authority = self.timestamp_url.clone().map(|address| Authority::at(address.0));
        Ok(Signing {
            officers,
            officer: one("signing.officer", &self.officer)?,
            personal_only: self.personal_only,
            agency: one("signing.agency", &self.agency)?,
            agency_shows: self.agency.as_ref().is_some_and(|key| key.visible),
            authority: authority.transpose()?,
        })
    }
}

impl OfficerConfig {
    fn key(&self) -> KeyConfig {
        KeyConfig {
            pkcs12: self.pkcs12.clone(),
            password_file: self.password_file.clone(),
            pkcs11: self.pkcs11.clone(),
            visible: true,
        }
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
