//! Where ink is, and whether the stated words account for it.

use super::LayerWord;
use crate::engine::Picture;

/// Share of the page's ink that may lie outside the stated words, as far as it looks like text.
/// Measured on 24 born-digital pages: none; a scan with the text of a stamp has nearly all.
pub(super) const UNSTATED: f32 = 0.08;

/// Tones that ink differs from its paper by, at least.
const CONTRAST: u8 = 48;

/// Darker than this is ink.
const INK: u8 = 140;

/// Longest stroke of a letter, in inches; longer ones are ruled.
const STROKE: f32 = 0.35;

/// Share of a cell's pixels that must be ink.
const CELL: f32 = 0.06;

/// Whether something is to be seen where the word is stated: pale and dark pixels.
pub(super) fn is_seen(picture: &Picture<'_>, word: &LayerWord) -> bool {
    let width = picture.width as usize;
    let (left, right) = (word.x as usize, ((word.x + word.w) as usize + 1).min(width));
    let (mut least, mut most) = (u8::MAX, u8::MIN);
    for row in picture.grey.chunks_exact(width).skip(word.y as usize).take(word.h as usize + 1) {
        let Some(row) = row.get(left..right) else { return false };
        for &tone in row {
            least = least.min(tone);
            most = most.max(tone);
        }
    }
    CONTRAST <= most.saturating_sub(least)
}

/// Share of the text-like ink that no word and no overlay lies over, in cells of a millimetre.
pub(super) fn unstated(
    picture: &Picture<'_>,
    words: &[LayerWord],
    overlays: &[(u32, u32, u32, u32)],
) -> f32 {
    let cell = (picture.dpi / 25).max(2);
    let across = picture.width.div_ceil(cell) as usize;
    let down = picture.height.div_ceil(cell) as usize;
    let mut stated = vec![false; across * down];
    let mut cover = |x: u32, y: u32, w: u32, h: u32| {
        let rows = (y / cell) as usize..((y + h).div_ceil(cell) as usize).min(down);
        let columns = (x / cell) as usize..((x + w).div_ceil(cell) as usize).min(across);
        for row in rows {
            stated[row * across..][..across][columns.clone()].fill(true);
        }
    };
    for word in words {
        // Underlines and the gaps between words are theirs.
        let spare = word.h / 4;
        let (x, y) = (word.x.saturating_sub(spare), word.y.saturating_sub(spare));
        cover(x, y, word.w + 2 * spare, word.h + 2 * spare);
    }
    overlays.iter().for_each(|&(x, y, w, h)| cover(x, y, w, h));

    let ink = strokes(picture);
    let (mut all, mut missed) = (0_usize, 0_usize);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen")]
    let least = ((cell * cell) as f32 * CELL) as usize;
    let width = picture.width as usize;
    for (rows, stated) in ink.chunks(width * cell as usize).zip(stated.chunks_exact(across)) {
        let mut counts = vec![0_usize; across];
        for row in rows.chunks_exact(width) {
            for (count, part) in counts.iter_mut().zip(row.chunks(cell as usize)) {
                *count += part.iter().filter(|stroke| **stroke == Stroke::Ink).count();
            }
        }
        for (count, stated) in counts.iter().zip(stated) {
            all += usize::from(least < *count);
            missed += usize::from(least < *count && !stated);
        }
    }
    super::ratio(missed, all)
}

#[derive(Clone, Copy, PartialEq)]
enum Stroke {
    None,
    Ink,
    /// Part of a line longer than letters have.
    Ruled,
}

/// The picture's ink, without ruled lines.
fn strokes(picture: &Picture<'_>) -> Vec<Stroke> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
    let longest = (picture.dpi as f32 * STROKE) as usize;
    let width = picture.width as usize;
    let is_ink = |tone: u8| tone < INK;
    let mut strokes: Vec<Stroke> = picture
        .grey
        .iter()
        .map(|tone| if is_ink(*tone) { Stroke::Ink } else { Stroke::None })
        .collect();
    for (row, tones) in strokes.chunks_exact_mut(width).zip(picture.grey.chunks_exact(width)) {
        let mut x = 0;
        for run in tones.chunk_by(|a, b| is_ink(*a) == is_ink(*b)) {
            if is_ink(run[0]) && longest < run.len() {
                row[x..x + run.len()].fill(Stroke::Ruled);
            }
            x += run.len();
        }
    }
    // Rows since the ink began, by column.
    let mut runs = vec![0_usize; width];
    let rows = picture.grey.len() / width;
    for y in 0..=rows {
        let tones = picture.grey.get(y * width..(y + 1) * width);
        for (x, run) in runs.iter_mut().enumerate() {
            if tones.is_some_and(|tones| is_ink(tones[x])) {
                *run += 1;
                continue;
            }
            if longest < *run {
                (y - *run..y).for_each(|y| strokes[y * width + x] = Stroke::Ruled);
            }
            *run = 0;
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: u32 = 600;

    /// White, with black rectangles.
    fn page(black: &[(u32, u32, u32, u32)]) -> Vec<u8> {
        let mut grey = vec![255; (SIDE * SIDE) as usize];
        for &(x, y, w, h) in black {
            for y in y..y + h {
                grey[(y * SIDE + x) as usize..][..w as usize].fill(0);
            }
        }
        grey
    }

    fn picture(grey: &[u8]) -> Picture<'_> {
        Picture { width: SIDE, height: SIDE, dpi: 300, grey }
    }

    fn word(x: u32, y: u32, w: u32, h: u32) -> LayerWord {
        LayerWord { x, y, w, h, ..LayerWord::of_text("chữ") }
    }

    #[test]
    fn ink_without_words_is_unstated_and_ruled_lines_are_no_ink() {
        let grey =
            page(&[(100, 100, 40, 30), (300, 100, 40, 30), (50, 400, 500, 4), (20, 20, 4, 500)]);
        let picture = picture(&grey);
        let both = [word(100, 100, 40, 30), word(300, 100, 40, 30)];
        assert_eq!(unstated(&picture, &both, &[]), 0.0);
        let half = unstated(&picture, &both[..1], &[]);
        assert!((0.4..0.6).contains(&half), "{half}");
        assert_eq!(unstated(&picture, &both[..1], &[(290, 90, 60, 50)]), 0.0);
        assert_eq!(unstated(&picture, &[], &[]), 1.0);
    }

    #[test]
    fn a_word_is_seen_where_tones_differ() {
        let grey = page(&[(100, 100, 40, 30)]);
        assert!(is_seen(&picture(&grey), &word(90, 90, 60, 50)));
        assert!(!is_seen(&picture(&grey), &word(200, 200, 60, 50)));
        assert!(!is_seen(&picture(&grey), &word(SIDE + 10, 90, 60, 50)));
    }
}
