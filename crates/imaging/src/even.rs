//! Evening out a page's light: shadows of folds, spines and lids, and what shines through.

use crate::{Decoded, Grey};

/// Side of the squares that paper is measured in, in millimetres: between letters of any size
/// there is paper somewhere in nine of them.
const SQUARE_MM: f32 = 2.5;

/// Paper is what the lightest of this many parts of a square's side shows.
const PARTS: u32 = 4;

/// Differences of paper over a page, in tones, that no reader minds: they are left alone.
/// Measured on real scans: flat ones stay within 20.
const EVEN: u8 = 24;

/// What is darker is no paper in a shadow, but a picture, or the lid: it is left as it is.
const DARKEST: u8 = 90;

/// Evens out the light of a page's grey; an even page stays as it is.
pub fn even(decoded: &mut Decoded<'_>) {
    let dpi = decoded.dpi;
    let grey = decoded.take_grey();
    decoded.lifted = Some(evened(grey, dpi));
}

#[expect(clippy::cast_possible_truncation, reason = "some pixels")]
fn evened(page: Grey, dpi: u32) -> Grey {
    let part = ((SQUARE_MM / 25.4 * dpi as f32 / PARTS as f32).round() as u32).max(1);
    let square = part * PARTS;
    if page.width < 4 * square || page.height < 4 * square {
        return page;
    }
    let paper = paper(&page.reduced(part));
    let mut levels = paper.pixels.clone();
    levels.sort_unstable();
    let at = |share: usize| levels[(levels.len() - 1) * share / 100];
    if at(98).saturating_sub(at(2)) <= EVEN {
        return page;
    }
    brightened(page, &paper, square)
}

/// The level of paper in each square.
fn paper(parts: &Grey) -> Grey {
    let lightest = squares(parts, PARTS);
    // A letter, a line of print or a seal does not cover nine squares.
    let mut wide = lightest.clone();
    for y in 0..lightest.height {
        for x in 0..lightest.width {
            let mut top = 0;
            for near_y in y.saturating_sub(1)..(y + 2).min(lightest.height) {
                for near_x in x.saturating_sub(1)..(x + 2).min(lightest.width) {
                    top = top.max(lightest.at(near_x, near_y));
                }
            }
            wide.pixels[(y * lightest.width + x) as usize] = top;
        }
    }
    wide
}

/// The lightest pixel of each square.
fn squares(image: &Grey, side: u32) -> Grey {
    let (width, height) = (image.width / side, image.height / side);
    let mut lightest = Grey::filled(width, height, 0);
    for (y, row) in (0..height * side).map(|y| (y / side, image.row(y))) {
        let line = &mut lightest.pixels[(y * width) as usize..][..width as usize];
        for (most, tones) in line.iter_mut().zip(row.chunks_exact(side as usize)) {
            *most = tones.iter().copied().fold(*most, u8::max);
        }
    }
    lightest
}

/// Every pixel as if its paper were white; between squares' middles the level is interpolated.
#[expect(clippy::cast_possible_truncation, reason = "tones and places of a page")]
fn brightened(mut page: Grey, paper: &Grey, square: u32) -> Grey {
    let width = page.width as usize;
    let (across, down) = (paper.width as usize, paper.height as usize);
    let mut gains = vec![0_u32; width];
    for (y, line) in page.pixels.chunks_exact_mut(width).enumerate() {
        let (above, below, share) = between(y as u32, square, down);
        let level = |x: usize| {
            let at = |row: usize| u32::from(paper.pixels[row * across + x].max(DARKEST));
            at(above) * (256 - share) + at(below) * share
        };
        for (x, gain) in gains.iter_mut().enumerate() {
            let (left, right, share) = between(x as u32, square, across);
            let level = (level(left) * (256 - share) + level(right) * share) >> 8;
            // 8.8 fixed point times 256 levels.
            *gain = (255 << 16) / level.max(1);
        }
        for (tone, gain) in line.iter_mut().zip(&gains) {
            *tone = ((u32::from(*tone) * gain + 128) >> 8).min(255) as u8;
        }
    }
    page
}

/// The squares on either side of a place, and the share of the second in 256ths.
fn between(place: u32, square: u32, count: usize) -> (usize, usize, u32) {
    let half = square / 2;
    let from = place.saturating_sub(half);
    let (first, rest) = ((from / square) as usize, from % square);
    let share = if place < half { 0 } else { rest * 256 / square };
    (first.min(count - 1), (first + 1).min(count - 1), share)
}
