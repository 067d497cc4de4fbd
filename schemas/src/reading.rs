//! What is read off a page. Boxes are in pixels of the upright image, angles in degrees with
//! clockwise positive, confidences from 0 to 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Blake3, KindId};

/// One page, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageReading {
    /// Place in the scan, from 0.
    pub seq: u32,
    /// Width of the upright image, in pixels.
    pub width: u32,
    /// Height of the upright image, in pixels.
    pub height: u32,
    /// Resolution in dots per inch; guessed from the size where the scan doesn't say.
    pub dpi: u32,
    /// Quarter turns that made the page upright: 0, 90, 180 or 270, clockwise.
    pub rotation_deg: u16,
    /// Angle the scan leaned by, after the quarter turns, in degrees, clockwise positive; it
    /// was turned back by as much. 0 where the page is straight or no text line was found.
    pub skew_deg: f32,
    /// Whether nothing is on the page but noise, or the ghost of a seal from the other side.
    pub blank: bool,
    /// blake3 of the page image as it is kept.
    pub blake3: Blake3,
    /// Perceptual hash, 64 hexadecimal digits; near for two scans of the same sheet.
    pub fingerprint: String,
    /// The text, line by line.
    pub text: String,
    /// Mean confidence of the words, weighted by their letters; 0 without words.
    pub confidence: f32,
    /// Words in reading order.
    pub words: Vec<Word>,
    /// QR codes, machine-readable zones, separator sheets.
    pub codes: Vec<Code>,
    /// Kind of paper that the page looks like the first page of.
    pub kind: Option<KindGuess>,
    /// Milliseconds by stage.
    pub millis: BTreeMap<String, u32>,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// The text, NFC.
    pub text: String,
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
    /// How sure the engine is.
    pub confidence: f32,
    /// Line it stands in, counted over the page from 0.
    pub line: u32,
    /// Block of lines it stands in, counted over the page from 0.
    pub block: u32,
}

/// A code on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Code {
    /// What sort.
    pub kind: CodeKind,
    /// What it says; for a machine-readable zone its three lines joined by line feeds.
    pub text: String,
}

/// Sorts of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// QR of an identity card.
    IdentityCard,
    /// Machine-readable zone of an identity card (ICAO 9303 TD1), check digits right.
    Mrz,
    /// Separator sheet: names dossier and component.
    Separator,
    /// Any other QR.
    Other,
}

/// A kind, and how sure we are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KindGuess {
    /// The kind.
    pub id: KindId,
    /// How sure.
    pub confidence: f32,
}

/// How a page image is kept: what a PDF can take as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum PageImage {
    /// A JPEG file; the scan's own bytes where the scan was one.
    Jpeg {
        /// Width in pixels, before the page is turned upright.
        width: u32,
        /// Height in pixels, before the page is turned upright.
        height: u32,
        /// 1 grey, 3 colour.
        components: u8,
    },
    /// CCITT group 4 data (ITU-T T.6) without a container; 0 bits are white.
    Ccitt {
        /// Width in pixels, before the page is turned upright.
        width: u32,
        /// Height in pixels, before the page is turned upright.
        height: u32,
    },
}

impl PageImage {
    /// Width and height before the page is turned upright.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        match *self {
            PageImage::Jpeg { width, height, .. } | PageImage::Ccitt { width, height } => {
                (width, height)
            }
        }
    }

    /// The media type of the bytes.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self {
            PageImage::Jpeg { .. } => "image/jpeg",
            PageImage::Ccitt { .. } => "image/g4",
        }
    }
}
