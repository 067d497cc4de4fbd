//! The resolution of a page: what its header says, or what its size makes likely.

/// Longest side of A4, in inches; what a page is taken for when nothing says better.
const A4_LONG_INCHES: f64 = 11.69;

/// Resolutions that scanners have, in dots per inch.
const USUAL: [u32; 8] = [75, 100, 150, 200, 240, 300, 400, 600];

/// The resolution to work with, in dots per inch.
///
/// A header is believed when the page it implies is between a receipt and a large drawing: cameras
/// and web tools write 72 or 96 whatever the image, and that would make a scan a poster.
pub(crate) fn settle(stated: Option<f64>, width: u32, height: u32) -> u32 {
    let long = f64::from(width.max(height));
    if let Some(dpi) = stated
        && (50.0..=2400.0).contains(&dpi)
        && (2.0..=24.0).contains(&(long / dpi))
    {
        return round(dpi);
    }
    let likely = long / A4_LONG_INCHES;
    USUAL
        .into_iter()
        .min_by(|&a, &b| {
            let off = |dpi: u32| (f64::from(dpi) / likely).ln().abs();
            off(a).total_cmp(&off(b))
        })
        .unwrap_or(300)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 50 and 2400")]
fn round(dpi: f64) -> u32 {
    dpi.round() as u32
}

/// Dots per inch that a JPEG states in its JFIF header.
pub(crate) fn of_jpeg(bytes: &[u8]) -> Option<f64> {
    let mut at = 2;
    // The density stands in the first segments, if anywhere.
    for _ in 0..8 {
        let [0xff, marker, high, low] = *bytes.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = bytes.get(at + 4..(at + 2 + length).min(bytes.len()))?;
        if marker == 0xe0 && segment.starts_with(b"JFIF\0") && segment.len() >= 12 {
            let density = f64::from(u16::from_be_bytes([segment[8], segment[9]]));
            return match segment[7] {
                1 => Some(density),
                2 => Some(density * 2.54),
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

/// Dots per inch that a PNG states in its `pHYs` chunk.
pub(crate) fn of_png(bytes: &[u8]) -> Option<f64> {
    let mut at = 8;
    for _ in 0..32 {
        let length = usize::try_from(be32(bytes, at)?).ok()?;
        let kind = bytes.get(at + 4..at + 8)?;
        if kind == b"pHYs" {
            let per_metre = be32(bytes, at + 8)?;
            return (bytes.get(at + 16) == Some(&1)).then_some(f64::from(per_metre) * 0.0254);
        }
        if kind == b"IDAT" {
            return None;
        }
        at = at.checked_add(12)?.checked_add(length)?;
    }
    None
}

/// Dots per inch that a BMP states.
pub(crate) fn of_bmp(bytes: &[u8]) -> Option<f64> {
    let field: [u8; 4] = bytes.get(38..42)?.try_into().ok()?;
    Some(f64::from(u32::from_le_bytes(field)) * 0.0254)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
