//! From stated words to lines as an engine gives them.

use unicode_normalization::UnicodeNormalization;

use super::letters;
use schemas::reading::EngineId;

use crate::engine::{Line, Word};

/// Lines beyond which those that stand side by side are not looked for.
const MOST_ROWS: usize = 2_000;

/// A word as a page states it, in pixels of the upright picture.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWord {
    /// The text as stated.
    pub text: String,
    /// Left edge of its ink.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
    /// Upper edge of the row, as high as its typeface reaches.
    pub row_top: u32,
    /// Lower edge of the row, likewise.
    pub row_bottom: u32,
    /// Line that it is drawn in; equal for neighbours in the order of the content.
    pub line: u32,
    /// Typeface, by number.
    pub font: usize,
    /// Whether a signature printed it there, over the page's content.
    pub printed: bool,
}

impl LayerWord {
    /// Composes the letters; characters of no print at its ends fall away, where they are few
    /// enough to be bullets.
    pub(super) fn tidy(&mut self) {
        let text: String = self.text.nfc().collect();
        let is_sign = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c) || c.is_control();
        let is_bullet = text.chars().count() == 1 && text.chars().all(is_sign);
        self.text = if is_bullet { String::new() } else { text };
    }

    fn right(&self) -> u32 {
        self.x + self.w
    }
}

/// Words side by side, from left to right; never none.
pub(super) struct Row {
    pub(super) words: Vec<LayerWord>,
}

impl Row {
    pub(super) fn left(&self) -> u32 {
        self.words.iter().map(|word| word.x).min().unwrap_or_default()
    }

    pub(super) fn right(&self) -> u32 {
        self.words.iter().map(LayerWord::right).max().unwrap_or_default()
    }

    pub(super) fn top(&self) -> u32 {
        self.words.iter().map(|word| word.y).min().unwrap_or_default()
    }

    pub(super) fn bottom(&self) -> u32 {
        self.words.iter().map(|word| word.y + word.h).max().unwrap_or_default()
    }

    fn row(&self) -> (u32, u32) {
        let top = self.words.iter().map(|word| word.row_top).min().unwrap_or_default();
        (top, self.words.iter().map(|word| word.row_bottom).max().unwrap_or_default())
    }

    /// Whether both stand in one row of print.
    fn is_beside(&self, other: &Row) -> bool {
        let ((top, bottom), (other_top, other_bottom)) = (self.row(), other.row());
        let common = bottom.min(other_bottom).saturating_sub(top.max(other_top));
        5 * common > 3 * (bottom - top).min(other_bottom - other_top)
    }

    fn height(&self) -> u32 {
        let (top, bottom) = self.row();
        bottom.saturating_sub(top)
    }

    /// Whether a print has room among the row's words, and one of them near.
    fn takes(&self, print: &LayerWord) -> bool {
        let height = self.height();
        let free = |word: &&LayerWord| {
            word.right() <= print.x + height / 4 || print.right() <= word.x + height / 4
        };
        let gap = |word: &LayerWord| match word.x < print.x {
            true => print.x.saturating_sub(word.right()),
            false => word.x.saturating_sub(print.right()),
        };
        self.words.iter().all(|word| free(&word))
            && self.words.iter().any(|word| gap(word) <= height + height / 2)
    }
}

/// The words in rows, in the order of the content. A print that belongs between the words of
/// another row (a number stamped into "Số: …/QĐ-UBND") comes to stand there.
pub(super) fn of_words(words: Vec<LayerWord>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for word in words {
        let alone = Row { words: vec![word] };
        match rows.last_mut().filter(|row| continues(row, &alone)) {
            Some(row) => row.words.extend(alone.words),
            None => rows.push(alone),
        }
    }
    if rows.len() <= MOST_ROWS {
        join_prints(&mut rows);
    }
    rows
}

/// Whether the next word of the content goes on in the row.
fn continues(row: &Row, next: &Row) -> bool {
    let height = row.height();
    let ends = (row.words.last(), next.words.first());
    let (Some(last), Some(first)) = ends else { return false };
    // PDFium ends a line where its words end or the next column begins, but not always.
    let most = if last.line == first.line { 2 * height } else { height };
    let forward = row.right() <= next.left() + height / 4;
    let near = next.left().saturating_sub(row.right()) <= most;
    last.printed == first.printed && forward && near && row.is_beside(next)
}

