//! Where lines of text stand.

use std::path::Path;

use fast_image_resize::FilterType;
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

use super::line::Found;
use super::model::Network;
use crate::engine::{Picture, ReadError};
use crate::scale;

/// Longest side of the picture as the detector sees it: letters of 12 points on A4 are then about
/// 9 pixels high, what it was trained on.
const LONG_SIDE: u32 = 1024;
/// Where the middle line is lower than this, in pixels as the detector sees them, it looks again
/// at a size that makes it [`WANTED_HEIGHT`].
const LEAST_HEIGHT: f32 = 9.0;
const WANTED_HEIGHT: f32 = 12.0;
const LONGEST_SIDE: u32 = 2048;
/// Fewer lines tell nothing of a page's letters.
const FEW_LINES: usize = 8;
/// Sides of what the detector takes are multiples of this.
const MULTIPLE: u32 = 32;
/// The detector's answer has half the resolution of what it was given.
const STRIDE: usize = 2;
/// What is found is the core of a line, shorter than it by this share of its height at each end.
const CORE_SHRINK: f32 = 0.15;

/// The network that finds lines.
pub(crate) struct Detector {
    network: Network,
}

impl Detector {
    pub(crate) fn open(folder: &Path) -> Result<Self, ReadError> {
        Ok(Self { network: Network::open(folder, "det.onnx", &["x"], &["out"])? })
    }

    /// Runs the network once, on the smallest picture that it takes.
    pub(crate) fn warm(&self) -> Result<(), ReadError> {
        const SIDE: usize = MULTIPLE as usize;
        let sheet =
            Picture { width: MULTIPLE, height: MULTIPLE, dpi: 200, grey: &[255; SIDE * SIDE] };
        self.lines_at(&sheet, MULTIPLE)?;
        Ok(())
    }

    /// Lines in the picture's pixels, in no order.
    pub(crate) fn lines(&self, picture: &Picture<'_>) -> Result<Vec<Found>, ReadError> {
        let found = self.lines_at(picture, LONG_SIDE)?;
        let longest = picture.width.max(picture.height);
        let mut heights: Vec<f32> = found.iter().map(|line| line.bottom - line.top).collect();
        heights.sort_by(f32::total_cmp);
        let middle = heights.get(heights.len() / 2).copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a side has a few thousand pixels")]
        let seen = middle * LONG_SIDE as f32 / longest as f32;
        if found.len() < FEW_LINES || LEAST_HEIGHT <= seen {
            return Ok(found);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few thousand pixels"
        )]
        let side = (LONG_SIDE as f32 * WANTED_HEIGHT / seen.max(1.0)) as u32;
        self.lines_at(picture, side.min(LONGEST_SIDE) / MULTIPLE * MULTIPLE)
    }

    #[expect(clippy::cast_precision_loss, reason = "a side has a few thousand pixels")]
    fn lines_at(&self, picture: &Picture<'_>, side: u32) -> Result<Vec<Found>, ReadError> {
        let longest = picture.width.max(picture.height);
        let ratio = f64::from(side) / f64::from(longest);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below side")]
        let shrunk = |n: u32| ((f64::from(n) * ratio).round() as u32).max(1);
        let (width, height) = (shrunk(picture.width), shrunk(picture.height));
        let small = scale::resized(picture, width, height, FilterType::Bilinear)?;
        let padded = |n: u32| n.next_multiple_of(MULTIPLE) as usize;
        let (columns, rows) = (padded(width), padded(height));
        let mut ink = NdTensor::<f32, 4>::zeros([1, 1, rows, columns]);
        if let Some(data) = ink.data_mut() {
            for (to, from) in data.chunks_exact_mut(columns).zip(small.chunks_exact(width as usize))
            {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = 1.0 - f32::from(*from) / 255.0;
                }
            }
        }
        let out = self.network.run(vec![ink.view().into()])?;
        let wrong = || ReadError::Stopped("the detector's answer has another shape");
        let map: NdTensorView<'_, f32, 4> =
            out.first().ok_or_else(wrong)?.try_into().map_err(|_| wrong())?;
        let across = picture.width as f32 / width as f32;
        let down = picture.height as f32 / height as f32;
        let lines = cores(&map.slice(0));
        Ok(lines
            .into_iter()
            .map(|line| Found {
                left: (line.left * across).max(0.0),
                right: (line.right * across).min(picture.width as f32),
                top: (line.top * down).max(0.0),
                bottom: (line.bottom * down).min(picture.height as f32),
            })
            .filter(|line| line.left < line.right && line.top < line.bottom)
            .collect())
    }
}

/// Connected cores of lines on the detector's map (logit of being core, distance to the line's
/// top, distance to its bottom), in pixels as it saw them. Top and bottom are means over a core.
#[expect(clippy::cast_precision_loss, reason = "a side has a few thousand pixels")]
fn cores(map: &NdTensorView<'_, f32, 3>) -> Vec<Found> {
    let [_, rows, columns] = map.shape();
    let channel = |n: usize| map.slice(n).to_vec();
    let (core, top, bottom) = (channel(0), channel(1), channel(2));
    let mut seen = vec![false; core.len()];
    let mut stack = Vec::new();
    let mut lines = Vec::new();
    for start in 0..core.len() {
        if seen[start] || core[start] <= 0.0 {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let (mut count, mut tops, mut bottoms) = (0_usize, 0.0_f32, 0.0_f32);
        let (mut left, mut right) = (columns, 0);
        while let Some(at) = stack.pop() {
            let (y, x) = (at / columns, at % columns);
            let middle = (y as f32 + 0.5) * STRIDE as f32;
            count += 1;
            tops += middle - top[at];
            bottoms += middle + bottom[at];
            (left, right) = (left.min(x), right.max(x + 1));
            let mut visit = |next: usize| {
                if !seen[next] && core[next] > 0.0 {
                    seen[next] = true;
                    stack.push(next);
                }
            };
            if x > 0 {
                visit(at - 1);
            }
            if x + 1 < columns {
                visit(at + 1);
            }
            if y > 0 {
                visit(at - columns);
            }
            if y + 1 < rows {
                visit(at + columns);
            }
        }
        if count < 2 {
            continue;
        }
        let (top, bottom) = (tops / count as f32, bottoms / count as f32);
        let height = (bottom - top).max(1.0);
        let more = CORE_SHRINK * height;
        lines.push(Found {
            left: (left * STRIDE) as f32 - more,
            right: (right * STRIDE) as f32 + more,
            top,
            bottom,
        });
    }
    lines
}
