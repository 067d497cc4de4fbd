//! How much a page leans.

use crate::Grey;
use crate::ink::{Ink, ink};
use crate::lines::{Edges, Side, coarse, fine};

/// Largest angle that is looked for, in degrees either way. Feeders and hands lean pages by less.
pub const MAX_SKEW_DEG: f32 = 15.0;

/// Least contrast of ink, in tones.
pub(crate) const CONTRAST: u8 = 24;

/// Least clearness at which lines are believed. Measured on real scans: backs without text, and
/// text across its lines, reach 1.21 at most; pages of text have 1.86 and more.
pub(crate) const CLEAR: f64 = 1.35;

/// Fewest edge points that can make a line: some two words.
pub(crate) const FEWEST_POINTS: usize = 60;

/// The angle that a page leans by, in degrees, clockwise positive, within [`MAX_SKEW_DEG`];
/// 0 where no line of text or rule is found.
///
/// The text must run across (see [`text_axis`](crate::text_axis)); whether it stands on its head
/// makes no difference.
#[must_use]
pub fn skew(page: &Grey) -> f32 {
    of_ink(&ink(page, CONTRAST))
}

pub(crate) fn of_ink(ink: &Ink) -> f32 {
    let edges = Edges::of(ink, Side::Lower, |part| {
        // The lid's shadow leans as the paper's edge does, not as the text; specks as nothing.
        !ink.is_shadow(part) && part.area > 3
    });
    if edges.count() < FEWEST_POINTS {
        return 0.0;
    }
    let leaning = coarse(&edges, MAX_SKEW_DEG + 0.5);
    if leaning.clearness < CLEAR {
        return 0.0;
    }
    fine(&edges, leaning.skew_deg).clamp(-MAX_SKEW_DEG, MAX_SKEW_DEG)
}
