//! Making a signature: CMS signed data, detached, as PAdES wants it (ETSI EN 319 142-1, level B):
//! SHA-256, the signer's certificate named by its hash, no moment of its own, since the PDF's
//! dictionary has it.

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Null, ObjectIdentifier, OctetString, SetOfVec};
use der::{Any, Decode, Encode, Sequence};
use jiff::Timestamp;
use schemas::subject::Name;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::cms::{MESSAGE_DIGEST, SIGNING_CERTIFICATE, common_name};
use crate::hash::{EC_KEY, Hash, P256, RSA_KEY, SHA256, curve, has_signed, sha256};
use crate::stamp::{self, STAMP};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const EC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Who signs: certificates, and a key that may be elsewhere.
///
/// May block: a token takes a second, and a network behind a module longer.
pub trait Signer: Send + Sync {
    /// The signer's certificate and those above it.
    fn chain(&self) -> &Chain;

    /// The signature of a SHA-256: RSA by PKCS #1 v1.5, or ECDSA as DER, as the certificate's key
    /// is.
    ///
    /// # Errors
    /// [`SignFailed::Key`] when the key can't be used now.
    fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignFailed>;
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignFailed {
    /// The key file can't be opened: no such file, or another password.
    #[error("the key file can't be opened with this password")]
    Closed,
    /// There is no key with a certificate, or one of a sort that can't sign here.
    #[error("no RSA or P-256 key with its certificate")]
    NoKey,
    /// The key can't be used now: a token that was pulled out, a module that doesn't answer.
    #[error("the key can't be used: {0}")]
    Key(String),
    /// The signature made isn't the certificate's.
    #[error("the key isn't the certificate's")]
    OtherKey,
    /// The time stamp isn't of this signature, or the authority refused.
    #[error("no time stamp of this signature: {0}")]
    Stamp(&'static str),
    /// The signature can't be written.
    #[error("the signature can't be written")]
    Der(#[from] der::Error),
}

/// A signer's certificate with those above it, as far as they are known.
#[derive(Debug, Clone)]
pub struct Chain {
    certificates: Vec<Certificate>,
}

impl Chain {
    /// From certificates as DER, the signer's own first.
    ///
    /// # Errors
    /// [`SignFailed::NoKey`] when there is none, or its key is of a sort that can't sign here.
    pub fn of(ders: &[Vec<u8>]) -> Result<Self, SignFailed> {
        let certificates: Result<_, _> =
            ders.iter().map(|der| Certificate::from_der(der)).collect();
        let chain = Self { certificates: certificates.map_err(|_| SignFailed::NoKey)? };
        chain.algorithm().map(|_| chain)
    }

    /// The signer's own certificate.
    fn own(&self) -> Result<&Certificate, SignFailed> {
        self.certificates.first().ok_or(SignFailed::NoKey)
    }

    /// Common name in the signer's certificate.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        common_name(self.certificates.first()?.tbs_certificate().subject())
    }

    /// Until when the signer's certificate is good.
    #[must_use]
    pub fn good_until(&self) -> Option<Timestamp> {
        let own = self.certificates.first()?;
        let seconds = own.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
        Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
    }

    /// Bytes that a signature by this chain takes at most, with a time stamp or without.
    #[must_use]
    pub fn room(&self, with_stamp: bool) -> usize {
        /// For a time stamp with the certificates of its authority; they have 3 to 8 kB.
        const STAMP: usize = 16 << 10;
        /// For the attributes and an RSA signature of 8,192 bits.
        const REST: usize = 4 << 10;
        let lengths = self.certificates.iter().map(|own| own.to_der().map_or(0, |der| der.len()));
        lengths.sum::<usize>() + REST + if with_stamp { STAMP } else { 0 }
    }

    /// How its key signs.
    fn algorithm(&self) -> Result<AlgorithmIdentifierOwned, SignFailed> {
        let key = self.own()?.tbs_certificate().subject_public_key_info();
        match key.algorithm.oid {
            RSA_KEY => {
                let parameters = Some(Any::encode_from(&Null)?);
                Ok(AlgorithmIdentifierOwned { oid: RSA_SHA256, parameters })
            }
            EC_KEY if curve(key) == Some(P256) => {
                Ok(AlgorithmIdentifierOwned { oid: EC_SHA256, parameters: None })
            }
            _ => Err(SignFailed::NoKey),
        }
    }
}

/// A signature that may still get a time stamp.
#[derive(Debug)]
pub struct Signature {
    data: SignedData,
    info: SignerInfo,
}

#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateHash>,
}

#[derive(Sequence)]
struct CertificateHash {
    sha256: OctetString,
}

/// Signs what has that SHA-256.
///
/// # Errors
/// When the key can't be used, or isn't the certificate's: what would not verify is never given
/// out.
pub fn sign(signer: &dyn Signer, digest: &[u8; 32]) -> Result<Signature, SignFailed> {
    let chain = signer.chain();
    let own = chain.own()?;
    let tbs = own.tbs_certificate();
    let hash = OctetString::new(sha256(&[&own.to_der()?]))?;
    let named = SigningCertificate { certificates: vec![CertificateHash { sha256: hash }] };
    let attributes = SetOfVec::try_from(vec![
        attribute(CONTENT_TYPE, Any::encode_from(&DATA)?)?,
        attribute(MESSAGE_DIGEST, Any::encode_from(&OctetString::new(*digest)?)?)?,
        attribute(SIGNING_CERTIFICATE, Any::encode_from(&named)?)?,
    ])?;
    let digest = sha256(&[&attributes.to_der()?]);
    let signature = signer.sign(&digest)?;
    let key = tbs.subject_public_key_info();
    if has_signed(key, Hash::Sha256, &digest, &signature) != Some(true) {
        return Err(SignFailed::OtherKey);
    }
    let digest_alg = AlgorithmIdentifierOwned { oid: SHA256, parameters: None };
    let info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: tbs.issuer().clone(),
            serial_number: tbs.serial_number().clone(),
        }),
        digest_alg: digest_alg.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: chain.algorithm()?,
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let certificates = chain.certificates.iter().cloned().map(CertificateChoices::Certificate);
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![digest_alg])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: DATA, econtent: None },
        certificates: Some(certificates.collect::<Vec<_>>().try_into()?),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::new()),
    };
    Ok(Signature { data, info })
}

