//! Catalogues: the national list as it was crawled, and our own format. The same bytes give the
//! same procedures, each with the same digest.

use std::hint::black_box;
use std::sync::LazyLock;

use schemas::catalogue::{digest, national};
use schemas::kind::{self, Kind};

/// A few of the shipped: they are made ready for every file anew.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let shipped = kind::shipped().expect("they are well-formed");
    shipped.into_iter().take(6).collect()
});

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    let Ok(import) = national::import_with(bytes, &KINDS) else { return };
    for procedure in &import.procedures {
        assert!(procedure.components.len() <= national::MAX_COMPONENTS);
        black_box(digest(procedure));
    }
    if import.procedures.is_empty() {
        return;
    }
    let again = national::import_with(bytes, &KINDS).expect("it was taken before");
    assert_eq!(import, again);
}
