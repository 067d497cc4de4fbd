//! x
use crate::engine::{Engine, Picture, ReadError};
/// x
/// # Errors
/// x
pub fn right_way_up(_engine: &mut dyn Engine, _picture: &Picture<'_>) -> Result<bool, ReadError> {
    Ok(true)
}
