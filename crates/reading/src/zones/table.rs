//! Tables: ruled ones are read cell by cell, others row by row.

use schemas::reading::Zone;

use super::rulings::{Ruling, Rulings};
use super::{Sheet, zoned};
use crate::engine::{Line, Picture, Word};
use crate::order::downward;
use crate::place::Place;

/// A ruled table has at least this many upright rulings, that is two columns, and level ones.
const LEAST_UPRIGHT: usize = 3;
const LEAST_LEVEL: usize = 2;

/// Takes ruled tables off the sheet, each with its lines cell by cell. A line across cells is cut
/// where a ruling stands between two of its words.
pub(super) fn taken(sheet: &mut Sheet, picture: &Picture<'_>) -> Vec<Vec<Line>> {
    let Sheet { em, .. } = *sheet;
    let grids = Grid::all(&Rulings::of(picture, em), em);
    let take = |grid: &Grid| {
        let lines = sheet.take(|_, place| grid.holds(place));
        grid.cell_by_cell(lines)
    };
    grids.iter().map(take).filter(|lines| !lines.is_empty()).collect()
}

/// Puts tables back among the body's lines: each after the last one that stands above it.
pub(super) fn put_back(body: &mut Vec<Line>, tables: Vec<Vec<Line>>) {
    for table in tables {
        let Some(top) = table.iter().filter_map(Place::of).map(|place| place.top).min() else {
            continue;
        };
        let above = |line: &Line| Place::of(line).is_some_and(|place| place.middle() < top);
        let at = body.iter().rposition(above).map_or(0, |at| at + 1);
        body.splice(at..at, table);
    }
}

/// Rulings that meet.
struct Grid {
    /// From left to right.
    upright: Vec<Ruling>,
    /// From top to bottom.
    level: Vec<Ruling>,
    em: i64,
}

impl Grid {
    fn all(rulings: &Rulings, em: i64) -> Vec<Self> {
        let slack = em / 2;
        let meet = |upright: &Ruling, level: &Ruling| {
            upright.passes(level.at, slack) && level.passes(upright.at, slack)
        };
        let mut left = rulings.level.clone();
        let mut upright_left = rulings.upright.clone();
        let mut grids = Vec::new();
        while let Some(first) = left.pop() {
            let mut grid = Self { upright: Vec::new(), level: vec![first], em };
            loop {
                let met = upright_left.extract_if(.., |u| grid.level.iter().any(|l| meet(u, l)));
                let uprights: Vec<_> = met.collect();
                let levels: Vec<_> =
                    left.extract_if(.., |l| uprights.iter().any(|u| meet(u, l))).collect();
                grid.upright.extend(uprights);
                if levels.is_empty() {
                    break;
                }
                grid.level.extend(levels);
            }
            if LEAST_UPRIGHT <= grid.upright.len() && LEAST_LEVEL <= grid.level.len() {
                grid.upright.sort_by_key(|ruling| ruling.at);
                grid.level.sort_by_key(|ruling| ruling.at);
                grids.push(grid);
            }
        }
        grids
    }

    /// Whether a line stands within the outermost rulings.
    fn holds(&self, place: Place) -> bool {
        let within = |rulings: &[Ruling], n: i64| {
            rulings.first().is_some_and(|first| first.at < n)
                && rulings.last().is_some_and(|last| n < last.at)
        };
        within(&self.upright, place.centre()) && within(&self.level, place.middle())
    }

    /// The lines, cut at rulings, row by row of cells, and in each cell from top to bottom.
    fn cell_by_cell(&self, lines: Vec<Line>) -> Vec<Line> {
        let mut cells: Vec<((usize, usize), Vec<Line>)> = Vec::new();
        for line in lines.into_iter().flat_map(|line| self.parted(line)) {
            let Some(place) = Place::of(&line) else { continue };
            let cell = self.cell(place);
            match cells.iter_mut().find(|(at, _)| *at == cell) {
                Some((_, lines)) => lines.push(line),
                None => cells.push((cell, vec![line])),
            }
        }
        cells.sort_by_key(|(at, _)| *at);
        let lines = cells.into_iter().flat_map(|(_, lines)| downward(lines)).collect();
        zoned(lines, Zone::Table).collect()
    }

