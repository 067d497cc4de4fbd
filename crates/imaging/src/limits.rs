//! What a scan may ask for, and the ways in which it can be refused.

use crate::Format;

/// Caps that are checked against the sizes a scan promises, before anything is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pages of one scan.
    pub max_pages: u32,
    /// Most pixels of one page.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 500 pages, and 80 million pixels: A3 at 600 dots per inch has 70.
    fn default() -> Self {
        Limits { max_pages: 500, max_pixels: 80_000_000 }
    }
}

impl Limits {
    /// The promised size of a page, refused where it is nothing or too much.
    ///
    /// # Errors
    /// [`DecodeError::Broken`] for a page without area, [`DecodeError::TooManyPixels`] past the cap.
    pub(crate) fn check_pixels(&self, width: u64, height: u64) -> Result<(), DecodeError> {
        let pixels = width.saturating_mul(height);
        if pixels == 0 {
            return Err(DecodeError::broken("a page has no area"));
        }
        if pixels > self.max_pixels || u32::try_from(width.max(height)).is_err() {
            return Err(DecodeError::TooManyPixels { pixels, max: self.max_pixels });
        }
        Ok(())
    }

    /// # Errors
    /// [`DecodeError::NoPages`] for none, [`DecodeError::TooManyPages`] past the cap.
    pub(crate) fn check_pages(&self, pages: u64) -> Result<u32, DecodeError> {
        match u32::try_from(pages) {
            Ok(0) => Err(DecodeError::NoPages),
            Ok(count) if count <= self.max_pages => Ok(count),
            _ => Err(DecodeError::TooManyPages { pages, max: self.max_pages }),
        }
    }
}

/// Why a scan or a page of it cannot be decoded. No variant carries anything of the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are none of the accepted formats.
    #[error("the format is not known")]
    UnknownFormat,
    /// There are no bytes.
    #[error("the scan is empty")]
    Empty,
    /// The bytes end early or contradict themselves, or use a corner of the format that no
    /// scanner uses and that isn't read.
    #[error("the scan is broken: {detail}")]
    Broken {
        /// What was found, in our own words: never text from inside the file.
        detail: &'static str,
    },
    /// The PDF opens only with a password.
    #[error("the scan is encrypted")]
    Encrypted,
    /// The file is sound and holds no page.
    #[error("the scan has no pages")]
    NoPages,
    /// More pages than [`Limits::max_pages`].
    #[error("the scan has {pages} pages, at most {max} are taken")]
    TooManyPages {
        /// Pages found, or the first number past the cap where counting stopped there.
        pages: u64,
        /// The cap.
        max: u32,
    },
    /// More pixels than [`Limits::max_pixels`].
    #[error("a page has {pixels} pixels, at most {max} are taken")]
    TooManyPixels {
        /// Pixels promised.
        pixels: u64,
        /// The cap.
        max: u64,
    },
    /// No page has this number.
    #[error("the scan has no page {seq}")]
    NoSuchPage {
        /// The number asked for, from 0.
        seq: u32,
    },
    /// The scan is a PDF, and the caller bound no PDFium.
    #[error("a {} needs PDFium, which is not bound", .format.media_type())]
    NoPdfium {
        /// The format that needs it.
        format: Format,
    },
}

impl DecodeError {
    pub(crate) fn broken(detail: &'static str) -> Self {
        DecodeError::Broken { detail }
    }
}
