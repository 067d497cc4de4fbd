//! Filed pages become one PDF/A-2u (ISO 19005-2): the images exactly as they are kept, turned
//! upright by the page's transform instead of being coded again, over an invisible text layer
//! that a viewer searches and selects in.
//!
//! A sealed file may then be signed, more than once: [`make_room`] adds an update with a hole for
//! a signature, and what that shows on the page.
//!
//! Equal input gives equal bytes: dates come from the caller, the file's id from its content.
//! Nothing of a reading is trusted, since it comes from a process that may go wrong.

mod document;

mod jpeg;
mod picture;
mod png;
mod sheet;

mod font;
mod layer;

mod flate;
mod metadata;

mod plain;
mod room;
mod seen;
mod shown;

use schemas::reading::{PageImage, PageReading};

pub use room::{Mark, Room, RoomError, make_room};
pub use seen::Sealed;
pub use shown::Corner;

/// A page on its way into a document.
#[derive(Debug, Clone, Copy)]
pub struct SealPage<'a> {
    /// How the bytes are coded.
    pub image: PageImage,
    /// The page image as it is kept; goes into the PDF unchanged.
    pub bytes: &'a [u8],
    /// What was read off it, and how it was turned upright.
    pub reading: &'a PageReading,
}

/// What the document says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Title<'a> {
    /// Shown in the viewer's title bar.
    pub title: &'a str,
    /// One line more, where there is one.
    pub subject: Option<&'a str>,
    /// Program and version, `Sohoa 0.1.0`.
    pub creator_tool: &'a str,
    /// When the document was made; kept to the second, in UTC.
    pub created: jiff::Timestamp,
}

/// Makes the PDF.
///
/// Words are set in the order of the reading, each in its box, boxes clamped into the page.
/// Characters that a text layer can't carry (outside the basic plane, private use) become
/// U+FFFD, invisible ones are dropped.
///
/// # Errors
/// When there is no page, when an image isn't what it is said to be or of a sort that PDF/A
/// can't hold, and when a reading can't be of its image.
pub fn seal(pages: &[SealPage], title: &Title) -> Result<Vec<u8>, SealError> {
    document::write(pages, title)
}

/// Why a document can't be sealed. Pages are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is nothing to seal.
    #[error("a document needs a page")]
    NoPages,
    /// The image can't go into a PDF/A as it is; another image of the page could.
    #[error("image of page {page}: {fault}")]
    Image {
        /// Place in the document.
        page: usize,
        /// What is wrong.
        fault: ImageFault,
    },
    /// The reading can't be of this image; the page has to be read again.
    #[error("reading of page {page}: {fault}")]
    Reading {
        /// Place in the document.
        page: usize,
        /// What is wrong.
        fault: ReadingFault,
    },
    /// The colour profile could not be made; a fault of the program.
    #[error("the sRGB profile can't be written")]
    Profile,
}

/// What is wrong with a page image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    /// No bytes.
    #[error("no data")]
    Empty,
    /// Width or height is 0, or more than a PDF can count.
    #[error("no usable size")]
    Size,
    /// Said to be JPEG, but it doesn't start like one or ends before its frame header.
    #[error("not a JPEG")]
    NotJpeg,
    /// Said to be PNG, but it doesn't start like one or ends early.
    #[error("not a PNG")]
    NotPng,
    /// A PNG of another sort than one with a palette of one byte a pixel.
    #[error("a PNG without a plain palette")]
    PngCoding,
    /// A JPEG that PDF readers don't know: lossless, arithmetic, hierarchical, 12 bits.
    #[error("a sort of JPEG that PDF doesn't know")]
    JpegCoding,
    /// Neither grey nor three colours: inks, for instance.
    #[error("neither grey nor RGB")]
    Components,
    /// The file's header contradicts what is said about it.
    #[error("the header disagrees with the description")]
    Disagrees,
}

/// What is wrong with a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadingFault {
    /// Width or height is 0, or the proportions aren't the image's.
    #[error("its size can't be that of the image")]
    Size,
    /// The resolution is 0.
    #[error("no resolution")]
    Resolution,
    /// The turn isn't a quarter turn, or the lean isn't between -45° and 45°.
    #[error("no usable angle")]
    Angle,
    /// More words than a page can have.
    #[error("too many words")]
    Words,
}
