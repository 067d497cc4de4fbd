//! Files as a scanner sends them.

use std::io::Cursor;

use fax::encoder::Encoder;
use fax::{Color, VecWriter};
use image::codecs::jpeg::{JpegEncoder, PixelDensity};
use image::{ExtendedColorType, GrayImage, ImageEncoder};
use tiff::encoder::{Rational, TiffEncoder};
use tiff::tags::{CompressionMethod, PhotometricInterpretation, ResolutionUnit, Tag};

use crate::sheet::Sheet;
use crate::wear::Wear;

/// A file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// No picture came of it.
    #[error("cannot encode the picture")]
    Picture(#[from] image::ImageError),
    /// No TIFF came of it.
    #[error("cannot encode the TIFF")]
    Tiff(#[from] tiff::TiffError),
    /// More dots than a scanner has.
    #[error("resolution or size out of range")]
    Range(#[from] std::num::TryFromIntError),
}

/// How sheets are scanned: 200 dpi, grey, lightly worn unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scan {
    /// Dots an inch, 50 to 600.
    pub dpi: u32,
    /// In colour rather than grey.
    pub colour: bool,
    /// Quality of JPEG, 1 to 100.
    pub quality: u8,
    /// What paper and scanner do to the page.
    pub wear: Wear,
}

impl Default for Scan {
    fn default() -> Self {
        Self { dpi: 200, colour: false, quality: 75, wear: Wear::light(0) }
    }
}

impl Scan {
    /// The sheet as a JPEG that states its resolution.
    ///
    /// # Errors
    /// [`ScanError`] when the page is larger than a JPEG can be.
    pub fn jpeg(&self, sheet: &Sheet) -> Result<Vec<u8>, ScanError> {
        let mut out = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut out, self.quality);
        encoder.set_pixel_density(PixelDensity::dpi(u16::try_from(self.dpi)?));
        if self.colour {
            let page = self.wear.colour(sheet.render(self.dpi));
            encoder.write_image(&page, page.width(), page.height(), ExtendedColorType::Rgb8)?;
        } else {
            let page = self.wear.grey(sheet.render_grey(self.dpi));
            encoder.write_image(&page, page.width(), page.height(), ExtendedColorType::L8)?;
        }
        Ok(out)
    }

    /// The sheets as one TIFF of black and white pages, compressed as fax group 4.
    ///
    /// # Errors
    /// [`ScanError`] when a TIFF cannot hold them.
    pub fn tiff(&self, sheets: &[Sheet]) -> Result<Vec<u8>, ScanError> {
        let mut file = Cursor::new(Vec::new());
        let mut tiff = TiffEncoder::new(&mut file)?;
        for sheet in sheets {
            let page = self.wear.grey(sheet.render_grey(self.dpi));
            let data = group4(&page);
            let mut directory = tiff.image_directory()?;
            let strip = u32::try_from(directory.write_data(data.as_slice())?)?;
            directory.write_tag(Tag::ImageWidth, page.width())?;
            directory.write_tag(Tag::ImageLength, page.height())?;
            directory.write_tag(Tag::BitsPerSample, 1u16)?;
            directory.write_tag(Tag::Compression, CompressionMethod::Fax4.to_u16())?;
            directory.write_tag(
                Tag::PhotometricInterpretation,
                PhotometricInterpretation::WhiteIsZero.to_u16(),
            )?;
            directory.write_tag(Tag::StripOffsets, strip)?;
            directory.write_tag(Tag::SamplesPerPixel, 1u16)?;
            directory.write_tag(Tag::RowsPerStrip, page.height())?;
            directory.write_tag(Tag::StripByteCounts, u32::try_from(data.len())?)?;
            directory.write_tag(Tag::XResolution, Rational { n: self.dpi, d: 1 })?;
            directory.write_tag(Tag::YResolution, Rational { n: self.dpi, d: 1 })?;
            directory.write_tag(Tag::ResolutionUnit, ResolutionUnit::Inch.to_u16())?;
            directory.finish()?;
        }
        Ok(file.into_inner())
    }
}

/// The page in black and white, cut at a grey that keeps a red seal, as fax group 4.
fn group4(page: &GrayImage) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for row in page.rows() {
        let dots = row.map(|p| if p[0] < 176 { Color::Black } else { Color::White });
        let Ok(()) = encoder.encode_line(dots, page.width());
    }
    let Ok(writer) = encoder.finish();
    writer.finish()
}
