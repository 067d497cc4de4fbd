//! Machine-readable zones among lines of text: what is found is one, by its check digits.

use reading::{Line, Word};
use schemas::codes::Mrz;

/// Panics where a promise is broken.
pub fn run(text: &str) {
    let word = |text: &str| Word { text: text.to_owned(), w: 1, h: 1, ..Word::default() };
    let line =
        |line: &str| Line { words: line.split_whitespace().map(word).collect(), ..Line::default() };
    let lines: Vec<Line> = text.lines().map(line).filter(|line| !line.words.is_empty()).collect();
    for code in reading::find_mrz(&lines) {
        assert!(Mrz::parse(&code.text).is_some());
    }
}
