//! From pixels to points: how large the page is, and how the image lies on it.

use schemas::reading::PageReading;

use crate::ReadingFault;

/// Longest side of a page in points (ISO 19005-2, 6.1.13).
const LONGEST_PT: f64 = 14_400.0;
/// Shortest side of a page in points (ISO 19005-2, 6.1.13).
const SHORTEST_PT: f64 = 3.0;
/// By how much the proportions of a reading may differ from the image's: a reading may be made
/// on a smaller copy, whose sides are rounded to pixels.
const ROUNDING: f64 = 0.02;

/// The upright page. Points are counted from the lower left corner, pixels from the upper left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sheet {
    /// Points.
    pub(crate) width: f64,
    /// Points.
    pub(crate) height: f64,
    /// Points to a pixel of the upright image, across.
    pub(crate) across: f64,
    /// Points to a pixel of the upright image, down.
    pub(crate) down: f64,
    quarters: u16,
    skew: f64,
}

impl Sheet {
    /// The page that a reading describes, given the size of its image before any turning.
    pub(crate) fn of(reading: &PageReading, image: (u32, u32)) -> Result<Self, ReadingFault> {
        let skew = f64::from(reading.skew_deg);
        if !matches!(reading.rotation_deg, 0 | 90 | 180 | 270) {
            return Err(ReadingFault::Angle);
        }
        if !skew.is_finite() || 45.0 < skew.abs() {
            return Err(ReadingFault::Angle);
        }
        let dpi_down = reading.dpi_down.unwrap_or(reading.dpi);
        if [reading.dpi, dpi_down].contains(&0) {
            return Err(ReadingFault::Resolution);
        }
        if [reading.width, reading.height, image.0, image.1].contains(&0) {
            return Err(ReadingFault::Size);
        }
        let quarters = reading.rotation_deg / 90;
        let (wide, high) = if quarters.is_multiple_of(2) { image } else { (image.1, image.0) };
        let (width, height) = (f64::from(reading.width), f64::from(reading.height));
        let stretch = (width / f64::from(wide)) / (height / f64::from(high));
        if ROUNDING < (stretch - 1.0).abs() {
            return Err(ReadingFault::Size);
        }
        let points = |dpi: u32| 72.0 / f64::from(dpi);
        let (across, down) = (points(reading.dpi), points(dpi_down));
        let fit = printable(width * across, height * down)?;
        let (across, down) = (across * fit, down * fit);
        let (width, height) = (width * across, height * down);
        Ok(Self { width, height, across, down, quarters, skew: skew.to_radians() })
    }

    /// The matrix that lays the unit square of the image onto the page: turned clockwise by
    /// quarters, then back against the lean about the middle. The lean is one of pixels.
    pub(crate) fn image_matrix(&self) -> [f64; 6] {
        let (w, h) = (self.width / self.across, self.height / self.down);
        let [a, b, c, d, e, f] = match self.quarters {
            0 => [w, 0.0, 0.0, h, 0.0, 0.0],
            1 => [0.0, -h, w, 0.0, 0.0, h],
            2 => [-w, 0.0, 0.0, -h, w, h],
            _ => [0.0, h, -w, 0.0, w, 0.0],
        };
        // The y axis points up here, so a positive angle turns anticlockwise.
        let (sin, cos) = self.skew.sin_cos();
        let turn = |x: f64, y: f64| (x * cos - y * sin, x * sin + y * cos);
        let ((a, b), (c, d)) = (turn(a, b), turn(c, d));
        let (e, f) = turn(e - w / 2.0, f - h / 2.0);
        let (e, f) = (e + w / 2.0, f + h / 2.0);
        let (x, y) = (|pixels: f64| pixels * self.across, |pixels: f64| pixels * self.down);
        [x(a), y(b), x(c), y(d), x(e), y(f)]
    }
}

/// What both sides, in points, are to be multiplied by to lie within what PDF/A allows; 1 where
/// they do.
fn printable(width: f64, height: f64) -> Result<f64, ReadingFault> {
    let (least, most) = (SHORTEST_PT / width.min(height), LONGEST_PT / width.max(height));
    if most < least {
        return Err(ReadingFault::Size);
    }
    Ok(1_f64.clamp(least, most))
}

/// A coordinate as PDF writes it: three decimals, a thousandth of a point.
#[expect(clippy::cast_possible_truncation, reason = "pages are at most 14,400 points long")]
pub(crate) fn coordinate(value: f64) -> f32 {
    ((value * 1000.0).round() / 1000.0) as f32
}
