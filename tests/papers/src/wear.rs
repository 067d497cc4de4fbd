//! What paper and scanner do to a page: it leans, it is soft, it is grainy, one side is darker.

use image::{GrayImage, RgbImage};

use crate::canvas::pixel;
use crate::chance::Chance;

/// How worn a page comes out of the scanner. The default is none of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wear {
    /// Degrees the page leans clockwise, -45 to 45.
    pub skew_deg: f32,
    /// Passes of a three by three blur: 0 sharp, 1 like a scanner, 3 like a poor one.
    pub blur: u8,
    /// Grain: standard deviation of the noise in grey levels of 255; 4 is a fair scanner.
    pub noise: f32,
    /// How much darker the right edge is than the left, 0 to 1: the shadow of a lid or a spine.
    pub shade: f32,
    /// Seed of the grain.
    pub seed: u64,
}

impl Wear {
    /// What an honest office scanner does: half a degree at most, a little blur and grain.
    #[must_use]
    pub fn light(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x3EA2);
        let skew_deg = chance.between(-0.5, 0.5);
        Self { skew_deg, blur: 1, noise: 2.0, shade: 0.02, seed }
    }

    /// The page in grey, worn.
    #[must_use]
    pub fn grey(&self, page: GrayImage) -> GrayImage {
        let (width, height) = page.dimensions();
        let raw = self.apply::<1>(page.into_raw(), width as usize, height as usize);
        GrayImage::from_raw(width, height, raw)
            .unwrap_or_else(|| unreachable!("wear keeps a page's size"))
    }

    /// The page in colour, worn.
    #[must_use]
    pub fn colour(&self, page: RgbImage) -> RgbImage {
        let (width, height) = page.dimensions();
        let raw = self.apply::<3>(page.into_raw(), width as usize, height as usize);
        RgbImage::from_raw(width, height, raw)
            .unwrap_or_else(|| unreachable!("wear keeps a page's size"))
    }

    fn apply<const C: usize>(&self, mut raw: Vec<u8>, width: usize, height: usize) -> Vec<u8> {
        if self.skew_deg != 0.0 {
            raw = lean::<C>(&raw, width, height, self.skew_deg);
        }
        for _ in 0..self.blur {
            raw = soften::<C>(&raw, width, height);
        }
        if self.noise > 0.0 || self.shade > 0.0 {
            self.grain::<C>(&mut raw, width);
        }
        raw
    }

    fn grain<const C: usize>(&self, raw: &mut [u8], width: usize) {
        let mut chance = Chance::new(self.seed ^ 0x6121);
        // Four bytes added up are near enough to a bell: deviation 147.8 about 510.
        let grain: Vec<i16> = (0u16..=1020)
            .map(|sum| level_signed((f32::from(sum) - 510.0) * (self.noise / 147.8)))
            .collect();
        for row in raw.chunks_exact_mut(width * C) {
            for (pair, dots) in row.chunks_mut(2 * C).enumerate() {
                let shade = self.shade * (2 * pair) as f32 / width as f32;
                let keep = pixel((1.0 - shade) * 65536.0);
                let eight = chance.next().to_le_bytes();
                for (dot, four) in dots.chunks_exact_mut(C).zip(eight.chunks_exact(4)) {
                    let sum: usize = four.iter().map(|b| usize::from(*b)).sum();
                    // Rounded up or down by chance, or the shade would come in steps.
                    let chip = i32::from(four[0]) << 8;
                    for value in dot {
                        let shaded = (i32::from(*value) * keep + chip) >> 16;
                        *value = (shaded + i32::from(grain[sum])).clamp(0, 255) as u8;
                    }
                }
            }
        }
    }
}

/// Grain in whole levels.
#[expect(clippy::cast_possible_truncation, reason = "`as` cuts a float to the type's range")]
fn level_signed(value: f32) -> i16 {
    value.round() as i16
}

