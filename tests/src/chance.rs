//! What happens when and to whom, by a seed, so that a failure can be run again.

use std::time::Duration;

/// Numbers that follow from their seed (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 up to, not including, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    /// Heads or tails.
    pub fn either(&mut self) -> usize {
        usize::from(self.below(2) == 1)
    }

    /// A time shorter than that.
    pub fn within(&mut self, millis: u64) -> Duration {
        Duration::from_millis(self.below(millis))
    }
}
