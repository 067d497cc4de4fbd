//! x
use crate::engine::{Line, Picture};
/// x
#[must_use]
pub fn in_reading_order(lines: Vec<Line>, _picture: &Picture<'_>) -> Vec<Line> {
    lines
}
