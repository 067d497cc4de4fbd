//! Hashes and keys that signatures are made with.

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::pkcs8::DecodePublicKey;
use rsa::Pkcs1v15Sign;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(crate) const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

/// Hashes that signatures are made with. SHA-1 among them: half of the papers of 2025 have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(crate) fn of(algorithm: ObjectIdentifier) -> Option<Self> {
        const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
        const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
        const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
        match algorithm {
            SHA1 => Some(Hash::Sha1),
            SHA256 => Some(Hash::Sha256),
            SHA384 => Some(Hash::Sha384),
            SHA512 => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// The hash that a certificate was signed with; SHA-1 isn't one of them any more.
    pub(crate) fn of_certificate(algorithm: ObjectIdentifier) -> Option<Self> {
        const RSA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
        const RSA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
        const RSA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
        const EC_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
        const EC_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
        const EC_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
        match algorithm {
            RSA_256 | EC_256 => Some(Hash::Sha256),
            RSA_384 | EC_384 => Some(Hash::Sha384),
            RSA_512 | EC_512 => Some(Hash::Sha512),
            _ => None,
        }
    }

    pub(crate) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            digest.finalize().to_vec()
        }
        match self {
            Hash::Sha1 => of::<Sha1>(parts),
            Hash::Sha256 => of::<Sha256>(parts),
            Hash::Sha384 => of::<Sha384>(parts),
            Hash::Sha512 => of::<Sha512>(parts),
        }
    }

    /// What RSA signs of a hash (PKCS #1 v1.5): its name and itself.
    fn padding(self) -> Pkcs1v15Sign {
        match self {
            Hash::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
            Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }
}

/// Whether the key made the signature of a hash; nothing where the key isn't known here.
pub(crate) fn has_signed(
    key: &SubjectPublicKeyInfoOwned,
    hash: Hash,
    digest: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let der = key.to_der().ok()?;
    match key.algorithm.oid {
        RSA_KEY => {
            let key = rsa::PublicKey::from_public_key_der(&der).ok()?;
            Some(key.verify(hash.padding(), digest, signature).is_ok())
        }
        EC_KEY => match curve(key)? {
            P256 => {
                let key = p256::ecdsa::VerifyingKey::from_public_key_der(&der).ok()?;
                let signature = p256::ecdsa::Signature::from_der(signature).ok();
                Some(signature.is_some_and(|own| key.verify_prehash(digest, &own).is_ok()))
            }
            P384 => {
                let key = p384::ecdsa::VerifyingKey::from_public_key_der(&der).ok()?;
                let signature = p384::ecdsa::Signature::from_der(signature).ok();
                Some(signature.is_some_and(|own| key.verify_prehash(digest, &own).is_ok()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The curve of an elliptic key.
pub(crate) fn curve(key: &SubjectPublicKeyInfoOwned) -> Option<ObjectIdentifier> {
    ObjectIdentifier::from_der(&key.algorithm.parameters.as_ref()?.to_der().ok()?).ok()
}
