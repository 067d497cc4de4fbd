//! The page image in the PDF: its bytes as they are, described.

use std::borrow::Cow;

use pdf_writer::types::Predictor;
use pdf_writer::{Filter, Name, Pdf, Ref};
use schemas::reading::PageImage;

use crate::ImageFault;
use crate::{jpeg, png};

/// A page image whose bytes were found to be what they are said to be.
#[derive(Debug, Clone)]
pub(crate) struct Picture<'a> {
    bytes: Cow<'a, [u8]>,
    width: i32,
    height: i32,
    coding: Coding,
}

#[derive(Debug, Clone)]
enum Coding {
    Grey,
    Colour {
        plain_rgb: bool,
    },
    Ccitt,
    /// Rows of places in a palette, as PNG packs them.
    Paletted {
        palette: Vec<u8>,
    },
}

impl<'a> Picture<'a> {
    /// Checks the description against the bytes.
    pub(crate) fn of(image: PageImage, bytes: &'a [u8]) -> Result<Self, ImageFault> {
        if bytes.is_empty() {
            return Err(ImageFault::Empty);
        }
        let (width, height) = image.size();
        let side = |pixels| i32::try_from(pixels).ok().filter(|n| 0 < *n).ok_or(ImageFault::Size);
        let mut bytes = Cow::Borrowed(bytes);
        let coding = match image {
            PageImage::Ccitt { .. } => Coding::Ccitt,
            PageImage::Png { .. } => {
                let png = png::paletted(&bytes)?;
                if (png.width, png.height) != (width, height) {
                    return Err(ImageFault::Disagrees);
                }
                bytes = Cow::Owned(png.data);
                Coding::Paletted { palette: png.palette }
            }
            PageImage::Jpeg { components, .. } => {
                let frame = jpeg::frame(&bytes)?;
                if (frame.width, frame.height, frame.components) != (width, height, components) {
                    return Err(ImageFault::Disagrees);
                }
                match components {
                    1 => Coding::Grey,
                    3 => Coding::Colour { plain_rgb: frame.plain_rgb },
                    _ => return Err(ImageFault::Components),
                }
            }
        };
        Ok(Self { bytes, width: side(width)?, height: side(height)?, coding })
    }

    /// Writes the image object.
    pub(crate) fn write(&self, pdf: &mut Pdf, id: Ref) {
        let mut object = pdf.image_xobject(id, &self.bytes);
        object.width(self.width).height(self.height);
        match &self.coding {
            Coding::Grey => {
                object.bits_per_component(8).filter(Filter::DctDecode);
                object.color_space().device_gray();
            }
            Coding::Colour { plain_rgb } => {
                object.bits_per_component(8).filter(Filter::DctDecode);
                object.color_space().device_rgb();
                if *plain_rgb {
                    object.decode_parms().pair(Name(b"ColorTransform"), 0);
                }
            }
            Coding::Paletted { palette } => {
                object.bits_per_component(8).filter(Filter::FlateDecode);
                let last = i32::try_from(palette.len() / 3).unwrap_or(256) - 1;
                object.color_space().indexed(Name(b"DeviceRGB"), last, palette);
                let mut parms = object.decode_parms();
                parms.predictor(Predictor::PngOptimum).colors(1).bits_per_component(8);
                parms.columns(self.width);
            }
            Coding::Ccitt => {
                object.bits_per_component(1).filter(Filter::CcittFaxDecode);
                object.color_space().device_gray();
                // TIFF files often leave the end-of-block code out; the rows are counted instead.
                let mut parms = object.decode_parms();
                parms.k(-1).columns(self.width).rows(self.height).end_of_block(false);
            }
        }
    }
}
