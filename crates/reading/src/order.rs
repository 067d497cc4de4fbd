//! Reading order where a page has two columns for a few lines only.
//!
//! An official paper (Decree 30/2020/NĐ-CP, appendix I) opens with two blocks side by side: the
//! issuing body and the number on the left, the motto, place and date on the right. It ends the
//! same way: recipients on the left, the signature on the right. Engines read both across. Here
//! the blocks are found by geometry alone: a gutter that no text crosses, from the first line of
//! the page down, or from the last line up. What stands left of it comes first.
//!
//! Tables look alike but are read across: they have more than two cells a row, or columns that
//! start flush left, where the blocks of a letterhead are centred.

use std::collections::HashSet;

use crate::engine::{Line, Picture, Word};
use crate::place::{Place, median};

/// Which ends of a page are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) head: bool,
    pub(crate) foot: bool,
}

/// The lines in reading order: as they come, but for a letterhead in the upper third and for a
/// signature block at the end, where lines are split at the gutter and the left block's come
/// before the right's. Each block gets a number of its own.
pub(crate) fn by_geometry(lines: Vec<Line>, ends: Ends, picture: &Picture<'_>) -> Vec<Line> {
    let mut new_block = lines.iter().map(|line| line.block + 1).max().unwrap_or_default();
    let split = |wanted: bool, lines, end, limit| {
        if wanted { split_off(lines, end, limit) } else { (None, lines) }
    };
    let (head, rest) = split(ends.head, lines, End::Top, picture.height / 3);
    let (foot, rest) = split(ends.foot, rest, End::Bottom, picture.height / 3);
    let mut ordered = Vec::new();
    let mut add = |blocks: Option<[Vec<Line>; 2]>, ordered: &mut Vec<Line>| {
        for block in blocks.into_iter().flatten() {
            ordered.extend(block.into_iter().map(|line| Line { block: new_block, ..line }));
            new_block += 1;
        }
    };
    add(head, &mut ordered);
    ordered.extend(rest);
    add(foot, &mut ordered);
    ordered
}

/// From which end of the page a pair of blocks is looked for.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Top,
    Bottom,
}

/// Takes the two blocks at one end out of `lines`: those that end above `limit`, or begin below
/// it. All lines come back where there are none.
fn split_off(lines: Vec<Line>, end: End, limit: u32) -> (Option<[Vec<Line>; 2]>, Vec<Line>) {
    let within = |piece: &Piece| match end {
        End::Top => piece.middle() < i64::from(limit),
        End::Bottom => i64::from(limit) <= piece.middle(),
    };
    let mut pieces: Vec<Piece> = lines.iter().enumerate().flat_map(pieces_of).collect();
    pieces.retain(within);
    pieces.sort_by_key(|piece| piece.middle());
    if end == End::Bottom {
        pieces.reverse();
    }
    let Some(pair) = gutters(&pieces).filter_map(|x| Pair::at(x, &pieces)).max_by_key(Pair::weight)
    else {
        return (None, lines);
    };
    let of = |pieces: &[Piece]| pieces.iter().map(|p| p.line).collect::<HashSet<_>>();
    let (within, beyond) = (of(&pieces[..pair.len]), of(&pieces[pair.len..]));
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (number, line) in lines.into_iter().enumerate() {
        let is_inside = within.contains(&number) && !beyond.contains(&number);
        if is_inside { inside.push(line) } else { outside.push(line) }
    }
    (Some(pair.columns(inside)), outside)
}

/// Words of one line without a gap between them that could be a gutter.
#[derive(Debug, Clone)]
struct Piece {
    line: usize,
    place: Place,
    /// Mean of the words', 0 to 1.
    confidence: f32,
}

impl std::ops::Deref for Piece {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Piece {
    fn around(line: usize, words: &[Word]) -> Option<Self> {
        let count = f32::from(u16::try_from(words.len()).unwrap_or(u16::MAX));
        let confidence = words.iter().map(|w| w.confidence).sum::<f32>() / count;
        Some(Self { line, place: Place::around(words)?, confidence })
    }

