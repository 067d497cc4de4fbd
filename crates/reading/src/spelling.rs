//! What an official Vietnamese paper would say, to choose among what an engine finds possible.
//!
//! Counts of one, two and three syllables in a row, taken from official texts
//! (`data/README.md` says which). They choose between readings that the pixels allow, and never
//! add one. Names and codes are left to the pixels: a capitalised word counts only where it is
//! known beside its neighbour, and what touches a digit, a slash or a hyphen not at all.

use std::io::Read;

use crate::ctc::{Alphabet, Judge, Lattice, Sign, search};
use crate::quick::{HashMap, room};
use crate::syllable::is_syllable;

/// The counts, gzipped: lines of a count and one to three syllables; `0` is any number, `^` the
/// start of a text.
const COUNTS: &[u8] = include_bytes!("../data/syllables.gz");

/// Room for counts of one, two and three.
const MOST: [usize; 3] = [1 << 12, 1 << 16, 1 << 17];

/// Weight of language against pixels: networks are surer of themselves than they should be.
const WEIGHT: f32 = 0.4;
/// Share that is left for shorter contexts where a longer one is unknown (Brants et al. 2007).
const BACKOFF: f32 = 0.4;
/// Logarithms for words that language says nothing of: a capitalised syllable, or anything in
/// capitals, in a code; capitals that are no syllable; a lower-case word in a code; and what has
/// capitals within.
const UNJUDGED: f32 = -6.0;
const ACRONYM: f32 = -8.0;
const IN_A_CODE: f32 = -10.0;
const MIXED: f32 = -13.0;
/// Logarithm for every word: more words are not less likely because there are more of them.
const WORD: f32 = 3.0;
/// Logarithm for a word that is not in capitals after one that is.
const CASE_CHANGED: f32 = -2.0;
/// Logarithms: an unknown syllable, and letters that are none.
const UNKNOWN: f32 = -16.0;
const ILLEGAL: f32 = -20.0;
/// Signs that engines take for one another; language says which of them is likelier.
const POINTS: [char; 4] = [',', '.', ';', ':'];
/// Points seen in a context of two tokens from which on it is believed rather than one of one.
const MANY: u32 = 3;
/// Logarithm for a comma, semicolon or colon that a letter follows without a space.
const UNSPACED: f32 = -4.0;

/// Counts of syllables in official texts.
pub(crate) struct Spelling {
    /// Numbers of syllables.
    ids: HashMap<String, u32>,
    ones: Vec<u32>,
    twos: HashMap<[u32; 2], u32>,
    threes: HashMap<[u32; 3], u32>,
    all: f32,
}

