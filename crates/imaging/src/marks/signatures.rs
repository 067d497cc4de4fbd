//! Signatures by hand: a long thin stroke that hangs together and is no letter, no rule, no ring.

use std::ops::RangeInclusive;

use schemas::reading::MarkKind;

use super::Found;
use super::rings::Ring;
use super::tints::Ink;
use crate::ink::{self, Part};

/// Widths and heights of signatures, in millimetres. Words of headings are as wide, but lower.
const WIDTH_MM: RangeInclusive<f32> = 12.0..=110.0;
const HEIGHT_MM: RangeInclusive<f32> = 7.0..=60.0;

/// Most of its box that a signature inks. Measured on real scans: signatures 4 to 20 %, lines of
/// print that touch each other 25 % and more.
const FILLED: f32 = 0.22;

/// Most of its ink that may lie in straight runs along rows or columns: rules of tables do.
const STRAIGHT: f32 = 0.4;

/// Contrast that a pen reaches somewhere, in tones. Red logos in the box of a digital signature
/// are 70 at most in red light.
const PEN: u8 = 90;

/// How near to a seal a signature stands, in the seal's radii from middle to middle.
const NEAR: f32 = 2.5;

/// Where a seal ends, in its radii.
const RIM: f32 = 1.06;

/// A run of ink counts as straight from this length on, in millimetres.
const RUN_MM: f32 = 6.0;

/// The signatures among parts of ink of one colour.
#[expect(clippy::cast_possible_truncation, reason = "some pixels")]
pub(super) fn signatures(
    parts: &ink::Ink,
    per_mm: f32,
    colour: Ink,
    seals: &[(Ink, Ring)],
) -> Vec<Found> {
    // On a page without colour a signature hangs together with the seal beneath it.
    let rims: Vec<Ring> =
        seals.iter().filter(|(ink, _)| *ink == colour).map(|(_, ring)| *ring).collect();
    let large = parts.parts.iter().enumerate().filter(|(_, part)| {
        is_large(part.width(), part.height(), per_mm)
            && part.contrast >= PEN
            && !parts.is_at_edge(part)
    });
    let strokes = large.filter_map(|(label, part)| Stroke::of(parts, label, part, &rims));
    let signed = strokes.filter(|stroke| {
        is_large(stroke.width, stroke.height, per_mm)
            && stroke.filled() <= FILLED
            && stroke.straight((RUN_MM * per_mm) as u32) <= STRAIGHT
    });
    signed
        .map(|stroke| {
            let (left, top) = (stroke.left as f32, stroke.top as f32);
            let (right, bottom) = (left + stroke.width as f32, top + stroke.height as f32);
            let (x, y) = (left.midpoint(right), top.midpoint(bottom));
            let by_a_seal = seals.iter().any(|(_, seal)| seal.radii_to(x, y) < NEAR);
            let confidence = if by_a_seal { 0.9 } else { 0.6 };
            let kind = MarkKind::Signature;
            Found { kind, ink: colour, left, top, right, bottom, confidence }
        })
        .collect()
}

/// Strokes that touch each other's boxes are one signature, whatever plane they were seen on.
pub(super) fn joined(mut strokes: Vec<Found>, per_mm: f32) -> Vec<Found> {
    /// A signer lifts the pen for less, in millimetres.
    const GAP_MM: f32 = 2.0;
    let gap = GAP_MM * per_mm;
    let mut joined: Vec<Found> = Vec::new();
    while let Some(mut whole) = strokes.pop() {
        let near = |a: &Found, b: &Found| {
            a.left - gap <= b.right
                && b.left - gap <= a.right
                && a.top - gap <= b.bottom
                && b.top - gap <= a.bottom
        };
        while let Some(at) = strokes.iter().position(|stroke| near(&whole, stroke)) {
            let stroke = strokes.swap_remove(at);
            whole.left = whole.left.min(stroke.left);
            whole.top = whole.top.min(stroke.top);
            whole.right = whole.right.max(stroke.right);
            whole.bottom = whole.bottom.max(stroke.bottom);
            whole.confidence = whole.confidence.max(stroke.confidence);
        }
        joined.push(whole);
    }
    joined
}

fn is_large(width: u32, height: u32, per_mm: f32) -> bool {
    let (width, height) = (width as f32 / per_mm, height as f32 / per_mm);
    WIDTH_MM.contains(&width) && HEIGHT_MM.contains(&height)
}

/// The pixels of a part, or of what of it lies outside seals.
struct Stroke {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    /// Rows of the box, `width` each.
    inked: Vec<bool>,
}

impl Stroke {
    fn of(parts: &ink::Ink, label: usize, part: &Part, rims: &[Ring]) -> Option<Stroke> {
        let is_ink = |x: u32, y: u32| {
            parts.part_of[y as usize * parts.width as usize + x as usize] as usize == label
                && rims.iter().all(|seal| seal.radii_to(x as f32, y as f32) > RIM)
        };
        let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
        for y in part.top..part.bottom {
            for x in (part.left..part.right).filter(|&x| is_ink(x, y)) {
                (left, right) = (left.min(x), right.max(x + 1));
                (top, bottom) = (top.min(y), bottom.max(y + 1));
            }
        }
        let inked = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
        let inked = inked.map(|(x, y)| is_ink(x, y)).collect();
        let (width, height) = (right.checked_sub(left)?, bottom.checked_sub(top)?);
        Some(Stroke { left, top, width, height, inked })
    }

    fn area(&self) -> usize {
        self.inked.iter().filter(|&&inked| inked).count()
    }

    /// Share of the box that is ink.
    fn filled(&self) -> f32 {
        self.area() as f32 / self.inked.len().max(1) as f32
    }

    /// Share of the ink that lies in runs of that length along rows or columns.
    fn straight(&self, long: u32) -> f32 {
        let (width, height) = (self.width as usize, self.height as usize);
        let rows = (0..height).map(|y| (y * width, 1, width));
        let columns = (0..width).map(|x| (x, width, height));
        let mut in_runs = 0;
        for (from, step, count) in rows.chain(columns) {
            let mut run = 0;
            for at in (0..count).map(|n| from + n * step) {
                run = if self.inked[at] { run + 1 } else { 0 };
                // A run counts whole from the moment that it is long.
                in_runs += match run {
                    run if run == long => long,
                    run if run > long => 1,
                    _ => 0,
                };
            }
        }
        in_runs as f32 / self.area().max(1) as f32
    }
}
