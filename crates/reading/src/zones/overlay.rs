//! What was put over the paper when it was done: the box that a digital signature prints, an
//! incoming stamp, what engines make of a seal.

use schemas::reading::{Mark, MarkKind, Zone};
use schemas::text::fold;

use super::{Sheet, zoned};
use crate::engine::{Line, Word};
use crate::place::Place;

/// A line in a seal of whose words none is surer than this is what an engine makes of the seal.
const UNSURE: f32 = 0.75;
/// Anywhere else, less than this is no text.
const NONSENSE: f32 = 0.35;

/// Takes overlays off the sheet.
pub(super) fn taken(sheet: &mut Sheet, marks: &[Mark]) -> Vec<Line> {
    let boxes = signing_boxes(sheet);
    let stamps: Vec<Place> =
        stamps(sheet).into_iter().chain(of_kind(marks, MarkKind::Stamp)).collect();
    let seals: Vec<Place> = of_kind(marks, MarkKind::Seal).collect();
    let lines = sheet.take(|line, place| {
        let sure = line.words.iter().map(|word| word.confidence).fold(0.0, f32::max);
        let covered = |by: &[Place]| by.iter().any(|over| 2 * common(&place, over) > area(&place));
        covered(&boxes)
            || covered(&stamps)
            || covered(&seals) && sure < UNSURE
            || sure < NONSENSE
            || !line.words.iter().any(|word| word.text.chars().any(char::is_alphanumeric))
    });
    zoned(lines, Zone::Overlay).collect()
}

fn of_kind(marks: &[Mark], kind: MarkKind) -> impl Iterator<Item = Place> {
    marks.iter().filter(move |mark| mark.kind == kind).filter_map(|mark| {
        let Mark { x, y, w, h, .. } = *mark;
        Place::around(&[Word { x, y, w, h, ..Word::default() }])
    })
}

fn common(a: &Place, b: &Place) -> i64 {
    let across = a.right.min(b.right) - a.left.max(b.left);
    let down = a.bottom.min(b.bottom) - a.top.max(b.top);
    across.max(0) * down.max(0)
}

fn area(place: &Place) -> i64 {
    (place.right - place.left) * place.height()
}

/// Boxes that digital signatures print, each grown from a line that only such a box has.
fn signing_boxes(sheet: &Sheet) -> Vec<Place> {
    let places: Vec<(Place, bool)> = sheet
        .lines
        .iter()
        .filter_map(|line| Some((Place::of(line)?, says_signed(&line.text()))))
        .collect();
    let mut boxes: Vec<Place> = Vec::new();
    for (seed, _) in places.iter().filter(|(_, is_seed)| *is_seed) {
        // Lines of one box are set alike, close to one another, from one left edge.
        let mut whole = *seed;
        let mut grew = true;
        while grew {
            grew = false;
            for (place, _) in &places {
                let inside = common(place, &whole) == area(place);
                if !inside && belongs(place, &whole, seed.height()) {
                    whole = around(&whole, place);
                    grew = true;
                }
            }
        }
        boxes.push(whole);
    }
    boxes
}

/// Whether a line continues a box above or below, within one and a half heights of its letters and
/// not wider than twice the box.
fn belongs(place: &Place, whole: &Place, height: i64) -> bool {
    let gap = (place.top - whole.bottom).max(whole.top - place.bottom);
    let alike = 2 * place.height() < 3 * height && 2 * height < 3 * place.height();
    let flush = (place.left - whole.left).abs() < 3 * height
        || whole.left - 3 * height < place.left && place.right < whole.right + 3 * height;
    alike && flush && 2 * gap < height && place.right - place.left < 2 * (whole.right - whole.left)
}

fn around(a: &Place, b: &Place) -> Place {
    Place {
        left: a.left.min(b.left),
        right: a.right.max(b.right),
        top: a.top.min(b.top),
        bottom: a.bottom.max(b.bottom),
    }
}

/// Whether a line is one of those that the box of a digital signature has and no paper: who
/// signed, and the time to the second.
fn says_signed(text: &str) -> bool {
    let folded = fold(text);
    ["ky boi:", "nguoi ky:", "thoi gian ky:", "ngay ky:", "duoc ky boi"]
        .iter()
        .any(|start| folded.starts_with(start))
        || has_second(&folded)
}

/// Whether a text holds `15:35:18`.
fn has_second(text: &str) -> bool {
    text.as_bytes().windows(8).any(|eight| {
        eight.iter().enumerate().all(|(at, byte)| match at {
            2 | 5 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
    })
}

/// Incoming stamps: "CÔNG VĂN ĐẾN" or "ĐẾN" in the upper half, with the lines about it that ask
/// for number, hour, day and to whom it goes.
fn stamps(sheet: &Sheet) -> Vec<Place> {
    let lines =
        || sheet.lines.iter().filter_map(|line| Some((fold(&line.text()), Place::of(line)?)));
    let asks = |text: &str| {
        ["gio", "ngay:", "ngay.", "kinh chuyen", "chuyen:", "so:.", "luu ho so"]
            .iter()
            .any(|word| text.contains(word))
            && text.contains(['.', ':', '…'])
            || text.contains("cong van den")
    };
    lines()
        .filter(|(text, place)| {
            let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
            let arrived = letters == "den"
                || letters.ends_with("congvanden")
                || letters.starts_with("denngay");
            arrived && place.middle() < sheet.height / 2
        })
        .map(|(_, seed)| {
            let near = |place: &Place| {
                (place.middle() - seed.middle()).abs() < 4 * seed.height()
                    && place.left < seed.right + 6 * seed.height()
                    && seed.left - 6 * seed.height() < place.right
            };
            lines()
                .filter(|(text, place)| near(place) && asks(text))
                .fold(seed, |whole, (_, place)| around(&whole, &place))
        })
        .collect()
}
