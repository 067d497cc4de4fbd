//! Pixels in memory: grey and colour images, quarter turns, reductions.

use crate::Area;

/// A grey image, rows from the top, without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Grey {
    /// Pixels a row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// 0 is ink, 255 is paper; `width * height` of them.
    pub pixels: Vec<u8>,
}

/// A colour image (sRGB), rows from the top, without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Rgb {
    /// Pixels a row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// Red, green, blue; `3 * width * height` of them.
    pub pixels: Vec<u8>,
}

/// The pixels of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pixels {
    /// Without colour.
    Grey(Grey),
    /// With colour.
    Rgb(Rgb),
}

impl std::fmt::Debug for Grey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grey({}x{})", self.width, self.height)
    }
}

impl std::fmt::Debug for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rgb({}x{})", self.width, self.height)
    }
}

impl Grey {
    /// An image of one tone.
    #[must_use]
    pub fn filled(width: u32, height: u32, tone: u8) -> Grey {
        Grey { width, height, pixels: vec![tone; width as usize * height as usize] }
    }

    /// The tone at a place; outside the image it is paper.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> u8 {
        if x >= self.width || y >= self.height {
            return 255;
        }
        self.pixels[y as usize * self.width as usize + x as usize]
    }

    pub(crate) fn row(&self, y: u32) -> &[u8] {
        let width = self.width as usize;
        &self.pixels[y as usize * width..][..width]
    }

    /// The image reduced by averaging squares of `factor` pixels; what is left over at the right
    /// and lower edges falls away. A factor of 1 is a copy.
    #[must_use]
    pub(crate) fn reduced(&self, factor: u32) -> Grey {
        let factor = factor.clamp(1, self.width.min(self.height));
        if factor == 1 {
            return self.clone();
        }
        let (width, height) = (self.width / factor, self.height / factor);
        let step = factor as usize;
        let mean = Mean::over(factor * factor);
        let mut pixels = Vec::with_capacity(width as usize * height as usize);
        let mut sums = vec![0_u32; width as usize];
        for y in 0..height {
            sums.fill(0);
            for dy in 0..factor {
                let row = &self.row(y * factor + dy)[..width as usize * step];
                match step {
                    2 => add_row::<2>(&mut sums, row),
                    3 => add_row::<3>(&mut sums, row),
                    4 => add_row::<4>(&mut sums, row),
                    _ => {
                        for (sum, square) in sums.iter_mut().zip(row.chunks_exact(step)) {
                            *sum += square.iter().map(|&tone| u32::from(tone)).sum::<u32>();
                        }
                    }
                }
            }
            pixels.extend(sums.iter().map(|&sum| mean.of(sum)));
        }
        Grey { width, height, pixels }
    }
}

impl Rgb {
    /// Same as [`Grey::reduced`].
    #[must_use]
    pub(crate) fn reduced(&self, factor: u32) -> Rgb {
        let factor = factor.clamp(1, self.width.min(self.height));
        if factor == 1 {
            return self.clone();
        }
        let (width, height) = (self.width / factor, self.height / factor);
        let (step, mean) = (factor as usize, Mean::over(factor * factor));
        let line = self.width as usize * 3;
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        // Rows are added up first, which is the bulk of the work and runs along memory.
        let mut sums = vec![0_u16; line];
        for rows in self.pixels.chunks_exact(line * step) {
            sums.fill(0);
            for row in rows.chunks_exact(line) {
                for (sum, &tone) in sums.iter_mut().zip(row) {
                    *sum = sum.saturating_add(u16::from(tone));
                }
            }
            for square in sums.chunks_exact(3 * step).take(width as usize) {
                let mut colour = [0_u32; 3];
                for pixel in square.as_chunks::<3>().0 {
                    colour[0] += u32::from(pixel[0]);
                    colour[1] += u32::from(pixel[1]);
                    colour[2] += u32::from(pixel[2]);
                }
                pixels.extend(colour.map(|sum| mean.of(sum)));
            }
        }
        Rgb { width, height, pixels }
    }
}

fn add_row<const STEP: usize>(sums: &mut [u32], row: &[u8]) {
    for (sum, square) in sums.iter_mut().zip(row.as_chunks::<STEP>().0) {
        *sum += square.iter().map(|&tone| u32::from(tone)).sum::<u32>();
    }
}

/// Means of as many tones, rounded, without a division each: a page has millions.
#[derive(Clone, Copy)]
struct Mean {
    area: u64,
    reciprocal: u64,
}

impl Mean {
    fn over(area: u32) -> Mean {
        let area = u64::from(area.max(1));
        Mean { area, reciprocal: (1 << 32) / area + 1 }
    }