/// Signs bytes that stand elsewhere: the signature as DER.
///
/// # Errors
/// As [`sign`].
pub fn detached(signer: &dyn Signer, bytes: &[u8]) -> Result<Vec<u8>, SignFailed> {
    sign(signer, &sha256(&[bytes]))?.to_der()
}

impl Signature {
    /// What to ask a time stamp authority (RFC 3161). The nonce makes an old answer useless.
    ///
    /// # Errors
    /// [`SignFailed::Der`].
    pub fn stamp_request(&self, nonce: u64) -> Result<Vec<u8>, SignFailed> {
        stamp::request(&sha256(&[self.info.signature.as_bytes()]), nonce)
    }

    /// The signature with the time stamp that the authority answered with.
    ///
    /// # Errors
    /// [`SignFailed::Stamp`] when the answer isn't a good stamp of this signature.
    pub fn stamped(mut self, answer: &[u8], nonce: u64) -> Result<Self, SignFailed> {
        let token = stamp::token(answer, self.info.signature.as_bytes(), nonce)?;
        let stamp = attribute(STAMP, token)?;
        self.info.unsigned_attrs = Some(SetOfVec::try_from(vec![stamp])?);
        Ok(self)
    }

    /// As it goes into the file.
    ///
    /// # Errors
    /// [`SignFailed::Der`].
    pub fn to_der(&self) -> Result<Vec<u8>, SignFailed> {
        let infos = SignerInfos(SetOfVec::try_from(vec![self.info.clone()])?);
        let data = SignedData { signer_infos: infos, ..self.data.clone() };
        let info = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? };
        Ok(info.to_der()?)
    }
}

fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, SignFailed> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}
