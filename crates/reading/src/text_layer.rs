//! A page's own text instead of what an engine reads: only where it is what the page shows.
//!
//! A PDF may state anything: garbage from typefaces of before Unicode, text under a picture, text
//! in white, a few words on a scan. So the text is held against the picture three times, from
//! cheap to dear: its letters make sense, it lies where there is ink and nowhere else is ink, and
//! some lines read by the engine, of every typeface, say the same.

mod ink;
mod letters;
mod lines;
mod sample;

use crate::engine::{Engine, Line, Picture, ReadError};

pub use lines::LayerWord;

/// Confidence of words that are taken over. Not 1: only a few lines were compared.
const CONFIDENCE: f32 = 0.99;

/// Share of the letters that may lie where nothing is to be seen: places for signatures are
/// marked by words in white.
const UNSEEN: f32 = 0.1;

/// Why a page's own text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// There is none.
    Nothing,
    /// Its letters are none of Vietnamese print.
    Garbled,
    /// Much of it can't be seen on the page.
    Unseen,
    /// Much of what can be seen isn't in it.
    Partial,
    /// The engine reads other words there.
    ReadsDifferently,
}

/// The lines of a page by its own words, which stand in the order of its content, in pixels of
/// the upright picture; or why they aren't what it shows. Ink within `overlays` (left, top,
/// width, height) need not be in the text.
///
/// # Errors
/// The engine's, which reads a few lines.
pub fn stated_lines(
    words: Vec<LayerWord>,
    overlays: &[(u32, u32, u32, u32)],
    picture: &Picture<'_>,
    engine: &mut dyn Engine,
) -> Result<Result<Vec<Line>, Disagreement>, ReadError> {
    let mut words = words;
    words.iter_mut().for_each(LayerWord::tidy);
    words.retain(|word| !word.text.is_empty());
    if letters::count(&words) == 0 {
        return Ok(Err(Disagreement::Nothing));
    }
    if letters::are_garbled(&words) {
        return Ok(Err(Disagreement::Garbled));
    }
    let all = letters::count(&words);
    words.retain(|word| ink::is_seen(picture, word));
    if (1.0 - UNSEEN) * ratio(all, 1) > ratio(letters::count(&words), 1) {
        return Ok(Err(Disagreement::Unseen));
    }
    if ink::UNSTATED < ink::unstated(picture, &words, overlays) {
        return Ok(Err(Disagreement::Partial));
    }
    let rows = lines::of_words(words);
    if sample::MISREAD < sample::misread(&rows, picture, engine)? {
        return Ok(Err(Disagreement::ReadsDifferently));
    }
    Ok(Ok(lines::as_read(rows, CONFIDENCE)))
}

/// Shares of counts that are far below 2²⁴.
fn ratio(part: usize, whole: usize) -> f32 {
    let float = |count: usize| u32::try_from(count).unwrap_or(u32::MAX) as f32;
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}
