//! What codes on papers say: identity cards, separator sheets, machine-readable zones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schemas::codes::{IdentityCard, Mrz, Separator};

fuzz_target!(|text: &str| {
    drop(IdentityCard::parse(text));
    drop(Mrz::parse(text));
    if let Some(separator) = Separator::parse(text) {
        assert_eq!(Separator::parse(&separator.to_string()), Some(separator));
    }
});
