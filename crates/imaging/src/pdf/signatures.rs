//! Digital signatures of a PDF: which there are, and whether the bytes they stand for are still
//! the same.
//!
//! PDFium lists the signature fields, but not which bytes each covers, and none that stand below
//! another field. So the file itself is searched for byte ranges: a signature can't hide its own
//! in a compressed object, for it states places in the file.

use jiff::Timestamp;
use pdfium_render::prelude::PdfDocument;
use schemas::signature::{DigitalSignature, MAX_SIGNATURES, SignatureState};
use signing::{ByteRange, MAX_CONTENTS, Signed, moment, ranges};

/// Bytes hashed for one file at most, so that many signatures over a large file end in time.
const MAX_HASHED: u64 = 1 << 30;

/// The signatures of an opened document whose bytes are `file`: first those that PDFium lists,
/// then those it doesn't, where the bytes are intact (a signed file that is attached states
/// ranges, too, which don't hold out here).
pub(super) fn signatures(document: &PdfDocument<'_>, file: &[u8]) -> Vec<DigitalSignature> {
    let mut ranges = ranges(file);
    let mut hashed = 0;
    let mut found = Vec::new();
    for signature in document.signatures().iter().take(MAX_SIGNATURES) {
        let contents = signature.bytes();
        // A field that is still to be signed.
        if contents.iter().all(|byte| *byte == 0) {
            continue;
        }
        let own = ranges.iter().position(|range| range.contents == contents);
        let range = own.map(|at| ranges.remove(at));
        let said = signature.signing_date().as_deref().and_then(moment);
        found.push(described(&contents, range.as_ref(), file, said, &mut hashed));
    }
    for range in ranges {
        let signature = described(&range.contents, Some(&range), file, None, &mut hashed);
        if found.len() < MAX_SIGNATURES && signature.state == SignatureState::Intact {
            found.push(signature);
        }
    }
    found
}

fn described(
    contents: &[u8],
    range: Option<&ByteRange>,
    file: &[u8],
    said: Option<Timestamp>,
    hashed: &mut u64,
) -> DigitalSignature {
    let parts = range.map(|range| range.parts(file));
    let signed_bytes = parts.map_or(0, |[head, tail]| head.len() + tail.len()) as u64;
    let affordable = *hashed + signed_bytes <= MAX_HASHED && contents.len() <= MAX_CONTENTS;
    *hashed += signed_bytes;
    let Signed { signer, issuer, time, state, .. } =
        if affordable { signing::look(contents, parts) } else { Signed::unknown() };
    DigitalSignature {
        signer,
        issuer,
        // The dictionary's own moment has the right zone more often than the signature's, and
        // lies within the signed bytes as well.
        signed_at: said.or(time).map(|at| at.to_string()),
        state,
        appended_bytes: range.map_or(0, |range| range.appended(file)),
    }
}
