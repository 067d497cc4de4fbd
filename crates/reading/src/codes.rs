//! x
use schemas::reading::Code;
use crate::engine::{Line, Picture};
/// x
#[must_use]
pub fn find_qr(_picture: &Picture<'_>) -> Vec<Code> {
    Vec::new()
}
/// x
#[must_use]
pub fn find_mrz(_lines: &[Line]) -> Vec<Code> {
    Vec::new()
}
