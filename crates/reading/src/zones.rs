//! Parts of an official paper, and the order a person reads them in.
//!
//! Decree 30/2020/NĐ-CP (appendix I) says where everything stands: name of the state and motto to the
//! right above place and date, the issuing body to the left above the number; then title and
//! body; at the foot the recipients to the left and who signs to the right. Each part is known by
//! the words it must have. Where they aren't there, geometry alone decides ([`crate::order`]).

mod foot;
mod head;
mod overlay;
mod rulings;
mod table;
mod title;

use schemas::reading::{Mark, Zone};

use crate::engine::{Line, Picture};
use crate::order;
use crate::place::{self, Place};

/// The lines in reading order, each with its zone: what stands above the head, the head's left
/// block before its right one, title, body with its tables cell by cell, recipients, signature;
/// overlays last, for they are no part of the paper's text. `marks` are what else stands on the page.
#[must_use]
pub fn in_zones(lines: Vec<Line>, marks: &[Mark], picture: &Picture<'_>) -> Vec<Line> {
    let mut sheet = Sheet::new(lines, picture);
    let overlays = overlay::taken(&mut sheet, marks);
    let tables = table::taken(&mut sheet, picture);
    let head = head::taken(&mut sheet);
    let foot = foot::taken(&mut sheet);
    let mut body = sheet.lines;
    if head.is_empty() || foot.is_empty() {
        let ends = order::Ends { head: head.is_empty(), foot: foot.is_empty() };
        body = order::by_geometry(body, ends, picture);
    }
    title::named(&mut body, !head.is_empty(), picture);
    table::named(&mut body);
    table::put_back(&mut body, tables);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{PAGE, line};

    /// Zone and text of what comes out, in order.
    fn read(lines: Vec<Line>, marks: &[Mark]) -> Vec<(Zone, String)> {
        in_zones(lines, marks, &PAGE).iter().map(|line| (line.zone, line.text())).collect()
    }

    #[track_caller]
    fn check(lines: Vec<Line>, want: &[(Zone, &str)]) {
        let want: Vec<_> = want.iter().map(|(zone, text)| (*zone, (*text).to_owned())).collect();
        assert_eq!(read(lines, &[]), want);
    }

    const WIDE: &str = "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;";
    const MORE: &str = "Theo đề nghị của Giám đốc Sở Tài chính tại Tờ trình số 12/TTr-STC,";

    #[test]
    fn a_decision_is_read_part_by_part() {
        check(
            vec![
                line(150, &[(220, "ỦY BAN NHÂN DÂN")]),
                line(152, &[(800, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")]),
                line(190, &[(250, "TỈNH QUẢNG NGÃI")]),
                line(192, &[(880, "Độc lập - Tự do - Hạnh phúc")]),
                line(260, &[(250, "Số: 575/QĐ-UBND")]),
                line(262, &[(820, "Quảng Ngãi, ngày 4 tháng 2 năm 2026")]),
                line(340, &[(720, "QUYẾT ĐỊNH")]),
                line(380, &[(510, "Về việc giao nhiệm vụ cho Sở Tài chính")]),
                line(460, &[(270, WIDE)]),
                line(510, &[(270, MORE)]),
                line(1500, &[(270, "Nơi nhận:")]),
                line(1500, &[(1000, "TM. ỦY BAN NHÂN DÂN")]),
                line(1540, &[(270, "- Như Điều 3;")]),
                line(1540, &[(1080, "CHỦ TỊCH")]),
                line(1900, &[(1030, "Nguyễn Văn Mẫu")]),
            ],
            &[
                (Zone::Issuer, "ỦY BAN NHÂN DÂN"),
                (Zone::Issuer, "TỈNH QUẢNG NGÃI"),
                (Zone::Number, "Số: 575/QĐ-UBND"),
                (Zone::Motto, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
                (Zone::Motto, "Độc lập - Tự do - Hạnh phúc"),
                (Zone::PlaceDate, "Quảng Ngãi, ngày 4 tháng 2 năm 2026"),
                (Zone::Title, "QUYẾT ĐỊNH"),
                (Zone::Title, "Về việc giao nhiệm vụ cho Sở Tài chính"),
                (Zone::Body, WIDE),
                (Zone::Body, MORE),
                (Zone::Recipients, "Nơi nhận:"),
                (Zone::Recipients, "- Như Điều 3;"),
                (Zone::Signature, "TM. ỦY BAN NHÂN DÂN"),
                (Zone::Signature, "CHỦ TỊCH"),
                (Zone::Signature, "Nguyễn Văn Mẫu"),
            ],
        );
    }

    #[test]
    fn a_head_taken_for_one_line_is_parted() {
        let head = "ỦY BAN NHÂN DÂN CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM";
        let mut first = line(150, &[(220, head)]);
        for word in &mut first.words[4..] {
            word.x += 250;
        }
        let zones = read(vec![first, line(460, &[(270, WIDE)])], &[]);
        assert_eq!(zones[0], (Zone::Issuer, "ỦY BAN NHÂN DÂN".to_owned()));
        assert_eq!(zones[1], (Zone::Motto, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM".to_owned()));
    }

    #[test]
    fn rows_of_cells_are_a_table_and_a_lone_number_at_the_edge_is_the_page_s() {
        let row = |y| [(270, "01"), (500, "Thịt"), (900, "kg")].map(|cell| line(y, &[cell]));
        let mut lines = vec![line(90, &[(810, "2")]), line(300, &[(270, WIDE)])];
        lines.extend([row(400), row(450)].into_iter().flatten());
        lines.push(line(600, &[(270, MORE)]));
        let zones: Vec<Zone> = read(lines, &[]).into_iter().map(|(zone, _)| zone).collect();
        let mut want = vec![Zone::PageNumber, Zone::Body];
        want.extend([Zone::Table; 6]);
        want.push(Zone::Body);
        assert_eq!(zones, want);
    }
}
