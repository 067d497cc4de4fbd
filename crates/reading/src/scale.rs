//! Bringing a picture to a resolution that an engine reads well, and boxes back from it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::engine::{Line, Picture, ReadError, Word};

/// The picture's pixels at another size.
///
/// # Errors
/// [`ReadError::Unreadable`] when one of the sides is 0.
pub(crate) fn resized(
    picture: &Picture<'_>,
    width: u32,
    height: u32,
    filter: FilterType,
) -> Result<Vec<u8>, ReadError> {
    let refused = || ReadError::Unreadable { width: picture.width, height: picture.height };
    // Typed: what chooses among all kinds of pixels takes a minute to compile.
    let from = TypedImageRef::<U8>::from_buffer(picture.width, picture.height, picture.grey);
    let mut grey = vec![0; width as usize * height as usize];
    let mut to = TypedImage::<U8>::from_buffer(width, height, &mut grey).map_err(|_| refused())?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let from = from.map_err(|_| refused())?;
    Resizer::new().resize_typed(&from, &mut to, &options).map_err(|_| refused())?;
    Ok(grey)
}

/// A picture of its own.
pub(crate) struct Scaled {
    width: u32,
    height: u32,
    dpi: u32,
    grey: Vec<u8>,
}

impl Scaled {
    pub(crate) fn picture(&self) -> Picture<'_> {
        Picture { width: self.width, height: self.height, dpi: self.dpi, grey: &self.grey }
    }
}

/// Below this, a picture is enlarged to [`ENLARGED_DPI`]: real scans of 100 dpi then have 2.0 %
/// of their characters wrong instead of 3.7 %. From 150 dpi on enlarging costs half as much CPU
/// again and changes nothing beyond noise.
const COARSE_DPI: u32 = 140;
const ENLARGED_DPI: u32 = 200;
/// From twice this on, a picture is reduced towards it: 600 dpi take 70 % more CPU than 300 and
/// read worse.
const FINE_DPI: u32 = 300;

/// The picture as Tesseract reads it best; none where that is as it is.
pub(crate) fn for_reading(picture: &Picture<'_>) -> Option<Scaled> {
    if picture.dpi < COARSE_DPI {
        enlarged(picture, ENLARGED_DPI)
    } else if 2 * FINE_DPI <= picture.dpi {
        Some(reduced(picture, picture.dpi / FINE_DPI))
    } else if is_black_and_white(picture) {
        Some(softened(picture))
    } else {
        None
    }
}

/// The picture at `dpi`, by Catmull-Rom interpolation. None where it would come out empty or
/// with more than twice the pixels of an A3 page: a resolution can be a lie.
fn enlarged(picture: &Picture<'_>, dpi: u32) -> Option<Scaled> {
    let side = |side: u32| scaled(side, dpi, picture.dpi);
    let (width, height) = (side(picture.width), side(picture.height));
    let most = 2 * u64::from(12 * dpi) * u64::from(17 * dpi);
    if width == 0 || height == 0 || most < u64::from(width) * u64::from(height) {
        return None;
    }
    let columns = taps(picture.width, width);
    let rows = taps(picture.height, height);
    let wide = picture.width as usize;
    let mut grey = Vec::with_capacity(width as usize * height as usize);
    let mut mixed = vec![0; wide];
    for row in &rows {
        // Down first: it runs along memory.
        let lines = row.at.map(|y| &picture.grey[y as usize * wide..][..wide]);
        for (x, mixed) in mixed.iter_mut().enumerate() {
            *mixed = mix(row.weights, lines.map(|line| line[x]));
        }
        grey.extend(columns.iter().map(|c| mix(c.weights, c.at.map(|x| mixed[x as usize]))));
    }
    Some(Scaled { width, height, dpi, grey })
}