    /// Row and column of the cell that a place is in: which rulings stand next above and to the
    /// left. Rulings less than half a line apart count as one that print or scan has broken.
    fn cell(&self, place: Place) -> (usize, usize) {
        let slack = self.em / 2;
        let before = |rulings: &[Ruling], across: i64, along: i64| {
            let at = rulings.iter().rfind(|r| r.at <= across && r.passes(along, slack))?.at;
            rulings.iter().position(|ruling| at - slack < ruling.at)
        };
        let (x, y) = (place.centre(), place.middle());
        let row = before(&self.level, y, x).unwrap_or_default();
        (row, before(&self.upright, x, y).unwrap_or_default())
    }

    /// A line, cut where an upright ruling stands between two words.
    fn parted(&self, line: Line) -> impl Iterator<Item = Line> {
        let middle = Place::of(&line).map_or(0, |place| place.middle());
        let centre = |word: &Word| i64::from(word.x) + i64::from(word.w) / 2;
        let together = |a: &Word, b: &Word| {
            !self.upright.iter().any(|ruling| {
                centre(a) < ruling.at && ruling.at < centre(b) && ruling.passes(middle, 0)
            })
        };
        let parts = line.words.chunk_by(together).map(<[Word]>::to_vec);
        parts.map(|words| Line { words, ..line }).collect::<Vec<_>>().into_iter()
    }
}

/// Names lines of the body that stand in rows of three cells or more, or in rows of two between
/// such.
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

#[cfg(test)]
mod tests {
    use crate::engine::Picture;
    use crate::sample::{PAGE, line};
    use crate::zones::in_zones;

    /// A white page with strokes four pixels wide: `(x, y, right, bottom)`.
    fn ruled(strokes: &[(usize, usize, usize, usize)]) -> Vec<u8> {
        let width = PAGE.width as usize;
        let mut grey = vec![240; width * PAGE.height as usize];
        for &(x, y, right, bottom) in strokes {
            for row in grey.chunks_exact_mut(width).take(bottom + 4).skip(y) {
                row[x..right + 4].fill(30);
            }
        }
        grey
    }

    /// Three columns, a head and a row; the first column of the row goes on to its foot.
    const RULED: [(usize, usize, usize, usize); 7] = [
        (200, 1100, 200, 1400),
        (500, 1100, 500, 1400),
        (900, 1100, 900, 1400),
        (1400, 1100, 1400, 1400),
        (200, 1100, 1400, 1100),
        (200, 1180, 1400, 1180),
        (200, 1400, 1400, 1400),
    ];

    fn text(strokes: &[(usize, usize, usize, usize)]) -> Vec<String> {
        let grey = ruled(strokes);
        let lines = vec![
            line(1000, &[(220, "Danh sách kèm theo")]),
            line(1130, &[(220, "Số"), (520, "Nội dung"), (920, "Cơ quan")]),
            line(1200, &[(220, "1")]),
            line(1202, &[(520, "Sửa đổi, bổ sung")]),
            line(1204, &[(920, "Sở Nội")]),
            line(1252, &[(520, "một số điều")]),
            line(1254, &[(920, "vụ")]),
            line(1450, &[(220, "Nguồn: Sở Nội vụ")]),
        ];
        let picture = Picture { grey: &grey, ..PAGE };
        in_zones(lines, &[], &picture).iter().map(crate::engine::Line::text).collect()
    }

    #[test]
    fn a_ruled_table_is_read_cell_by_cell() {
        let want = [
            "Danh sách kèm theo",
            "Số",
            "Nội dung",
            "Cơ quan",
            "1",
            "Sửa đổi, bổ sung",
            "một số điều",
            "Sở Nội",
            "vụ",
            "Nguồn: Sở Nội vụ",
        ];
        assert_eq!(text(&RULED), want);
    }

    #[test]
    fn a_cell_over_two_rows_is_read_before_what_stands_beside_it() {
        // A ruling between the two lines of the last column alone.
        let more = [&RULED[..], &[(900, 1245, 1400, 1245)]].concat();
        assert_eq!(text(&more)[4..9], ["1", "Sửa đổi, bổ sung", "một số điều", "Sở Nội", "vụ"]);
    }

    #[test]
    fn without_rulings_rows_are_read_across() {
        let across = ["Sửa đổi, bổ sung", "Sở Nội", "một số điều", "vụ"];
        assert_eq!(text(&[])[3..7], across);
        // A frame alone is no table.
        assert_eq!(text(&[RULED[0], RULED[3], RULED[4], RULED[6]])[3..7], across);
    }
}
