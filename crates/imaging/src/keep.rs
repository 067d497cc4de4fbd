//! How a page's image is kept, so that a PDF can take it as it is.

use std::borrow::Cow;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use schemas::reading::PageImage;

use crate::{DecodeError, Decoded, Pixels, ccitt, palette, single};

/// Quality of JPEGs that are made here, of 100: text shows no ripples that a reader would see.
const JPEG_QUALITY: u8 = 85;

/// The image of a page before any turning, and its bytes: the scan's own JPEG unchanged where the
/// page is one, group 4 where it has one bit a pixel (0 is white), PNG where something was printed
/// on such a page, else a new JPEG of quality 85 with every second pixel's colour (as scanners do),
/// grey where the page has no colour. Its width and height are those of [`Decoded::pixels`].
///
/// # Errors
/// [`DecodeError::Broken`] where a page is larger than a JPEG can be (65,535 pixels a side).
pub fn keep(decoded: &Decoded<'_>) -> Result<(PageImage, Vec<u8>), DecodeError> {
    let (width, height) = (decoded.pixels.width(), decoded.pixels.height());
    if let Some(bytes) = &decoded.jpeg
        && let Some(components) = single::jpeg_components(bytes)
    {
        return Ok((PageImage::Jpeg { width, height, components }, bytes.to_vec()));
    }
    if decoded.bilevel
        && let Pixels::Grey(grey) = &decoded.pixels
        && let Some(bytes) = ccitt::encode(grey)
    {
        return Ok((PageImage::Ccitt { width, height }, bytes));
    }
    if decoded.printed_on
        && let Some(bytes) = palette::encode(&decoded.pixels)
    {
        return Ok((PageImage::Png { width, height }, bytes));
    }
    let pixels = match &decoded.pixels {
        Pixels::Rgb(_) => Cow::Owned(decoded.pixels.clone().without_needless_colour()),
        Pixels::Grey(_) => Cow::Borrowed(&decoded.pixels),
    };
    let (raw, components, colour) = match &*pixels {
        Pixels::Grey(image) => (&image.pixels, 1, ColorType::Luma),
        Pixels::Rgb(image) => (&image.pixels, 3, ColorType::Rgb),
    };
    let too_large = || DecodeError::broken("the page is too large for a JPEG");
    let sides = [width, height].map(u16::try_from);
    let [Ok(columns), Ok(rows)] = sides else { return Err(too_large()) };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(raw, columns, rows, colour).map_err(|_| too_large())?;
    Ok((PageImage::Jpeg { width, height, components }, bytes))
}
