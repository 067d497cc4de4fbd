//! Words of a line, put where their ink is.

use schemas::reading::EngineId;

use super::line::{Cut, Found, HEIGHT};
use super::recognise::column;
use crate::engine::{Line, Picture, Word};
use crate::spelling::Spelled;

/// Ink, from 0 to 1, that a column of the line itself must have for a word to reach there.
const INK: f32 = 0.25;

/// The line of what was spelled, its words' boxes in pixels of the picture. None without a word.
///
/// The steps tell roughly where a letter stands; a word ends half-way to its neighbour and is
/// then drawn in to its ink.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places on a page, checked against its sides"
)]
pub(super) fn place(
    read: &[Spelled],
    cut: &Cut,
    found: &Found,
    picture: &Picture<'_>,
) -> Option<Line> {
    let inked = inked_columns(cut);
    let mut words = Vec::with_capacity(read.len());
    for (at, word) in read.iter().enumerate() {
        let from = match at.checked_sub(1).and_then(|before| read.get(before)) {
            Some(before) => u32::midpoint(column(before.to), column(word.from)),
            None => 0,
        };
        let to = match read.get(at + 1) {
            Some(after) => u32::midpoint(column(word.to), column(after.from)),
            None => cut.width,
        };
        let (from, to) = drawn_in(&inked, from as usize, to as usize);
        let left = (cut.left + from as f32 * cut.step).max(0.0) as u32;
        let right = (cut.left + to as f32 * cut.step).ceil() as u32;
        let left = left.min(picture.width - 1);
        let top = (found.top as u32).min(picture.height - 1);
        words.push(Word {
            text: word.text.clone(),
            x: left,
            y: top,
            w: right.clamp(left + 1, picture.width.max(left + 1)) - left,
            h: (found.bottom.ceil() as u32).clamp(top + 1, picture.height.max(top + 1)) - top,
            confidence: word.confidence,
            engine: EngineId::Neural,
            otherwise: None,
        });
    }
    let words = boxed(words);
    (!words.is_empty()).then_some(Line { words, ..Line::default() })
}

/// Six single digits or more in a row are one number: forms give each digit a box of its own.
fn boxed(words: Vec<Word>) -> Vec<Word> {
    const FEWEST: usize = 6;
    let is_digit = |word: &Word| word.text.len() == 1 && word.text.as_bytes()[0].is_ascii_digit();
    let runs = words.chunk_by(|a, b| is_digit(a) && is_digit(b));
    let joined = runs.flat_map(|run| match run {
        [first, .., last] if FEWEST <= run.len() => vec![Word {
            text: run.iter().map(|word| word.text.as_str()).collect(),
            w: last.x + last.w - first.x,
            confidence: run.iter().map(|word| word.confidence).fold(1.0, f32::min),
            ..first.clone()
        }],
        _ => run.to_vec(),
    });
    joined.collect()
}

/// Whether the line's own third of the cut has ink, by column.
fn inked_columns(cut: &Cut) -> Vec<bool> {
    let (width, third) = (cut.width as usize, HEIGHT as usize / 3);
    let mut most = vec![0.0_f32; width];
    for row in cut.ink.chunks_exact(width).skip(third).take(third) {
        for (most, ink) in most.iter_mut().zip(row) {
            *most = most.max(*ink);
        }
    }
    most.into_iter().map(|ink| INK < ink).collect()
}

/// The columns from the first to the last with ink; all where there is none.
fn drawn_in(inked: &[bool], from: usize, to: usize) -> (usize, usize) {
    let to = to.min(inked.len());
    let within = inked.get(from..to).unwrap_or_default();
    match (within.iter().position(|ink| *ink), within.iter().rposition(|ink| *ink)) {
        (Some(first), Some(last)) => (from + first, from + last + 1),
        _ => (from, to.max(from + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let word =
            |(text, x): (&str, u32)| Word { text: text.to_owned(), x, w: 8, ..Word::default() };
        let words = text.split(' ').zip((0..).step_by(10)).map(word).collect();
        let texts: Vec<String> = boxed(words).into_iter().map(|word| word.text).collect();
        assert_eq!(texts, want);
    }

    #[test]
    fn a_number_in_boxes_is_one_number_and_figures_of_a_table_are_many() {
        check("Số: 0 5 1 1 9 5 0", &["Số:", "0511950"]);
        check("1 2 3", &["1", "2", "3"]);
        check("12 3 4 5 6 7 8 9", &["12", "3456789"]);
    }
}
