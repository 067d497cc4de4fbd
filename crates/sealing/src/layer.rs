//! The text layer: words set invisibly, each stretched over its box, so that what a person
//! selects is what he sees.

use std::collections::{BTreeMap, BTreeSet};

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Str};
use schemas::reading::{PageReading, Word};

use crate::font::ADVANCE;
use crate::sheet::{Sheet, coordinate};

/// Most letters in one word; more is a reader gone wrong. PDF/A ends strings at 32,767 bytes.
const MAX_LETTERS: usize = 1_000;
/// Least gap between words of a line, in parts of the font size. Programs that tell words by
/// their gaps want 0.15 (Poppler) of it; a space in print is about 0.25.
const GAP: f64 = 0.2;

/// A word as it is set. Points from the lower left corner of the page.
struct Setting {
    line: u32,
    codes: Vec<u16>,
    left: f64,
    right: f64,
    base: f64,
    top: f64,
}

/// Sets the words of a page in their order; what is used of the font goes into `used`.
pub(crate) fn set(
    content: &mut Content,
    font: Name,
    reading: &PageReading,
    sheet: &Sheet,
    used: &mut BTreeSet<u16>,
) {
    let settings = settings(reading, sheet);
    if settings.is_empty() {
        return;
    }
    content.begin_text();
    content.set_text_rendering_mode(TextRenderingMode::Invisible);
    let mut last_size = None;
    for (n, word) in settings.iter().enumerate() {
        let size = word.top - word.base;
        if last_size != Some(size) {
            content.set_font(font, coordinate(size));
            last_size = Some(size);
        }
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, coordinate(word.left), coordinate(word.base)]);
        show(content, &word.codes, (word.right - word.left) / size);
        used.extend(&word.codes);
        let next = settings.get(n + 1).filter(|next| next.line == word.line);
        if let Some(next) = next {
            let gap = ((next.left - word.right) / size).max(GAP);
            show(content, &[SPACE], gap);
            used.insert(SPACE);
        }
    }
    content.end_text();
}

const SPACE: u16 = 0x20;

/// Shows characters, stretched to a width in parts of the font size.
fn show(content: &mut Content, codes: &[u16], width: f64) {
    let letters = f64::from(u32::try_from(codes.len()).unwrap_or(u32::MAX));
    let percent = 100.0 * width / (letters * ADVANCE);
    content.set_horizontal_scaling(coordinate(percent).max(0.001));
    let bytes = codes.iter().flat_map(|code| code.to_be_bytes()).collect::<Vec<_>>();
    content.show(Str(&bytes));
}

fn settings(reading: &PageReading, sheet: &Sheet) -> Vec<Setting> {
    let mut settings = reading
        .words
        .iter()
        .filter_map(|word| {
            let codes = codes(&word.text);
            (!codes.is_empty()).then(|| of_box(word, codes, reading, sheet))
        })
        .collect::<Vec<_>>();
    level(&mut settings);
    part(&mut settings);
    settings
}

/// A word in its box, the box clamped into the page and at least a pixel wide and high.
fn of_box(word: &Word, codes: Vec<u16>, reading: &PageReading, sheet: &Sheet) -> Setting {
    let span = |from: u32, length: u32, end: u32| {
        let from = from.min(end - 1);
        (from, from.saturating_add(length).clamp(from + 1, end))
    };
    let (left, right) = span(word.x, word.w, reading.width);
    let (top, bottom) = span(word.y, word.h, reading.height);
    let across = |pixels: u32| f64::from(pixels) * sheet.across;
    let up = |pixels: u32| sheet.height - f64::from(pixels) * sheet.down;
    Setting {
        line: word.line,
        codes,
        left: across(left),
        right: across(right),
        base: up(bottom),
        top: up(top),
    }
}

/// Gives the words of a line one base and one height, their medians. Boxes fit letters, and
/// letters with hooks, tails and accents differ, not to speak of dashes; set by its own box,
/// every word would stand at another height, a selection would run ragged and lines fall apart.
/// A word whose box lies off its line's or towers over it keeps its own.
fn level(settings: &mut [Setting]) {
    let mut lines = BTreeMap::<u32, (Vec<f64>, Vec<f64>)>::new();
    for word in &*settings {
        let (bases, tops) = lines.entry(word.line).or_default();
        bases.push(word.base);
        tops.push(word.top);
    }
    let bands = lines
        .into_iter()
        .map(|(line, (bases, tops))| (line, (median(bases), median(tops))))
        .collect::<BTreeMap<_, _>>();
    for word in settings {
        let Some(&(base, top)) = bands.get(&word.line) else { continue };
        let height = word.top - word.base;
        let within = word.top.min(top) - word.base.max(base);
        if height / 2.0 <= within && height <= 2.0 * (top - base) {
            (word.base, word.top) = (base, top);
        }
    }
}

/// Draws words of a line apart that touch or overlap, by narrowing the left one to no less than
/// half of itself: otherwise they would be found as one word.
fn part(settings: &mut [Setting]) {
    let mut words = settings.iter_mut().peekable();
    while let Some(word) = words.next() {
        let Some(next) = words.peek() else { break };
        if next.line == word.line && word.left < next.left {
            let end = next.left - GAP * (word.top - word.base);
            let least = f64::midpoint(word.left, word.right);
            word.right = word.right.min(end).max(least);
        }
    }
}

/// The middle one; of an even number the upper of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// A word's characters as codes of the font, which are Unicode's basic plane.
fn codes(text: &str) -> Vec<u16> {
    let code = |c: char| match u16::try_from(u32::from(c)) {
        // Private use means nothing to others, and the last block ends in what is no character.
        Ok(0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfff9..=0xffff) | Err(_) => 0xfffd,
        Ok(code) => code,
    };
    schemas::text::tidy(text).chars().take(MAX_LETTERS).map(code).collect()
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small heights")]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_layer_cannot_carry_is_replaced_or_dropped() {
        let codes = |text| String::from_utf16(&codes(text)).unwrap();
        assert_eq!(codes("Nguye\u{302}\u{303}n"), "Nguyễn");
        assert_eq!(codes("a\u{0}b\u{feff}c\u{7}"), "abc");
        assert_eq!(codes("\u{1f600}\u{e000}\u{ffff}x"), "\u{fffd}\u{fffd}\u{fffd}x");
        assert_eq!(codes(" \u{200b}\u{1} "), "");
        assert_eq!(codes(&"a".repeat(100_000)).len(), MAX_LETTERS);
    }

    #[test]
    fn words_of_a_line_stand_level_and_a_stray_one_stays_where_it_is() {
        let bands = leveled(&[(100, 110), (98, 110), (100, 112), (104, 106), (40, 160)]);
        let line = (100, 110);
        assert_eq!(bands, [line, line, line, line, (40, 160)]);
        assert_eq!(leveled(&[(100, 110), (100, 110), (80, 90)])[2], (80, 90));
    }

    fn leveled(bands: &[(u8, u8)]) -> Vec<(u8, u8)> {
        let word = |&(base, top): &(u8, u8)| Setting {
            line: 0,
            codes: vec![SPACE],
            left: 0.0,
            right: 1.0,
            base: base.into(),
            top: top.into(),
        };
        let mut words = bands.iter().map(word).collect::<Vec<_>>();
        level(&mut words);
        words.iter().map(|w| (w.base.round() as u8, w.top.round() as u8)).collect()
    }
}
