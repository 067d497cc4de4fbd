//! Knowing a sheet again.

use std::fmt;
use std::str::FromStr;

use crate::Upright;
use crate::ink::{Ink, ink};
use crate::skew::CONTRAST;

/// Most bits by which two scans are taken for the same paper.
///
/// Measured on 29 real pages of 13 scans, most of them with the letterheads of the same three
/// bodies. Each scanned again (turned by up to 1.6°, shifted, at half to full resolution, with
/// noise, paler, as JPEG of quality 40 to 80): half of the 145 differ by 10 bits at most, 95 % by
/// 32; five, of nearly empty pages with toner dust, by more than 64 and aren't known again. Any two
/// different pages: 78 bits and more, half of the 406 pairs 126.
pub const SAME_PAPER: u32 = 64;

/// A perceptual hash of 256 bits; 64 hexadecimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u64; 4]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits")]
pub struct FingerprintError;

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(FingerprintError);
        }
        let mut words = [0; 4];
        for (word, digits) in words.iter_mut().zip(text.as_bytes().chunks_exact(16)) {
            let digits = std::str::from_utf8(digits).map_err(|_| FingerprintError)?;
            *word = u64::from_str_radix(digits, 16).map_err(|_| FingerprintError)?;
        }
        Ok(Fingerprint(words))
    }
}

/// Bits by which two fingerprints differ, 0 to 256.
#[must_use]
pub fn distance(one: Fingerprint, other: Fingerprint) -> u32 {
    one.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Columns and rows of the grid that a page's ink is counted in.
const GRID: usize = 96;

/// Waves across the page that are looked at, and waves down it; their product is the number of bits.
const ACROSS: usize = 8;
const DOWN: usize = 32;

/// The fingerprint of an upright page: which of the slow waves of its ink are strong.
///
/// Only ink counts, cut out at its own bounds, so margins, resolution and brightness don't; the
/// waves are those of a cosine transform, so noise and fine print don't either.
#[must_use]
pub fn fingerprint(page: &Upright) -> Fingerprint {
    let ink = ink(page.image(), CONTRAST);
    let waves = waves(&density(&ink));
    let mut sorted = waves.clone();
    sorted.sort_by(f32::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut words = [0_u64; 4];
    for (bit, &wave) in waves.iter().enumerate() {
        if wave > median {
            words[bit / 64] |= 1 << (63 - bit % 64);
        }
    }
    Fingerprint(words)
}

/// Ink a cell, within the bounds that hold all but a hundredth of it on each side: a speck in a
/// corner must not move the grid.
fn density(ink: &Ink) -> Vec<f32> {
    let width = ink.width as usize;
    let counts: Vec<bool> =
        ink.parts.iter().map(|part| !ink.is_shadow(part) && part.area > 4).collect();
    let (mut columns, mut rows) = (vec![0_u32; width], vec![0_u32; ink.height as usize]);
    for (y, line) in ink.part_of.chunks_exact(width).enumerate() {
        for (x, &part) in line.iter().enumerate() {
            if counts[part as usize] && part != 0 {
                columns[x] += 1;
                rows[y] += 1;
            }
        }
    }
    let (left, right) = bounds(&columns);
    let (top, bottom) = bounds(&rows);
    let mut cells = vec![0.0; GRID * GRID];
    for (y, line) in ink.part_of.chunks_exact(width).enumerate().take(bottom).skip(top) {
        let row = (y - top) * GRID / (bottom - top);
        for (x, &part) in line.iter().enumerate().take(right).skip(left) {
            if part != 0 && counts[part as usize] {
                cells[row * GRID + (x - left) * GRID / (right - left)] += 1.0;
            }
        }
    }
    cells
}

/// First and past-the-last place that hold all of the sum but a hundredth at either end.
fn bounds(sums: &[u32]) -> (usize, usize) {
    let total: u64 = sums.iter().map(|&sum| u64::from(sum)).sum();
    let mut passed = 0;
    let (mut from, mut to) = (0, sums.len());
    for (place, &sum) in sums.iter().enumerate() {
        if passed * 100 <= total {
            from = place;
        }
        passed += u64::from(sum);
        if passed * 100 <= total * 99 {
            to = place + 1;
        }
    }
    (from, to.max(from + 1).min(sums.len()).max(from + 1))
}

/// The slowest waves of the grid, by a cosine transform, row by row; the mean is left out.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn waves(cells: &[f32]) -> Vec<f32> {
    let wave = |waves: usize, place: usize| {
        (std::f32::consts::PI / GRID as f32 * (place as f32 + 0.5) * waves as f32).cos()
    };
    let mut across = vec![0.0; GRID * (ACROSS + 1)];
    for (row, line) in cells.chunks_exact(GRID).enumerate() {
        for u in 0..=ACROSS {
            across[row * (ACROSS + 1) + u] =
                line.iter().enumerate().map(|(x, ink)| ink * wave(u, x)).sum::<f32>();
        }
    }
    let mut all = Vec::with_capacity(ACROSS * DOWN);
    for v in 0..DOWN {
        for u in 0..ACROSS {
            // The mean says nothing; one more wave takes its place.
            let u = if (u, v) == (0, 0) { ACROSS } else { u };
            all.push((0..GRID).map(|y| across[y * (ACROSS + 1) + u] * wave(v, y)).sum());
        }
    }
    all
}
