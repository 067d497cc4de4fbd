//! The resolution of a page: what its header says, or what its size makes likely.

/// Longest side of A4, in inches; what a page is taken for when nothing says better.
const A4_LONG_INCHES: f64 = 11.69;

/// Resolutions that scanners have, in dots per inch.
const USUAL: [u32; 8] = [75, 100, 150, 200, 240, 300, 400, 600];

/// By how much the numbers across and down the page differ where its pixels count as square all
/// the same: files round.
const ROUNDING: f64 = 0.005;

/// Heights of a pixel in its widths: of fax 204 × 98 and 204 × 391, and what lies between.
const OBLONG: std::ops::RangeInclusive<f64> = 0.45..=2.2;

/// Dots per inch across a page and down it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dpi {
    pub(crate) across: u32,
    pub(crate) down: u32,
}

impl Dpi {
    /// The same both ways.
    pub(crate) fn square(dpi: u32) -> Self {
        Self { across: dpi, down: dpi }
    }

    /// Rounded; square where the two are nearly the same, or can't both be.
    pub(crate) fn of(across: f64, down: f64) -> Self {
        let oblong = ROUNDING < (down / across - 1.0).abs() && OBLONG.contains(&(across / down));
        Self { across: round(across), down: round(if oblong { down } else { across }) }
    }
}

/// The resolution to work with.
///
/// A header is believed when the page it implies is between a receipt and a large drawing: cameras
/// and web tools write 72 or 96 whatever the image, and that would make a scan a poster.
pub(crate) fn settle(stated: Option<(f64, f64)>, width: u32, height: u32) -> Dpi {
    let long = f64::from(width.max(height));
    if let Some((across, down)) = stated
        && (50.0..=2400.0).contains(&across)
        && (2.0..=24.0).contains(&(long / across))
    {
        return Dpi::of(across, down);
    }
    let likely = long / A4_LONG_INCHES;
    let usual = USUAL
        .into_iter()
        .min_by(|&a, &b| {
            let off = |dpi: u32| (f64::from(dpi) / likely).ln().abs();
            off(a).total_cmp(&off(b))
        })
        .unwrap_or(300);
    Dpi::square(usual)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn round(dpi: f64) -> u32 {
    dpi.round() as u32
}

/// Dots per inch, across and down, that a JPEG states in its JFIF header.
pub(crate) fn of_jpeg(bytes: &[u8]) -> Option<(f64, f64)> {
    let mut at = 2;
    // The density stands in the first segments, if anywhere.
    for _ in 0..8 {
        let [0xff, marker, high, low] = *bytes.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = bytes.get(at + 4..(at + 2 + length).min(bytes.len()))?;
        if marker == 0xe0 && segment.starts_with(b"JFIF\0") && segment.len() >= 12 {
            let density = |at: usize| f64::from(u16::from_be_bytes([segment[at], segment[at + 1]]));
            let (across, down) = (density(8), density(10));
            return match segment[7] {
                1 => Some((across, down)),
                2 => Some((across * 2.54, down * 2.54)),
                _ => None,
            };
        }
        if marker == 0xda || length < 2 {
            return None;
        }
        at += 2 + length;
    }
    None
}

/// Dots per inch, across and down, that a PNG states in its `pHYs` chunk.
pub(crate) fn of_png(bytes: &[u8]) -> Option<(f64, f64)> {
    let mut at = 8;
    for _ in 0..32 {
        let length = usize::try_from(be32(bytes, at)?).ok()?;
        let kind = bytes.get(at + 4..at + 8)?;
        if kind == b"pHYs" {
            let [across, down] = [be32(bytes, at + 8)?, be32(bytes, at + 12)?];
            let per_inch = |per_metre: u32| f64::from(per_metre) * 0.0254;
            let metres = bytes.get(at + 16) == Some(&1);
            return metres.then_some((per_inch(across), per_inch(down)));
        }
        if kind == b"IDAT" {
            return None;
        }
        at = at.checked_add(12)?.checked_add(length)?;
    }
    None
}

/// Dots per inch, across and down, that a BMP states.
pub(crate) fn of_bmp(bytes: &[u8]) -> Option<(f64, f64)> {
    let per_inch = |at: usize| {
        let field: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(f64::from(u32::from_le_bytes(field)) * 0.0254)
    };
    Some((per_inch(38)?, per_inch(42)?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_believed_where_it_makes_a_page_and_pixels_are_square_unless_it_says_otherwise() {
        let square = Dpi::square;
        for (stated, size, settled) in [
            (Some((300.0, 300.0)), (2480, 3508), square(300)),
            // Rounded in the file.
            (Some((300.4, 299.7)), (2480, 3508), square(300)),
            // Of a scanner that stretches, and of fax.
            (Some((309.6, 305.0)), (2473, 3478), Dpi { across: 310, down: 305 }),
            (Some((204.0, 98.0)), (1728, 1145), Dpi { across: 204, down: 98 }),
            // Nobody's.
            (Some((200.0, 3.0)), (1654, 2339), square(200)),
            (Some((200.0, 0.0)), (1654, 2339), square(200)),
            (Some((200.0, f64::NAN)), (1654, 2339), square(200)),
            // A camera's, a nonsense and none.
            (Some((72.0, 72.0)), (3024, 4032), square(300)),
            (Some((0.0, 0.0)), (1654, 2339), square(200)),
            (None, (1654, 2339), square(200)),
        ] {
            assert_eq!(settle(stated, size.0, size.1), settled, "{stated:?} {size:?}");
        }
    }

    #[test]
    fn headers_say_both_numbers() {
        let jpeg = |unit: u8| {
            let head = [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0, 1, 1, unit];
            [&head[..], &[0, 200, 0, 100, 0, 0]].concat()
        };
        assert_eq!(of_jpeg(&jpeg(1)), Some((200.0, 100.0)));
        assert_eq!(of_jpeg(&jpeg(2)), Some((508.0, 254.0)));
        assert_eq!(of_jpeg(&jpeg(0)), None);
        assert_eq!(of_jpeg(&jpeg(1)[..15]), None);
        let mut png = vec![0; 8];
        png.extend(
            [&[0, 0, 0, 9], &b"pHYs"[..], &[0, 0, 0x1e, 0xc3, 0, 0, 0x0f, 0x61, 1]].concat(),
        );
        let (across, down) = of_png(&png).unwrap();
        assert!((across - 200.0).abs() < 0.1 && (down - 100.0).abs() < 0.1, "{across} {down}");
        let mut bmp = vec![0; 46];
        bmp[38..42].copy_from_slice(&7874_u32.to_le_bytes());
        bmp[42..46].copy_from_slice(&3937_u32.to_le_bytes());
        let (across, down) = of_bmp(&bmp).unwrap();
        assert!((across - 200.0).abs() < 0.1 && (down - 100.0).abs() < 0.1, "{across} {down}");
        assert_eq!(of_bmp(&bmp[..44]), None);
    }
}
