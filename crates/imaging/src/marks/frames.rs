//! Framed stamps: a rectangle of ink around writing, smaller than a table.

use std::ops::RangeInclusive;

use schemas::reading::MarkKind;

use super::Found;
use super::rings::Ring;
use super::tints::Ink;
use crate::ink::{self, Part};

/// Widths and heights of the stamps that offices put on incoming papers, in millimetres.
const WIDTH_MM: RangeInclusive<f32> = 25.0..=100.0;
const HEIGHT_MM: RangeInclusive<f32> = 10.0..=45.0;

/// How far from its box a frame's side may lie, in millimetres: stamps are put on by hand, and
/// lean by a few degrees.
const BAND_MM: f32 = 2.5;

/// Share of each side that must be there.
const COVERED: f32 = 0.7;

/// Pieces of writing inside a frame, at least.
const WRITING: usize = 4;

/// The framed stamps among parts of ink.
#[expect(clippy::cast_possible_truncation, reason = "some pixels")]
pub(super) fn frames(
    parts: &ink::Ink,
    per_mm: f32,
    colour: Ink,
    seals: &[(Ink, Ring)],
) -> Vec<Found> {
    parts
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| {
            let (width, height) = (part.width() as f32 / per_mm, part.height() as f32 / per_mm);
            WIDTH_MM.contains(&width) && HEIGHT_MM.contains(&height)
        })
        .filter(|(_, part)| {
            let (x, y) = (part.left.midpoint(part.right), part.top.midpoint(part.bottom));
            seals.iter().all(|(_, seal)| seal.radii_to(x as f32, y as f32) > 0.5)
        })
        .filter_map(|(label, part)| {
            let coverage = sides(parts, label, part, (BAND_MM * per_mm) as u32);
            let inside = parts.parts.iter().filter(|other| is_within(part, other, per_mm));
            (coverage >= COVERED && inside.count() >= WRITING).then_some(Found {
                kind: MarkKind::Stamp,
                ink: colour,
                left: part.left as f32,
                top: part.top as f32,
                right: part.right as f32,
                bottom: part.bottom as f32,
                confidence: coverage * 0.8,
            })
        })
        .collect()
}

/// Whether a part is writing within a frame.
fn is_within(frame: &Part, part: &Part, per_mm: f32) -> bool {
    let inside = part.left > frame.left
        && part.top > frame.top
        && part.right < frame.right
        && part.bottom < frame.bottom;
    inside && part.width().max(part.height()) as f32 >= per_mm
}

/// Share of the box's side that has ink of the part near it, for the side that has least.
fn sides(parts: &ink::Ink, label: usize, part: &Part, band: u32) -> f32 {
    let is_ink = |x: u32, y: u32| {
        parts.part_of[y as usize * parts.width as usize + x as usize] as usize == label
    };
    let (bottom, right) = (part.bottom.min(parts.height), part.right.min(parts.width));
    let across = |rows: std::ops::Range<u32>| {
        let inked = (part.left..right).filter(|&x| rows.clone().any(|y| is_ink(x, y)));
        inked.count() as f32 / part.width() as f32
    };
    let down = |columns: std::ops::Range<u32>| {
        let inked = (part.top..bottom).filter(|&y| columns.clone().any(|x| is_ink(x, y)));
        inked.count() as f32 / part.height() as f32
    };
    [
        across(part.top..part.top + band),
        across(bottom.saturating_sub(band)..bottom),
        down(part.left..part.left + band),
        down(right.saturating_sub(band)..right),
    ]
    .into_iter()
    .fold(1.0, f32::min)
}
