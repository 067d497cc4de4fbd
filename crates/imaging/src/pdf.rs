//! PDF files through PDFium, bound at run time.
//!
//! A page that shows one scanned image and nothing else comes back at that image's own pixels, and
//! a JPEG comes back with its bytes; whether the page "shows nothing else" is not deduced from its
//! objects alone but checked against a small rendering of it, so masks, decode arrays, clips,
//! mirrored placements and signatures' pictures can't slip through.

mod signatures;
mod text;

use std::borrow::Cow;
use std::path::Path;

use pdfium_render::prelude::{
    PdfBitmap, PdfBitmapFormat, PdfDocument, PdfPage, PdfPageImageObject, PdfPageObjectCommon,
    PdfPageObjectsCommon, PdfPageRenderRotation, PdfRenderConfig, Pdfium, PdfiumError,
    PdfiumInternalError,
};

use schemas::signature::DigitalSignature;

use self::text::Scale;
use crate::dpi::Dpi;
use crate::{Area, DecodeError, Decoded, Grey, Limits, Pixels, Rgb, single};

/// Dots per inch of pages that aren't one scanned image: what OCR engines are trained at.
const RENDER_DPI: f64 = 300.0;

/// Below this a page is too coarse to read, and a page of its size is refused instead.
const MIN_RENDER_DPI: f64 = 50.0;

/// Objects looked at in search of the scanned image; a scan has a handful.
const MAX_OBJECTS: usize = 5_000;

/// Share of the page's width and height by which the image may miss its edges: scanners round
/// page sizes to whole points.
const EDGE: f64 = 0.015;

/// Cells across the small rendering that an image is compared with: two millimetres of an A4.
const CELLS: u32 = 96;

/// Pixels of the small rendering along a cell's side.
const OVER: u32 = 8;

/// Tones that a cell's mean may be off: PDFium reduces with another filter than we do.
const CELL_OFF: u8 = 32;

/// Cells in a thousand that may be off by more.
const FEW: usize = 1;

/// PDFium's library, bound. One a process.
pub struct Pdf {
    pdfium: Pdfium,
}

/// Why PDFium could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The file is absent, no library, or lacks a symbol.
    #[error("the PDFium library cannot be loaded")]
    Load(#[source] PdfiumError),
}

impl Pdf {
    /// Binds `libpdfium.so`. A second call in a process gives the first call's library, whatever
    /// its path.
    ///
    /// # Errors
    /// [`PdfError::Load`].
    pub fn bind(library: &Path) -> Result<Pdf, PdfError> {
        match Pdfium::bind_to_library(library) {
            Ok(bindings) => Ok(Pdf { pdfium: Pdfium::new(bindings) }),
            Err(PdfiumError::PdfiumLibraryBindingsAlreadyInitialized) => {
                // The crate's default is the library bound already, if there is one.
                Ok(Pdf { pdfium: Pdfium::default() })
            }
            Err(error) => Err(PdfError::Load(error)),
        }
    }
}

/// An opened PDF.
pub(crate) struct PdfScan<'a> {
    document: PdfDocument<'a>,
    file: &'a [u8],
}

