//! Tesseract 5 (LSTM) behind [`Engine`].
//!
//! Its threads cost more than they give: `OMP_THREAD_LIMIT=1` must be in the environment before
//! the process starts (setting it later has no effect), or a page takes three times the CPU.

use std::ffi::CString;
use std::path::Path;

use tesseract_plumbing::TessBaseApi;
use tesseract_plumbing::tesseract_sys::{TessOcrEngineMode_OEM_LSTM_ONLY, TessPageSegMode_PSM_AUTO};
use unicode_normalization::UnicodeNormalization;

use crate::engine::{Engine, Line, Picture, ReadError, Word};
use crate::scale;

/// Longest side that Tesseract takes, in pixels: it keeps coordinates in 16 bits.
const LONGEST_SIDE: u32 = 32_767;

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
        let missing = || ReadError::NoModel { folder: folder.to_owned(), language: language.to_owned() };
        let path = CString::new(folder.as_os_str().as_encoded_bytes()).map_err(|_| missing())?;
        let name = CString::new(language).map_err(|_| missing())?;
        let mut api = TessBaseApi::create();
        api.init_4(Some(&path), Some(&name), TessOcrEngineMode_OEM_LSTM_ONLY).map_err(|_| missing())?;
        api.set_page_seg_mode(TessPageSegMode_PSM_AUTO);
        // What it would say on standard error about every second page helps nobody.
        api.set_variable(c"debug_file", c"/dev/null")
            .map_err(|_| ReadError::Stopped("a setting was refused"))?;
        Ok(Self { api })
    }
}

impl Engine for Tesseract {
    fn read(&mut self, picture: &Picture<'_>) -> Result<Vec<Line>, ReadError> {
        let refused = || ReadError::Unreadable { width: picture.width, height: picture.height };
        if !picture.is_whole() || LONGEST_SIDE < picture.width.max(picture.height) {
            return Err(refused());
        }
        let scaled = scale::for_reading(picture, LONGEST_SIDE);
        let seen = scaled.as_ref().map_or(*picture, |scaled| scaled.picture());
        let int = |n: u32| i32::try_from(n).map_err(|_| refused());
        // 8-bit grey; the bytes are counted here because the wrapper multiplies in 32 bits.
        int(u32::try_from(seen.grey.len()).map_err(|_| refused())?)?;
        self.api
            .set_image(seen.grey, int(seen.width)?, int(seen.height)?, 1, int(seen.width)?)
            .map_err(|_| refused())?;
        // A new image forgets the resolution of the last, so it comes after.
        self.api.set_source_resolution(int(seen.dpi.clamp(70, 2400))?);
        self.api.recognize().map_err(|_| ReadError::Stopped("recognition failed"))?;
        let table = self.api.get_tsv_text(0).map_err(|_| ReadError::Stopped("no table of words"))?;
        let lines = lines_of(&table.as_ref().to_string_lossy());
        Ok(scale::back(lines, &seen, picture))
    }
}

/// Lines from Tesseract's table: one row a page, block, paragraph, line or word (level 5), with
/// the columns level, page, block, paragraph, line, word, left, top, width, height, confidence
/// in percent, text.
fn lines_of(table: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut at = None;
    for row in table.lines() {
        let Some((place, word)) = word_of(row) else { continue };
        match lines.last_mut().filter(|_| at == Some(place)) {
            Some(line) => line.words.push(word),
            None => lines.push(Line { block: place.0, words: vec![word] }),
        }
        at = Some(place);
    }
    lines
}

/// A word and the block, paragraph and line it stands in; none for other rows and for pictures,
/// which Tesseract passes off as words of one space.
fn word_of(row: &str) -> Option<((u32, u32, u32), Word)> {
    let mut columns = row.splitn(12, '\t');
    let mut number = || columns.next()?.parse::<u32>().ok();
    let level = number()?;
    let (_page, block, paragraph, line, _word) = (number()?, number()?, number()?, number()?, number()?);
    let (x, y, w, h) = (number()?, number()?, number()?, number()?);
    let percent: f32 = columns.next()?.parse().ok()?;
    let text: String = columns.next()?.split_whitespace().collect::<String>().nfc().collect();
    let confidence = (percent / 100.0).clamp(0.0, 1.0);
    let is_word = level == 5 && !text.is_empty();
    is_word.then_some(((block, paragraph, line), Word { text, x, y, w, h, confidence }))
}
