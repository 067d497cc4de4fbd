//! The audit: how often the head of its chain is signed, and with what key.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde::Deserialize;
use signing::{Signer, SoftKey};

use super::file;

/// The audit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditConfig {
    /// How often the head of its chain is signed, in minutes, where there are new lines.
    pub(crate) head_minutes: u16,
    /// File of the key that signs heads: P-256, PKCS #8 as PEM. When left out it is the agency's,
    /// and without an agency one that each data folder has for itself.
    key_file: Option<PathBuf>,
    /// File of its certificate, as PEM; heads that it vouches for are trusted.
    pub(crate) certificate_file: Option<PathBuf>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { head_minutes: 10, key_file: None, certificate_file: None }
    }
}

impl AuditConfig {
    /// Refuses what can't be meant.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=1440).contains(&self.head_minutes),
            "audit.head_minutes must be from 1 to 1440"
        );
        ensure!(
            self.key_file.is_some() == self.certificate_file.is_some(),
            "audit.key_file and audit.certificate_file go together"
        );
        Ok(())
    }

    /// Opens the key, where one is named. That it can't sign is told before anything is accepted.
    pub(crate) fn signer(&self) -> anyhow::Result<Option<Arc<dyn Signer>>> {
        let (Some(key), Some(certificate)) = (&self.key_file, &self.certificate_file) else {
            return Ok(None);
        };
        let key = file::bytes(key).context("audit.key_file")?;
        let certificate = file::bytes(certificate).context("audit.certificate_file")?;
        let opening = "opening audit.key_file with audit.certificate_file";
        let signer = SoftKey::of_pem(&key, &certificate).context(opening)?;
        // A key that isn't the certificate's would sign nothing.
        signing::detached(&signer, b"").context(opening)?;
        Ok(Some(Arc::new(signer)))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use signing::OwnKey;

    use super::*;

    #[test]
    fn a_key_that_is_none_or_another_certificates_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let signs = |key: &str, certificate: &str| {
            let [key_file, certificate_file] =
                [("key", key), ("certificate", certificate)].map(|(name, text)| {
                    let path = folder.path().join(name);
                    std::fs::write(&path, text).unwrap();
                    Some(path)
                });
            let config = AuditConfig { key_file, certificate_file, ..AuditConfig::default() };
            config.signer().is_ok_and(|signer| signer.is_some())
        };
        let [own, other] = [[7; 32], [9; 32]].map(|secret| OwnKey::of(&secret, "Sohoa").unwrap());
        let digits = STANDARD.encode(&own.key);
        let lines: Vec<_> = digits.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let key = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        assert!(signs(&key, &own.pem));
        assert!(!signs(&key, &other.pem));
        assert!(!signs(&key, "no certificate"));
        for none in ["", "no key", own.pem.as_str(), digits.as_str()] {
            assert!(!signs(none, &own.pem), "{none}");
        }
    }
}
