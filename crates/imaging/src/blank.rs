//! Blank sides: backs of sheets, with nothing on them but what a scanner adds and what shines or
//! presses through from the front.

use crate::Grey;
use crate::ink::{Ink, Part, ink};
use crate::lines::{Edges, Side, coarse};

/// Least contrast to the surroundings for ink, in tones: text that shines through stays below.
const CONTRAST: u8 = 36;

/// Contrast that a mark reaches somewhere. A pencil's does; paper's own shade and shine don't.
const MARK_CONTRAST: u8 = 64;

/// A mark is at least as long as a printed digit of 7 points is high; dust is smaller.
const MARK_MM: f32 = 1.5;

/// How far the marks of a seal's ghost may be spread. Official seals are round and up to 42 mm
/// wide; often only a part of one pressed through.
const GHOST_MM: std::ops::RangeInclusive<f32> = 6.0..=46.0;

/// Whether nothing is on a page but noise, the marks of holes and edges, streaks of the scanner,
/// and the ghost of a seal that pressed through from the other side.
///
/// A page number alone, or a line of handwriting, makes a page that is not blank; so does
/// whatever isn't understood. The way the page is turned makes no difference.
#[must_use]
pub fn is_blank(page: &Grey) -> bool {
    let ink = ink(page, CONTRAST);
    let marks: Vec<&Part> = ink.parts.iter().filter(|part| is_mark(&ink, part)).collect();
    marks.is_empty() || is_ghost(&ink, &marks)
}

fn size_mm(ink: &Ink, part: &Part) -> (f32, f32) {
    (mm(part.width(), ink), mm(part.height(), ink))
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
fn mm(pixels: u32, ink: &Ink) -> f32 {
    pixels as f32 / ink.per_mm
}

fn is_mark(ink: &Ink, part: &Part) -> bool {
    let (width, height) = size_mm(ink, part);
    let (long, short) = (width.max(height), width.min(height));
    let is_streak = long >= 40.0 && short <= 1.5;
    part.contrast >= MARK_CONTRAST
        && long >= MARK_MM
        && !ink.is_shadow(part)
        && !is_streak
        && !is_hole(ink, part)
}

/// A punched hole: solid, round, near an edge.
#[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
fn is_hole(ink: &Ink, part: &Part) -> bool {
    let (width, height) = size_mm(ink, part);
    let to_edge = part.left.min(part.top).min(ink.width - part.right).min(ink.height - part.bottom);
    let filled = part.area as f32 / (part.width() * part.height()).max(1) as f32;
    (3.5..=9.0).contains(&width)
        && (0.75..=1.33).contains(&(width / height))
        && filled >= 0.6
        && mm(to_edge, ink) <= 20.0
}

/// The ghost of a seal: scattered pieces within the size of a seal, none of them long, that cover
/// little of it and stand in no lines. Ghosts on real backs cover 1 to 6 %, the seal itself 15 %
/// and more.
#[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
fn is_ghost(ink: &Ink, marks: &[&Part]) -> bool {
    const LONGEST_MM: f32 = 12.0;
    const COVERED: f32 = 0.10;
    const CRUMB_MM: f32 = 0.4;
    let left = marks.iter().map(|mark| mark.left).min().unwrap_or(0);
    let top = marks.iter().map(|mark| mark.top).min().unwrap_or(0);
    let right = marks.iter().map(|mark| mark.right).max().unwrap_or(0);
    let bottom = marks.iter().map(|mark| mark.bottom).max().unwrap_or(0);
    let (width, height) = (mm(right - left, ink), mm(bottom - top, ink));
    let area: u32 = marks.iter().map(|mark| mark.area).sum();
    let covered = area as f32 / ink.per_mm.powi(2) / (width * height);
    let scattered = marks.iter().all(|mark| {
        let (width, height) = size_mm(ink, mark);
        width.max(height) <= LONGEST_MM
    });
    // What pressed through is mostly crumbs; strokes of a pen hold together.
    let (middle_x, middle_y) = (left.midpoint(right), top.midpoint(bottom));
    let crumbs = ink.parts.iter().filter(|part| {
        let (width, height) = size_mm(ink, part);
        let (x, y) = (part.left.midpoint(part.right), part.top.midpoint(part.bottom));
        (CRUMB_MM..MARK_MM).contains(&width.max(height))
            && mm(x.abs_diff(middle_x), ink) <= GHOST_MM.end() / 2.0
            && mm(y.abs_diff(middle_y), ink) <= GHOST_MM.end() / 2.0
    });
    GHOST_MM.contains(&width)
        && GHOST_MM.contains(&height)
        && scattered
        && crumbs.count() >= 2 * marks.len()
        && covered <= COVERED
        && !has_lines(ink)
        && !has_lines(&ink.transposed())
}

fn has_lines(ink: &Ink) -> bool {
    /// Ghosts on real backs have 1.22 at most, pages of text 1.86 and more; few pieces make
    /// chance lines, hence nearer to the upper.
    const CLEAR: f64 = 1.7;
    let edges = Edges::of(ink, Side::Lower, |part| is_mark(ink, part));
    coarse(&edges, 10.0).clearness >= CLEAR
}
