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
    let mut words = Words::default();
    let mut firsts: Vec<(usize, Compared<'_>)> = Vec::new();
    let mut again = Vec::new();
    for (place, page) in pages {
        let page = Compared::of(page, &mut words);
        match firsts.iter().find(|(_, first)| first.is_same_sheet(&page)) {
            Some((first, _)) => again.push((*place, *first)),
            None => firsts.push((*place, page)),
        }
    }
    again
}

/// The words of all pages, each with a number of its own: whether two are the same is a comparison
/// of numbers.
#[derive(Default)]
struct Words(HashMap<String, usize>);

impl Words {
    fn number(&mut self, word: String) -> usize {
        let next = self.0.len();
        *self.0.entry(word).or_insert(next)
    }
}

/// A page, made ready once to be compared with many: hundreds of copies of one form, each filled in
/// for another person, all look alike.
struct Compared<'a> {
    page: &'a PageReading,
    /// Its words, by their numbers, in ascending order.
    words: Vec<usize>,
    /// Those of them that have digits, likewise.
    numbered: Vec<usize>,
}

impl<'a> Compared<'a> {
    fn of(page: &'a PageReading, all: &mut Words) -> Self {
        let (mut words, mut numbered) = (Vec::new(), Vec::new());
        for word in page.words.iter().map(|word| text::fold(&word.text)) {
            if word.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
                continue;
            }
            let has_digits = word.bytes().any(|b| b.is_ascii_digit());
            let number = all.number(word);
            words.push(number);
            numbered.extend(has_digits.then_some(number));
        }
        words.sort_unstable();
        numbered.sort_unstable();
        Self { page, words, numbered }
    }

    fn is_same_sheet(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.page, other.page);
        if mine.blake3 == theirs.blake3 {
            return true;
        }
        let near = mine.fingerprint.distance(theirs.fingerprint) <= SAME_PAPER;
        let codes_agree =
            mine.codes.is_empty() || theirs.codes.is_empty() || mine.codes == theirs.codes;
        near && codes_agree && self.says_the_same(other)
    }

    /// Two pages without words say nothing, so they don't agree. What tells most is compared first:
    /// a form has few numbers, and another person's are others.
    fn says_the_same(&self, other: &Self) -> bool {
        let numbers_agree = self.numbered.is_empty() && other.numbered.is_empty()
            || common(&self.numbered, &other.numbered) >= SAME_NUMBERS;
        numbers_agree && common(&self.words, &other.words) >= SAME_TEXT
    }
}

/// Dice's coefficient of two bags in ascending order; 0 when both are empty.
fn common(one: &[usize], other: &[usize]) -> f32 {
    let (mut left, mut right, mut shared) = (one, other, 0);
    while let ([mine, my_rest @ ..], [theirs, their_rest @ ..]) = (left, right) {
        let order = mine.cmp(theirs);
        shared += usize::from(order.is_eq());
        if order.is_le() {
            left = my_rest;
        }
        if order.is_ge() {
            right = their_rest;
        }
    }
    crate::layout::share(2 * shared, one.len() + other.len())
}

#[cfg(test)]
mod tests {
    use schemas::ids::Blake3;
    use schemas::reading::Word;

    use super::*;

    const FORM: &str =
        "a) Ông bà là cha mẹ của ông và bà b) ở số nhà của cha tại phường Nghĩa Lộ c)";
    const NUMBERS: &str = "2020 2020 01/02 12 1999 7/QĐ 0012 45 2020 33";

    /// The form as somebody filled it in: up to four words and up to four numbers are others. All
    /// copies look alike.
    fn copy(person: usize) -> PageReading {
        let mut words: Vec<&str> = FORM.split(' ').collect();
        let mut numbers: Vec<String> = NUMBERS.split(' ').map(str::to_owned).collect();
        let (length, count) = (words.len(), numbers.len());
        for other in 0..person % 5 {
            words[(person * 7 + other) % length] = ["khác", "KHAC", "lạ"][person % 3];
        }
        for other in 0..person / 5 % 5 {
            numbers[(person * 3 + other) % count] = format!("{}/2021", person % 4);
        }
        let texts = words.into_iter().map(str::to_owned).chain(numbers);
        let words = texts.map(|text| Word { text, ..Word::default() });
        let blake3 = Blake3::of(&person.to_be_bytes());
        PageReading { words: words.collect(), ..PageReading::unread(0, blake3) }
    }

    /// Whether two pages that look alike are one sheet: the rule, as it is said of two.
    fn agree(one: &PageReading, other: &PageReading) -> bool {
        let bag = |page: &PageReading, kept: fn(&str) -> bool| -> Vec<String> {
            let words = page.words.iter().map(|word| text::fold(&word.text));
            let told = |word: &String| 1 < word.chars().filter(|c| c.is_alphanumeric()).count();
            words.filter(told).filter(|word| kept(word)).collect()
        };
        let share = |kept: fn(&str) -> bool| {
            let (one, mut other) = (bag(one, kept), bag(other, kept));
            let whole = one.len() + other.len();
            let shared = one.iter().filter(|word| {
                let Some(place) = other.iter().position(|left| left == *word) else { return false };
                other.swap_remove(place);
                true
            });
            crate::layout::share(2 * shared.count(), whole)
        };
        share(|_| true) >= SAME_TEXT
            && share(|word| word.contains(|c: char| c.is_ascii_digit())) >= SAME_NUMBERS
    }

    #[test]
    fn among_many_copies_of_a_form_those_are_found_that_agree_two_by_two() {
        let copies: Vec<PageReading> = (0..200).map(copy).collect();
        let (mut firsts, mut want): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        for (place, page) in copies.iter().enumerate() {
            match firsts.iter().find(|first| agree(&copies[**first], page)) {
                Some(first) => want.push((place, *first)),
                None => firsts.push(place),
            }
        }
        assert!(10 < firsts.len() && 100 < want.len(), "{} {}", firsts.len(), want.len());
        let pages: Vec<(usize, &PageReading)> = copies.iter().enumerate().collect();
        assert_eq!(scanned_again(&pages), want);
    }

    #[test]
    fn pages_that_look_alike_and_say_nothing_are_two() {
        let empty = |n: u8| PageReading::unread(0, Blake3([n; 32]));
        assert_eq!(scanned_again(&[(0, &empty(0)), (1, &empty(1)), (2, &empty(0))]), [(2, 0)]);
    }
}
