//! Check
use serde::Serialize;
use crate::Archive;
use crate::error::ArchiveError;

/// A difference between what should be there and what is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code: `blob.missing`.
    pub code: &'static str,
    /// What it is about, by id or hash.
    pub what: String,
    /// What it means, in Vietnamese.
    pub text_vi: String,
    /// Whether [`Archive::mend`] can put it right.
    pub mendable: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Blobs whose hash was computed anew.
    pub hashed: u64,
    /// Blobs there are.
    pub blobs: u64,
    /// Scans there are.
    pub scans: u64,
    /// Pages there are.
    pub pages: u64,
    /// Record versions there are.
    pub records: u64,
    /// Every difference.
    pub findings: Vec<Finding>,
}

impl Archive {
    /// Compares receipts, rows, blobs and queue.
    pub async fn check(&self, sample: Option<f32>) -> Result<Findings, ArchiveError> { todo!() }
    /// Puts right what can be put right; returns what was.
    pub async fn mend(&self, findings: &Findings) -> Result<Vec<Finding>, ArchiveError> { todo!() }
}
