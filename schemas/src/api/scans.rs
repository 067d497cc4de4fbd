//! Bodies about scans: their receipt, and how they and their pages stand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Blake3, DossierCode, PageId, ScanId};
use crate::reading::{Flaw, KindGuess};
use crate::signature::DigitalSignature;

/// Receipt for a scan: given only when its bytes are durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The scan.
    pub scan: ScanId,
    /// The dossier.
    pub dossier: DossierCode,
    /// blake3 of the bytes, as received.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type, told by content.
    pub media_type: String,
    /// When it was received; RFC 3339, UTC.
    pub received_at: String,
    /// Whether the same bytes had been received before.
    pub repeated: bool,
    /// What the officer should know: a paper that is only to be shown, say.
    pub warnings: Vec<Warning>,
}

/// Something an officer should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Stable code: `component.present_only`.
    pub code: String,
    /// In Vietnamese.
    pub text: String,
}

/// A scan of a dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScanView {
    /// Its id.
    pub id: ScanId,
    /// blake3 of its bytes.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type, told by content.
    pub media_type: String,
    /// Name of whoever scanned it: a person's login name, or a station's or system's name. None
    /// where it came before that was kept.
    #[serde(default)]
    pub scanned_by: Option<String>,
    /// How it stands.
    pub state: ScanState,
    /// Code of the reason, when parked.
    pub code: Option<String>,
    /// The reason in Vietnamese, when parked.
    pub reason: Option<String>,
    /// Digital signatures that it came with.
    pub signatures: Vec<DigitalSignature>,
    /// Its pages.
    pub pages: Vec<PageView>,
}

/// How a scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanState {
    /// Kept, its pages not counted yet.
    Received,
    /// Cut into pages.
    Unpacked,
    /// Laid aside for a person.
    Parked,
}

/// A page of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageView {
    /// Its id.
    pub id: PageId,
    /// Place in the scan, from 0.
    pub seq: u32,
    /// How it stands.
    pub state: PageState,
    /// Whether it is blank.
    pub blank: bool,
    /// Mean confidence of its words.
    pub confidence: Option<f32>,
    /// Kind of paper it looks like the first page of.
    pub kind: Option<KindGuess>,
    /// Why it should be scanned again while the paper is still there.
    pub flaws: Vec<FlawView>,
    /// The page in this dossier that is the same paper, scanned before.
    pub same_as: Option<PageId>,
    /// Code of the reason, when parked.
    pub code: Option<String>,
    /// The reason in Vietnamese, when parked.
    pub reason: Option<String>,
}

/// What is wrong with a scanned page, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlawView {
    /// What.
    pub code: Flaw,
    /// What the officer at the counter reads, in Vietnamese.
    pub text: String,
}

impl From<Flaw> for FlawView {
    fn from(code: Flaw) -> Self {
        Self { code, text: code.vi().to_owned() }
    }
}

/// How a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// Not read yet.
    Waiting,
    /// Read.
    Read,
    /// Laid aside for a person.
    Parked,
}
