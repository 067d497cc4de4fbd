//! A key in a file: PKCS #12, as authorities hand them out.

use std::fmt;

use der::Encode;
use p12_keystore::KeyStore;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::pkcs8::DecodePrivateKey;
use rsa::Pkcs1v15Sign;
use sha2::Sha256;
use x509_cert::Certificate;

use crate::make::{Chain, SignFailed, Signer};

/// A signer whose key is held in memory.
pub struct SoftKey {
    chain: Chain,
    key: Key,
}

enum Key {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::ecdsa::SigningKey),
}

impl SoftKey {
    /// Opens a PKCS #12 file.
    ///
    /// # Errors
    /// [`SignFailed::Closed`] when it can't be opened with that password, [`SignFailed::NoKey`]
    /// when there is no RSA or P-256 key with a certificate in it.
    pub fn open(file: &[u8], password: &str) -> Result<Self, SignFailed> {
        let store = KeyStore::from_pkcs12(file, password).map_err(|_| SignFailed::Closed)?;
        let (_, found) = store.private_key_chain().ok_or(SignFailed::NoKey)?;
        let ders: Vec<_> = found.chain().iter().map(|own| own.as_der().to_vec()).collect();
        let key = match rsa::PrivateKey::from_pkcs8_der(found.key()) {
            Ok(key) => Key::Rsa(Box::new(key)),
            Err(_) => {
                let key = p256::ecdsa::SigningKey::from_pkcs8_der(found.key());
                Key::P256(key.map_err(|_| SignFailed::NoKey)?)
            }
        };
        Ok(Self { chain: Chain::of(&ders)?, key })
    }

    /// From a P-256 key as PKCS #8, DER or PEM, and its certificate as PEM.
    ///
    /// # Errors
    /// [`SignFailed::NoKey`] when they are something else.
    pub fn of_pem(key: &[u8], certificate: &[u8]) -> Result<Self, SignFailed> {
        let key = match der::pem::decode_vec(key) {
            Ok((_, der)) => p256::ecdsa::SigningKey::from_pkcs8_der(&der),
            Err(_) => p256::ecdsa::SigningKey::from_pkcs8_der(key),
        };
        let key = key.map_err(|_| SignFailed::NoKey)?;
        let certificates = Certificate::load_pem_chain(certificate);
        let certificates = certificates.map_err(|_| SignFailed::NoKey)?;
        let ders: Result<Vec<_>, _> = certificates.iter().map(Encode::to_der).collect();
        Ok(Self { chain: Chain::of(&ders?)?, key: Key::P256(key) })
    }
}

impl Signer for SoftKey {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignFailed> {
        match &self.key {
            Key::Rsa(key) => key
                .sign(Pkcs1v15Sign::new::<Sha256>(), digest)
                .map_err(|error| SignFailed::Key(error.to_string())),
            Key::P256(key) => {
                let signature: Result<p256::ecdsa::Signature, _> = key.sign_prehash(digest);
                let signature = signature.map_err(|error| SignFailed::Key(error.to_string()))?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
    }
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftKey(…)")
    }
}
