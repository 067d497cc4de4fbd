//! Two engines, one text.
//!
//! The neural engine reads the page. Tesseract is asked about the lines where that one is in
//! doubt, and where they differ one of the two is chosen, word by word; nothing is put together
//! that neither of them read. What was not chosen is kept beside the word.

use std::ops::Range;

use schemas::reading::{EngineId, Otherwise};

use crate::engine::{Area, Engine, Line, Picture, ReadError, Word};
use crate::neural::Neural;
use crate::spelling::Spelling;
use crate::tesseract::Tesseract;

/// A word that is less sure than this is asked about.
const DOUBT: f32 = 0.8;
/// Passages that are asked about at most on a page; one costs about 10 ms.
const MOST_PASSAGES: usize = 16;
/// Weight of the language model's logarithm against the engines' confidences. This, [`FIRST`] and
/// [`DOUBT`] chose best on pages rendered from born-digital papers, and worn.
const LANGUAGE: f32 = 0.8;
/// By how much, in log odds, the first engine is believed rather than the second.
const FIRST: f32 = 0.5;

/// The neural engine, and Tesseract where it is in doubt.
pub struct Opinions {
    first: Neural,
    second: Tesseract,
}

impl Opinions {
    /// Takes both engines, their models in memory.
    #[must_use]
    pub fn new(first: Neural, second: Tesseract) -> Self {
        Self { first, second }
    }
}

impl Engine for Opinions {
    fn read(&mut self, picture: &Picture<'_>) -> Result<Vec<Line>, ReadError> {
        let mut lines = self.first.read(picture)?;
        let mut doubtful = doubtful(&lines);
        doubtful.sort_by(|a, b| b.doubt.total_cmp(&a.doubt));
        doubtful.truncate(MOST_PASSAGES);
        // From the end of each line on, so that the places of the others stay right.
        doubtful.sort_by_key(|passage| std::cmp::Reverse(passage.words.start));
        for Passage { line, words, .. } in doubtful {
            let line = &mut lines[line].words;
            let Some(area) = Area::around(&line[words.clone()]) else { continue };
            let second = self.second.read_line(picture, area)?;
            if !second.is_empty() {
                let before = words.start.checked_sub(1).map(|at| line[at].text.clone());
                let first = line[words.clone()].to_vec();
                let chosen = chosen(first, second, self.first.spelling(), before.as_deref());
                line.splice(words, chosen);
            }
        }
        Ok(lines)
    }
}

/// Words of a line that the first engine doubts, and one more at each end: the second engine, too,
/// reads a word better beside its neighbours.
struct Passage {
    line: usize,
    words: Range<usize>,
    /// What its words lack to [`DOUBT`].
    doubt: f32,
}

/// The passages that are in doubt. They don't touch.
fn doubtful(lines: &[Line]) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for (line, Line { words, .. }) in lines.iter().enumerate() {
        for (at, word) in words.iter().enumerate().filter(|(_, word)| word.confidence < DOUBT) {
            let around = at.saturating_sub(1)..(at + 2).min(words.len());
            let doubt = DOUBT - word.confidence;
            match passages.last_mut() {
                Some(last) if last.line == line && around.start <= last.words.end => {
                    last.words.end = around.end;
                    last.doubt += doubt;
                }
                _ => passages.push(Passage { line, words: around, doubt }),
            }
        }
    }
    passages
}

/// Words of both readings, chosen stretch by stretch; `before` is the word that they follow. A
/// stretch is the least that stands on the same pixels in both.
fn chosen(
    first: Vec<Word>,
    second: Vec<Word>,
    spelling: &Spelling,
    before: Option<&str>,
) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::with_capacity(first.len());
    for stretch in stretches(first, second) {
        let before = words.last().map(|word| word.text.as_str()).or(before);
        words.extend(stretch.choose(spelling, before));
    }
    words
}

/// What both engines read on the same pixels; one of them may have read nothing.
#[derive(Default)]
struct Stretch {
    first: Vec<Word>,
    second: Vec<Word>,
}

/// Sweeps both readings from left to right, and cuts where both have a gap.
fn stretches(first: Vec<Word>, second: Vec<Word>) -> Vec<Stretch> {
    let mut all: Vec<(Word, bool)> = first.into_iter().map(|word| (word, true)).collect();
    all.extend(second.into_iter().map(|word| (word, false)));
    all.sort_by_key(|(word, is_first)| (word.x, !is_first));
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut end = 0;
    for (word, is_first) in all {
        // Boxes of the two don't end at the same pixel: a fifth of a height is no word.
        if stretches.is_empty() || end <= word.x + word.h / 5 {
            stretches.push(Stretch::default());
        }
        end = end.max(word.x + word.w);
        if let Some(stretch) = stretches.last_mut() {
            if is_first { &mut stretch.first } else { &mut stretch.second }.push(word);
        }
    }
    stretches
}

