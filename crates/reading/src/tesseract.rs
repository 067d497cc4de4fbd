//! Tesseract 5 (LSTM) behind [`Engine`].
//!
//! Its threads cost more than they give: `OMP_THREAD_LIMIT=1` must be in the environment before
//! the process starts (setting it later has no effect), or a page takes three times the CPU.

use std::ffi::CString;
use std::path::Path;

use tesseract_plumbing::TessBaseApi;
use tesseract_plumbing::tesseract_sys::{
    TessOcrEngineMode_OEM_LSTM_ONLY, TessPageSegMode, TessPageSegMode_PSM_AUTO,
    TessPageSegMode_PSM_SINGLE_LINE, TessPageSegMode_PSM_SPARSE_TEXT,
};
use unicode_normalization::UnicodeNormalization;

use crate::engine::{Area, Engine, Line, Picture, ReadError, Word};
use crate::scale;

/// Longest side that Tesseract takes, in pixels: it keeps coordinates in 16 bits.
const LONGEST_SIDE: u32 = 32_767;

/// Figures of a page that are looked into at most; one costs about 0.1 s.
const MOST_FIGURES: usize = 4;

/// An engine with its model in memory, about 60 MB.
pub struct Tesseract {
    api: TessBaseApi,
}

impl Tesseract {
    /// Loads `FOLDER/LANGUAGE.traineddata`; Debian's folder is
    /// `/usr/share/tesseract-ocr/5/tessdata`.
    ///
    /// # Errors
    /// [`ReadError::NoModel`] when there is no such model, or not one for LSTM.
    pub fn open(folder: &Path, language: &str) -> Result<Self, ReadError> {
        let missing =
            || ReadError::NoModel { folder: folder.to_owned(), language: language.to_owned() };
        let path = CString::new(folder.as_os_str().as_encoded_bytes()).map_err(|_| missing())?;
        let name = CString::new(language).map_err(|_| missing())?;
        let mut api = TessBaseApi::create();
        api.init_4(Some(&path), Some(&name), TessOcrEngineMode_OEM_LSTM_ONLY)
            .map_err(|_| missing())?;
        // What it would say on standard error about every second page helps nobody.
        api.set_variable(c"debug_file", c"/dev/null")
            .map_err(|_| ReadError::Stopped("a setting was refused"))?;
        Ok(Self { api })
    }
}

impl Engine for Tesseract {
    fn read(&mut self, picture: &Picture<'_>) -> Result<Vec<Line>, ReadError> {
        if !picture.is_whole() {
            return Err(ReadError::Unreadable { width: picture.width, height: picture.height });
        }
        let scaled = scale::for_reading(picture);
        let seen = scaled.as_ref().map_or(*picture, |scaled| scaled.picture());
        self.set(&seen, TessPageSegMode_PSM_AUTO)?;
        let found = self.recognised()?;
        let lines = self.look_into_figures(found, &seen)?;
        Ok(scale::back(lines, &seen, picture))
    }
}

