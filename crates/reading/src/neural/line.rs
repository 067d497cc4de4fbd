//! A line that was found, cut out of the page as the recogniser wants it.

use fast_image_resize::FilterType;

use crate::engine::{Picture, ReadError};
use crate::scale;

/// Height of what the recogniser takes: the line, and as much of the page above and below.
pub(super) const HEIGHT: u32 = 96;
/// Widest line that the recogniser was trained on. Wider ones are pressed together.
const MAX_WIDTH: u32 = 768;
/// Widths are multiples of this.
pub(super) const MULTIPLE: u32 = 8;
/// What is cut out beyond the box: in height so that three lines fit, each with a fifth of its
/// height around it; in width three tenths of the height.
const AROUND_Y: f32 = (3.0 * 1.4 - 1.0) / 2.0;
const AROUND_X: f32 = 0.3;

/// A line's box in pixels of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

/// A line, cut out: ink from 0 to 1, [`HEIGHT`] rows of `width`.
pub(super) struct Cut {
    pub(super) width: u32,
    pub(super) ink: Vec<f32>,
    /// Left edge in the picture, in pixels.
    pub(super) left: f32,
    /// Pixels of the picture along one of the cut.
    pub(super) step: f32,
}

/// Cuts a line out of the picture.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places on a page, checked against its sides"
)]
pub(super) fn cut(picture: &Picture<'_>, line: &Found) -> Result<Cut, ReadError> {
    let height = (line.bottom - line.top).max(1.0);
    let (left, right) = (line.left - AROUND_X * height, line.right + AROUND_X * height);
    let (top, bottom) = (line.top - AROUND_Y * height, line.bottom + AROUND_Y * height);
    let (left, top) = (left.floor() as i64, top.floor() as i64);
    let width = (right.ceil() as i64 - left).clamp(1, i64::from(picture.width) + 512) as u32;
    let tall = (bottom.ceil() as i64 - top).clamp(1, 4 * i64::from(picture.height) + 512) as u32;
    let dark = is_dark(picture, line);
    let ground = if dark { 0 } else { 255 };

    let mut grey = vec![ground; width as usize * tall as usize];
    let (from, to) = (left.max(0), (left + i64::from(width)).min(i64::from(picture.width)));
    for (y, row) in (top..).zip(grey.chunks_exact_mut(width as usize)) {
        if (0..i64::from(picture.height)).contains(&y) && from < to {
            let start = y as usize * picture.width as usize;
            let page = &picture.grey[start + from as usize..start + to as usize];
            row[(from - left) as usize..(to - left) as usize].copy_from_slice(page);
        }
    }
    let whole = Picture { width, height: tall, dpi: picture.dpi, grey: &grey };
    let wanted = (f64::from(width) * f64::from(HEIGHT) / f64::from(tall)).round() as u32;
    let wanted = wanted.clamp(MULTIPLE, MAX_WIDTH);
    let small = scale::resized(&whole, wanted, HEIGHT, FilterType::Bilinear)?;
    let ink = small.iter().map(|tone| f32::from(*tone) / 255.0);
    Ok(Cut {
        width: wanted,
        ink: if dark { ink.collect() } else { ink.map(|tone| 1.0 - tone).collect() },
        left: left as f32,
        step: width as f32 / wanted as f32,
    })
}

/// Whether light letters stand on dark ground: the middle tone of the line is then nearer to its
/// dark end.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the page")]
fn is_dark(picture: &Picture<'_>, line: &Found) -> bool {
    let mut counts = [0_u32; 256];
    let width = picture.width as usize;
    let (left, right) = (line.left as usize, (line.right as usize).min(width));
    let rows = line.top as usize..(line.bottom as usize).min(picture.height as usize);
    for row in rows.map(|y| &picture.grey[y * width..][..width]) {
        for tone in row.get(left..right).unwrap_or_default() {
            counts[usize::from(*tone)] += 1;
        }
    }
    let all: u32 = counts.iter().sum();
    let below = |share: u32| {
        let wanted = u64::from(all) * u64::from(share) / 100;
        let mut sum = 0_u64;
        let place = counts.iter().position(|count| {
            sum += u64::from(*count);
            wanted < sum
        });
        i64::try_from(place.unwrap_or(255)).unwrap_or(255)
    };
    let (low, middle, high) = (below(2), below(50), below(98));
    high - middle > 2 * (middle - low) + 8
}