/// Joins what signatures printed with the rows that it was printed into.
fn join_prints(rows: &mut Vec<Row>) {
    let mut at = 0;
    while at < rows.len() {
        let prints = rows[at].words.iter().filter(|word| word.printed);
        let neighbour = prints.clone().find_map(|print| {
            (0..rows.len()).find(|other| {
                let row = &rows[*other];
                *other != at
                    && row.words.iter().any(|word| !word.printed)
                    && row.is_beside(&rows[at])
                    && row.takes(print)
            })
        });
        let Some(other) = neighbour else {
            at += 1;
            continue;
        };
        let (first, second) = (at.min(other), at.max(other));
        let joined = rows.remove(second);
        rows[first].words.extend(joined.words);
        rows[first].words.sort_by_key(|word| word.x);
        at = first;
    }
}

/// The rows as an engine's lines; those below one another are a block.
pub(super) fn as_read(rows: Vec<Row>, confidence: f32) -> Vec<Line> {
    let mut block = 0;
    let mut lines = Vec::new();
    let mut before: Option<(u32, u32, u32, u32)> = None;
    for row in rows {
        let (top, bottom) = row.row();
        let (left, right) = (row.left(), row.right());
        let follows = before.is_some_and(|(old_top, old_bottom, old_left, old_right)| {
            let height = old_bottom.saturating_sub(old_top);
            old_top < top && top < old_bottom + height && left < old_right && old_left < right
        });
        if before.is_some() && !follows {
            block += 1;
        }
        before = Some((top, bottom, left, right));
        let words = row.words.into_iter().map(|LayerWord { text, x, y, w, h, .. }| Word {
            text: printable(text),
            x,
            y,
            w,
            h,
            confidence,
            engine: EngineId::TextLayer,
            ..Word::default()
        });
        let words: Vec<Word> = words.filter(|word| !word.text.is_empty()).collect();
        if !words.is_empty() {
            lines.push(Line { block, words, ..Line::default() });
        }
    }
    lines
}

/// Without the few characters that are none of print.
fn printable(text: String) -> String {
    text.chars().filter(|c| letters::is_print(*c)).collect()
}

#[cfg(test)]
impl LayerWord {
    pub(super) fn of_text(text: &str) -> Self {
        let (row_top, row_bottom) = (0, 40);
        LayerWord {
            text: text.to_owned(),
            x: 0,
            y: 5,
            w: 30,
            h: 30,
            row_top,
            row_bottom,
            line: 0,
            font: 0,
            printed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words 15 pixels a letter and 10 apart, in rows 40 high.
    fn words(line: u32, left: u32, top: u32, text: &str) -> Vec<LayerWord> {
        let mut x = left;
        let placed = text.split(' ').map(|word| {
            let w = 15 * u32::try_from(word.chars().count()).unwrap();
            let own = LayerWord {
                x,
                y: top + 5,
                w,
                row_top: top,
                row_bottom: top + 40,
                line,
                ..LayerWord::of_text(word)
            };
            x += w + 10;
            own
        });
        placed.collect()
    }

    fn printed(mut words: Vec<LayerWord>) -> Vec<LayerWord> {
        words.iter_mut().for_each(|word| word.printed = true);
        words
    }

    fn texts(words: Vec<LayerWord>) -> Vec<(u32, String)> {
        let lines = as_read(of_words(words), 0.99);
        let text =
            |line: &Line| line.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        lines.iter().map(|line| (line.block, text(line))).collect()
    }

    #[test]
    fn a_number_stamped_into_a_line_comes_to_stand_in_it() {
        let stated = [
            words(0, 100, 100, "Số:"),
            words(0, 250, 100, "/QĐ-UBND"),
            words(0, 900, 100, "Hà Nội, ngày"),
            words(0, 1180, 100, "tháng"),
            words(1, 100, 200, "QUYẾT ĐỊNH"),
            printed(words(2, 165, 104, "2280")),
            printed(words(3, 1115, 104, "29")),
        ];
        let found = texts(stated.concat());
        let lines: Vec<&str> = found.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["Số: 2280 /QĐ-UBND", "Hà Nội, ngày 29 tháng", "QUYẾT ĐỊNH"]);
    }

    #[test]
    fn lines_below_one_another_are_a_block_and_columns_are_not() {
        let stated = [
            words(0, 100, 100, "một hai"),
            words(1, 100, 150, "ba bốn"),
            words(2, 900, 100, "năm sáu"),
            words(3, 900, 150, "bảy tám"),
        ];
        let found = texts(stated.concat());
        let blocks: Vec<u32> = found.iter().map(|(block, _)| *block).collect();
        assert_eq!(blocks, [0, 0, 1, 1]);
    }

    #[test]
    fn letters_are_composed_and_bullets_of_signs_fall_away() {
        let mut stated = words(0, 100, 100, "\u{f0b7} Vie\u{302}\u{323}t");
        stated.iter_mut().for_each(LayerWord::tidy);
        stated.retain(|word| !word.text.is_empty());
        assert_eq!(texts(stated), [(0, "Việt".to_owned())]);
    }
}
