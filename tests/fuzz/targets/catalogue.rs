//! Catalogues: the national list as it was crawled, and our own format. The same bytes give the
//! same procedures, each with the same digest.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use schemas::catalogue::{digest, national};
use schemas::kind::{self, Kind};

static KINDS: LazyLock<Vec<Kind>> =
    LazyLock::new(|| kind::shipped().expect("they are well-formed"));

fuzz_target!(|bytes: &[u8]| {
    let Ok(import) = national::import_with(bytes, &KINDS) else { return };
    for procedure in &import.procedures {
        assert!(procedure.components.len() <= national::MAX_COMPONENTS);
        digest(procedure);
    }
    let again = national::import_with(bytes, &KINDS).expect("it was taken before");
    assert_eq!(import, again);
});
