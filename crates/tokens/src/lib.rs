//! Keys that never leave where they are: on a token of an officer, in a hardware module of an
//! agency, reached over PKCS #11.
//!
//! The vendor's library is loaded into the process that signs, and can do there whatever it
//! likes. So it is loaded by name of the configuration alone, and never into a reader, which
//! looks at strangers' bytes.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use der::asn1::Uint;
use der::{Encode, Sequence};
use signing::{Chain, SignFailed, Signer};

/// What names a key.
#[derive(Debug, Clone)]
pub struct TokenPlace {
    /// The vendor's library.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Label of the key, which its certificate bears as well.
    pub key: String,
}

/// A signer whose key is on a token.
pub struct Token {
    place: TokenPlace,
    pin: AuthPin,
    library: Pkcs11,
    chain: Chain,
    /// One at a time: a session isn't to be shared, and tokens are slow anyway. Opened anew when
    /// the token was away.
    session: Mutex<Option<Opened>>,
}

/// How long a signature waits for those before it. A token takes a second for each, unless it never
/// comes back.
const TURN: Duration = Duration::from_secs(30);

/// How often it is looked whether the token is free.
const LOOK: Duration = Duration::from_millis(20);

struct Opened {
    session: Session,
    key: ObjectHandle,
    is_rsa: bool,
}

/// What stands before a SHA-256 that RSA signs (RFC 8017, 9.2).
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];

#[derive(Sequence)]
struct EcSignature {
    r: Uint,
    s: Uint,
}

impl Token {
    /// Loads the library, finds the token, logs in and reads the certificates.
    ///
    /// # Errors
    /// [`SignFailed::Key`] when any of that fails, [`SignFailed::NoKey`] when there is no such key
    /// or no certificate with its label.
    pub fn open(place: TokenPlace, pin: &str) -> Result<Self, SignFailed> {
        let library = Pkcs11::new(&place.module).map_err(|error| failed(&error))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Two keys in one module.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(&error)),
        }
        let pin: AuthPin = pin.into();
        let opened = opened(&library, &place, &pin)?;
        let chain = Chain::of(&certificates(&opened.session, &place.key)?)?;
        Ok(Self { place, pin, library, chain, session: Mutex::new(Some(opened)) })
    }
}

impl Signer for Token {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignFailed> {
        let mut held = within(TURN, &self.session)?;
        let before = held.take();
        if let Some(opened) = before
            && let Ok(signature) = opened.sign(digest)
        {
            *held = Some(opened);
            return Ok(signature);
        }
        let opened = opened(&self.library, &self.place, &self.pin)?;
        let signature = opened.sign(digest)?;
        *held = Some(opened);
        Ok(signature)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Opened {
    fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignFailed> {
        if self.is_rsa {
            let info = [&SHA256_INFO[..], digest].concat();
            let signature = self.session.sign(&Mechanism::RsaPkcs, self.key, &info);
            return signature.map_err(|error| failed(&error));
        }
        let signature = self.session.sign(&Mechanism::Ecdsa, self.key, digest);
        let signature = signature.map_err(|error| failed(&error))?;
        let (r, s) = signature.split_at(signature.len() / 2);
        Ok(EcSignature { r: Uint::new(r)?, s: Uint::new(s)? }.to_der()?)
    }
}

/// What is held in there, once nobody else has it; nobody waits for ever for one who does.
fn within<T>(limit: Duration, held: &Mutex<T>) -> Result<MutexGuard<'_, T>, SignFailed> {
    let since = Instant::now();
    loop {
        match held.try_lock() {
            Ok(held) => return Ok(held),
            Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
            Err(TryLockError::WouldBlock) if limit <= since.elapsed() => {
                return Err(SignFailed::Key("the token does not answer".to_owned()));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
        }
    }
}

fn opened(library: &Pkcs11, place: &TokenPlace, pin: &AuthPin) -> Result<Opened, SignFailed> {
    let slots = library.get_slots_with_token().map_err(|error| failed(&error))?;
    let is_it = |slot: &&_| {
        library.get_token_info(**slot).is_ok_and(|info| info.label().trim() == place.token)
    };
    let slot = slots.iter().find(is_it);
    let slot = *slot.ok_or_else(|| SignFailed::Key("no such token is plugged in".to_owned()))?;
    let session = library.open_ro_session(slot).map_err(|error| failed(&error))?;
    match session.login(UserType::User, Some(pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
        Err(error) => return Err(failed(&error)),
    }
    let wanted =
        [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(place.key.clone().into())];
    let found = session.find_objects(&wanted).map_err(|error| failed(&error))?;
    let [key] = found[..] else { return Err(SignFailed::NoKey) };
    let kind = session.get_attributes(key, &[AttributeType::KeyType]);
    let kind = kind.map_err(|error| failed(&error))?;
    let is_rsa = match kind[..] {
        [Attribute::KeyType(KeyType::RSA)] => true,
        [Attribute::KeyType(KeyType::EC)] => false,
        _ => return Err(SignFailed::NoKey),
    };
    Ok(Opened { session, key, is_rsa })
}

/// The certificates on the token, those with the key's label first.
fn certificates(session: &Session, label: &str) -> Result<Vec<Vec<u8>>, SignFailed> {
    let all = session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for object in all.map_err(|error| failed(&error))? {
        let parts = session.get_attributes(object, &[AttributeType::Label, AttributeType::Value]);
        let parts = parts.map_err(|error| failed(&error))?;
        let is_own = parts
            .iter()
            .any(|part| matches!(part, Attribute::Label(said) if said == label.as_bytes()));
        let value = parts.into_iter().find_map(|part| match part {
            Attribute::Value(der) => Some(der),
            _ => None,
        });
        if is_own { own.extend(value) } else { others.extend(value) }
    }
    if own.is_empty() {
        return Err(SignFailed::NoKey);
    }
    own.append(&mut others);
    Ok(own)
}

fn failed(error: &Error) -> SignFailed {
    SignFailed::Key(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_signature_that_never_ends_nobody_waits_for_ever() {
        let session = Mutex::new(());
        let limit = Duration::from_millis(50);
        let never_ends = session.lock().unwrap();
        assert!(matches!(within(limit, &session), Err(SignFailed::Key(_))));
        drop(never_ends);
        assert!(within(limit, &session).is_ok());
    }
}
