//! Chance that repeats itself: splitmix64 (Steele, Lea, Flood 2014), so that a seed means the
//! same paper for ever, whatever version of whatever library is linked.

/// A stream of numbers that follows from its seed.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Starts the stream; streams of neighbouring seeds have nothing in common.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number from `low` to `high`, both included; `low` where the range is empty.
    pub(crate) fn whole(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1).max(1);
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn part(&mut self) -> f32 {
        // 24 bits are what an f32 holds exactly.
        let bits = (self.next() >> 40) as u32;
        bits as f32 / 16_777_216.0
    }

    /// A number from `low` to `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.part()
    }

    /// One of several things.
    pub(crate) fn pick<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        let n = usize::try_from(self.next() % things.len().max(1) as u64).unwrap_or(0);
        &things[n]
    }
}
