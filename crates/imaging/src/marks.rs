//! What stands on a page beside its text: round seals, framed stamps, signatures by hand.
//!
//! Marks are looked for on the decoded page, where its colours are, at a third of its resolution;
//! [`Marks::upright`] says where they stand once it is turned.

mod frames;
mod rings;
mod signatures;
mod tints;

use schemas::reading::{Mark, MarkKind};

use crate::{Decoded, Geometry, ink};
use rings::Ring;
pub(crate) use tints::Ink;
use tints::Tints;

/// Marks of a decoded page, and the dark ink that they were looked for among.
#[derive(Debug, Clone)]
pub struct Marks {
    pub(crate) found: Vec<Found>,
    pub(crate) ink: ink::Ink,
}

/// A mark, in pixels of the decoded page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) kind: MarkKind,
    pub(crate) ink: Ink,
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
    pub(crate) confidence: f32,
}

/// Finds the marks of a page.
#[must_use]
pub fn marks(decoded: &Decoded<'_>) -> Marks {
    let tints = Tints::of(&decoded.pixels, decoded.dpi);
    let mut seals: Vec<(Ink, Ring)> = Vec::new();
    for (ink, plane) in tints.planes() {
        for ring in rings::rings(plane, tints.per_mm) {
            // A black signature across a red seal makes no second seal of it.
            if seals.iter().all(|(_, seal)| !seal.touches(&ring)) {
                seals.push((ink, ring));
            }
        }
    }
    let mut found: Vec<Found> =
        seals.iter().map(|(ink, ring)| Found { ink: *ink, ..ring.found() }).collect();
    let mut signatures: Vec<Found> = Vec::new();
    let mut dark = None;
    for (ink, plane) in tints.planes() {
        let parts = tints::parts(ink, plane);
        found.extend(frames::frames(&parts, tints.per_mm, ink, &seals));
        if ink != Ink::Red {
            // Nobody signs in red.
            signatures.extend(signatures::signatures(&parts, tints.per_mm, ink, &seals));
        }
        dark = (ink == Ink::Dark).then_some(parts);
    }
    found.extend(signatures::joined(signatures, tints.per_mm));
    let scale = tints.factor as f32;
    for mark in &mut found {
        for edge in [&mut mark.left, &mut mark.top, &mut mark.right, &mut mark.bottom] {
            *edge *= scale;
        }
    }
    Marks { found, ink: dark.unwrap_or_else(ink::Ink::none) }
}

impl Marks {
    /// The marks in pixels of the upright image, surest first; what turns off the image is left out.
    #[must_use]
    pub fn upright(&self, geometry: &Geometry) -> Vec<Mark> {
        let mut marks: Vec<Mark> = self
            .found
            .iter()
            .filter_map(|found| {
                let area =
                    geometry.area_to_upright(found.left, found.top, found.right, found.bottom)?;
                let (kind, confidence) = (found.kind, found.confidence);
                Some(Mark { kind, x: area.x, y: area.y, w: area.w, h: area.h, confidence })
            })
            .collect();
        marks.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        marks
    }
}
