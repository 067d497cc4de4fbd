//! Keys: `sohoa_` and the key's id, then its secret, 32 random bytes. The whole is shown once,
//! when it is made; of the secret only its hash is kept. A secret of 256 random bits can't be
//! guessed, so a fast hash is enough.

use std::fmt;
use std::str::FromStr;

use archive::NewKey;
use jiff::Timestamp;
use problem::Problem;
use schemas::Uuid;
use schemas::access::Permission;
use schemas::code::Reason;
use schemas::ids::{Blake3, KeyId, Malformed};

/// How every key begins, so that one that was lost can be searched for.
const PREFIX: &str = "sohoa_";

/// A key as its holder shows it. It has no `Debug` that shows it, and [`KeyText::reveal`] is for
/// the moment when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText {
    /// Which key.
    pub id: KeyId,
    secret: String,
}

impl KeyText {
    /// blake3 of the secret, which is what is kept.
    #[must_use]
    pub fn digest(&self) -> Blake3 {
        digest(&self.secret)
    }

    /// The key.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id.as_uuid().simple(), self.secret)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({})", self.id)
    }
}

impl FromStr for KeyText {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("not a key");
        let (id, secret) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(malformed)?;
        let fits = id.len() == 32 && secret.len() == 64;
        let id = Uuid::try_parse(id).ok().filter(|_| fits).ok_or(malformed)?;
        Ok(Self { id: KeyId::from_uuid(id), secret: secret.to_owned() })
    }
}

/// A key that was just made: what is kept, and what is shown.
#[derive(Debug)]
pub struct MadeKey {
    /// What is kept.
    pub kept: NewKey,
    /// What is shown, once.
    pub shown: KeyText,
}

impl MadeKey {
    /// Makes a key that lasts until that moment and does nothing but `only`, or all that its
    /// holder may when that is empty.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make(only: Vec<Permission>, expires_at: Timestamp) -> Result<Self, Problem> {
        let shown = KeyText { id: KeyId::random(), secret: token()? };
        let kept = NewKey { id: shown.id, digest: shown.digest(), only, expires_at };
        Ok(Self { kept, shown })
    }
}

/// 32 random bytes, in 64 hexadecimal digits.
pub(crate) fn token() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Problem::new(Reason::Internal))?;
    Ok(Blake3(bytes).to_string())
}

/// The hash of a secret.
pub(crate) fn digest(secret: &str) -> Blake3 {
    Blake3::of(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_shows_itself_to_nobody_else() {
        let made = MadeKey::make(Vec::new(), Timestamp::MAX).unwrap();
        let text = made.shown.reveal();
        let read: KeyText = text.parse().unwrap();
        assert_eq!((read.id, read.digest()), (made.kept.id, made.kept.digest));
        let secret = text.rsplit('_').next().unwrap();
        assert!(!format!("{made:?}").contains(secret));
        assert_ne!(MadeKey::make(Vec::new(), Timestamp::MAX).unwrap().shown, made.shown);
        for bad in ["", "sohoa_", "sohoa_1_2", &text[1..], &text[..text.len() - 1]] {
            assert!(bad.parse::<KeyText>().is_err(), "{bad}");
        }
    }
}