    fn of(self, sum: u32) -> u8 {
        (((u64::from(sum) + self.area / 2) * self.reciprocal) >> 32).min(255) as u8
    }
}

impl Pixels {
    /// Pixels a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        match self {
            Pixels::Grey(image) => image.width,
            Pixels::Rgb(image) => image.width,
        }
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        match self {
            Pixels::Grey(image) => image.height,
            Pixels::Rgb(image) => image.height,
        }
    }

    /// The page without colour, by the luma weights of ITU-R BT.601, which JPEG uses as well.
    #[must_use]
    pub fn grey(&self) -> Grey {
        match self {
            Pixels::Grey(image) => image.clone(),
            Pixels::Rgb(image) => Grey {
                width: image.width,
                height: image.height,
                pixels: image.pixels.as_chunks::<3>().0.iter().map(|&rgb| luma(rgb)).collect(),
            },
        }
    }

    /// The page with `areas` of another picture of it, of the same size, laid over.
    #[must_use]
    pub(crate) fn with(self, other: &Pixels, areas: &[Area]) -> Pixels {
        let (width, height) = (self.width(), self.height());
        if (other.width(), other.height()) != (width, height) {
            return self;
        }
        let (mut page, other) = (self.into_rgb(), other.clone().into_rgb());
        for area in areas {
            let right = (area.x + area.w).min(width);
            for y in area.y..(area.y + area.h).min(height) {
                let row = y as usize * width as usize;
                let part = 3 * (row + area.x.min(right) as usize)..3 * (row + right as usize);
                page.pixels[part.clone()].copy_from_slice(&other.pixels[part]);
            }
        }
        Pixels::Rgb(page)
    }

    fn into_rgb(self) -> Rgb {
        match self {
            Pixels::Rgb(image) => image,
            Pixels::Grey(Grey { width, height, pixels }) => {
                let pixels = pixels.iter().flat_map(|&tone| [tone; 3]).collect();
                Rgb { width, height, pixels }
            }
        }
    }

    /// Whether every pixel is black or white.
    #[must_use]
    pub(crate) fn is_bilevel(&self) -> bool {
        match self {
            Pixels::Grey(image) => image.pixels.iter().all(|&tone| tone == 0 || tone == 255),
            Pixels::Rgb(_) => false,
        }
    }

    /// A colour image whose every pixel is grey, give or take what JPEG does to greys, becomes a
    /// grey one: it is a third of the size and nothing is lost.
    #[must_use]
    pub(crate) fn without_needless_colour(self) -> Pixels {
        /// Steps between channels that no eye sees; JPEG's rounding makes up to 3.
        const TINT: u8 = 6;
        match self {
            Pixels::Rgb(image)
                if image.pixels.as_chunks::<3>().0.iter().all(|&[red, green, blue]| {
                    red.abs_diff(green) <= TINT && green.abs_diff(blue) <= TINT
                }) =>
            {
                Pixels::Grey(Pixels::Rgb(image).grey())
            }
            other => other,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the weights sum to 256")]
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29 + 128) >> 8) as u8
}

/// The image after quarter turns: `rotation_deg` is clockwise; 0, 90, 180 or 270, others are taken
/// down to the multiple of 90 below, modulo 360.
#[must_use]
pub fn quarter_turn(image: Grey, rotation_deg: u16) -> Grey {
    let (width, height) = (image.width, image.height);
    match rotation_deg / 90 % 4 {
        1 => remap(&image, height, width, |x, y| (y, height - 1 - x)),
        2 => {
            let mut turned = image;
            turned.pixels.reverse();
            turned
        }
        3 => remap(&image, height, width, |x, y| (width - 1 - y, x)),
        _ => image,
    }
}

/// A new image whose pixel (x, y) is the old image's pixel `from(x, y)`, copied in squares that
/// stay in the processor's cache however the axes are exchanged.
fn remap(image: &Grey, width: u32, height: u32, from: impl Fn(u32, u32) -> (u32, u32)) -> Grey {
    const SQUARE: u32 = 32;
    let mut new = Grey::filled(width, height, 255);
    for top in (0..height).step_by(SQUARE as usize) {
        for left in (0..width).step_by(SQUARE as usize) {
            for y in top..(top + SQUARE).min(height) {
                for x in left..(left + SQUARE).min(width) {
                    let (old_x, old_y) = from(x, y);
                    new.pixels[y as usize * width as usize + x as usize] =
                        image.pixels[old_y as usize * image.width as usize + old_x as usize];
                }
            }
        }
    }
    new
}
