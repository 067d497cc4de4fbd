//! What every engine takes and gives.

use schemas::reading::{EngineId, Otherwise, Zone};

/// An upright page in 8-bit grey, 0 black, rows from the top without padding.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
    /// Resolution, in dots per inch; a guess is better than nothing.
    pub dpi: u32,
    /// `width * height` bytes.
    pub grey: &'a [u8],
}

impl<'a> Picture<'a> {
    /// A copy of a part, with `margin` pixels more on each side as far as the picture goes, and the
    /// place of its upper left corner.
    pub(crate) fn part(&self, area: Area, margin: u32) -> (Vec<u8>, Area) {
        let (x, y) = (area.x.saturating_sub(margin), area.y.saturating_sub(margin));
        let right = area.x.saturating_add(area.w).saturating_add(margin).min(self.width);
        let bottom = area.y.saturating_add(area.h).saturating_add(margin).min(self.height);
        let part = Area { x, y, w: right.saturating_sub(x), h: bottom.saturating_sub(y) };
        let rows = self.grey.chunks_exact(self.width as usize);
        let rows = rows.skip(y as usize).take(part.h as usize);
        let grey = rows.flat_map(|row| &row[x as usize..(x + part.w) as usize]).copied().collect();
        (grey, part)
    }

    /// Rows `top` to `bottom`, the latter not among them; cut to what there is.
    pub(crate) fn rows(&self, top: u32, bottom: u32) -> Picture<'a> {
        let bottom = bottom.min(self.height);
        let top = top.min(bottom);
        let width = self.width as usize;
        let grey = self.grey.get(top as usize * width..bottom as usize * width).unwrap_or_default();
        Picture { height: bottom - top, grey, ..*self }
    }

    /// Whether there are as many pixels as width and height say, and any at all.
    pub(crate) fn is_whole(&self) -> bool {
        let pixels = u64::from(self.width) * u64::from(self.height);
        pixels != 0 && u64::try_from(self.grey.len()) == Ok(pixels)
    }
}

/// A line of text as it stands on the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// Block of lines that it belongs to; equal for neighbours in one paragraph or column, and
    /// otherwise without meaning.
    pub block: u32,
    /// Words from left to right; never none.
    pub words: Vec<Word>,
    /// Part of the paper it belongs to; engines don't know.
    pub zone: Zone,
}

impl Line {
    /// The words, a space between them.
    pub(crate) fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// A word, and where it stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    /// The text: NFC, without white space, never empty.
    pub text: String,
    /// Left edge, in pixels of the picture.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
    /// How sure the engine is, from 0 to 1.
    pub confidence: f32,
    /// Who read it so.
    pub engine: EngineId,
    /// What another engine read there, where it differs.
    pub otherwise: Option<Otherwise>,
}

/// A part of a picture, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
}

impl Area {
    /// The smallest that holds all words; none without one.
    pub(crate) fn around(words: &[Word]) -> Option<Self> {
        let x = words.iter().map(|word| word.x).min()?;
        let y = words.iter().map(|word| word.y).min()?;
        let right = words.iter().map(|word| word.x.saturating_add(word.w)).max()?;
        let bottom = words.iter().map(|word| word.y.saturating_add(word.h)).max()?;
        Some(Self { x, y, w: right - x, h: bottom - y })
    }
}

/// Why a picture was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The engine can't start: another picture won't help either.
    #[error("no model for language {language:?} in {folder:?}")]
    NoModel {
        /// Folder that was looked into.
        folder: std::path::PathBuf,
        /// Language that was asked for.
        language: String,
    },
    /// The picture can't be read by this engine, now or later.
    #[error("a picture of {width} by {height} pixels can't be read")]
    Unreadable {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
    },
    /// The engine gave up on the way; a fresh one may do better.
    #[error("the engine stopped: {0}")]
    Stopped(&'static str),
}

/// An OCR engine. Blocking, one a thread, kept warm and used for page after page: what a page
/// left behind in it must not show on the next.
pub trait Engine {
    /// Reads a whole upright picture: lines in the engine's order, boxes inside the picture and
    /// in its pixels. A blank picture has none.
    ///
    /// # Errors
    /// [`ReadError`], where each variant says what may help.
    fn read(&mut self, picture: &Picture<'_>) -> Result<Vec<Line>, ReadError>;
}