impl Tesseract {
    /// Words of one line of the picture, in its pixels.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(crate) fn read_line(
        &mut self,
        picture: &Picture<'_>,
        area: Area,
    ) -> Result<Vec<Word>, ReadError> {
        let (grey, part) = picture.part(area, area.h / 4);
        if part.w < 4 || part.h < 4 {
            return Ok(Vec::new());
        }
        let line = Picture { width: part.w, height: part.h, dpi: picture.dpi, grey: &grey };
        let scaled = scale::for_reading(&line);
        let seen = scaled.as_ref().map_or(line, |scaled| scaled.picture());
        self.set(&seen, TessPageSegMode_PSM_SINGLE_LINE)?;
        let lines = scale::back(self.recognised()?.lines, &seen, &line);
        let words = lines.into_iter().flat_map(|line| line.words);
        Ok(words.map(|word| Word { x: word.x + part.x, y: word.y + part.y, ..word }).collect())
    }

    /// Takes a picture, and how it is to be looked at.
    fn set(&mut self, seen: &Picture<'_>, mode: TessPageSegMode) -> Result<(), ReadError> {
        let refused = || ReadError::Unreadable { width: seen.width, height: seen.height };
        let int = |n: u32| i32::try_from(n).map_err(|_| refused());
        // The wrapper multiplies the sides in 32 bits.
        if LONGEST_SIDE < seen.width.max(seen.height) || i32::try_from(seen.grey.len()).is_err() {
            return Err(refused());
        }
        self.api.set_page_seg_mode(mode);
        self.api
            .set_image(seen.grey, int(seen.width)?, int(seen.height)?, 1, int(seen.width)?)
            .map_err(|_| refused())?;
        // A new image forgets the resolution of the last, so it comes after.
        self.api.set_source_resolution(int(seen.dpi.clamp(70, 2400))?);
        Ok(())
    }

    /// What is found on the image that was set.
    fn recognised(&mut self) -> Result<Found, ReadError> {
        self.api.recognize().map_err(|_| ReadError::Stopped("recognition failed"))?;
        let table =
            self.api.get_tsv_text(0).map_err(|_| ReadError::Stopped("no table of words"))?;
        Ok(Found::from_table(&table.as_ref().to_string_lossy()))
    }

    /// The lines, and those within what Tesseract took for figures. A seal over a signature
    /// makes one of the whole block, and with it goes the signer's office and name; so the
    /// largest figures are read once more, as scattered text, and what is sure is kept.
    fn look_into_figures(
        &mut self,
        found: Found,
        seen: &Picture<'_>,
    ) -> Result<Vec<Line>, ReadError> {
        let Found { mut lines, mut figures } = found;
        figures.retain(|f| seen.dpi / 3 < f.h && seen.dpi / 2 < f.w);
        figures.sort_by_key(|f| std::cmp::Reverse(u64::from(f.w) * u64::from(f.h)));
        figures.truncate(MOST_FIGURES);
        // From the last on, so that the places of the others stay right.
        figures.sort_by_key(|f| std::cmp::Reverse(f.after));
        let last_block = lines.iter().map(|line| line.block).max().unwrap_or_default();
        for (block, figure) in (last_block + 1..).zip(figures) {
            let int = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
            self.api.set_page_seg_mode(TessPageSegMode_PSM_SPARSE_TEXT);
            self.api.set_rectangle(int(figure.x), int(figure.y), int(figure.w), int(figure.h));
            let within = self.recognised()?.lines;
            let sure =
                within.into_iter().filter_map(|line| surely_text(line, block)).collect::<Vec<_>>();
            lines.splice(figure.after..figure.after, sure);
        }
        Ok(lines)
    }
}

/// What of a line in a figure is text for sure: seals and signatures give letters, too, but
/// unsure ones.
fn surely_text(mut line: Line, block: u32) -> Option<Line> {
    line.words.retain(|word| 0.4 < word.confidence);
    let letters = line.words.iter().flat_map(|w| w.text.chars()).filter(|c| c.is_alphanumeric());
    let count = f32::from(u16::try_from(line.words.len()).ok()?);
    let mean = line.words.iter().map(|w| w.confidence).sum::<f32>() / count;
    (2 < letters.count() && 0.7 < mean).then_some(Line { block, ..line })
}

/// What a look at an image gave.
struct Found {
    lines: Vec<Line>,
    figures: Vec<Figure>,
}

/// A stretch of the page that Tesseract doesn't take for text.
struct Figure {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
    /// Lines that come before it.
    after: usize,
}

impl Found {
    /// From Tesseract's table: one row a page, block, paragraph, line or word (level 5), with
    /// the columns level, page, block, paragraph, line, word, left, top, width, height,
    /// confidence in percent, text. A figure is a word of spaces.
    fn from_table(table: &str) -> Self {
        let mut found = Self { lines: Vec::new(), figures: Vec::new() };
        let mut at = None;
        for row in table.lines() {
            let Some((place, word)) = word_of(row) else { continue };
            if word.text.is_empty() {
                let Word { x, y, w, h, .. } = word;
                found.figures.push(Figure { x, y, w, h, after: found.lines.len() });
                continue;
            }
            match found.lines.last_mut().filter(|_| at == Some(place)) {
                Some(line) => line.words.push(word),
                None => {
                    found.lines.push(Line { block: place.0, words: vec![word], ..Line::default() })
                }
            }
            at = Some(place);
        }
        found
    }
}

/// The word of a row, with the block, paragraph and line it stands in; none for other rows.
fn word_of(row: &str) -> Option<((u32, u32, u32), Word)> {
    let mut columns = row.splitn(12, '\t');
    let mut number = || columns.next()?.parse::<u32>().ok();
    let level = number()?;
    let (_page, block, paragraph, line, _word) =
        (number()?, number()?, number()?, number()?, number()?);
    let (x, y, w, h) = (number()?, number()?, number()?, number()?);
    let percent: f32 = columns.next()?.parse().ok()?;
    let text = columns.next()?.split_whitespace().collect::<String>().nfc().collect();
    let confidence = (percent / 100.0).clamp(0.0, 1.0);
    (level == 5).then_some((
        (block, paragraph, line),
        Word { text, x, y, w, h, confidence, ..Word::default() },
    ))
}
