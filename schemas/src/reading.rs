//! What is read off a page. Boxes are in pixels of the upright image, angles in degrees with
//! clockwise positive, confidences from 0 to 1.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Blake3, KindId, Malformed};

/// Stages that the time on a page is told by, in their order.
pub const STAGES: [&str; 12] = [
    "decode",
    "keep",
    "lift",
    "orient",
    "deskew",
    "codes",
    "blank",
    "flaws",
    "text_layer",
    "read",
    "fingerprint",
    "kind",
];

/// One page, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageReading {
    /// Place in the scan, from 0.
    pub seq: u32,
    /// Width of the upright image, in pixels.
    pub width: u32,
    /// Height of the upright image, in pixels.
    pub height: u32,
    /// Dots per inch across the upright image; guessed from the size where the scan doesn't say.
    pub dpi: u32,
    /// Dots per inch down it, where its pixels aren't square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpi_down: Option<u32>,
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
    #[schema(value_type = String)]
    pub fingerprint: Fingerprint,
    /// The text, line by line.
    pub text: String,
    /// Mean confidence of the words, weighted by their letters; 0 without words.
    pub confidence: f32,
    /// Where the text was taken from.
    #[serde(default)]
    pub text_from: TextSource,
    /// Words in reading order.
    pub words: Vec<Word>,
    /// What stands on the page beside its text: seals, signatures, stamps.
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// Why the page should be scanned again; none where it is good.
    #[serde(default)]
    pub flaws: Vec<Flaw>,
    /// QR codes, machine-readable zones, separator sheets.
    pub codes: Vec<Code>,
    /// Kind of paper that the page looks like the first page of.
    pub kind: Option<KindGuess>,
    /// Milliseconds by stage.
    pub millis: BTreeMap<String, u32>,
}

impl PageReading {
    /// A page of which nothing is known yet but its bytes.
    #[must_use]
    pub fn unread(seq: u32, blake3: Blake3) -> Self {
        Self {
            seq,
            width: 1,
            height: 1,
            dpi: 300,
            dpi_down: None,
            rotation_deg: 0,
            skew_deg: 0.0,
            blank: false,
            blake3,
            fingerprint: Fingerprint::default(),
            text: String::new(),
            confidence: 0.0,
            text_from: TextSource::Pixels,
            words: Vec::new(),
            marks: Vec::new(),
            flaws: Vec::new(),
            codes: Vec::new(),
            kind: None,
            millis: BTreeMap::new(),
        }
    }
}

/// Most bits in which the fingerprints of two scans of the same sheet differ.
///
/// Measured by `imaging`, which makes them, on 29 real pages of 13 scans, most of them with the
/// letterheads of the same three bodies. Each scanned again (turned by up to 1.6°, shifted, at half
/// to full resolution, with noise, paler, as JPEG of quality 40 to 80): half of the 145 differ by
/// 10 bits at most, 95 % by 32; five, of nearly empty pages with toner dust, by more than 64 and
/// aren't known again. Any two different pages: 78 bits and more, half of the 406 pairs 126. Forms
/// filled in for two people may be nearer than that; what they say must agree, too.
pub const SAME_PAPER: u32 = 64;

/// A perceptual hash of a page, 256 bits; 64 lower-case hexadecimal digits in text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u64; 4]);

impl Fingerprint {
    /// Bits in which two fingerprints differ, 0 to 256.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = Malformed("a fingerprint has 64 lower-case hexadecimal digits");
        if text.len() != 64 {
            return Err(malformed);
        }
        let mut words = [0_u64; 4];
        for (word, digits) in words.iter_mut().zip(text.as_bytes().chunks(16)) {
            for digit in digits {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return Err(malformed),
                };
                *word = (*word << 4) | u64::from(value);
            }
        }
        Ok(Self(words))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

/// A word.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
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
    /// How sure we are: of words given 0.9, about nine in ten are right.
    pub confidence: f32,
    /// Line it stands in, counted over the page from 0.
    pub line: u32,
    /// Block of lines it stands in, counted over the page from 0.
    pub block: u32,
    /// Part of the paper it belongs to.
    #[serde(default)]
    pub zone: Zone,
    /// Who read it so.
    #[serde(default)]
    pub engine: EngineId,
    /// What another engine read there, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Otherwise>,
}

/// Another engine's reading of a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Otherwise {
    /// Who.
    pub engine: EngineId,
    /// What it read; may be several words.
    pub text: String,
    /// How sure it was.
    pub confidence: f32,
}

/// Where a page's text was taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// The engines read it off the pixels.
    #[default]
    Pixels,
    /// The PDF's own text, which agrees with the pixels.
    TextLayer,
}

