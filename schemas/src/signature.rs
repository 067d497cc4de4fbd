//! Digital signatures that came with a PDF, as they were found. They are noted, not vouched for:
//! no chain of trust is followed and no revocation asked after.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::subject::Name;

/// Most signatures noted of one scan; an official paper has up to seven.
pub const MAX_SIGNATURES: usize = 32;

/// One digital signature in a PDF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DigitalSignature {
    /// Common name in the signer's certificate: a person, or an agency.
    pub signer: Option<Name>,
    /// Common name of who issued that certificate.
    pub issuer: Option<Name>,
    /// When it was signed, as the signer's own clock says; RFC 3339, UTC.
    pub signed_at: Option<String>,
    /// Whether the signed bytes are still what was signed.
    pub state: SignatureState,
    /// Bytes of the file that come after the signed ones: later signatures, or anything else.
    pub appended_bytes: u64,
}

impl DigitalSignature {
    /// Whether it can be what it says: its moment is one.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        self.signed_at.as_ref().is_none_or(|at| at.parse::<jiff::Timestamp>().is_ok())
    }
}

/// Whether signed bytes are still what was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureState {
    /// The bytes have the signed hash, and the signature was made with the certificate's key.
    Intact,
    /// They haven't, or it wasn't.
    Altered,
    /// It can't be told: the signature is of a form or an algorithm that isn't known here.
    Unknown,
}

impl SignatureState {
    /// In Vietnamese.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            SignatureState::Intact => "nội dung còn nguyên vẹn",
            SignatureState::Altered => "nội dung đã bị thay đổi",
            SignatureState::Unknown => "chưa kiểm tra được",
        }
    }
}
