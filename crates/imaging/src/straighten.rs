//! Standing a page upright: quarter turns first, then the lean is turned back.

use crate::{Area, Decoded, Geometry, Grey, quarter_turn, skew};

/// Angle below which a page counts as straight, in degrees: turning it back would cost sharpness
/// and move no line by a pixel that matters.
const STRAIGHT_DEG: f32 = 0.05;

/// A page that stands upright. Only [`straighten`] makes one.
#[derive(Debug, Clone)]
pub struct Upright {
    image: Grey,
    rotation_deg: u16,
    skew_deg: f32,
    dpi: u32,
    dpi_down: u32,
}

impl Upright {
    /// The pixels; the same number as the scanned page has, exchanged by quarter turns.
    #[must_use]
    pub fn image(&self) -> &Grey {
        &self.image
    }

    /// Quarter turns made, clockwise: 0, 90, 180 or 270.
    #[must_use]
    pub fn rotation_deg(&self) -> u16 {
        self.rotation_deg
    }

    /// The angle the page leaned by after the quarter turns, in degrees, clockwise positive; it
    /// was turned back by as much. 0 where it was straight or had no line.
    #[must_use]
    pub fn skew_deg(&self) -> f32 {
        self.skew_deg
    }

    /// Dots per inch across the upright page.
    #[must_use]
    pub fn dpi(&self) -> u32 {
        self.dpi
    }

    /// Dots per inch down the upright page: another number where the pixels aren't square.
    #[must_use]
    pub fn dpi_down(&self) -> u32 {
        self.dpi_down
    }

    /// From the decoded page to this image.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let (width, height) = match self.rotation_deg {
            90 | 270 => (self.image.height, self.image.width),
            _ => (self.image.width, self.image.height),
        };
        Geometry { width, height, rotation_deg: self.rotation_deg, skew_deg: self.skew_deg }
    }
}

impl Upright {
    /// Where an area of the decoded page came to lie; its sides stay along the page's, for pages
    /// lean little. An empty one where the turn moved it off the image.
    #[must_use]
    pub fn area(&self, area: Area) -> Area {
        #[expect(clippy::cast_precision_loss, reason = "a side has a few thousand pixels")]
        let edge = |n: u32| n as f32;
        let Area { x, y, w, h } = area;
        let (right, bottom) = (edge(x.saturating_add(w)), edge(y.saturating_add(h)));
        let there = self.geometry().area_to_upright(edge(x), edge(y), right, bottom);
        there.unwrap_or(Area { x: 0, y: 0, w: 0, h: 0 })
    }
}

/// Makes a page upright by `rotation_deg` quarter turns clockwise (all of them, those that the
/// scan asks for included: see [`orientation`](crate::orientation)), and turns its lean back.
#[must_use]
pub fn straighten(decoded: &Decoded<'_>, rotation_deg: u16) -> Upright {
    let rotation_deg = rotation_deg / 90 % 4 * 90;
    let turned = quarter_turn(decoded.grey(), rotation_deg);
    let skew_deg = skew(&turned);
    let (image, skew_deg) = if skew_deg.abs() < STRAIGHT_DEG {
        (turned, 0.0)
    } else {
        (turn_back(turned, skew_deg), skew_deg)
    };
    let (dpi, dpi_down) = match rotation_deg {
        90 | 270 => (decoded.dpi_down, decoded.dpi),
        _ => (decoded.dpi, decoded.dpi_down),
    };
    Upright { image, rotation_deg, skew_deg, dpi, dpi_down }
}

/// Turns a page that leans by `skew_deg` (degrees, clockwise positive) back about its middle.
/// The canvas keeps its size; what turns out of it is lost, what turns in is white. Bilinear.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "16.16 fixed point of image coordinates")]
pub fn turn_back(page: Grey, skew_deg: f32) -> Grey {
    const ONE: i64 = 1 << 16;
    if skew_deg == 0.0 {
        return page;
    }
    let (sin, cos) = f64::from(skew_deg).to_radians().sin_cos();
    let fixed = |value: f64| (value * ONE as f64).round() as i64;
    let (middle_x, middle_y) = (f64::from(page.width) / 2.0, f64::from(page.height) / 2.0);
    let (step_x, step_y) = (fixed(cos), fixed(sin));
    let (width, height) = (i64::from(page.width), i64::from(page.height));
    let mut turned = Grey::filled(page.width, page.height, 255);
    for (y, line) in (0_u32..).zip(turned.pixels.chunks_exact_mut(page.width as usize)) {
        // The new pixel's middle, turned clockwise about the page's, is where it stood.
        let (dx, dy) = (0.5 - middle_x, f64::from(y) + 0.5 - middle_y);
        let mut from_x = fixed(middle_x + dx * cos - dy * sin - 0.5);
        let mut from_y = fixed(middle_y + dx * sin + dy * cos - 0.5);
        for tone in line {
            let (x, y) = (from_x >> 16, from_y >> 16);
            if x >= 0 && y >= 0 && x + 1 < width && y + 1 < height {
                let (right, down) = ((from_x & 0xffff) >> 8, (from_y & 0xffff) >> 8);
                *tone = blend(&page, x as usize, y as usize, right as u32, down as u32);
            } else if x >= -1 && y >= -1 && x < width && y < height {
                // Half a pixel at the rim: the nearest one is as good.
                *tone = page.at(x.max(0) as u32, y.max(0) as u32);
            }
            from_x += step_x;
            from_y += step_y;
        }
    }
    turned
}

/// Between four pixels; `right` and `down` are in 256ths.
#[expect(clippy::cast_possible_truncation, reason = "a mean of tones is a tone")]
fn blend(page: &Grey, x: usize, y: usize, right: u32, down: u32) -> u8 {
    let at = y * page.width as usize + x;
    let above = &page.pixels[at..at + 2];
    let below = &page.pixels[at + page.width as usize..][..2];
    let mix = |pair: &[u8]| u32::from(pair[0]) * (256 - right) + u32::from(pair[1]) * right;
    ((mix(above) * (256 - down) + mix(below) * down + (1 << 15)) >> 16) as u8
}
