//! A signature's own bytes, looked at: CMS signed data, detached, with one signer.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString, OctetStringRef, UtcTime};
use der::{Any, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use jiff::Timestamp;
use schemas::signature::SignatureState;
use schemas::subject::Name;
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use crate::hash::{Hash, has_signed};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// Which certificate was signed with (RFC 5035).
pub(crate) const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// Content of a time stamp (RFC 3161), which a PDF may have as a signature of its own.
pub(crate) const TIME_STAMP: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// What a signature says.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Common name in the signer's certificate.
    pub signer: Option<Name>,
    /// Common name of who issued that certificate.
    pub issuer: Option<Name>,
    /// The signed attribute of the moment, if there is one.
    pub time: Option<Timestamp>,
    /// Whether the covered bytes are what was signed.
    pub state: SignatureState,
    /// The certificates that came with it, the signer's own first.
    pub certificates: Vec<Certificate>,
}

impl Signed {
    /// Of which nothing can be told.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            signer: None,
            issuer: None,
            time: None,
            state: SignatureState::Unknown,
            certificates: Vec::new(),
        }
    }
}

/// Reads a signature and checks it against the bytes that it covers. A signature that covers no
/// such bytes is altered: its file was rewritten.
#[must_use]
pub fn look(contents: &[u8], covered: Option<[&[u8]; 2]>) -> Signed {
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
    let others = certificates(&data).filter(|other| *other != certificate);
    Signed {
        signer: common_name(subject),
        issuer: common_name(issuer),
        time: time(info),
        state,
        certificates: [certificate].into_iter().chain(others).cloned().collect(),
    }
}

pub(crate) fn signed_data(contents: &[u8]) -> Option<SignedData> {
    // Room that was kept for a longer signature is filled with zeros.
    let mut reader = SliceReader::new(contents).ok()?;
    let info: ContentInfo = reader.decode().ok()?;
    info.content.decode_as().ok()
}

fn certificates(data: &SignedData) -> impl Iterator<Item = &Certificate> {
    let all = data.certificates.iter().flat_map(|set| set.0.iter());
    all.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate),
        CertificateChoices::Other(_) => None,
    })
}

/// The signer's own certificate.
fn certificate<'a>(data: &'a SignedData, info: &SignerInfo) -> Option<&'a Certificate> {
    let mut certificates = certificates(data).map(|own| (own, own.tbs_certificate()));
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

pub(crate) fn common_name(name: &x509_cert::name::Name) -> Option<Name> {
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
    if info.signature_algorithm.oid == RSA_PSS || !names(info, certificate)? {
        return (info.signature_algorithm.oid != RSA_PSS).then_some(false);
    }
    let key = certificate.tbs_certificate().subject_public_key_info();
    has_signed(key, hash, &signed, info.signature.as_bytes())
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

/// Whether a signed attribute that names the signer's certificate by its hash names this one;
/// true where there is no such attribute, nothing where its hash isn't known here. Without it a
/// certificate could be swapped for another one over the same key.
fn names(info: &SignerInfo, certificate: &Certificate) -> Option<bool> {
    let Some(value) = attribute(info, SIGNING_CERTIFICATE) else { return Some(true) };
    // SigningCertificateV2 (RFC 5035): a list of certificates, of which the first is meant.
    let mut list = SliceReader::new(value.value()).ok()?;
    let ids: Any = list.decode().ok()?;
    let mut ids = SliceReader::new(ids.value()).ok()?;
    let id: Any = ids.decode().ok()?;
    let mut id = SliceReader::new(id.value()).ok()?;
    let first: Any = id.decode().ok()?;
    let (hash, said) = if first.tag() == Tag::Sequence {
        let algorithm: x509_cert::spki::AlgorithmIdentifierOwned = first.decode_as().ok()?;
        (Hash::of(algorithm.oid)?, id.decode::<OctetString>().ok()?)
    } else {
        (Hash::Sha256, first.decode_as::<OctetString>().ok()?)
    };
    Some(hash.digest(&[&certificate.to_der().ok()?]) == said.as_bytes())
}
