//! JPEG 2000 through `hayro-jpeg2000`.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};

use crate::{DecodeError, Decoded, Grey, Limits, Pixels, Rgb, dpi, single};

/// Decodes a JP2 file or a bare codestream. Sizes are checked on the header, before any tile.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded<'static>, DecodeError> {
    let broken = || DecodeError::broken("the JPEG 2000 data is damaged");
    let image = Image::new(bytes, &DecodeSettings::default()).map_err(|_| broken())?;
    let (width, height) = (image.width(), image.height());
    limits.check_pixels(u64::from(width), u64::from(height))?;
    let mut context = DecoderContext::default();
    let has_alpha = image.has_alpha();
    let channels = match image.color_space() {
        ColorSpace::Gray => 1,
        ColorSpace::RGB => 3,
        ColorSpace::CMYK => 4,
        ColorSpace::Unknown { num_channels } | ColorSpace::Icc { num_channels, .. } => {
            usize::from(*num_channels)
        }
    };
    let decoded = image.decode(&mut context).map_err(|_| broken())?;
    let planes = decoded.components().len();
    let area = width as usize * height as usize;
    if planes != channels + usize::from(has_alpha)
        || decoded.components().iter().any(|plane| plane.samples().len() != area)
    {
        return Err(broken());
    }
    let data = decoded.data_u8();
    let pixels = match (channels, has_alpha) {
        (1, false) => Pixels::Grey(Grey { width, height, pixels: data }),
        (1, true) => {
            let pixels = data.as_chunks::<2>().0.iter().map(|&[tone, _]| tone).collect();
            Pixels::Grey(Grey { width, height, pixels })
        }
        (3, false) => Pixels::Rgb(Rgb { width, height, pixels: data }),
        (3, true) => Pixels::Rgb(Rgb { width, height, pixels: single::rgba_over_white(&data) }),
        (4, false) => Pixels::Rgb(Rgb { width, height, pixels: of_cmyk(&data) }),
        _ => return Err(DecodeError::broken("the JPEG 2000 image has odd channels")),
    };
    Ok(Decoded::of(pixels, dpi::settle(None, width, height)))
}

/// The plain conversion, without an ink profile: good enough to read by.
pub(crate) fn of_cmyk(data: &[u8]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, reason = "a product of two tones over 255")]
    let mix = |ink: u8, black: u8| (u32::from(255 - ink) * u32::from(255 - black) / 255) as u8;
    data.as_chunks::<4>()
        .0
        .iter()
        .flat_map(|&[cyan, magenta, yellow, black]| {
            [mix(cyan, black), mix(magenta, black), mix(yellow, black)]
        })
        .collect()
}