/// The picture with squares of `factor` by `factor` pixels made one; what is left at the right
/// and at the bottom is less than a new pixel and goes.
fn reduced(picture: &Picture<'_>, factor: u32) -> Scaled {
    let factor = factor.min(picture.width).min(picture.height).max(1);
    let (width, height) = (picture.width / factor, picture.height / factor);
    let (wide, each) = (picture.width as usize, factor as usize);
    let mut grey = Vec::with_capacity(width as usize * height as usize);
    for rows in picture.grey.chunks_exact(wide * each).take(height as usize) {
        let mut sums = vec![0_u32; width as usize];
        for row in rows.chunks_exact(wide) {
            for (sum, pixels) in sums.iter_mut().zip(row.chunks_exact(each)) {
                *sum += pixels.iter().map(|p| u32::from(*p)).sum::<u32>();
            }
        }
        grey.extend(sums.iter().map(|sum| u8::try_from(sum / (factor * factor)).unwrap_or(255)));
    }
    Scaled { width, height, dpi: picture.dpi / factor, grey }
}

/// Whether two greys at most occur, as in a fax or a G4 scan.
fn is_black_and_white(picture: &Picture<'_>) -> bool {
    let Some(first) = picture.grey.first() else { return false };
    let mut others = picture.grey.iter().filter(|p| *p != first);
    others.next().is_some_and(|second| others.all(|p| p == second))
}

/// The picture with each pixel mixed with its neighbours, 1-2-1 across and down. The model was
/// trained on grey letters: it reads real G4 pages with a tenth fewer errors when their stairs
/// are smoothed.
fn softened(picture: &Picture<'_>) -> Scaled {
    let wide = picture.width as usize;
    let rows: Vec<&[u8]> = picture.grey.chunks_exact(wide).collect();
    let mut grey = Vec::with_capacity(picture.grey.len());
    let mut sums = vec![0_u16; wide];
    for (y, row) in rows.iter().enumerate() {
        let above = rows[y.saturating_sub(1)];
        let below = rows[(y + 1).min(rows.len() - 1)];
        for (sum, ((a, b), c)) in sums.iter_mut().zip(above.iter().zip(*row).zip(below)) {
            *sum = u16::from(*a) + 2 * u16::from(*b) + u16::from(*c);
        }
        grey.extend((0..wide).map(|x| {
            let (left, right) = (sums[x.saturating_sub(1)], sums[(x + 1).min(wide - 1)]);
            u8::try_from((left + 2 * sums[x] + right) / 16).unwrap_or(u8::MAX)
        }));
    }
    Scaled { width: picture.width, height: picture.height, dpi: picture.dpi, grey }
}

/// Where the four neighbours of a new pixel stand and what they weigh, in 1/256.
struct Taps {
    at: [u32; 4],
    weights: [i32; 4],
}

/// Taps for each of `new` pixels spread evenly over `old` ones.
#[expect(clippy::cast_possible_truncation, reason = "places within a side, weights within ±256")]
fn taps(old: u32, new: u32) -> Vec<Taps> {
    let step = f64::from(old) / f64::from(new);
    let last = i64::from(old) - 1;
    let tap = |i: u32| {
        let centre = (f64::from(i) + 0.5) * step - 0.5;
        let (floor, t) = (centre.floor() as i64, centre - centre.floor());
        let at = [-1, 0, 1, 2].map(|k| (floor + k).clamp(0, last) as u32);
        let outer = |t: f64| (((-0.5 * t + 1.0) * t - 0.5) * t * 256.0).round() as i32;
        let inner = |t: f64| (((-1.5 * t + 2.0) * t + 0.5) * t * 256.0).round() as i32;
        let (a, c, d) = (outer(t), inner(t), outer(1.0 - t));
        Taps { at, weights: [a, 256 - a - c - d, c, d] }
    };
    (0..new).map(tap).collect()
}

fn mix(weights: [i32; 4], pixels: [u8; 4]) -> u8 {
    let sum: i32 = weights.iter().zip(pixels).map(|(w, p)| w * i32::from(p)).sum();
    u8::try_from(((sum + 128) >> 8).clamp(0, 255)).unwrap_or(u8::MAX)
}

