//! Two engines, one text.
//!
//! The neural engine reads the page. Tesseract is asked about the lines where that one is in
//! doubt, and where they differ one of the two is chosen, word by word; nothing is put together
//! that neither of them read. What was not chosen is kept beside the word.

use schemas::reading::{EngineId, Otherwise};

use crate::engine::{Area, Engine, Line, Picture, ReadError, Word};
use crate::neural::Neural;
use crate::spelling::Spelling;
use crate::tesseract::Tesseract;

/// A word that is less sure than this is asked about.
const DOUBT: f32 = 0.9;
/// Lines that are asked about at most; one costs about 25 ms.
const MOST_LINES: usize = 12;

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
        let mut doubtful: Vec<usize> =
            (0..lines.len()).filter(|at| doubt(&lines[*at]) > 0.0).collect();
        doubtful.sort_by(|a, b| doubt(&lines[*b]).total_cmp(&doubt(&lines[*a])));
        for at in doubtful.into_iter().take(MOST_LINES) {
            let Some(area) = Area::around(&lines[at].words) else { continue };
            let second = self.second.read_line(picture, area)?;
            if !second.is_empty() {
                let first = std::mem::take(&mut lines[at].words);
                lines[at].words = chosen(first, second, self.first.spelling());
            }
        }
        Ok(lines)
    }
}

/// How much a line is in doubt: what its words lack to [`DOUBT`].
fn doubt(line: &Line) -> f32 {
    line.words.iter().map(|word| (DOUBT - word.confidence).max(0.0)).sum()
}

/// Words of both readings, chosen stretch by stretch. A stretch is the least that stands on the
/// same pixels in both.
fn chosen(first: Vec<Word>, second: Vec<Word>, spelling: &Spelling) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::with_capacity(first.len());
    for stretch in stretches(first, second) {
        let before = words.last().map(|word| word.text.as_str());
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

/// Weight of the language model's logarithm against the engines' confidences.
const LANGUAGE: f32 = 0.5;
/// By how much, in log odds, the first engine is believed rather than the second.
const FIRST: f32 = 0.5;

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