    /// Whether it is text, not what an engine makes of a seal or a signature.
    fn is_text(&self) -> bool {
        0.4 < self.confidence
    }
}

/// The pieces of a line: cut where a gap is wider than the line is high. Words within a line
/// stand a third of its height apart, justified ones up to a height.
fn pieces_of((number, line): (usize, &Line)) -> Vec<Piece> {
    let height = median(line.words.iter().map(|w| i64::from(w.h)));
    line.words
        .chunk_by(|a, b| i64::from(b.x) - i64::from(a.x + a.w) <= height)
        .filter_map(|words| Piece::around(number, words))
        .collect()
}

/// Middles of the gaps between pieces that are neighbours in a row.
fn gutters(pieces: &[Piece]) -> impl Iterator<Item = i64> {
    pieces.iter().flat_map(move |left| {
        pieces
            .iter()
            .filter(move |right| left.beside(right) && left.height() < right.left - left.right)
            .map(move |right| i64::midpoint(left.right, right.left))
    })
}

/// Two blocks side by side, with the gutter at `x`, made of the first `len` pieces.
struct Pair {
    x: i64,
    len: usize,
    /// Clear width between the blocks.
    clear: i64,
}

impl Pair {
    /// The pair with its gutter at `x`, from the first of `pieces` to the last before one that
    /// crosses; none where that isn't two blocks of text.
    fn at(x: i64, pieces: &[Piece]) -> Option<Self> {
        let crosses = |p: &Piece| p.left < x && x < p.right;
        let len = pieces.iter().position(|p| crosses(p) && p.is_text()).unwrap_or(pieces.len());
        let inside = pieces[..len].iter().filter(|p| !crosses(p) && p.is_text());
        let (left, right): (Vec<&Piece>, Vec<&Piece>) = inside.partition(|p| p.right <= x);
        let clear = right.iter().map(|p| p.left).min()? - left.iter().map(|p| p.right).max()?;
        let two_blocks = 2 <= rows(&left) && 2 <= rows(&right);
        (two_blocks && are_abreast(&left, &right) && !is_table(&left, &right)).then_some(Self {
            x,
            len,
            clear,
        })
    }

    /// What makes one pair better than another: more of the page, then a wider gutter.
    fn weight(&self) -> (usize, i64) {
        (self.len, self.clear)
    }

