//! The same paper scanned again: pages that look the same and say the same.

use std::collections::HashMap;

use schemas::reading::{PageReading, SAME_PAPER};
use schemas::text;

/// Least share of words that two readings of the same sheet have in common. Two copies of one
/// printed form, filled in for two people, look alike too; taking the second for the first
/// would lose a paper, so this is strict.
const SAME_TEXT: f32 = 0.85;

/// Least share of words with digits in them that are the same: numbers, dates, what tells one
/// filled-in form from the next.
const SAME_NUMBERS: f32 = 0.8;

/// Pages that are scans of an earlier one: pairs of (again, first).
pub(crate) fn scanned_again(pages: &[(usize, &PageReading)]) -> Vec<(usize, usize)> {
    let mut firsts: Vec<(usize, &PageReading)> = Vec::new();
    let mut again = Vec::new();
    for (place, page) in pages {
        match firsts.iter().find(|(_, first)| same_sheet(first, page)) {
            Some((first, _)) => again.push((*place, *first)),
            None => firsts.push((*place, page)),
        }
    }
    again
}

fn same_sheet(one: &PageReading, other: &PageReading) -> bool {
    if one.blake3 == other.blake3 {
        return true;
    }
    let near = one.fingerprint.distance(other.fingerprint) <= SAME_PAPER;
    let codes_agree = one.codes.is_empty() || other.codes.is_empty() || one.codes == other.codes;
    near && codes_agree && texts_agree(one, other)
}

/// Two pages without words say nothing, so they don't agree.
fn texts_agree(one: &PageReading, other: &PageReading) -> bool {
    let (one, other) = (words(one), words(other));
    let numbered = |words: &[String]| -> Vec<String> {
        words.iter().filter(|w| w.bytes().any(|b| b.is_ascii_digit())).cloned().collect()
    };
    let (mine, theirs) = (numbered(&one), numbered(&other));
    let numbers_agree =
        mine.is_empty() && theirs.is_empty() || common(&mine, &theirs) >= SAME_NUMBERS;
    common(&one, &other) >= SAME_TEXT && numbers_agree
}

fn words(page: &PageReading) -> Vec<String> {
    let words = page.words.iter().map(|w| text::fold(&w.text));
    words.filter(|w| w.chars().filter(|c| c.is_alphanumeric()).count() > 1).collect()
}

/// Dice's coefficient of two bags of words; 0 when both are empty.
fn common(one: &[String], other: &[String]) -> f32 {
    let mut left: HashMap<&str, usize> = HashMap::new();
    one.iter().for_each(|word| *left.entry(word).or_default() += 1);
    let shared = other.iter().filter(|word| match left.get_mut(word.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    });
    crate::layout::share(2 * shared.count(), one.len() + other.len())
}
