//! The letterhead: issuing body and number to the left, name of the state, motto, place and date
//! to the right.

use schemas::reading::Zone;
use schemas::text::fold;

use super::{Sheet, zoned};
use crate::engine::Line;
use crate::order::downward;
use crate::place::Place;

/// Takes the head off the sheet: what stands above it, the left block, the right block. Empty
/// where the name of the state isn't there.
pub(super) fn taken(sheet: &mut Sheet) -> Vec<Line> {
    part_at_state(sheet);
    let Some((state, state_line)) = sheet.lines.iter().enumerate().find_map(|(at, line)| {
        let place = Place::of(line)?;
        (place.middle() < sheet.height / 2 && names_state(&line.text())).then_some((at, place))
    }) else {
        return Vec::new();
    };
    if 10 * state_line.left < 3 * sheet.width {
        return above_all(sheet, state, state_line);
    }
    let gutter = gutter(sheet, state_line);
    let bottom = bottom(sheet, state_line, gutter);
    let top = state_line.top - 2 * sheet.em;
    let within = |place: Place| place.middle() < bottom;
    let above = sheet.take(|_, place| place.bottom < top);
    let left = sheet.take(|_, place| within(place) && place.centre() < gutter);
    let right = sheet.take(|_, place| within(place));
    let mut head = above;
    head.extend(issuer(downward(left)));
    head.extend(state_and_date(downward(right)));
    head
}

/// A head of one column: the state's name and the motto alone, in the middle of the page.
fn above_all(sheet: &mut Sheet, state: usize, place: Place) -> Vec<Line> {
    let mut head: Vec<Line> = sheet.lines.drain(..state).collect();
    let lines = sheet.take(|line, other| {
        other.top - place.bottom < 2 * sheet_em(place)
            && (names_state(&line.text()) || is_motto(&line.text()))
    });
    head.extend(zoned(lines, Zone::Motto));
    head
}

fn sheet_em(place: Place) -> i64 {
    place.height()
}

/// Where an engine took issuing body and state for one line, they become two.
fn part_at_state(sheet: &mut Sheet) {
    let Some(at) = sheet.lines.iter().position(|line| names_state(&line.text())) else { return };
    let words = &sheet.lines[at].words;
    let starts = |n: usize| {
        let next = words.get(n + 1).map(|word| fold(&word.text)).unwrap_or_default();
        fold(&words[n].text).ends_with("cong") && next.starts_with("ho")
    };
    let Some(cut) = (1..words.len()).find(|n| starts(*n)) else { return };
    let line = &mut sheet.lines[at];
    let right = line.words.split_off(cut);
    let right = Line { words: right, ..*line };
    sheet.lines.insert(at + 1, right);
}

/// Whether the line is "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", give or take what was misread.
pub(super) fn names_state(text: &str) -> bool {
    let folded = fold(text);
    let parts = ["cong hoa", "xa hoi", "chu nghia", "viet nam"];
    2 < parts.iter().filter(|part| folded.contains(**part)).count()
        && text.chars().filter(|c| c.is_uppercase()).count() > folded.len() / 2
}

/// Whether it is "Độc lập - Tự do - Hạnh phúc", likewise.
fn is_motto(text: &str) -> bool {
    let folded = fold(text);
    let parts = ["doc lap", "tu do", "hanh phuc"];
    1 < parts.iter().filter(|part| folded.contains(**part)).count() && text.chars().count() < 40
}

/// The x between the blocks: between the left lines beside the state's name and it.
fn gutter(sheet: &Sheet, state: Place) -> i64 {
    let reach = state.top - 2 * sheet.em..state.bottom + 4 * sheet.em;
    let lefts = sheet.lines.iter().filter_map(Place::of);
    let end = lefts
        .filter(|place| reach.contains(&place.middle()) && place.right <= state.left)
        .map(|place| place.right)
        .max();
    i64::midpoint(end.unwrap_or(state.left - 2 * sheet.em), state.left)
}

/// Where the head ends: at the first line that crosses the gutter, or that only a body has.
fn bottom(sheet: &Sheet, state: Place, gutter: i64) -> i64 {
    let crosses = |place: Place| place.left < gutter - sheet.em && gutter + sheet.em < place.right;
    let centred = |place: Place| 20 * (place.centre() - sheet.width / 2).abs() < sheet.width;
    let below = sheet.lines.iter().filter_map(|line| Some((line, Place::of(line)?)));
    let mut dated = state.bottom + 2 * sheet.em;
    for (line, place) in below.filter(|(_, place)| state.bottom < place.top) {
        let text = line.text();
        if is_date(&text) || is_number(&text) {
            dated = dated.max(place.bottom);
        }
        let titled = centred(place) && dated <= place.top && is_capitals(&text);
        if crosses(place) && !is_date(&text) || titled || fold(&text).starts_with("kinh gui") {
            return place.top;
        }
    }
    sheet.height / 2
}

/// Whether all letters, four at least, are capitals.
pub(super) fn is_capitals(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| c.is_alphabetic());
    letters.clone().count() > 3 && letters.all(char::is_uppercase)
}

/// Whether a line says "…, ngày 4 tháng 2 năm 2025", also with the day and month left open.
pub(super) fn is_date(text: &str) -> bool {
    let folded = fold(text);
    folded.contains("ngay")
        && folded.contains("thang")
        && folded.contains("nam")
        && folded.chars().count() < 60
}

/// Whether a line begins "Số:".
fn is_number(text: &str) -> bool {
    let folded = fold(text);
    folded.starts_with("so") && (folded.contains('/') || folded.contains(':'))
}

/// The left block: body, number, and what the paper is about.
fn issuer(lines: Vec<Line>) -> Vec<Line> {
    let mut zone = Zone::Issuer;
    let mut named = Vec::with_capacity(lines.len());
    for line in lines {
        let folded = fold(&line.text());
        let own = if is_number(&line.text()) {
            zone = Zone::Number;
            Zone::Number
        } else {
            if folded.starts_with("v/v") || folded.starts_with("ve viec") || zone == Zone::Number {
                zone = Zone::Title;
            }
            zone
        };
        named.push(Line { zone: own, ..line });
    }
    named
}

/// The right block: state, motto, place and date.
fn state_and_date(lines: Vec<Line>) -> Vec<Line> {
    let zone_of = |line: &Line| {
        let text = line.text();
        if is_date(&text) {
            Zone::PlaceDate
        } else if is_number(&text) {
            Zone::Number
        } else {
            Zone::Motto
        }
    };
    lines.into_iter().map(|line| Line { zone: zone_of(&line), ..line }).collect()
}
