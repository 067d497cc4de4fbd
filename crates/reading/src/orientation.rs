//! Whether a page stands on its feet, by reading a little of it both ways.

use crate::engine::{Engine, Line, Picture, ReadError};

/// Height of the band that is read, in inches: three lines of a letter.
const BAND_INCHES: f32 = 0.6;
/// This many letters as sure as this leave nothing to ask: upside down, the same lines of the
/// real scans are at 0.5.
const ENOUGH_LETTERS: f32 = 30.0;
const SURE: f32 = 0.8;

/// Whether a picture whose text runs horizontally is upright, not upside down. Reads the band
/// with the most ink changes both ways, so ask only where the pixels alone don't tell. True
/// where neither way gives text.
///
/// # Errors
/// The engine's.
pub fn right_way_up(engine: &mut dyn Engine, picture: &Picture<'_>) -> Result<bool, ReadError> {
    if !picture.is_whole() {
        return Err(ReadError::Unreadable { width: picture.width, height: picture.height });
    }
    let band = busiest_band(picture);
    let (letters, upright) = sense(&engine.read(&band)?);
    if ENOUGH_LETTERS <= letters && SURE * SURE * letters <= upright {
        return Ok(true);
    }
    let turned: Vec<u8> = band.grey.iter().rev().copied().collect();
    let (_, upside_down) = sense(&engine.read(&Picture { grey: &turned, ..band })?);
    Ok(upside_down <= upright)
}

/// How many letters and digits the lines have, and how much sense they make: each counts by the
/// confidence of its word squared, for text upside down gives as many, but unsure ones.
fn sense(lines: &[Line]) -> (f32, f32) {
    let letters = |text: &str| {
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        f32::from(u16::try_from(letters).unwrap_or(u16::MAX))
    };
    let words = lines.iter().flat_map(|line| &line.words);
    words.fold((0.0, 0.0), |(all, sense), word| {
        let letters = letters(&word.text);
        (all + letters, sense + letters * word.confidence * word.confidence)
    })
}

/// The rows of the picture, [`BAND_INCHES`] high, where grey changes most often along the rows:
/// text does that more than seals, lines or shadows. Its edges are moved to the emptiest rows
/// near, so that they cut no line of text.
fn busiest_band<'a>(picture: &Picture<'a>) -> Picture<'a> {
    let width = picture.width as usize;
    let busy: Vec<u64> = picture.grey.chunks_exact(width).map(changes).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
    let rows = (picture.dpi.clamp(70, 1200) as f32 * BAND_INCHES) as usize;
    if busy.len() <= rows {
        return *picture;
    }
    let sums: Vec<u64> = busy.windows(rows).map(|window| window.iter().sum()).collect();
    let start = (0..sums.len()).max_by_key(|at| sums[*at]).unwrap_or_default();
    let emptiest = |from: usize, to: usize| {
        let near = from..to.min(busy.len());
        near.min_by_key(|row| busy[*row]).unwrap_or(from)
    };
    // A quarter of the band is more than the pitch of common lines.
    let top = emptiest(start.saturating_sub(rows / 4), start + 1);
    let bottom = emptiest(start + rows - 1, start + rows + rows / 4);
    let row = |row: usize| u32::try_from(row).unwrap_or(picture.height);
    picture.rows(row(top), row(bottom + 1))
}

/// How often a row goes from paper to ink or back.
fn changes(row: &[u8]) -> u64 {
    /// Steps of grey between neighbours that paper grain doesn't make.
    const STEP: u8 = 48;
    row.windows(2).map(|pair| u64::from(STEP < pair[0].abs_diff(pair[1]))).sum()
}