/// A word as it was spelled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spelled {
    pub(crate) text: String,
    pub(crate) confidence: f32,
    /// Steps from its first character to its last one, the latter included.
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Spelling {
    /// The counts that come with the program.
    pub(crate) fn shipped() -> Self {
        let mut text = String::new();
        let read = flate2::read::GzDecoder::new(COUNTS).read_to_string(&mut text);
        debug_assert!(read.is_ok(), "the counts are part of the program");
        let mut spelling = Self {
            ids: room(MOST[0]),
            ones: Vec::with_capacity(MOST[0]),
            twos: room(MOST[1]),
            threes: room(MOST[2]),
            all: 1.0,
        };
        for line in text.lines() {
            spelling.count(line);
        }
        spelling
    }

    #[expect(clippy::cast_precision_loss, reason = "a million at most")]
    fn count(&mut self, line: &str) -> Option<()> {
        let (count, syllables) = line.split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        let mut ids = syllables.split(' ').map(|syllable| self.number(syllable));
        match [ids.next(), ids.next(), ids.next()] {
            [Some(a), None, None] => {
                self.ones.resize(self.ids.len(), 0);
                self.ones[a as usize] = count;
                self.all += count as f32;
            }
            [Some(a), Some(b), None] => drop(self.twos.insert([a, b], count)),
            [Some(a), Some(b), Some(c)] => drop(self.threes.insert([a, b, c], count)),
            _ => {}
        }
        Some(())
    }

    /// The number of a syllable, the next one where it has none.
    fn number(&mut self, syllable: &str) -> u32 {
        if let Some(id) = self.ids.get(syllable) {
            return *id;
        }
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.insert(syllable.to_owned(), next);
        next
    }

    /// The likeliest words of a line.
    pub(crate) fn spell(&self, lattice: &Lattice, alphabet: &Alphabet) -> Vec<Spelled> {
        let texts = search(lattice, alphabet, &Officialese(self));
        let Some((best, others)) = texts.split_first() else { return Vec::new() };
        let others: Vec<(Vec<&[Sign]>, f32)> =
            others.iter().map(|text| (words(&text.signs), text.share)).collect();
        words(&best.signs)
            .into_iter()
            .map(|word| {
                let same = |other: &&[Sign]| {
                    other.first().map(|s| s.step.abs_diff(word[0].step) < 4).unwrap_or_default()
                        && other.iter().map(|s| s.char).eq(word.iter().map(|s| s.char))
                };
                let agreed: f32 = others
                    .iter()
                    .filter(|(words, _)| words.iter().any(same))
                    .map(|(_, share)| share)
                    .sum();
                let peak = word.iter().map(|sign| sign.peak).fold(1.0, f32::min);
                Spelled {
                    text: word.iter().map(|sign| sign.char).collect(),
                    confidence: (best.share + agreed).min(1.0) * peak.sqrt(),
                    from: word[0].step,
                    to: word[word.len() - 1].step + 1,
                }
            })
            .collect()
    }

    /// How likely a text of one or more words is after another, as a logarithm. It is 0 for what
    /// language says nothing of.
    pub(crate) fn worth(&self, text: &str, before: Option<&str>) -> f32 {
        let judge = Officialese(self);
        let mut state = judge.start();
        for next in before.into_iter().flat_map(|before| before.chars().chain([' '])) {
            state = judge.push(&state, next).0;
        }
        let mut sum = 0.0;
        for next in text.chars() {
            let (after, more) = judge.push(&state, next);
            (state, sum) = (after, sum + more);
        }
        (sum + judge.end(&state)) / WEIGHT
    }

    /// How much less likely a point is than the likeliest one there, as a logarithm; 0 where
    /// nothing is known.
    #[expect(clippy::cast_precision_loss, reason = "a million at most")]
    fn point(&self, point: char, after: [Option<u32>; 2]) -> f32 {
        let [before, Some(last)] = after else { return 0.0 };
        let count = |point: char| {
            let id = *self.ids.get(point.encode_utf8(&mut [0; 4]))?;
            let three = before.and_then(|before| self.threes.get(&[before, last, id])).copied();
            Some((three.unwrap_or_default(), *self.twos.get(&[last, id]).unwrap_or(&0)))
        };
        let counts = POINTS.map(|point| count(point).unwrap_or_default());
        let threes: u32 = counts.iter().map(|(three, _)| three).sum();
        let pick = |(three, two): (u32, u32)| if MANY <= threes { three } else { two } as f32 + 1.0;
        let most = counts.iter().map(|count| pick(*count)).fold(1.0, f32::max);
        (pick(count(point).unwrap_or_default()) / most).ln()
    }

    #[expect(clippy::cast_precision_loss, reason = "a million at most")]
    fn log(&self, syllable: &str, after: [Option<u32>; 2]) -> (f32, bool) {
        let Some(&id) = self.ids.get(syllable) else {
            return (if is_syllable(syllable) { UNKNOWN } else { ILLEGAL }, false);
        };
        let one = |id: u32| self.ones.get(id as usize).copied().unwrap_or_default();
        if let [_, Some(b)] = after
            && let Some(&two) = self.twos.get(&[b, id])
        {
            if let [Some(a), Some(b)] = after
                && let Some(&three) = self.threes.get(&[a, b, id])
                && let Some(&before) = self.twos.get(&[a, b])
            {
                return ((three as f32 / before.max(three) as f32).ln(), true);
            }
            return ((BACKOFF * two as f32 / one(b).max(two) as f32).ln(), true);
        }
        let rare = (BACKOFF * BACKOFF * one(id).max(1) as f32 / self.all).ln();
        (rare.max(UNKNOWN + 0.5), false)
    }
}

/// Words of a text: what stands between spaces.
fn words(signs: &[Sign]) -> Vec<&[Sign]> {
    signs.split(|sign| sign.char == ' ').filter(|word| !word.is_empty()).collect()
}

/// Judges texts by the counts.
struct Officialese<'a>(&'a Spelling);

