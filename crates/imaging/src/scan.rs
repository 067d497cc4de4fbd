//! An opened scan and its decoded pages: the one door to every format.

use std::borrow::Cow;

use schemas::signature::DigitalSignature;

use crate::dpi::Dpi;
use crate::pdf::{Pdf, PdfScan};
use crate::tiff_file::TiffScan;
use crate::{Area, DecodeError, Format, Grey, Limits, Pixels, TextLayer, jpeg2000, single};

/// A scan whose pages can be taken one by one, in any order.
pub struct Scan<'a> {
    format: Format,
    limits: Limits,
    pages: u32,
    opened: Opened<'a>,
}

enum Opened<'a> {
    Single(&'a [u8]),
    Tiff(TiffScan<'a>),
    Pdf(PdfScan<'a>),
}

/// A page as it was scanned: nothing turned yet.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    /// The pixels.
    pub pixels: Pixels,
    /// Dots per inch across the page; guessed from the size where the scan doesn't say.
    pub dpi: u32,
    /// Dots per inch down the page: another number where the pixels aren't square.
    pub dpi_down: u32,
    /// Quarter turns that the scan itself asks for (EXIF orientation, `/Rotate` of a PDF page),
    /// clockwise: 0, 90, 180 or 270. Not yet applied to `pixels`.
    pub rotation_deg: u16,
    /// Whether the page has one bit a pixel: every tone is 0 or 255.
    pub bilevel: bool,
    /// Whether the page has one bit a pixel but for what signatures printed over it.
    pub(crate) printed_on: bool,
    /// The page's own text, where a PDF draws it and it isn't a scan.
    pub text: Option<TextLayer>,
    /// Where digital signatures print themselves over the page.
    pub overlays: Vec<Area>,
    /// The JPEG that shows exactly this page, as the scan holds it.
    pub(crate) jpeg: Option<Cow<'a, [u8]>>,
    /// The grey to measure and read, where it isn't that of the pixels.
    pub(crate) lifted: Option<Grey>,
}

impl Decoded<'_> {
    /// A page that is kept by encoding its pixels anew.
    pub(crate) fn of(pixels: Pixels, dpi: Dpi) -> Decoded<'static> {
        Decoded {
            pixels,
            dpi: dpi.across,
            dpi_down: dpi.down,
            rotation_deg: 0,
            bilevel: false,
            printed_on: false,
            text: None,
            overlays: Vec::new(),
            jpeg: None,
            lifted: None,
        }
    }

    /// The page on its own, when the scan's bytes go.
    #[must_use]
    pub fn into_owned(self) -> Decoded<'static> {
        let jpeg = self.jpeg.map(|bytes| Cow::Owned(bytes.into_owned()));
        Decoded {
            pixels: self.pixels,
            dpi: self.dpi,
            dpi_down: self.dpi_down,
            rotation_deg: self.rotation_deg,
            bilevel: self.bilevel,
            printed_on: self.printed_on,
            text: self.text,
            overlays: self.overlays,
            jpeg,
            lifted: self.lifted,
        }
    }

    /// The page without colour, and without what was lifted off it (see [`lift`](crate::lift)).
    #[must_use]
    pub fn grey(&self) -> Grey {
        self.lifted.clone().unwrap_or_else(|| self.pixels.grey())
    }

    pub(crate) fn take_grey(&mut self) -> Grey {
        self.lifted.take().unwrap_or_else(|| self.pixels.grey())
    }
}

impl<'a> Scan<'a> {
    /// Opens a scan: tells its format, counts its pages, checks what it promises. `pdfium` is
    /// needed for PDFs only.
    ///
    /// # Errors
    /// [`DecodeError::NoPdfium`] for a PDF without a bound library, else what is wrong with the
    /// scan as a whole. What is wrong with one page shows at [`Scan::page`].
    pub fn open(
        bytes: &'a [u8],
        limits: Limits,
        pdfium: Option<&'a Pdf>,
    ) -> Result<Scan<'a>, DecodeError> {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        let format = Format::of(bytes).ok_or(DecodeError::UnknownFormat)?;
        let (opened, pages) = match format {
            Format::Pdf => {
                let pdfium = pdfium.ok_or(DecodeError::NoPdfium { format })?;
                let scan = PdfScan::open(pdfium, bytes)?;
                let pages = scan.page_count();
                (Opened::Pdf(scan), pages)
            }
            Format::Tiff => {
                let scan = TiffScan::open(bytes, limits.max_pages)?;
                let pages = scan.page_count();
                (Opened::Tiff(scan), pages)
            }
            Format::Jpeg | Format::Png | Format::WebP | Format::Bmp | Format::Jp2 | Format::J2c => {
                (Opened::Single(bytes), 1)
            }
        };
        Ok(Scan { format, limits, pages: limits.check_pages(pages)?, opened })
    }

    /// The format, as its content tells.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Pages, at least 1.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.pages
    }

    /// The digital signatures of a PDF, and whether the bytes they cover are still the same; none
    /// for other formats. Hashes the file once for each.
    #[must_use]
    pub fn signatures(&self) -> Vec<DigitalSignature> {
        match &self.opened {
            Opened::Pdf(scan) => scan.signatures(),
            Opened::Single(_) | Opened::Tiff(_) => Vec::new(),
        }
    }

    /// Decodes one page, counted from 0.
    ///
    /// # Errors
    /// What is wrong with this page; others may still be sound.
    pub fn page(&self, seq: u32) -> Result<Decoded<'a>, DecodeError> {
        if seq >= self.pages {
            return Err(DecodeError::NoSuchPage { seq });
        }
        match &self.opened {
            Opened::Single(bytes) if matches!(self.format, Format::Jp2 | Format::J2c) => {
                jpeg2000::decode(bytes, &self.limits)
            }
            Opened::Single(bytes) => single::decode(bytes, self.format, &self.limits),
            Opened::Tiff(scan) => scan.page(seq, &self.limits),
            Opened::Pdf(scan) => scan.page(seq, &self.limits),
        }
    }
}
