//! AES-256-GCM, and nothing of our own beside it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use schemas::Uuid;

use super::DataKey;
use super::master::{MasterKey, Masters};
use crate::error::ArchiveError;

/// Bytes that a message grows by.
pub(super) const TAG: usize = 16;

const NONCE: usize = 12;

/// Bytes of the name of the master key that a data key is wrapped under.
const NAME: usize = 8;

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], ArchiveError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| broken())?;
    Ok(bytes)
}

/// A key that encrypts.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key);
        Self(LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("it has 32 bytes"))))
    }

    /// Encrypts `bytes` from `start` on, and adds the tag. No nonce is ever used twice with a key.
    pub(super) fn shut(
        &self,
        nonce: [u8; NONCE],
        about: &[u8],
        bytes: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), ArchiveError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let about = Aad::from(about);
        let tag = self.0.seal_in_place_separate_tag(nonce, about, &mut bytes[start..]);
        bytes.extend_from_slice(tag.map_err(|_| broken())?.as_ref());
        Ok(())
    }

    /// Decrypts `bytes`, and takes the tag away; none when they are not what was encrypted.
    pub(super) fn open(&self, nonce: [u8; NONCE], about: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self.0.open_in_place(nonce, Aad::from(about), bytes).ok()?.len();
        bytes.truncate(len);
        Some(())
    }

    /// A short secret under a random nonce.
    pub(super) fn shut_text(&self, about: &[u8], secret: &[u8]) -> Result<Vec<u8>, ArchiveError> {
        let nonce: [u8; NONCE] = random()?;
        let mut bytes = [nonce.as_slice(), secret].concat();
        self.shut(nonce, about, &mut bytes, NONCE)?;
        Ok(bytes)
    }

    pub(super) fn open_text(&self, about: &[u8], shut: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = shut.split_first_chunk::<NONCE>()?;
        let mut bytes = rest.to_vec();
        self.open(*nonce, about, &mut bytes)?;
        Some(bytes)
    }
}

/// What a data key is bound to where it is wrapped: none can be put in another's place.
pub(super) struct Wrapping<'a> {
    pub(super) id: Uuid,
    pub(super) about: &'a str,
}

impl Wrapping<'_> {
    pub(super) fn wrap(&self, master: &MasterKey, key: &DataKey) -> Result<String, ArchiveError> {
        let shut = Cipher::new(&master.0).shut_text(&self.bound(), &key.bytes)?;
        Ok(STANDARD.encode([name(master).as_slice(), &shut].concat()))
    }

    /// None when no master key that is known opens it.
    pub(super) fn open(&self, masters: &Masters, wrapped: &str) -> Option<DataKey> {
        let bytes = STANDARD.decode(wrapped).ok()?;
        let (named, shut) = bytes.split_first_chunk::<NAME>()?;
        let master = masters.all().find(|master| name(master) == *named)?;
        let bytes = Cipher::new(&master.0).open_text(&self.bound(), shut)?;
        Some(DataKey { id: self.id, bytes: bytes.try_into().ok()? })
    }

    /// Whether it is wrapped under that one.
    pub(super) fn is_under(master: &MasterKey, wrapped: &str) -> bool {
        STANDARD.decode(wrapped).is_ok_and(|bytes| bytes.starts_with(&name(master)))
    }

    fn bound(&self) -> Vec<u8> {
        [self.id.as_bytes(), self.about.as_bytes()].concat()
    }
}

/// By what a wrapped key says which master key it is under.
fn name(master: &MasterKey) -> [u8; NAME] {
    let mut name = [0; NAME];
    name.copy_from_slice(&master.digest()[..NAME]);
    name
}

fn broken() -> ArchiveError {
    ArchiveError::Unavailable { what: "encrypting", source: "no random bytes".into() }
}
