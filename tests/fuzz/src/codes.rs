//! What codes on papers say: identity cards, separator sheets, machine-readable zones.

use schemas::codes::{IdentityCard, Mrz, Separator};

/// Panics where a promise is broken.
pub fn run(text: &str) {
    drop(IdentityCard::parse(text));
    drop(Mrz::parse(text));
    if let Some(separator) = Separator::parse(text) {
        assert_eq!(Separator::parse(&separator.to_string()), Some(separator));
    }
}
