//! Pages that tests are made of.

use crate::engine::{Line, Picture, Word};

/// A4 at 200 dots an inch, of which only the measures count.
pub(crate) const PAGE: Picture<'static> =
    Picture { width: 1650, height: 2340, dpi: 200, grey: &[] };

/// A line 30 pixels high at `y`; each part is its left edge and its text, 15 pixels a letter.
pub(crate) fn line(y: u32, parts: &[(u32, &str)]) -> Line {
    let mut words = Vec::new();
    for (left, text) in parts {
        let mut x = *left;
        for word in text.split(' ') {
            let w = 15 * u32::try_from(word.chars().count()).unwrap();
            words.push(Word {
                text: word.to_owned(),
                x,
                y,
                w,
                h: 30,
                confidence: 0.9,
                ..Word::default()
            });
            x += w + 10;
        }
    }
    Line { words, ..Line::default() }
}
