//! Machine-readable zones among lines of text: what is found is one, by its check digits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reading::{Line, Word};
use schemas::codes::Mrz;

fuzz_target!(|text: &str| {
    let word = |text: &str| Word { text: text.to_owned(), w: 1, h: 1, ..Word::default() };
    let line = |line: &str| Line { block: 0, words: line.split_whitespace().map(word).collect() };
    let lines: Vec<Line> = text.lines().map(line).filter(|line| !line.words.is_empty()).collect();
    for code in reading::find_mrz(&lines) {
        assert!(Mrz::parse(&code.text).is_some());
    }
});
