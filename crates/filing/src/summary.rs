//! Trích yếu of a paper with a title: the centred lines between the title and the body.

use crate::layout::{Layout, Line};
use crate::letterhead::{self, Read};

/// Titles of official papers that have a subject under them (Decree 30/2020/NĐ-CP, article 7,
/// and legislation), folded.
const TITLES: [&str; 26] = [
    "nghi quyet",
    "quyet dinh",
    "chi thi",
    "quy che",
    "quy dinh",
    "thong cao",
    "thong bao",
    "huong dan",
    "chuong trinh",
    "ke hoach",
    "phuong an",
    "de an",
    "du an",
    "bao cao",
    "bien ban",
    "to trinh",
    "hop dong",
    "cong dien",
    "ban ghi nho",
    "ban thoa thuan",
    "giay uy quyen",
    "nghi dinh",
    "thong tu",
    "luat",
    "phap lenh",
    "ket luan",
];

/// What the body begins with.
const BODY: [&str; 12] = [
    "can cu",
    "kinh gui",
    "thuc hien",
    "theo de nghi",
    "xet ",
    "dieu ",
    "kem theo",
    "ban hanh kem theo",
    "hom nay",
    "tm ",
    "i.",
    "1.",
];

/// The subject of the paper, where its title is of a sort that has one.
pub(crate) fn abstract_of(layout: &Layout<'_>) -> Option<Read> {
    let title = layout.lines.iter().position(|line| is_title(layout, line))?;
    let heading = &layout.lines[title];
    let mut subject: Option<Line> = None;
    let mut last = heading;
    let mut pitch: Option<f32> = None;
    for line in &layout.lines[title + 1..] {
        if line.beside(last) || (line.centre() - heading.centre()).abs() > 0.12 * layout.width {
            // What stands beside the title or out of its axis is a stamp.
            if line.y0 - last.y1 > 3.0 * layout.body {
                break;
            }
            continue;
        }
        let plain = line.plain.trim_start_matches(|c: char| !c.is_alphanumeric());
        let body = BODY.iter().any(|b| plain.starts_with(b));
        // The authority in capitals stands between the subject and the grounds.
        let authority = line.upper > 0.85 && subject.is_some();
        // The gap above the body is wider than between the subject's own lines.
        let step = line.y1 - last.y1;
        let apart = pitch.is_some_and(|p| step > 1.45 * p + 0.2 * layout.body)
            || line.y0 - last.y1 > 3.5 * layout.body;
        if body || authority || apart {
            break;
        }
        if subject.is_some() {
            pitch = Some(pitch.map_or(step, |p| p.min(step)));
        }
        match &mut subject {
            Some(subject) => subject.absorb(line),
            None => subject = Some(line.clone()),
        }
        last = line;
    }
    let subject = subject?;
    // The line under a title that is not a subject is short or in capitals: a session, a place.
    let wordy = subject.text.split_whitespace().count() >= 4;
    let value = subject.text.clone();
    wordy.then(|| Read::of(&subject, value, 0.9))
}

fn is_title(layout: &Layout<'_>, line: &Line) -> bool {
    let plain: String = line.plain.chars().filter(|c| c.is_alphabetic() || *c == ' ').collect();
    let plain = plain.trim();
    let own = TITLES.iter().any(|t| {
        // The whole line, but for dirt at its ends.
        plain.find(t).is_some_and(|_| plain.len() <= t.len() + 4)
    });
    let below_head = layout.head.is_none_or(|head| line.y0 > head.top);
    own && below_head
        && line.upper > 0.6
        && line.middle() < 0.5 * layout.height
        && letterhead::is_official(layout)
}
