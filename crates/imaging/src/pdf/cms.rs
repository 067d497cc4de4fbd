//! A signature's own bytes: CMS signed data (RFC 5652), detached, with one signer.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString, OctetStringRef, UtcTime};
use der::{Any, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use jiff::Timestamp;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::pkcs8::DecodePublicKey;
use rsa::Pkcs1v15Sign;
use schemas::signature::SignatureState;
use schemas::subject::Name;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// Content of a time stamp (RFC 3161), which a PDF may have as a signature of its own.
const TIME_STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// What a signature says.
pub(super) struct Signed {
    pub(super) signer: Option<Name>,
    pub(super) issuer: Option<Name>,
    /// The signed attribute of the moment, if there is one.
    pub(super) time: Option<Timestamp>,
    pub(super) state: SignatureState,
}

impl Signed {
    /// Of which nothing can be told.
    pub(super) fn unknown() -> Self {
        Self { signer: None, issuer: None, time: None, state: SignatureState::Unknown }
    }
}

/// Reads a signature and checks it against the bytes that it covers. A signature that covers no
/// such bytes is altered: its file was rewritten.
pub(super) fn look(contents: &[u8], covered: Option<[&[u8]; 2]>) -> Signed {
    let Some(data) = signed_data(contents) else { return Signed::unknown() };
    let [info] = data.signer_infos.0.as_slice() else { return Signed::unknown() };
    let Some(certificate) = certificate(&data, info) else { return Signed::unknown() };
    let subject = certificate.tbs_certificate().subject();
    let issuer = certificate.tbs_certificate().issuer();
    let state = match covered {
        None => SignatureState::Altered,
        Some(covered) => match is_intact(&data, info, certificate, covered) {
            Some(true) => SignatureState::Intact,
            Some(false) => SignatureState::Altered,
            None => SignatureState::Unknown,
        },
    };
    Signed { signer: common_name(subject), issuer: common_name(issuer), time: time(info), state }
}

fn signed_data(contents: &[u8]) -> Option<SignedData> {
    // Room that was kept for a longer signature is filled with zeros.
    let mut reader = SliceReader::new(contents).ok()?;
    let info: ContentInfo = reader.decode().ok()?;
    info.content.decode_as().ok()
}

/// The signer's own certificate.
fn certificate<'a>(data: &'a SignedData, info: &SignerInfo) -> Option<&'a Certificate> {
    let certificates = data.certificates.as_ref()?.0.iter().filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate),
        CertificateChoices::Other(_) => None,
    });
    let mut certificates = certificates.map(|own| (own, own.tbs_certificate()));
    let found = certificates.find(|(_, own)| match &info.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            (own.issuer(), own.serial_number()) == (&id.issuer, &id.serial_number)
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => own
            .get_extension::<SubjectKeyIdentifier>()
            .is_ok_and(|key| key.is_some_and(|(_, key)| key == *id)),
    });
    found.map(|(own, _)| own)
}

fn common_name(name: &x509_cert::name::Name) -> Option<Name> {
    let value = &name.iter().find(|part| part.oid == COMMON_NAME)?.value;
    let text = match value.tag() {
        Tag::BmpString => {
            let units =
                value.value().as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).collect::<Result<String, _>>().ok()?
        }
        // Latin-1, as far as anybody uses it.
        Tag::TeletexString => value.value().iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8(value.value().to_vec()).ok()?,
    };
    text.parse().ok()
}

fn time(info: &SignerInfo) -> Option<Timestamp> {
    let value = attribute(info, SIGNING_TIME)?;
    let unix = match value.tag() {
        Tag::UtcTime => value.decode_as::<UtcTime>().ok()?.to_unix_duration(),
        _ => value.decode_as::<der::asn1::GeneralizedTime>().ok()?.to_unix_duration(),
    };
    Timestamp::from_second(i64::try_from(unix.as_secs()).ok()?).ok()
}

