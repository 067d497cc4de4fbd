//! Knowing a sheet again.

use schemas::reading::Fingerprint;

use crate::Upright;
use crate::ink::{Ink, ink};
use crate::skew::CONTRAST;

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
