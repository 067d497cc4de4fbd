//! A few lines, read by the engine and compared.

use std::collections::BTreeMap;

use super::lines::Row;
use crate::engine::{Engine, Line, Picture, ReadError};

/// Share of the sample's letters that an engine may read differently. Measured on 24 born-digital
/// pages: 2 % in the mean and 6.3 % at most; another text differs in more than half.
pub(super) const MISREAD: f32 = 0.12;

/// Share of the sample's figures that may be read differently: a typeface whose figures alone are
/// said to be others would pass among its letters.
const FIGURES: f32 = 0.25;

/// Figures that must be there to tell.
const FEW_FIGURES: usize = 6;

/// Lines that are compared, spread over the page.
const LINES: usize = 5;

/// Typefaces that must be in the sample, by their share of the letters: a table that says what
/// its letters are belongs to one.
const TYPEFACES: usize = 4;

/// Letters that a line must have to be compared.
const LETTERS: usize = 8;

/// Share of the letters in a sample of the lines that the engine reads differently; all of them
/// where there is no line to compare. One typeface that is read differently counts as all.
pub(super) fn misread(
    rows: &[Row],
    picture: &Picture<'_>,
    engine: &mut dyn Engine,
) -> Result<f32, ReadError> {
    let chosen = choose(rows);
    let sheet = Sheet::of(&chosen, picture);
    let read = engine.read(&sheet.picture(picture.dpi))?;
    let (mut wrong, mut all) = (0, 0);
    let (mut wrong_figures, mut all_figures) = (0, 0);
    let mut fonts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (row, read) in chosen.iter().zip(sheet.texts(&read)) {
        let stated = plain(row.words.iter().map(|word| word.text.as_str()));
        let edits = edits(&stated, &read).min(stated.len());
        wrong += edits;
        all += stated.len();
        let [stated_figures, read_figures] = [&stated, &read].map(|text| figures(text));
        wrong_figures += self::edits(&stated_figures, &read_figures).min(stated_figures.len());
        all_figures += stated_figures.len();
        let font = fonts.entry(font(row)).or_default();
        *font = (font.0 + edits, font.1 + stated.len());
    }
    if all == 0 {
        return Ok(1.0);
    }
    let share = super::ratio(wrong, all);
    let worst = fonts.values().map(|(wrong, all)| super::ratio(*wrong, *all)).fold(0.0, f32::max);
    // A line of capitals or a slanted one is read worse than the rest, a garbled one as nothing.
    let figures_differ =
        FEW_FIGURES <= all_figures && FIGURES < super::ratio(wrong_figures, all_figures);
    Ok(if 3.0 * MISREAD < worst || figures_differ { 1.0 } else { share })
}

fn figures(text: &[char]) -> Vec<char> {
    text.iter().copied().filter(char::is_ascii_digit).collect()
}

/// Lines spread over the page, and one at least of each common typeface. Of those that serve as
/// well, the ones with most figures are taken: they matter most.
fn choose(rows: &[Row]) -> Vec<&Row> {
    let length = |row: &Row| plain(row.words.iter().map(|word| word.text.as_str())).len();
    let mut long: Vec<&Row> = rows.iter().filter(|row| LETTERS <= length(row)).collect();
    if long.is_empty() {
        long = rows.iter().collect();
    }
    long.sort_by_key(|row| row.top());
    let figures = |row: &&&Row| {
        let figures = row.words.iter().flat_map(|word| word.text.chars());
        (figures.filter(char::is_ascii_digit).count(), length(row))
    };
    let part = long.len().div_ceil(LINES).max(1);
    let mut chosen: Vec<&Row> =
        long.chunks(part).filter_map(|part| part.iter().max_by_key(figures).copied()).collect();
    let mut letters: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &long {
        *letters.entry(font(row)).or_default() += length(row);
    }
    let mut common: Vec<(usize, usize)> = letters.into_iter().map(|(font, n)| (n, font)).collect();
    common.sort_unstable_by(|a, b| b.cmp(a));
    for (_, wanted) in common.into_iter().take(TYPEFACES) {
        if !chosen.iter().any(|row| font(row) == wanted) {
            let of_it = long.iter().filter(|row| font(row) == wanted);
            chosen.extend(of_it.max_by_key(|row| length(row)));
        }
    }
    chosen
}

/// The typeface of most of a row's letters.
fn font(row: &Row) -> usize {
    let mut letters: BTreeMap<usize, usize> = BTreeMap::new();
    for word in &row.words {
        *letters.entry(word.font).or_default() += word.text.len();
    }
    letters.into_iter().max_by_key(|(_, count)| *count).map(|(font, _)| font).unwrap_or_default()
}

/// The chosen lines one below the other on white: one reading costs less than several.
struct Sheet {
    width: u32,
    height: u32,
    grey: Vec<u8>,
    /// Upper and lower edge of each line's strip.
    strips: Vec<(u32, u32)>,
}

impl Sheet {
    fn of(rows: &[&Row], picture: &Picture<'_>) -> Self {
        let margin = (picture.dpi / 6).max(8);
        let cut = |row: &Row| {
            let spare = (row.bottom() - row.top()) / 6 + 1;
            let (left, top) = (row.left().saturating_sub(spare), row.top().saturating_sub(spare));
            let right = (row.right() + spare).min(picture.width).max(left);
            (left, top, right, (row.bottom() + spare).min(picture.height).max(top))
        };
        let widest = rows.iter().map(|row| cut(row)).map(|(left, _, right, _)| right - left).max();
        let width = widest.unwrap_or_default() + 2 * margin;
        let mut sheet = Sheet { width, height: 0, grey: Vec::new(), strips: Vec::new() };
        sheet.blank(margin);
        for row in rows {
            let (left, top, right, bottom) = cut(row);
            let from = sheet.height;
            for y in top..bottom {
                let line = y as usize * picture.width as usize;
                let tones = &picture.grey[line + left as usize..line + right as usize];
                let start = sheet.grey.len() + margin as usize;
                sheet.blank(1);
                sheet.grey[start..start + tones.len()].copy_from_slice(tones);
            }
            sheet.strips.push((from, sheet.height));
            sheet.blank(margin);
        }
        sheet
    }

    fn blank(&mut self, rows: u32) {
        self.height += rows;
        self.grey.resize(self.width as usize * self.height as usize, 255);
    }

    fn picture(&self, dpi: u32) -> Picture<'_> {
        Picture { width: self.width, height: self.height, dpi, grey: &self.grey }
    }

    /// What was read in each strip.
    fn texts(&self, lines: &[Line]) -> Vec<Vec<char>> {
        let within = |(top, bottom): (u32, u32)| {
            let words = lines.iter().flat_map(|line| &line.words);
            let mut words: Vec<_> =
                words.filter(|w| (top..bottom).contains(&(w.y + w.h / 2))).collect();
            words.sort_by_key(|word| word.x);
            plain(words.into_iter().map(|word| word.text.as_str()))
        };
        self.strips.iter().map(|strip| within(*strip)).collect()
    }
}

/// Letters and figures alone: what engines make of dashes, quotes and gaps says nothing.
fn plain<'a>(words: impl Iterator<Item = &'a str>) -> Vec<char> {
    words.flat_map(str::chars).filter(|c| c.is_alphanumeric()).collect()
}

/// Least insertions, deletions and exchanges that make one the other.
fn edits(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != b)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}
