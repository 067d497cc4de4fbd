//! Which way up a page is, as far as pixels tell.

use crate::ink::{Ink, Part, ink};
use crate::lines::{Edges, Leaning, Side, coarse, fine};
use crate::skew::{CLEAR, CONTRAST, FEWEST_POINTS, MAX_SKEW_DEG};
use crate::{Decoded, Grey, quarter_turn};

/// The way that lines of text run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Across the page: upright, or on its head.
    Horizontal,
    /// Down or up the page: a quarter turn is due.
    Vertical,
    /// No lines of text were found, or both ways alike.
    None,
}

/// What is known of a page's orientation from its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orientation {
    /// Quarter turns that make the decoded page upright, clockwise: 0, 90, 180 or 270. What the
    /// scan asks for is in it.
    pub rotation_deg: u16,
    /// How the lines run in the page as the scan asks it to be turned.
    pub axis: Axis,
    /// Size of the [`upright_hint`] after `rotation_deg`, at least 0. Below
    /// [`Orientation::SURE`] the head may as well be the foot: ask a reader of words.
    pub hint: f32,
}

impl Orientation {
    /// Hint from which the head is believed to be the head. On 29 real pages, each in four turns,
    /// the sign was always right; one page in thirty was below.
    pub const SURE: f32 = 0.03;

    /// Whether the pixels alone decide.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.axis != Axis::None && self.hint >= Self::SURE
    }
}

/// How much clearer lines must be one way than the other.
const CLEARER: f64 = 1.15;

/// Which way the lines of text run.
#[must_use]
pub fn text_axis(page: &Grey) -> Axis {
    let across = ink(page, CONTRAST);
    let down = across.transposed();
    axis_of(leaning(&across), leaning(&down))
}

/// Whether text that runs across stands on its feet: positive where it does, negative where it
/// stands on its head, 0 where there is nothing to tell by; within −1..=1.
///
/// Latin letters share a sharp line at their feet, while heads end at several heights, and
/// Vietnamese sets its marks above: feet make a higher profile than heads.
#[must_use]
pub fn upright_hint(page: &Grey) -> f32 {
    let ink = ink(page, CONTRAST);
    leaning(&ink).map_or(0.0, |leaning| hint_of(&ink, leaning))
}

/// Turns that make the page upright, starting from what the scan asks for. Where nothing tells,
/// that is what it stays with.
#[must_use]
pub fn orientation(decoded: &Decoded<'_>) -> Orientation {
    let asked = decoded.rotation_deg;
    let page = quarter_turn(decoded.grey(), asked);
    let across = ink(&page, CONTRAST);
    let down = across.transposed();
    let (lean_across, lean_down) = (leaning(&across), leaning(&down));
    let axis = axis_of(lean_across, lean_down);
    let (turn, hint) = match (axis, lean_across, lean_down) {
        (Axis::Horizontal, Some(leaning), _) => match hint_of(&across, leaning) {
            hint if hint < 0.0 => (180, -hint),
            hint => (0, hint),
        },
        // Lines that ran up the page have their feet to the right; mirrored along the falling
        // diagonal, they have them below. A clockwise turn stands them upright.
        (Axis::Vertical, _, Some(leaning)) => match hint_of(&down, leaning) {
            hint if hint < 0.0 => (270, -hint),
            hint => (90, hint),
        },
        _ => (0, 0.0),
    };
    Orientation { rotation_deg: (asked + turn) % 360, axis, hint }
}

fn axis_of(across: Option<Leaning>, down: Option<Leaning>) -> Axis {
    let clearness = |leaning: Option<Leaning>| leaning.map_or(1.0, |leaning| leaning.clearness);
    // Over 1 is what lines add to an even profile.
    let (across, down) = (clearness(across) - 1.0, clearness(down) - 1.0);
    if across.max(down) < CLEAR - 1.0 {
        Axis::None
    } else if across > down * CLEARER {
        Axis::Horizontal
    } else if down > across * CLEARER {
        Axis::Vertical
    } else {
        Axis::None
    }
}

/// Parts the size of letters: rules of tables run both ways, and seals are round.
fn is_letter(ink: &Ink, part: &Part) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
    let (width, height) = (part.width() as f32 / ink.per_mm, part.height() as f32 / ink.per_mm);
    let (long, short) = (width.max(height), width.min(height));
    // Letters that touch make parts as long as a word.
    long >= 1.0 && (0.4..=8.0).contains(&short) && long <= 30.0 && !ink.is_shadow(part)
}

fn leaning(ink: &Ink) -> Option<Leaning> {
    let edges = Edges::of(ink, Side::Lower, |part| is_letter(ink, part));
    (edges.count() >= FEWEST_POINTS).then(|| coarse(&edges, MAX_SKEW_DEG))
}

#[expect(clippy::cast_possible_truncation, reason = "within -1..=1")]
fn hint_of(ink: &Ink, leaning: Leaning) -> f32 {
    let feet = Edges::of(ink, Side::Lower, |part| is_letter(ink, part));
    let heads = Edges::of(ink, Side::Upper, |part| is_letter(ink, part));
    let skew_deg = fine(&feet, leaning.skew_deg);
    let mut profile = Vec::new();
    let of_feet = feet.peaks(skew_deg, 1.0, &mut profile);
    let of_heads = heads.peaks(skew_deg, 1.0, &mut profile);
    ((of_feet - of_heads) / (of_feet + of_heads).max(1.0)) as f32
}
