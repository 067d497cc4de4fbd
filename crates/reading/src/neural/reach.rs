//! Lines drawn out to what still belongs to them.
//!
//! The detector finds the core of a line; the full stop at its end, a dash at its start, a letter
//! under a seal are often beyond it.

use super::line::Found;
use crate::engine::Picture;

/// How far a line is drawn out at most, and over how wide a gap, in heights of the line. Spaces
/// between words are a third of a height.
const FARTHEST: f32 = 0.8;
const WIDEST_GAP: f32 = 0.35;

/// Draws each line out at both ends, over ink that is near and in no other line.
pub(super) fn reach(lines: &mut [Found], picture: &Picture<'_>) {
    for at in 0..lines.len() {
        let line = lines[at];
        let height = line.bottom - line.top;
        let beside = |other: &Found| {
            let common = line.bottom.min(other.bottom) - line.top.max(other.top);
            0.3 * height < common
        };
        let others = || lines.iter().enumerate().filter(|(n, other)| *n != at && beside(other));
        let wall_left = others()
            .map(|(_, other)| other.right)
            .filter(|right| *right <= line.left)
            .fold(line.left - FARTHEST * height, f32::max);
        let wall_right = others()
            .map(|(_, other)| other.left)
            .filter(|left| line.right <= *left)
            .fold(line.right + FARTHEST * height, f32::min);
        let Some(dark) = darkness(picture, &line) else { continue };
        let left = drawn_out(picture, &line, line.left, wall_left, dark);
        let right = drawn_out(picture, &line, line.right, wall_right, dark);
        lines[at] = Found { left, right, ..line };
    }
}

/// The edge moved towards the wall as long as columns with ink follow each other closely.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "places on a page, checked against its sides"
)]
fn drawn_out(picture: &Picture<'_>, line: &Found, edge: f32, wall: f32, dark: u8) -> f32 {
    let gap = (WIDEST_GAP * (line.bottom - line.top)) as i64;
    let outwards = if wall < edge { -1 } else { 1 };
    let (start, end) = (edge as i64, wall as i64);
    let (mut last, mut x) = (start, start);
    while x != end && (x - last).abs() <= gap {
        x += outwards;
        if has_ink(picture, line, x, dark) {
            last = x;
        }
    }
    let reached = (last + i64::from(outwards > 0)) as f32;
    if outwards > 0 { edge.max(reached) } else { edge.min(reached) }
}

/// Whether a column has ink within the line.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the page")]
fn has_ink(picture: &Picture<'_>, line: &Found, x: i64, dark: u8) -> bool {
    let Some(x) = u32::try_from(x).ok().filter(|x| *x < picture.width) else { return false };
    let rows = line.top.max(0.0) as u32..(line.bottom as u32).min(picture.height);
    let tone = |y: u32| picture.grey[y as usize * picture.width as usize + x as usize];
    rows.filter(|y| tone(*y) < dark).nth(1).is_some()
}

/// The tone that parts the line's ink from its paper; none where there is no such contrast.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the page")]
fn darkness(picture: &Picture<'_>, line: &Found) -> Option<u8> {
    /// Between ink and paper.
    const CONTRAST: u8 = 60;
    let width = picture.width as usize;
    let columns = line.left as usize..(line.right as usize).min(width);
    let rows = line.top as usize..(line.bottom as usize).min(picture.height as usize);
    let (mut low, mut high) = (u8::MAX, u8::MIN);
    for row in rows.map(|y| &picture.grey[y * width..][..width]) {
        for tone in row.get(columns.clone()).unwrap_or_default() {
            (low, high) = (low.min(*tone), high.max(*tone));
        }
    }
    (CONTRAST < high.saturating_sub(low)).then(|| u8::midpoint(low, high))
}