/// Who read a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineId {
    /// The line recogniser: text detection and recognition by neural networks.
    Neural,
    /// Tesseract.
    #[default]
    Tesseract,
    /// Nobody: the PDF said so itself.
    TextLayer,
}

/// Parts of an official paper (Decree 30/2020/NĐ-CP, appendix I), and of papers in general.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Name of the state and motto.
    Motto,
    /// Name of the issuing body.
    Issuer,
    /// Number and symbol.
    Number,
    /// Place and date.
    PlaceDate,
    /// Name of the paper's type, and what it is about.
    Title,
    /// The text proper.
    #[default]
    Body,
    /// A cell of a table.
    Table,
    /// Recipients.
    Recipients,
    /// Office, title and name of who signs.
    Signature,
    /// Page number.
    PageNumber,
    /// What was put over the page later: the box of a digital signature, an incoming stamp.
    Overlay,
}

/// Something on a page that isn't text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    /// What.
    pub kind: MarkKind,
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
    /// How sure.
    pub confidence: f32,
}

/// Sorts of mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Round seal of an agency.
    Seal,
    /// Rectangular stamp.
    Stamp,
    /// Signature by hand.
    Signature,
}

/// What is wrong with a scan of a page, so that it should be scanned again while the paper is
/// still at the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Too dark to read.
    TooDark,
    /// Too light to read.
    TooLight,
    /// Out of focus, or moved.
    Blurred,
    /// Text runs over an edge of the image.
    CutOff,
    /// Letters of too few pixels.
    TooCoarse,
    /// Two sheets were drawn in at once.
    TwoSheets,
    /// The sheet lay on its head or on its side.
    UpsideDown,
}

impl Flaw {
    /// What the officer at the counter reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Flaw::TooDark => "Ảnh quá tối. Hãy quét lại với độ sáng cao hơn.",
            Flaw::TooLight => "Ảnh quá nhạt. Hãy quét lại với độ tương phản cao hơn.",
            Flaw::Blurred => "Ảnh bị mờ. Hãy giữ giấy phẳng, lau kính rồi quét lại.",
            Flaw::CutOff => "Trang bị cắt mất chữ ở mép. Hãy đặt lại giấy rồi quét lại.",
            Flaw::TooCoarse => "Độ phân giải quá thấp. Hãy quét lại từ 200 dpi trở lên.",
            Flaw::TwoSheets => "Hai tờ bị kéo cùng lúc. Hãy tách ra rồi quét lại từng tờ.",
            Flaw::UpsideDown => "Trang nằm ngược hoặc nằm ngang. Ảnh đã được xoay; hãy kiểm tra.",
        }
    }
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
    /// A PNG file with a palette, one byte a pixel, not interlaced, without transparency: a page
    /// of one bit a pixel that something coloured was printed on.
    Png {
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
            PageImage::Jpeg { width, height, .. }
            | PageImage::Ccitt { width, height }
            | PageImage::Png { width, height } => (width, height),
        }
    }

    /// The media type of the bytes.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self {
            PageImage::Jpeg { .. } => "image/jpeg",
            PageImage::Ccitt { .. } => "image/g4",
            PageImage::Png { .. } => "image/png",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_in_64_digits_and_read_again() {
        let print = Fingerprint([0x0123_4567_89ab_cdef, 0, u64::MAX, 10]);
        let text = print.to_string();
        assert_eq!(text, "0123456789abcdef0000000000000000ffffffffffffffff000000000000000a");
        assert_eq!(text.parse(), Ok(print));
        for wrong in
            ["", "12", &text[1..], &format!("{}g", &text[1..]), &format!("+{}", &text[1..])]
        {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
        assert!(text.to_uppercase().parse::<Fingerprint>().is_err());
        assert!("é".repeat(32).parse::<Fingerprint>().is_err());
    }

    #[test]
    fn fingerprints_are_compared_bit_by_bit() {
        let zero = Fingerprint::default();
        assert_eq!(zero.distance(zero), 0);
        assert_eq!(zero.distance(Fingerprint([0xf << 60, 0, 0, 1])), 5);
        assert_eq!(zero.distance(Fingerprint([u64::MAX; 4])), 256);
    }

    #[test]
    fn a_reading_with_something_else_for_a_fingerprint_is_refused() {
        let page = PageReading::unread(0, Blake3([0; 32]));
        let told = serde_json::to_string(&page).unwrap();
        let zeros = format!("\"fingerprint\":\"{}\"", "0".repeat(64));
        assert!(told.contains(&zeros), "{told}");
        assert_eq!(serde_json::from_str::<PageReading>(&told).unwrap(), page);
        for wrong in ["\"fingerprint\":\"\"".to_owned(), zeros.replace("00", "0G")] {
            let told = told.replace(&zeros, &wrong);
            assert!(serde_json::from_str::<PageReading>(&told).is_err(), "{wrong}");
        }
    }
}