/// Boxes found on `seen` in pixels of `picture`, inside it and at least a pixel wide and high.
pub(crate) fn back(mut lines: Vec<Line>, seen: &Picture<'_>, picture: &Picture<'_>) -> Vec<Line> {
    let across = |n: u32| scaled(n, picture.width, seen.width);
    let down = |n: u32| scaled(n, picture.height, seen.height);
    for word in lines.iter_mut().flat_map(|line| &mut line.words) {
        let (x, right) = span(across(word.x), across(word.x + word.w), picture.width);
        let (y, bottom) = span(down(word.y), down(word.y + word.h), picture.height);
        *word = Word { x, y, w: right - x, h: bottom - y, ..std::mem::take(word) };
    }
    lines
}

/// `n * new / old`, rounded.
fn scaled(n: u32, new: u32, old: u32) -> u32 {
    let (new, old) = (u64::from(new), u64::from(old.max(1)));
    u32::try_from((u64::from(n) * new + old / 2) / old).unwrap_or(u32::MAX)
}

/// From and to, within `0..=side` and at least one apart.
fn span(from: u32, to: u32, side: u32) -> (u32, u32) {
    let from = from.min(side.saturating_sub(1));
    (from, to.clamp(from + 1, side.max(from + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enlarged_picture_keeps_its_greys_and_its_edges_in_place() {
        // Left half black, right half light.
        let grey: Vec<u8> =
            (0..10).flat_map(|_| (0..20).map(|x| if x < 10 { 0 } else { 200 })).collect();
        let picture = Picture { width: 20, height: 10, dpi: 100, grey: &grey };
        let scaled = enlarged(&picture, 250).unwrap();
        let large = scaled.picture();
        assert_eq!((large.width, large.height, large.dpi, large.grey.len()), (50, 25, 250, 1250));
        let row = &large.grey[12 * 50..][..50];
        assert!(row[..23].iter().all(|p| *p == 0) && row[30..].iter().all(|p| *p == 200));
        assert!(row[24] < 100 && 100 < row[25], "the edge moved: {row:?}");
    }

    #[test]
    fn a_resolution_that_lies_enlarges_nothing() {
        let picture = Picture { width: 2000, height: 2000, dpi: 1, grey: &[0; 4_000_000] };
        assert!(for_reading(&picture).is_none());
        assert!(for_reading(&Picture { dpi: 0, ..picture }).is_none());
    }

    #[test]
    fn a_fine_picture_is_reduced_to_the_mean_of_its_pixels() {
        let grey: Vec<u8> = (0..14 * 9).map(|i| if i % 14 < 8 { 10 } else { 250 }).collect();
        let picture = Picture { width: 14, height: 9, dpi: 1300, grey: &grey };
        let scaled = for_reading(&picture).unwrap();
        let small = scaled.picture();
        assert_eq!((small.width, small.height, small.dpi), (3, 2, 325));
        assert_eq!(small.grey, [10, 10, 250, 10, 10, 250]);
    }

    #[test]
    fn only_black_and_white_pictures_are_softened() {
        let picture = Picture { width: 3, height: 1, dpi: 200, grey: &[0, 240, 240] };
        assert_eq!(for_reading(&picture).unwrap().picture().grey, [60, 180, 240]);
        assert!(for_reading(&Picture { grey: &[0, 120, 240], ..picture }).is_none());
        assert!(for_reading(&Picture { grey: &[9, 9, 9], ..picture }).is_none());
    }

    #[test]
    fn boxes_come_back_inside_the_picture() {
        let seen = Picture { width: 300, height: 150, dpi: 300, grey: &[] };
        let picture = Picture { width: 100, height: 50, dpi: 100, grey: &[] };
        let word = Word {
            text: "a".to_owned(),
            x: 150,
            y: 30,
            w: 150,
            h: 1,
            confidence: 1.0,
            ..Word::default()
        };
        let lines =
            back(vec![Line { block: 0, words: vec![word], ..Line::default() }], &seen, &picture);
        let Word { x, y, w, h, .. } = lines[0].words[0];
        assert_eq!((x, y, w, h), (50, 10, 50, 1));
    }
}
