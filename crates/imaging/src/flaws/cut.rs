//! Text that runs over an edge of the image.

use super::letters::Letters;
use crate::ink::{Ink, Part};

/// Lines of text that must be cut by the left or right edge. A stamp that was put on the paper's
/// edge has up to four; feeders that draw a sheet in sideways cut most lines of the page.
const LINES: usize = 6;

/// Share of the page's height that those lines must reach over.
const REACH: f32 = 0.15;

/// Letters that the upper or lower edge must cut, and the share of the width they reach over.
const IN_A_LINE: usize = 12;

/// Whether an edge of the image cuts letters: pieces as high as letters that end exactly there.
pub(super) fn cut_off(ink: &Ink, letters: &Letters) -> bool {
    let beside = |edge: fn(&Part, &Ink) -> bool| {
        let mut tops: Vec<u32> = ink
            .parts
            .iter()
            .filter(|part| edge(part, ink) && letters.is_alike(part, 0.5) && is_solid(part))
            .map(|part| part.top.midpoint(part.bottom))
            .collect();
        tops.sort_unstable();
        tops.dedup_by(|next, last| (*next - *last) as f32 <= letters.inked);
        let reach = tops.last().zip(tops.first()).map_or(0, |(last, first)| last - first);
        tops.len() >= LINES && reach as f32 >= ink.height as f32 * REACH
    };
    let across = |edge: fn(&Part, &Ink) -> bool| {
        let cut = ink
            .parts
            .iter()
            .filter(|part| edge(part, ink) && letters.is_alike(part, 0.25) && is_solid(part));
        let (mut count, mut left, mut right) = (0, ink.width, 0);
        for part in cut {
            count += 1;
            left = left.min(part.left);
            right = right.max(part.right);
        }
        count >= IN_A_LINE && right.saturating_sub(left) as f32 >= ink.width as f32 * REACH
    };
    beside(|part, _| part.left == 0)
        || beside(|part, ink| part.right == ink.width)
        || across(|part, _| part.top == 0)
        || across(|part, ink| part.bottom == ink.height)
}

/// Letters are ink; what a scanner's edge leaves is specks and hairlines.
fn is_solid(part: &Part) -> bool {
    part.width() >= 2 && part.area >= 5
}