/// The one value of a signed attribute.
fn attribute(info: &SignerInfo, oid: ObjectIdentifier) -> Option<&Any> {
    let attributes = info.signed_attrs.as_ref()?;
    attributes.iter().find(|attribute| attribute.oid == oid)?.values.get(0)
}

/// Whether the covered bytes are the signed ones, and the certificate's key signed them; nothing
/// where it can't be told.
fn is_intact(
    data: &SignedData,
    info: &SignerInfo,
    certificate: &Certificate,
    covered: [&[u8]; 2],
) -> Option<bool> {
    let hash = Hash::of(info.digest_alg.oid)?;
    let content = &data.encap_content_info;
    let digest = match &content.econtent {
        None => hash.digest(&covered),
        Some(inner) => {
            // What is signed is within, and stands for the covered bytes in turn.
            let inner = inner.decode_as::<&OctetStringRef>().ok()?.as_bytes();
            let stands_for_them = if content.econtent_type == TIME_STAMP {
                let (hash, imprint) = imprint(inner)?;
                hash.digest(&covered) == imprint
            } else {
                Hash::Sha1.digest(&covered) == inner
            };
            if !stands_for_them {
                return Some(false);
            }
            hash.digest(&[inner])
        }
    };
    let signed = match &info.signed_attrs {
        None => digest,
        Some(attributes) => {
            let said = attribute(info, MESSAGE_DIGEST)?.decode_as::<OctetString>().ok()?;
            if said.as_bytes() != digest {
                return Some(false);
            }
            hash.digest(&[&attributes.to_der().ok()?])
        }
    };
    has_signed(certificate, info, hash, &signed)
}

/// Hash and imprint of a time stamp: `TSTInfo`'s third part.
fn imprint(stamp: &[u8]) -> Option<(Hash, Vec<u8>)> {
    let info = Any::from_der(stamp).ok()?;
    let mut reader = SliceReader::new(info.value()).ok()?;
    let _version: Any = reader.decode().ok()?;
    let _policy: Any = reader.decode().ok()?;
    let imprint: Any = reader.decode().ok()?;
    let mut reader = SliceReader::new(imprint.value()).ok()?;
    let algorithm: x509_cert::spki::AlgorithmIdentifierOwned = reader.decode().ok()?;
    let digest: OctetString = reader.decode().ok()?;
    Some((Hash::of(algorithm.oid)?, digest.as_bytes().to_vec()))
}

/// Whether the certificate's key made the signature of a hash; nothing where the key or the
/// algorithm isn't known here.
fn has_signed(
    certificate: &Certificate,
    info: &SignerInfo,
    hash: Hash,
    signed: &[u8],
) -> Option<bool> {
    let key = certificate.tbs_certificate().subject_public_key_info();
    let der = key.to_der().ok()?;
    let signature = info.signature.as_bytes();
    match key.algorithm.oid {
        RSA_KEY if info.signature_algorithm.oid != RSA_PSS => {
            let key = rsa::PublicKey::from_public_key_der(&der).ok()?;
            Some(key.verify(hash.padding(), signed, signature).is_ok())
        }
        EC_KEY => {
            let curve: ObjectIdentifier = key.algorithm.parameters.as_ref()?.decode_as().ok()?;
            match curve {
                P256 => {
                    let key = p256::ecdsa::VerifyingKey::from_public_key_der(&der).ok()?;
                    let signature = p256::ecdsa::Signature::from_der(signature).ok();
                    Some(signature.is_some_and(|own| key.verify_prehash(signed, &own).is_ok()))
                }
                P384 => {
                    let key = p384::ecdsa::VerifyingKey::from_public_key_der(&der).ok()?;
                    let signature = p384::ecdsa::Signature::from_der(signature).ok();
                    Some(signature.is_some_and(|own| key.verify_prehash(signed, &own).is_ok()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Hashes that signatures are made with. SHA-1 among them: half of the papers of 2025 have it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(algorithm: ObjectIdentifier) -> Option<Self> {
        const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
        const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
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

    fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
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