/// Turns about the middle, clockwise positive; what comes in at the corners is white.
#[expect(clippy::cast_possible_truncation, reason = "a mix of bytes is a byte")]
fn lean<const C: usize>(raw: &[u8], width: usize, height: usize, deg: f32) -> Vec<u8> {
    let (sin, cos) = deg.to_radians().sin_cos();
    let (mx, my) = (width as f32 / 2.0, height as f32 / 2.0);
    // Places as whole numbers, 65,536 to a pixel: a page has millions of dots.
    let (step_x, step_y) = (pixel(cos * 65536.0), pixel(-sin * 65536.0));
    let mut out = vec![250u8; raw.len()];
    for (y, row) in out.chunks_exact_mut(width * C).enumerate() {
        let dy = y as f32 - my;
        let mut sx = pixel((dy * sin - mx * cos + mx) * 65536.0);
        let mut sy = pixel((dy * cos + mx * sin + my) * 65536.0);
        for dot in row.chunks_exact_mut(C) {
            let (x0, y0) = ((sx >> 16) as usize, (sy >> 16) as usize);
            // What lies left of or above the page wraps to more than any width or height.
            if x0 < width - 1 && y0 < height - 1 {
                let (fx, fy) = ((sx & 0xFFFF) >> 8, (sy & 0xFFFF) >> 8);
                let at = (y0 * width + x0) * C;
                let upper = &raw[at..at + 2 * C];
                let lower = &raw[at + width * C..at + width * C + 2 * C];
                for c in 0..C {
                    let mix =
                        |line: &[u8]| i32::from(line[c]) * (256 - fx) + i32::from(line[c + C]) * fx;
                    let value = mix(upper) * (256 - fy) + mix(lower) * fy + 0x8000;
                    dot[c] = (value >> 16) as u8;
                }
            }
            sx = sx.wrapping_add(step_x);
            sy = sy.wrapping_add(step_y);
        }
    }
    out
}

/// Averages by 1 2 1 both ways; the outermost pixels stay.
#[expect(clippy::cast_possible_truncation, reason = "an average of bytes is a byte")]
fn soften<const C: usize>(raw: &[u8], width: usize, height: usize) -> Vec<u8> {
    let line = width * C;
    let mix =
        |a: u8, b: u8, c: u8| ((u16::from(a) + 2 * u16::from(b) + u16::from(c) + 2) / 4) as u8;
    let mut across = raw.to_vec();
    for (from, to) in raw.chunks_exact(line).zip(across.chunks_exact_mut(line)) {
        for i in C..line.saturating_sub(C) {
            to[i] = mix(from[i - C], from[i], from[i + C]);
        }
    }
    let mut out = across.clone();
    for y in 1..height.saturating_sub(1) {
        for i in y * line..(y + 1) * line {
            out[i] = mix(across[i - line], across[i], across[i + line]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_leans_clockwise_comes_out_lower_on_the_right() {
        let mut page = GrayImage::from_pixel(400, 300, image::Luma([255]));
        for x in 0..400 {
            page.put_pixel(x, 150, image::Luma([0]));
        }
        let worn = Wear { skew_deg: 3.0, ..Wear::default() }.grey(page);
        let darkest = |x: u32| (0..300).min_by_key(|y| worn.get_pixel(x, *y)[0]).unwrap_or(0);
        let fall = f64::from(darkest(380)) - f64::from(darkest(20));
        assert!((fall - 360.0 * 3f64.to_radians().tan()).abs() < 2.0, "{fall}");
    }

    #[test]
    fn grain_has_the_deviation_that_was_asked_for() {
        let worn = Wear { noise: 5.0, ..Wear::default() }.grey(GrayImage::from_pixel(
            300,
            300,
            image::Luma([128]),
        ));
        let values: Vec<f64> = worn.pixels().map(|p| f64::from(p[0])).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let deviation =
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        assert!((mean - 128.0).abs() < 0.5 && (deviation - 5.0).abs() < 0.3, "{mean} {deviation}");
    }
}