    /// The lines of the left and of the right block, from top to bottom, cut at the gutter.
    fn columns(&self, lines: Vec<Line>) -> [Vec<Line>; 2] {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for Line { block, words, zone } in lines {
            let before = |word: &Word| i64::from(word.x) + i64::from(word.w / 2) < self.x;
            let (ours, theirs): (Vec<Word>, Vec<Word>) = words.into_iter().partition(before);
            for (column, words) in [(&mut left, ours), (&mut right, theirs)] {
                if !words.is_empty() {
                    column.push(Line { block, words, zone });
                }
            }
        }
        [downward(left), downward(right)]
    }
}

/// Lines from top to bottom; those in one row from left to right.
pub(crate) fn downward(lines: Vec<Line>) -> Vec<Line> {
    let mut placed: Vec<(Piece, Line)> =
        lines.into_iter().filter_map(|l| Some((Piece::around(0, &l.words)?, l))).collect();
    placed.sort_by_key(|(piece, _)| piece.middle());
    let mut rows: Vec<Vec<(Piece, Line)>> = Vec::new();
    for (piece, line) in placed {
        // Against the first of a row: against the last, rows would run into each other.
        match rows.last_mut().filter(|row| row[0].0.in_row_with(&piece)) {
            Some(row) => row.push((piece, line)),
            None => rows.push(vec![(piece, line)]),
        }
    }
    for row in &mut rows {
        row.sort_by_key(|(piece, _)| piece.left);
    }
    rows.into_iter().flatten().map(|(_, line)| line).collect()
}

/// How many rows the pieces stand in.
fn rows(pieces: &[&Piece]) -> usize {
    pieces.chunk_by(|a, b| a.beside(b)).count()
}

/// Whether the blocks stand side by side: their common height is more than half of the lower's.
fn are_abreast(left: &[&Piece], right: &[&Piece]) -> bool {
    let top = |pieces: &[&Piece]| pieces.iter().map(|p| p.top).min().unwrap_or_default();
    let bottom = |pieces: &[&Piece]| pieces.iter().map(|p| p.bottom).max().unwrap_or_default();
    let height = |pieces: &[&Piece]| bottom(pieces) - top(pieces);
    let common = bottom(left).min(bottom(right)) - top(left).max(top(right));
    2 * common > height(left).min(height(right))
}

/// Whether the blocks are columns of a table or of a form: both flush left, or with more than
/// two cells in most rows.
fn is_table(left: &[&Piece], right: &[&Piece]) -> bool {
    let shared = left.iter().filter(|l| right.iter().any(|r| l.beside(r))).count();
    let crowded = |own: &[&Piece], other: &[&Piece]| {
        let cut = |a: &Piece, b: &Piece| a.beside(b) && a.right < b.left;
        let doubled = own.iter().filter(|a| own.iter().any(|b| cut(a, b)));
        doubled.filter(|a| other.iter().any(|o| a.beside(o))).count()
    };
    let cells = crowded(left, right) + crowded(right, left);
    2 * cells > shared && 2 <= cells || is_flush_left(left) && is_flush_left(right)
}

/// Whether most pieces begin at one edge, and clearly more so than they are centred.
fn is_flush_left(pieces: &[&Piece]) -> bool {
    let height = median(pieces.iter().map(|p| p.height()));
    let spread = |place: fn(&Piece) -> i64| {
        let middle = median(pieces.iter().map(|p| place(p)));
        median(pieces.iter().map(|p| (place(p) - middle).abs()))
    };
    let (edge, centre) = (spread(|p| p.left), spread(|p| p.centre()));
    2 * edge < height && 2 * edge < centre
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{PAGE, line};

    const BOTH: Ends = Ends { head: true, foot: true };

    const BODY: &str = "Theo đề nghị của Sở Tài chính về việc tham gia góp ý các dự thảo nghị định";

    #[track_caller]
    fn check(lines: Vec<Line>, want: &[&str]) {
        let ordered = by_geometry(lines, BOTH, &PAGE);
        let text =
            |line: &Line| line.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(ordered.iter().map(text).collect::<Vec<_>>(), want);
    }

    fn letterhead() -> Vec<Line> {
        vec![
            line(140, &[(300, "ỦY BAN NHÂN DÂN"), (760, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA")]),
            line(183, &[(307, "TỈNH QUẢNG NGÃI"), (890, "Độc lập - Tự do")]),
            line(275, &[(295, "Số: 575 /UBND"), (830, "Quảng Ngãi, ngày 04 tháng 02")]),
            line(330, &[(330, "V/v tham gia")]),
            line(520, &[(600, "Kính gửi: Sở Tài chính")]),
            line(630, &[(270, BODY)]),
            line(670, &[(270, "trong tháng này.")]),
        ]
    }

    #[test]
    fn the_left_block_of_a_letterhead_comes_before_the_right() {
        check(
            letterhead(),
            &[
                "ỦY BAN NHÂN DÂN",
                "TỈNH QUẢNG NGÃI",
                "Số: 575 /UBND",
                "V/v tham gia",
                "CỘNG HÒA XÃ HỘI CHỦ NGHĨA",
                "Độc lập - Tự do",
                "Quảng Ngãi, ngày 04 tháng 02",
                "Kính gửi: Sở Tài chính",
                BODY,
                "trong tháng này.",
            ],
        );
    }

    #[test]
    fn the_two_blocks_of_a_letterhead_are_blocks_of_their_own() {
        let ordered = by_geometry(letterhead(), BOTH, &PAGE);
        let blocks: Vec<u32> = ordered.iter().map(|line| line.block).collect();
        assert_eq!(blocks, [1, 1, 1, 1, 2, 2, 2, 0, 0, 0]);
    }

    #[test]
    fn recipients_come_before_the_signature() {
        check(
            vec![
                line(1500, &[(270, BODY)]),
                line(1540, &[(270, "thi hành Quyết định này.")]),
                line(1600, &[(1000, "TM. ỦY BAN NHÂN DÂN")]),
                line(1608, &[(280, "Nơi nhận:")]),
                line(1640, &[(280, "- Như Điều 4;"), (1080, "CHỦ TỊCH")]),
                line(1672, &[(280, "- Lưu: VT.")]),
                line(1900, &[(1030, "Nguyễn Văn Mẫu")]),
            ],
            &[
                BODY,
                "thi hành Quyết định này.",
                "Nơi nhận:",
                "- Như Điều 4;",
                "- Lưu: VT.",
                "TM. ỦY BAN NHÂN DÂN",
                "CHỦ TỊCH",
                "Nguyễn Văn Mẫu",
            ],
        );
    }

    #[test]
    fn tables_and_forms_are_read_across() {
        let cells = |y| line(y, &[(270, "01"), (500, "Thịt lợn"), (900, "kg"), (1200, "95.000")]);
        let across = "01 Thịt lợn kg 95.000";
        check(vec![cells(1500), cells(1550), cells(1600)], &[across; 3]);
        check(vec![cells(150), cells(200), cells(250)], &[across; 3]);
        check(
            vec![
                line(200, &[(270, "Họ và tên: Nguyễn Văn Mẫu"), (900, "Nam")]),
                line(250, &[(270, "Sinh ngày:"), (900, "Dân tộc: Kinh")]),
                line(300, &[(270, "Nơi sinh: Hà Nội"), (900, "Quốc tịch:")]),
            ],
            &[
                "Họ và tên: Nguyễn Văn Mẫu Nam",
                "Sinh ngày: Dân tộc: Kinh",
                "Nơi sinh: Hà Nội Quốc tịch:",
            ],
        );
    }

    #[test]
    fn a_page_of_prose_stays_as_it_is() {
        let lines: Vec<Line> = (0..20).map(|i| line(100 + 50 * i, &[(270, BODY)])).collect();
        assert_eq!(by_geometry(lines.clone(), BOTH, &PAGE), lines);
        assert_eq!(by_geometry(Vec::new(), BOTH, &PAGE), []);
    }
}
