//! What a page states of its own text, in pixels.

use crate::Area;

/// A page's own text: what it draws as letters, in the order of its content. It may be garbled,
/// or not be what can be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLayer {
    /// The words; never none.
    pub words: Vec<LayerWord>,
}

/// A word as the page states it.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWord {
    /// The text as stated: not composed, and maybe with characters that are none.
    pub text: String,
    /// Where its ink is.
    pub area: Area,
    /// Its place in the row, as high as the typeface reaches.
    pub row: Area,
    /// Line that it is drawn in, counted over the page.
    pub line: u32,
    /// Typeface, by number.
    pub font: usize,
    /// Whether a signature printed it there, over the page's content.
    pub printed: bool,
}
