//! The foot: recipients to the left, who signs to the right.

use schemas::reading::Zone;
use schemas::text::fold;

use super::{Sheet, head, zoned};
use crate::engine::Line;
use crate::order::downward;
use crate::place::Place;

/// Takes recipients and signature off the sheet. Empty where no line says "Nơi nhận".
pub(super) fn taken(sheet: &mut Sheet) -> Vec<Line> {
    let anchor = sheet.lines.iter().rfind(|line| is_recipients(&line.text()));
    let Some(anchor) = anchor.and_then(Place::of) else { return signed_alone(sheet) };
    let (em, width) = (sheet.em, sheet.width);
    // The signature may begin a little higher, and its column is right of the page's middle.
    let signs = move |place: Place| {
        anchor.top - 4 * em < place.top
            && 2 * width < 5 * place.left
            && anchor.left + width / 5 < place.left
    };
    let receives = move |place: Place| {
        anchor.top - em / 2 <= place.top && place.left < anchor.left + width / 7
    };
    let recipients = sheet.take(|_, place| receives(place) && !signs(place));
    let signature = sheet.take(|_, place| signs(place));
    let recipients = zoned(downward(recipients), Zone::Recipients);
    recipients.chain(zoned(downward(signature), Zone::Signature)).collect()
}

/// Whether a line begins "Nơi nhận".
fn is_recipients(text: &str) -> bool {
    let letters: String = fold(text).chars().filter(char::is_ascii_alphabetic).collect();
    letters.starts_with("noinhan") && letters.len() < 12
}

/// A signature without recipients: the last lines, all in the right half, the first of them in
/// capitals or with the place and date.
fn signed_alone(sheet: &mut Sheet) -> Vec<Line> {
    let in_right = |line: &Line| {
        Place::of(line).is_some_and(|p| 2 * sheet.width < 5 * p.left && sheet.height / 4 < p.top)
    };
    let count = sheet.lines.iter().rev().take_while(|line| in_right(line)).count();
    let start = sheet.lines.len() - count;
    let opens = |line: &Line| head::is_capitals(&line.text()) || head::is_date(&line.text());
    let Some(first) = sheet.lines[start..].iter().position(opens) else { return Vec::new() };
    zoned(sheet.lines.split_off(start + first), Zone::Signature).collect()
}