impl<'a> PdfScan<'a> {
    pub(crate) fn open(pdf: &'a Pdf, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match pdf.pdfium.load_pdf_from_byte_slice(bytes, None) {
            Ok(document) => Ok(PdfScan { document, file: bytes }),
            Err(PdfiumError::PdfiumLibraryInternalError(
                PdfiumInternalError::PasswordError | PdfiumInternalError::SecurityError,
            )) => Err(DecodeError::Encrypted),
            Err(_) => Err(DecodeError::broken("the PDF cannot be opened")),
        }
    }

    pub(crate) fn page_count(&self) -> u64 {
        u64::try_from(self.document.pages().len()).unwrap_or(0)
    }

    /// The digital signatures, whether their bytes still match.
    pub(crate) fn signatures(&self) -> Vec<DigitalSignature> {
        signatures::signatures(&self.document, self.file)
    }

    /// Decodes one page, unturned: what `/Rotate` asks for is said beside the pixels.
    pub(crate) fn page(&self, seq: u32, limits: &Limits) -> Result<Decoded<'static>, DecodeError> {
        let index = i32::try_from(seq).map_err(|_| DecodeError::NoSuchPage { seq })?;
        let mut page = self.document.pages().get(index).map_err(|_| damaged())?;
        let rotation_deg = match page.rotation().unwrap_or(PdfPageRenderRotation::None) {
            PdfPageRenderRotation::None => 0,
            PdfPageRenderRotation::Degrees90 => 90,
            PdfPageRenderRotation::Degrees180 => 180,
            PdfPageRenderRotation::Degrees270 => 270,
        };
        if rotation_deg != 0 {
            page.set_rotation(PdfPageRenderRotation::None);
        }
        let points = (f64::from(page.width().value), f64::from(page.height().value));
        if !(points.0 > 0.0 && points.1 > 0.0 && points.0 < 1e7 && points.1 < 1e7) {
            return Err(damaged());
        }
        let image = scanned_image(&page, points, limits)?;
        let is_scan = image.is_some();
        let decoded = match image {
            Some(image) => {
                let pixels = (image.width, image.height);
                let overlays = text::overlays(&page, &Scale::of(&page, points, pixels));
                from_image(&page, points, image, &overlays, limits)?
            }
            None => rendered(&page, points, RENDER_DPI, limits)?,
        };
        let pixels = (decoded.pixels.width(), decoded.pixels.height());
        let scale = Scale::of(&page, points, pixels);
        let overlays = text::overlays(&page, &scale);
        // Text on a scan is what some other program read off it.
        let text = if is_scan { None } else { text::text_layer(&mut page, &scale) };
        Ok(Decoded { rotation_deg, text, overlays, ..decoded })
    }
}

fn damaged() -> DecodeError {
    DecodeError::broken("a page of the PDF is damaged")
}

/// The one image that covers the page.
struct ScannedImage {
    width: u32,
    height: u32,
    /// Its data, where that is a JPEG and nothing around it.
    jpeg: Option<Vec<u8>>,
    /// Its pixels, where it is no JPEG.
    raw: Option<Pixels>,
    /// Where it stands, in shares of the page's width and height from the upper left corner.
    place: Place,
}

/// Edges of an image on its page.
#[derive(Debug, Clone, Copy)]
struct Place {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Place {
    /// Whether the image covers the page, give or take [`EDGE`].
    fn covers(&self) -> bool {
        [(self.left, 0.0), (self.top, 0.0), (self.right, 1.0), (self.bottom, 1.0)]
            .iter()
            .all(|(edge, wanted)| (edge - wanted).abs() < EDGE)
    }
}

/// The image of a page that was scanned: exactly one covers the page. Others (logos in the
/// picture of a signature) and text may stand on it; whether they can be seen is checked later.
fn scanned_image(
    page: &PdfPage<'_>,
    points: (f64, f64),
    limits: &Limits,
) -> Result<Option<ScannedImage>, DecodeError> {
    let bounds = page.page_size();
    let (left, top) = (f64::from(bounds.left().value), f64::from(bounds.top().value));
    let mut found = None;
    for object in page.objects().iter().take(MAX_OBJECTS) {
        let Some(image) = object.as_image_object() else { continue };
        let Ok(quad) = object.bounds() else { continue };
        let place = Place {
            left: (f64::from(quad.left().value) - left) / points.0,
            top: (top - f64::from(quad.top().value)) / points.1,
            right: (f64::from(quad.right().value) - left) / points.0,
            bottom: (top - f64::from(quad.bottom().value)) / points.1,
        };
        if !place.covers() {
            continue;
        }
        if found.is_some() {
            return Ok(None);
        }
        found = described(image, place, points, limits)?;
        if found.is_none() {
            return Ok(None);
        }
    }
    Ok(found)
}

/// `None` where the image is no scan of a page: a background picture of few pixels under real
/// text, or one that is squeezed.
fn described(
    image: &PdfPageImageObject<'_>,
    place: Place,
    points: (f64, f64),
    limits: &Limits,
) -> Result<Option<ScannedImage>, DecodeError> {
    let side = |pixels: Result<i32, PdfiumError>| {
        pixels.ok().and_then(|pixels| u32::try_from(pixels).ok()).unwrap_or(0)
    };
    let (width, height) = (side(image.width()), side(image.height()));
    let aspect = f64::from(width) / f64::from(height) * points.1 / points.0;
    let dpi = f64::from(width) * 72.0 / points.0;
    if !(0.97..=1.03).contains(&aspect) || !(60.0..=2400.0).contains(&dpi) {
        return Ok(None);
    }
    limits.check_pixels(u64::from(width), u64::from(height))?;
    let filters = image.filters();
    let is_jpeg = filters.len() == 1
        && filters.iter().next().is_some_and(|filter| filter.name() == "DCTDecode");
    let jpeg = is_jpeg
        .then(|| image.get_raw_image_data().ok())
        .flatten()
        .filter(|data| data.starts_with(&[0xff, 0xd8, 0xff]));
    let raw = match &jpeg {
        None => image.get_raw_bitmap().ok().and_then(|bitmap| of_bitmap(&bitmap)),
        Some(_) => None,
    };
    Ok(Some(ScannedImage { width, height, jpeg, raw, place }))
}

fn from_image(
    page: &PdfPage<'_>,
    points: (f64, f64),
    image: ScannedImage,
    overlays: &[Area],
    limits: &Limits,
) -> Result<Decoded<'static>, DecodeError> {
    let (width, height) = (image.width, image.height);
    let dpi = Dpi::of(f64::from(width) * 72.0 / points.0, f64::from(height) * 72.0 / points.1);
    let own = match &image.jpeg {
        Some(jpeg) => single::decode_embedded_jpeg(jpeg, limits).ok().flatten(),
        None => image.raw,
    };
    if let Some(pixels) = own
        && (pixels.width(), pixels.height()) == (width, height)
    {
        let pixels = if image.jpeg.is_some() { pixels } else { pixels.without_needless_colour() };
        let bilevel = image.jpeg.is_none() && pixels.is_bilevel();
        match shown(page, &pixels, image.place, overlays)? {
            Shown::Exactly => {
                let jpeg = image.jpeg.map(Cow::Owned);
                return Ok(Decoded { bilevel, jpeg, ..Decoded::of(pixels, dpi) });
            }
            Shown::ButOverlays => {
                let drawn = render(page, width, height)?;
                let pixels = pixels.with(&drawn, overlays).without_needless_colour();
                return Ok(Decoded { printed_on: bilevel, ..Decoded::of(pixels, dpi) });
            }
            Shown::Otherwise => {}
        }
    }
    let pixels = render(page, width, height)?.without_needless_colour();
    let bilevel = pixels.is_bilevel();
    Ok(Decoded { bilevel, ..Decoded::of(pixels, dpi) })
}

