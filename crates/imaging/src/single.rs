//! Formats of one page through the `image` crate: JPEG, PNG, WebP, BMP.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use crate::{DecodeError, Decoded, Format, Grey, Limits, Pixels, Rgb, dpi};

/// Decodes a file of one page. A JPEG's own bytes stay with the page where a PDF can show them.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    format: Format,
    limits: &Limits,
) -> Result<Decoded<'a>, DecodeError> {
    let (as_image, stated) = match format {
        Format::Jpeg => (ImageFormat::Jpeg, dpi::of_jpeg(bytes)),
        Format::Png => (ImageFormat::Png, dpi::of_png(bytes)),
        Format::WebP => (ImageFormat::WebP, None),
        Format::Bmp => (ImageFormat::Bmp, dpi::of_bmp(bytes)),
        Format::Tiff | Format::Pdf | Format::Jp2 | Format::J2c => {
            return Err(DecodeError::UnknownFormat);
        }
    };
    let (image, orientation, promised) = read(bytes, as_image, limits)?;
    let bilevel = format == Format::Png && is_one_bit_png(bytes) && is_pure(&image);
    let mut decoded = Decoded::of(
        Pixels::Grey(Grey::filled(1, 1, 255)),
        dpi::settle(stated, image.width(), image.height()),
    );
    let (image, rotation_deg, mirrored) = turns(image, orientation);
    decoded.rotation_deg = rotation_deg;
    decoded.bilevel = bilevel;
    decoded.pixels = pixels(image);
    let plain = matches!(promised, ColorType::L8 | ColorType::Rgb8);
    if format == Format::Jpeg && plain && !mirrored && matches!(jpeg_components(bytes), Some(1 | 3))
    {
        decoded.jpeg = Some(Cow::Borrowed(bytes));
    }
    Ok(decoded)
}

/// The pixels of a JPEG that stands inside a PDF, where an EXIF orientation means nothing; `None`
/// where a PDF/A couldn't hold it as it is.
pub(crate) fn decode_embedded_jpeg(
    bytes: &[u8],
    limits: &Limits,
) -> Result<Option<Pixels>, DecodeError> {
    if !matches!(jpeg_components(bytes), Some(1 | 3)) {
        return Ok(None);
    }
    let (image, _, _) = read(bytes, ImageFormat::Jpeg, limits)?;
    Ok(Some(pixels(image)))
}

fn read(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
) -> Result<(DynamicImage, Orientation, ColorType), DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut caps = image::Limits::default();
    // 16 bits and four channels are the most a pixel takes; decoders keep a copy besides.
    caps.max_alloc = Some(limits.max_pixels.saturating_mul(16).max(1 << 20));
    reader.limits(caps.clone());
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error, limits))?;
    let (width, height) = decoder.dimensions();
    limits.check_pixels(u64::from(width), u64::from(height))?;
    let colour = decoder.color_type();
    // Broken EXIF is no reason to refuse a page: it is then taken as it stands.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    decoder.set_limits(caps).map_err(|error| refusal(&error, limits))?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error, limits))?;
    Ok((image, orientation, colour))
}

/// What the crate says, in our words: its own messages may quote the file.
fn refusal(error: &image::ImageError, limits: &Limits) -> DecodeError {
    match error {
        image::ImageError::Limits(_) => {
            DecodeError::TooManyPixels { pixels: limits.max_pixels + 1, max: limits.max_pixels }
        }
        image::ImageError::Unsupported(_) => {
            DecodeError::broken("the image uses a feature that isn't read")
        }
        image::ImageError::IoError(_) => DecodeError::broken("the image ends early"),
        image::ImageError::Decoding(_)
        | image::ImageError::Encoding(_)
        | image::ImageError::Parameter(_) => DecodeError::broken("the image data is damaged"),
    }
}

/// Orientation as quarter turns; a mirrored one is mirrored here, in the pixels, because a kept
/// page is only ever turned.
fn turns(image: DynamicImage, orientation: Orientation) -> (DynamicImage, u16, bool) {
    match orientation {
        Orientation::NoTransforms => (image, 0, false),
        Orientation::Rotate90 => (image, 90, false),
        Orientation::Rotate180 => (image, 180, false),
        Orientation::Rotate270 => (image, 270, false),
        Orientation::FlipHorizontal
        | Orientation::FlipVertical
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => {
            let mut turned = image;
            turned.apply_orientation(orientation);
            (turned, 0, true)
        }
    }
}

/// Eight bits, transparency over white.
pub(crate) fn pixels(image: DynamicImage) -> Pixels {
    let (width, height) = (image.width(), image.height());
    match image {
        DynamicImage::ImageLuma8(grey) => {
            Pixels::Grey(Grey { width, height, pixels: grey.into_raw() })
        }
        DynamicImage::ImageRgb8(rgb) => Pixels::Rgb(Rgb { width, height, pixels: rgb.into_raw() }),
        DynamicImage::ImageLuma16(_) => {
            Pixels::Grey(Grey { width, height, pixels: image.into_luma8().into_raw() })
        }
        DynamicImage::ImageLumaA8(_) | DynamicImage::ImageLumaA16(_) => {
            let raw = image.into_luma_alpha8().into_raw();
            let pixels = raw
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&[tone, alpha]| over_white(tone, alpha))
                .collect();
            Pixels::Grey(Grey { width, height, pixels })
        }
        DynamicImage::ImageRgba8(_)
        | DynamicImage::ImageRgba16(_)
        | DynamicImage::ImageRgba32F(_) => {
            let raw = image.into_rgba8().into_raw();
            Pixels::Rgb(Rgb { width, height, pixels: rgba_over_white(&raw) })
        }
        other => Pixels::Rgb(Rgb { width, height, pixels: other.into_rgb8().into_raw() }),
    }
}

/// Red, green, blue of pixels with transparency, on white paper.
pub(crate) fn rgba_over_white(raw: &[u8]) -> Vec<u8> {
    raw.as_chunks::<4>()
        .0
        .iter()
        .flat_map(|&[red, green, blue, alpha]| {
            [over_white(red, alpha), over_white(green, alpha), over_white(blue, alpha)]
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a mean of two tones is a tone")]
fn over_white(tone: u8, alpha: u8) -> u8 {
    let (tone, alpha) = (u32::from(tone), u32::from(alpha));
    ((tone * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Bit depth and colour type stand at fixed places of a PNG's first chunk.
fn is_one_bit_png(bytes: &[u8]) -> bool {
    bytes.get(24) == Some(&1)
}

/// A one-bit palette may hold any two colours; only black and white is bilevel.
fn is_pure(image: &DynamicImage) -> bool {
    image.as_luma8().is_some_and(|grey| grey.as_raw().iter().all(|&tone| tone == 0 || tone == 255))
}

/// Components that a JPEG's frame header names; `None` unless it has eight bits a sample and is
/// baseline, extended or progressive Huffman, which is what PDF/A viewers decode.
pub(crate) fn jpeg_components(bytes: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        while bytes.get(at)? == &0xff && bytes.get(at + 1)? == &0xff {
            at += 1;
        }
        let [0xff, marker, high, low] = *bytes.get(at..at + 4)? else { return None };
        match marker {
            0xc0..=0xc2 => {
                let depth = *bytes.get(at + 4)?;
                return (depth == 8).then(|| bytes.get(at + 9).copied()).flatten();
            }
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xd9 | 0xda => return None,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
}
