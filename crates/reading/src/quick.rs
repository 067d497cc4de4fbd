//! Hash maps that are quicker than the standard library's, whose hash guards against a stranger who
//! fills a map with keys of his choice.

use foldhash::fast::RandomState;

/// A hash map that no stranger fills.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// An empty one with room for `capacity` entries.
pub(crate) fn room<K, V>(capacity: usize) -> HashMap<K, V> {
    HashMap::with_capacity_and_hasher(capacity, RandomState::default())
}