fn rendered(
    page: &PdfPage<'_>,
    points: (f64, f64),
    dpi: f64,
    limits: &Limits,
) -> Result<Decoded<'static>, DecodeError> {
    let inches = (points.0 / 72.0, points.1 / 72.0);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let affordable = (limits.max_pixels as f64 / (inches.0 * inches.1)).sqrt() * 0.999;
    let dpi = dpi.min(affordable);
    let (width, height) = (whole(inches.0 * dpi).max(1), whole(inches.1 * dpi).max(1));
    if dpi < MIN_RENDER_DPI {
        let least = |side: f64| u64::from(whole(side * MIN_RENDER_DPI));
        limits.check_pixels(least(inches.0), least(inches.1))?;
    }
    limits.check_pixels(u64::from(width), u64::from(height))?;
    let pixels = render(page, width, height)?.without_needless_colour();
    Ok(Decoded::of(pixels, Dpi::square(whole(dpi).max(1))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn whole(value: f64) -> u32 {
    value.round() as u32
}

/// The page as a viewer shows it, with the pictures of signatures and filled forms.
fn render(page: &PdfPage<'_>, width: u32, height: u32) -> Result<Pixels, DecodeError> {
    let failed = || DecodeError::broken("a page of the PDF cannot be drawn");
    let (Ok(across), Ok(down)) = (i32::try_from(width), i32::try_from(height)) else {
        return Err(failed());
    };
    let config = PdfRenderConfig::new()
        .set_fixed_size(across, down)
        .set_format(PdfBitmapFormat::BGR)
        .set_reverse_byte_order(false);
    let bitmap = page.render_with_config(&config).map_err(|_| failed())?;
    of_bitmap(&bitmap)
        .filter(|pixels| (pixels.width(), pixels.height()) == (width, height))
        .ok_or_else(failed)
}

/// PDFium's pixels as ours; `None` for an empty bitmap and for layouts that scans don't have.
fn of_bitmap(bitmap: &PdfBitmap<'_>) -> Option<Pixels> {
    let (width, height) =
        (u32::try_from(bitmap.width()).ok()?, u32::try_from(bitmap.height()).ok()?);
    if width == 0 || height == 0 {
        return None;
    }
    let channels = match bitmap.format().ok()? {
        PdfBitmapFormat::Gray => 1,
        PdfBitmapFormat::BGR => 3,
        PdfBitmapFormat::BGRA | PdfBitmapFormat::BGRx => return None,
    };
    let mut pixels = bitmap.as_raw_bytes();
    // PDFium pads rows to four bytes; they move up in place, pages are large.
    let row = width as usize * channels;
    let stride = pixels.len() / height as usize;
    if stride < row {
        return None;
    }
    for y in 1..height as usize {
        pixels.copy_within(y * stride..y * stride + row, y * row);
    }
    pixels.truncate(row * height as usize);
    if channels == 1 {
        return Some(Pixels::Grey(Grey { width, height, pixels }));
    }
    for pixel in pixels.as_chunks_mut::<3>().0 {
        pixel.swap(0, 2);
    }
    Some(Pixels::Rgb(Rgb { width, height, pixels }))
}

/// How an image is shown on its page.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shown {
    /// It and nothing else.
    Exactly,
    /// It, and what signatures print.
    ButOverlays,
    /// Covered, cut, as a negative, or with something else on it.
    Otherwise,
}

/// How a viewer shows this image: compared in cells, so that a mark of a few millimetres tells.
fn shown(
    page: &PdfPage<'_>,
    pixels: &Pixels,
    place: Place,
    overlays: &[Area],
) -> Result<Shown, DecodeError> {
    let across = CELLS;
    let down = (CELLS * pixels.height()).div_ceil(pixels.width().max(1)).clamp(1, 4 * CELLS);
    // Some pixels a cell, averaged: a single one would be at the mercy of PDFium's filter.
    let shown = render(page, across * OVER, down * OVER)?.grey();
    let whole_image = Place { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
    let ours = cells(&pixels.grey(), whole_image, across, down);
    let shown = cells(&shown, place, across, down);
    let in_overlay = |cell: usize| {
        let cell = u32::try_from(cell).unwrap_or_default();
        let (left, top) = (cell % across, cell / across);
        let reaches = |from: u32, length: u32, cell: u32, size: u32, count: u32| {
            let (from, end) = (u64::from(from), u64::from(from + length));
            let edge = |cell: u32| u64::from(cell) * u64::from(size) / u64::from(count);
            from <= edge(cell + 1) && edge(cell) <= end
        };
        overlays.iter().any(|area| {
            reaches(area.x, area.w, left, pixels.width(), across)
                && reaches(area.y, area.h, top, pixels.height(), down)
        })
    };
    let (mut off, mut off_beside) = (0_usize, 0_usize);
    for (cell, pair) in ours.iter().zip(&shown).enumerate() {
        // What lies past the page's edge isn't shown, and isn't missed.
        let (Some(ours), Some(shown)) = pair else { continue };
        if ours.abs_diff(*shown) > CELL_OFF {
            off += 1;
            off_beside += usize::from(!in_overlay(cell));
        }
    }
    let few = |off: usize| off * 1000 <= FEW * ours.len();
    Ok(match (few(off), few(off_beside)) {
        (true, _) => Shown::Exactly,
        (false, true) => Shown::ButOverlays,
        (false, false) => Shown::Otherwise,
    })
}

/// Means of the image's tones in a grid over a part of it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn cells(image: &Grey, part: Place, across: u32, down: u32) -> Vec<Option<u8>> {
    let mut sums = vec![(0_u64, 0_u64); (across * down) as usize];
    // The cell of each column, and of each row, by its middle.
    let cell = |at: u32, size: u32, from: f64, to: f64, count: u32| {
        let share = (f64::from(at) + 0.5) / f64::from(size);
        let cell = (share - from) / (to - from) * f64::from(count);
        (0.0..f64::from(count)).contains(&cell).then_some(cell as usize)
    };
    let columns: Vec<Option<usize>> =
        (0..image.width).map(|x| cell(x, image.width, part.left, part.right, across)).collect();
    for y in 0..image.height {
        let Some(row) = cell(y, image.height, part.top, part.bottom, down) else { continue };
        let line = &mut sums[row * across as usize..][..across as usize];
        for (&column, &tone) in columns.iter().zip(image.row(y)) {
            if let Some(column) = column {
                line[column].0 += u64::from(tone);
                line[column].1 += 1;
            }
        }
    }
    sums.into_iter().map(|(sum, count)| sum.checked_div(count).map(|mean| mean as u8)).collect()
}