/// The end of a text.
#[derive(Clone)]
struct End {
    /// The two tokens before the word in hand.
    before: [Option<u32>; 2],
    /// Letters of the word in hand.
    word: String,
    /// The character before the word.
    ahead: char,
    /// Whether that is a comma, semicolon or colon that a space should follow: after a letter, or
    /// a dash at the start of a line.
    unspaced: bool,
    /// Whether the word before was in capitals.
    capitals: bool,
}

impl Officialese<'_> {
    /// What the word in hand is worth when `next` follows it, and its number.
    fn word(&self, state: &End, next: char) -> (f32, Option<u32>) {
        let in_a_code = |c: char| c.is_ascii_digit() || matches!(c, '/' | '-' | '_' | '@' | '.');
        let case = Case::of(&state.word);
        let lower = state.word.to_lowercase();
        let id = self.0.ids.get(lower.as_str()).copied();
        // A full stop ends sentences, too.
        let in_a_code = in_a_code(state.ahead) || in_a_code(next) && next != '.';
        let (log, known) = self.0.log(&lower, state.before);
        let worth = match case {
            Case::Lower if in_a_code => IN_A_CODE,
            Case::Lower => log,
            Case::Capitals if in_a_code => UNJUDGED,
            Case::Title if in_a_code => UNJUDGED,
            Case::Title | Case::Capitals if known => log.max(UNJUDGED + 1.0),
            Case::Title | Case::Capitals if id.is_some() || is_syllable(&lower) => UNJUDGED,
            Case::Capitals => ACRONYM,
            Case::Title | Case::Mixed => MIXED,
        };
        let changed = state.capitals && matches!(case, Case::Title);
        (WORD + if changed { worth + CASE_CHANGED } else { worth }, id)
    }
}

/// How a word is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Title,
    Capitals,
    Mixed,
}

impl Case {
    fn of(word: &str) -> Self {
        let mut letters = word.chars();
        let first = letters.next().is_some_and(char::is_uppercase);
        let (upper, all) =
            letters.fold((0, 0), |(upper, all), c| (upper + i32::from(c.is_uppercase()), all + 1));
        match (first, upper) {
            (true, upper) if upper == all && all > 0 => Case::Capitals,
            (true, 0) => Case::Title,
            (false, 0) => Case::Lower,
            _ => Case::Mixed,
        }
    }
}

impl Judge for Officialese<'_> {
    type State = End;

    fn start(&self) -> End {
        End {
            before: [None, self.0.ids.get("^").copied()],
            word: String::new(),
            ahead: '\n',
            unspaced: false,
            capitals: false,
        }
    }

    fn push(&self, state: &End, next: char) -> (End, f32) {
        if next.is_alphabetic() {
            let mut state = state.clone();
            let unspaced = std::mem::take(&mut state.unspaced);
            state.word.push(next);
            return (state, if unspaced { WEIGHT * UNSPACED } else { 0.0 });
        }
        let ends_word = !state.word.is_empty() && matches!(next, ',' | ';' | ':');
        let mut after = End {
            before: state.before,
            word: String::new(),
            ahead: next,
            unspaced: ends_word || state.ahead == '\n' && next == '-',
            capitals: match next {
                ' ' if !state.word.is_empty() => Case::of(&state.word) == Case::Capitals,
                ' ' => state.capitals,
                _ => false,
            },
        };
        let mut log = if state.unspaced && next.is_ascii_digit() { UNSPACED } else { 0.0 };
        if !state.word.is_empty() {
            let (worth, id) = self.word(state, next);
            log += worth;
            after.before = [state.before[1], id];
        }
        if POINTS.contains(&next) {
            log += self.0.point(next, after.before);
        }
        if !next.is_whitespace() {
            let token = if next.is_ascii_digit() { '0' } else { next };
            let id = self.0.ids.get(token.encode_utf8(&mut [0; 4])).copied();
            let repeated = next.is_ascii_digit() && state.ahead.is_ascii_digit();
            if !(repeated && state.word.is_empty()) {
                after.before = [after.before[1], id];
            }
        }
        (after, WEIGHT * log)
    }

    fn end(&self, state: &End) -> f32 {
        if state.word.is_empty() { 0.0 } else { WEIGHT * self.word(state, ' ').0 }
    }
}
