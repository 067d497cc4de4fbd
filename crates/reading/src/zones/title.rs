//! The title: name of the paper's type, and what it is about.

use schemas::reading::Zone;

use super::head::is_capitals;
use crate::engine::{Line, Picture};
use crate::place::{Place, median};

/// Lines of a title at most: long decisions have six.
const MOST_LINES: usize = 9;

/// Names the title among the lines of the body: the first line in capitals in the middle of the
/// page, and the centred lines after it. A paper that has no head is looked at in its upper
/// third.
pub(super) fn named(lines: &mut [Line], has_head: bool, picture: &Picture<'_>) {
    let places: Vec<Option<Place>> = lines.iter().map(Place::of).collect();
    let left = median(places.iter().flatten().map(|place| place.left));
    let right = places.iter().flatten().map(|place| place.right).max().unwrap_or_default();
    let middle = i64::midpoint(left.min(i64::from(picture.width) / 5), right);
    let limit = i64::from(picture.height) * if has_head { 60 } else { 33 } / 100;
    let width = i64::from(picture.width);
    let centred = |place: &Place| 12 * (place.centre() - middle).abs() < width;
    // Nothing but a title comes between the head and the first line of the body.
    let searched = if has_head { 2 } else { lines.len() };
    let Some(first) = (0..lines.len().min(searched)).find(|at| {
        places[*at].is_some_and(|place| centred(&place) && place.top < limit)
            && is_capitals(&lines[*at].text())
    }) else {
        return;
    };
    let mut before: Option<Place> = None;
    for at in first..lines.len().min(first + MOST_LINES) {
        let Some(place) = places[at].filter(centred) else { break };
        let far = before.is_some_and(|above| 2 * above.height() < place.top - above.bottom);
        let body = before.is_some() && is_body(&lines[at].text());
        if far || body {
            break;
        }
        lines[at].zone = Zone::Title;
        before = Some(place);
    }
}

/// Words that a body begins with, and no title.
fn is_body(text: &str) -> bool {
    let folded = schemas::text::fold(text);
    ["can cu", "dieu ", "kinh gui", "theo de nghi", "thuc hien", "chuong ", "i. ", "1. "]
        .iter()
        .any(|start| folded.starts_with(start))
}
