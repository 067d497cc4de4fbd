//! Time stamps (RFC 3161): what to ask an authority, and what its answer says. The asking itself
//! is somebody else's.

use der::asn1::{Null, ObjectIdentifier, OctetString, OctetStringRef, Uint};
use der::{Any, Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};
use jiff::Timestamp;
use schemas::signature::SignatureState;
use x509_cert::Certificate;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::cms::{self, TIME_STAMP};
use crate::hash::SHA256;
use crate::make::SignFailed;

/// The attribute that a signature's stamp stands in.
pub(crate) const STAMP: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");

/// A signature's time stamp.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// When the signature was there, as the authority says.
    pub at: Timestamp,
    /// Whether it is of this signature and the authority signed it.
    pub state: SignatureState,
    /// The authority's certificates, its own first.
    pub certificates: Vec<Certificate>,
}

#[derive(Sequence)]
struct Request {
    version: u8,
    imprint: Imprint,
    nonce: Uint,
    with_certificates: bool,
}

#[derive(Sequence)]
struct Imprint {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// The question for the SHA-256 of a signature.
pub(crate) fn request(digest: &[u8; 32], nonce: u64) -> Result<Vec<u8>, SignFailed> {
    let algorithm =
        AlgorithmIdentifierOwned { oid: SHA256, parameters: Some(Any::encode_from(&Null)?) };
    let request = Request {
        version: 1,
        imprint: Imprint { algorithm, digest: OctetString::new(*digest)? },
        nonce: Uint::new(&nonce.to_be_bytes())?,
        with_certificates: true,
    };
    Ok(request.to_der()?)
}

/// The token in an answer, when it is a good one of that signature and to that question.
pub(crate) fn token(answer: &[u8], signature: &[u8], nonce: u64) -> Result<Any, SignFailed> {
    let token = granted(answer).ok_or(SignFailed::Stamp("not an answer"))?;
    let token = token.ok_or(SignFailed::Stamp("the authority refused"))?;
    let der = token.to_der()?;
    let stamped = read(&der, signature).ok_or(SignFailed::Stamp("not a time stamp"))?;
    if stamped.state != SignatureState::Intact {
        return Err(SignFailed::Stamp("it isn't of this signature"));
    }
    if moment_and_nonce(&der).and_then(|(_, said)| said) != Some(Uint::new(&nonce.to_be_bytes())?) {
        return Err(SignFailed::Stamp("it answers another question"));
    }
    Ok(token)
}

/// The time stamp that a signature carries.
#[must_use]
pub fn stamp_of(contents: &[u8]) -> Option<Stamped> {
    let data = cms::signed_data(contents)?;
    let [info] = data.signer_infos.0.as_slice() else { return None };
    let stamp = info.unsigned_attrs.as_ref()?.iter().find(|own| own.oid == STAMP)?;
    read(&stamp.values.get(0)?.to_der().ok()?, info.signature.as_bytes())
}

fn read(token: &[u8], signature: &[u8]) -> Option<Stamped> {
    let (at, _) = moment_and_nonce(token)?;
    let signed = cms::look(token, Some([signature, &[]]));
    Some(Stamped { at, state: signed.state, certificates: signed.certificates })
}

/// The token of an answer; none inside where the authority refused.
fn granted(answer: &[u8]) -> Option<Option<Any>> {
    let answer = Any::from_der(answer).ok()?;
    let mut reader = SliceReader::new(answer.value()).ok()?;
    let status: Any = reader.decode().ok()?;
    let mut status = SliceReader::new(status.value()).ok()?;
    let status: u8 = status.decode().ok()?;
    // 0 is granted, 1 granted with changes.
    if 1 < status || reader.is_finished() { Some(None) } else { reader.decode().ok().map(Some) }
}

/// `TSTInfo`'s fifth part, and the nonce where there is one.
fn moment_and_nonce(token: &[u8]) -> Option<(Timestamp, Option<Uint>)> {
    let data = cms::signed_data(token)?;
    let content = &data.encap_content_info;
    if content.econtent_type != TIME_STAMP {
        return None;
    }
    let info = content.econtent.as_ref()?.decode_as::<&OctetStringRef>().ok()?;
    let info = Any::from_der(info.as_bytes()).ok()?;
    let mut reader = SliceReader::new(info.value()).ok()?;
    for _version_policy_imprint_serial in 0..4 {
        let _: Any = reader.decode().ok()?;
    }
    let at: Any = reader.decode().ok()?;
    let at = (at.tag() == Tag::GeneralizedTime).then(|| moment(at.value()))??;
    while !reader.is_finished() {
        let next: Any = reader.decode().ok()?;
        if next.tag() == Tag::Integer {
            return Some((at, Some(next.decode_as().ok()?)));
        }
    }
    Some((at, None))
}

/// `20261125155000Z`, with or without parts of a second.
fn moment(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let whole = text.split('.').next()?;
    let moment = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}