impl Stretch {
    fn choose(self, spelling: &Spelling, before: Option<&str>) -> Vec<Word> {
        let Self { mut first, second } = self;
        let (Some(ours), Some(theirs)) = (Reading::of(&first), Reading::of(&second)) else {
            // What only the second engine saw here is as often dirt as it is a letter.
            return first;
        };
        if ours.text == theirs.text {
            for word in &mut first {
                word.confidence = agreed(word.confidence, theirs.confidence);
            }
            return first;
        }
        let worth = |reading: &Reading| {
            logit(reading.confidence) + LANGUAGE * spelling.worth(&reading.text, before)
        };
        let (mut words, other, engine) = if worth(&theirs) > worth(&ours) + FIRST {
            (second, ours, EngineId::Neural)
        } else {
            (first, theirs, EngineId::Tesseract)
        };
        if let Some(word) = words.first_mut() {
            word.otherwise =
                Some(Otherwise { engine, text: other.text, confidence: other.confidence });
        }
        words
    }
}

/// What one engine read in a stretch.
struct Reading {
    text: String,
    /// Of its least sure word.
    confidence: f32,
}

impl Reading {
    fn of(words: &[Word]) -> Option<Self> {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let confidence = words.iter().map(|word| word.confidence).reduce(f32::min)?;
        Some(Self { text: texts.join(" "), confidence })
    }
}

/// Confidence of what both engines read alike: both are wrong in the same way far less often than
/// either is.
fn agreed(a: f32, b: f32) -> f32 {
    1.0 - (1.0 - a) * (1.0 - b)
}

fn logit(confidence: f32) -> f32 {
    let confidence = confidence.clamp(0.01, 0.99);
    (confidence / (1.0 - confidence)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words in a row, `(text, confidence)`, each 100 pixels wide and 20 from the next.
    fn words(texts: &[(&str, f32)]) -> Vec<Word> {
        let place = |(at, (text, confidence)): (u32, &(&str, f32))| Word {
            text: (*text).to_owned(),
            x: 120 * at,
            w: 100,
            h: 40,
            confidence: *confidence,
            ..Word::default()
        };
        (0_u32..).zip(texts).map(place).collect()
    }

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn a_doubtful_word_is_asked_about_with_its_neighbours() {
        let line = |confidences: &[f32]| Line {
            words: words(&confidences.iter().map(|c| ("nhân", *c)).collect::<Vec<_>>()),
            ..Line::default()
        };
        let lines = [line(&[0.9, 0.9, 0.9, 0.2, 0.9, 0.9, 0.9]), line(&[0.3, 0.9, 0.9, 0.3, 0.3])];
        let found = doubtful(&lines);
        let places: Vec<_> = found.iter().map(|p| (p.line, p.words.clone())).collect();
        assert_eq!(places, [(0, 2..5), (1, 0..5)]);
        assert!(found[0].doubt < found[1].doubt);
    }

    #[test]
    fn what_both_read_is_surer_than_what_one_did() {
        let spelling = Spelling::shipped();
        let chosen = chosen(words(&[("dân", 0.6)]), words(&[("dân", 0.7)]), &spelling, None);
        assert_eq!(texts(&chosen), ["dân"]);
        assert!(chosen[0].confidence > 0.87 && chosen[0].otherwise.is_none());
    }

    #[test]
    fn the_language_decides_between_readings_that_are_equally_sure() {
        let spelling = Spelling::shipped();
        let first = words(&[("Ủy", 0.9), ("ban", 0.9), ("nhần", 0.6), ("dân", 0.9)]);
        let second = words(&[("Ủy", 0.9), ("ban", 0.9), ("nhân", 0.6), ("dân", 0.9)]);
        let chosen = chosen(first, second, &spelling, None);
        assert_eq!(texts(&chosen), ["Ủy", "ban", "nhân", "dân"]);
        let otherwise = chosen[2].otherwise.as_ref().map(|other| (other.engine, &*other.text));
        assert_eq!(otherwise, Some((EngineId::Neural, "nhần")));
    }

    #[test]
    fn a_number_is_chosen_by_the_engines_alone() {
        let spelling = Spelling::shipped();
        let read = |a, b| {
            let (first, second) = (words(&[("001199000013", a)]), words(&[("001199000018", b)]));
            chosen(first, second, &spelling, None).remove(0).text
        };
        assert_eq!(read(0.7, 0.7), "001199000013");
        assert_eq!(read(0.3, 0.9), "001199000018");
    }

    #[test]
    fn what_only_the_second_engine_sees_is_left_out() {
        let spelling = Spelling::shipped();
        let mut second = words(&[("dân", 0.9), ("|", 0.4)]);
        second[1].x = 700;
        let chosen = chosen(words(&[("dân", 0.8)]), second, &spelling, None);
        assert_eq!(texts(&chosen), ["dân"]);
    }
}
