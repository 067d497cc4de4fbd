//! Parts of an official paper, and the order a person reads them in.
//!
//! Decree 30/2020/NĐ-CP (appendix I) says where everything stands: name of the state and motto to the
//! right above place and date, the issuing body to the left above the number; then title and
//! body; at the foot the recipients to the left and who signs to the right. Each part is known by
//! the words it must have. Where they aren't there, geometry alone decides ([`crate::order`]).

mod foot;
mod head;
mod overlay;
mod title;

use schemas::reading::{Mark, Zone};

use crate::engine::{Line, Picture};
use crate::order;
use crate::place::{self, Place};

/// The lines in reading order, each with its zone: what stands above the head, the head's left
/// block before its right one, title, body, recipients, signature; overlays last, for they are no
/// part of the paper's text. `marks` are what else stands on the page.
#[must_use]
pub fn in_zones(lines: Vec<Line>, marks: &[Mark], picture: &Picture<'_>) -> Vec<Line> {
    let mut sheet = Sheet::new(lines, picture);
    let overlays = overlay::taken(&mut sheet, marks);
    let head = head::taken(&mut sheet);
    let foot = foot::taken(&mut sheet);
    let mut body = sheet.lines;
    if head.is_empty() || foot.is_empty() {
        let ends = order::Ends { head: head.is_empty(), foot: foot.is_empty() };
        body = order::by_geometry(body, ends, picture);
    }
    title::named(&mut body, !head.is_empty(), picture);
    table::named(&mut body);
    numbered(&mut body, picture);
    let mut ordered: Vec<Line> = [head, body, foot, overlays].into_iter().flatten().collect();
    part_into_blocks(&mut ordered);
    ordered
}

/// What is left of a page while its parts are taken off.
struct Sheet {
    /// From top to bottom, rows from left to right.
    lines: Vec<Line>,
    width: i64,
    height: i64,
    /// Height of a common line.
    em: i64,
}

impl Sheet {
    fn new(lines: Vec<Line>, picture: &Picture<'_>) -> Self {
        let em = place::median(lines.iter().filter_map(Place::of).map(|place| place.height()));
        let (width, height) = (i64::from(picture.width), i64::from(picture.height));
        Self { lines: order::downward(lines), width, height, em: em.max(1) }
    }

    /// Takes off the lines that `wanted` says yes to; they stay in order.
    fn take(&mut self, wanted: impl Fn(&Line, Place) -> bool) -> Vec<Line> {
        let lines = std::mem::take(&mut self.lines);
        let (taken, left) = lines
            .into_iter()
            .partition(|line| Place::of(line).is_some_and(|place| wanted(line, place)));
        self.lines = left;
        taken
    }
}

fn zoned(lines: Vec<Line>, zone: Zone) -> impl Iterator<Item = Line> {
    lines.into_iter().map(move |line| Line { zone, ..line })
}

/// Page numbers: a line of a number alone at the very top or bottom.
fn numbered(lines: &mut [Line], picture: &Picture<'_>) {
    let edge = i64::from(picture.height) / 11;
    let last = lines.len().saturating_sub(1);
    for (at, line) in lines.iter_mut().enumerate() {
        let Some(place) = Place::of(line) else { continue };
        let outermost = at == 0 && place.bottom < edge
            || at == last && i64::from(picture.height) - edge < place.top;
        let text = line.text();
        let digits = text.trim_matches(|c: char| matches!(c, '-' | '–' | '.') || c == ' ');
        let is_number =
            (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if outermost && is_number {
            line.zone = Zone::PageNumber;
        }
    }
}

/// A block is a run of lines in one zone; geometry's own blocks stay apart.
fn part_into_blocks(lines: &mut [Line]) {
    let mut block = 0;
    let mut before = None;
    for line in lines {
        let here = (line.zone, line.block);
        if before.is_some_and(|before| before != here) {
            block += 1;
        }
        before = Some(here);
        line.block = block;
    }
}

mod table {
    //! Rows of several cells.

    use schemas::reading::Zone;

    use crate::engine::Line;
    use crate::place::Place;

    /// Lines of body that stand in rows of three cells or more, or in rows of two between such.
    pub(super) fn named(lines: &mut [Line]) {
        let places: Vec<Option<Place>> = lines.iter().map(Place::of).collect();
        let mut rows: Vec<std::ops::Range<usize>> = Vec::new();
        for at in 0..lines.len() {
            let beside = rows.last().is_some_and(|row| match (&places[row.start], &places[at]) {
                (Some(first), Some(here)) => first.beside(here),
                _ => false,
            });
            match rows.last_mut().filter(|_| beside) {
                Some(row) => row.end = at + 1,
                None => rows.push(at..at + 1),
            }
        }
        let is_wide = |row: &std::ops::Range<usize>| 3 <= row.len();
        let Some(first) = rows.iter().position(is_wide) else { return };
        let Some(last) = rows.iter().rposition(is_wide) else { return };
        if last == first {
            return;
        }
        for row in &rows[first..=last] {
            for line in &mut lines[row.clone()] {
                if line.zone == Zone::Body {
                    line.zone = Zone::Table;
                }
            }
        }
    }
}
