//! Secrets of second factors, encrypted as papers are: each under a data key of its own, and bound
//! to whose it is.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemas::Uuid;
use schemas::access::Secret;
use schemas::ids::PrincipalId;

use super::cipher::Cipher;
use super::{DataKey, Vault, no_key};
use crate::database::Change;
use crate::error::ArchiveError;

/// A second factor as it is kept: `KEY:BASE64`, or its secret itself where there is no master key,
/// or was none when it was set up.
#[derive(Clone, PartialEq, Eq)]
pub struct Factor(pub(crate) String);

impl fmt::Debug for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Factor")
    }
}

impl Factor {
    /// Whether it is kept as it is. (A secret is base32, which has no colon.)
    pub(crate) fn is_clear(&self) -> bool {
        !self.0.contains(':')
    }

    /// The key that it is encrypted under.
    pub(crate) fn key_id(&self) -> Option<Uuid> {
        self.0.split_once(':')?.0.parse().ok()
    }
}

impl Vault {
    /// Encrypts a person's secret under a new key.
    pub(crate) async fn shut_factor(
        &self,
        change: &mut Change<'_>,
        person: PrincipalId,
        secret: &Secret,
    ) -> Result<Factor, ArchiveError> {
        let (key, about) = (DataKey::new()?, person.to_string());
        let shut = Cipher::new(&key.bytes);
        let shut = shut.shut_text(about.as_bytes(), secret.reveal().as_bytes())?;
        self.keep_with(change, &key, &about).await?;
        Ok(Factor(format!("{}:{}", key.id, STANDARD.encode(shut))))
    }

    async fn open_factor(
        &self,
        person: PrincipalId,
        factor: &Factor,
    ) -> Result<Secret, ArchiveError> {
        let about = person.to_string();
        let lost = || no_key(&about);
        let key = self.key(factor.key_id().ok_or_else(lost)?, &about).await?;
        let (_, shut) = factor.0.split_once(':').ok_or_else(lost)?;
        let shut = STANDARD.decode(shut).map_err(|_| lost())?;
        let clear = Cipher::new(&key.bytes).open_text(about.as_bytes(), &shut);
        let clear = clear.and_then(|clear| String::from_utf8(clear).ok());
        clear.map(Secret::new).ok_or_else(lost)
    }
}

/// The secret of a person's second factor.
pub(crate) async fn secret(
    vault: Option<&Vault>,
    person: PrincipalId,
    factor: &Factor,
) -> Result<Secret, ArchiveError> {
    match vault {
        _ if factor.is_clear() => Ok(Secret::new(factor.0.clone())),
        Some(vault) => vault.open_factor(person, factor).await,
        None => Err(no_key(&person.to_string())),
    }
}
