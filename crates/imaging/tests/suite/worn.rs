//! What goes wrong at a scanner: pages made darker, lighter, softer, coarser, cut, or scanned two
//! at once.

use imaging::{Decoded, Grey, Pixels, turn_back};

/// The decoded page with other pixels, and its resolution multiplied.
pub(crate) fn with(page: &Decoded<'_>, grey: Grey, scale: f32) -> Decoded<'static> {
    let mut worn = page.clone().into_owned();
    worn.dpi = (page.dpi as f32 * scale).round() as u32;
    worn.pixels = Pixels::Grey(grey);
    worn
}

/// Every tone through a function.
pub(crate) fn toned(mut page: Grey, tone: impl Fn(f32) -> f32) -> Grey {
    for pixel in &mut page.pixels {
        *pixel = tone(f32::from(*pixel)).clamp(0.0, 255.0) as u8;
    }
    page
}

/// Softened by a bell of that deviation in pixels (three box blurs).
pub(crate) fn blurred(mut page: Grey, sigma: f32) -> Grey {
    // Three boxes of side n have a variance of 3 (n² − 1) / 12.
    let side = ((4.0 * sigma * sigma + 1.0).sqrt().round() as usize).max(1) | 1;
    for _ in 0..3 {
        page = boxed(&page, side, 1);
        page = boxed(&page, 1, side);
    }
    page
}

/// Smeared along the rows over that many pixels.
pub(crate) fn shaken(page: &Grey, pixels: usize) -> Grey {
    boxed(page, pixels, 1)
}

/// The mean of boxes about each pixel; `across` or `down` is 1.
fn boxed(page: &Grey, across: usize, down: usize) -> Grey {
    let (width, height) = (page.width as usize, page.height as usize);
    let mut out = page.clone();
    let (lines, length, step, jump) =
        if down == 1 { (height, width, 1, width) } else { (width, height, width, 1) };
    let side = across.max(down);
    for line in 0..lines {
        let at = |place: usize| line * jump + place.min(length - 1) * step;
        let tone = |place: i64| u32::from(page.pixels[at(place.max(0) as usize)]);
        let half = side as i64 / 2;
        let mut sum: u32 = (-half..side as i64 - half).map(tone).sum();
        for place in 0..length {
            out.pixels[at(place)] = (sum / side as u32) as u8;
            sum += tone(place as i64 + side as i64 - half);
            sum -= tone(place as i64 - half);
        }
    }
    out
}

/// Reduced to a share of its resolution, each pixel the mean of what it covers.
pub(crate) fn coarser(page: &Grey, share: f32) -> Grey {
    let (width, height) = ((page.width as f32 * share) as u32, (page.height as f32 * share) as u32);
    let mut out = Grey::filled(width, height, 255);
    let edge = |place: u32| (place as f32 / share) as u32;
    for y in 0..height {
        for x in 0..width {
            let (mut sum, mut count) = (0, 0);
            for from_y in edge(y)..edge(y + 1).max(edge(y) + 1) {
                for from_x in edge(x)..edge(x + 1).max(edge(x) + 1) {
                    sum += u32::from(page.at(from_x, from_y));
                    count += 1;
                }
            }
            out.pixels[(y * width + x) as usize] = (sum / count) as u8;
        }
    }
    out
}

/// What is left when shares of the page are cut off its left and upper edge.
pub(crate) fn cut(page: &Grey, left: f32, top: f32) -> Grey {
    let (x, y) = ((page.width as f32 * left) as u32, (page.height as f32 * top) as u32);
    let (width, height) = (page.width - x, page.height - y);
    let mut out = Grey::filled(width, height, 255);
    for (row, line) in (y..).zip(out.pixels.chunks_exact_mut(width as usize)) {
        let from = (row * page.width + x) as usize;
        line.copy_from_slice(&page.pixels[from..from + width as usize]);
    }
    out
}

/// A second sheet over the first: moved by shares of the page, turned, with the shadow of its edge.
pub(crate) fn covered(page: &Grey, over: &Grey, right: f32, down: f32, turned_deg: f32) -> Grey {
    let mut out = page.clone();
    let (width, height) = (page.width as f32, page.height as f32);
    let over = turn_back(over.clone(), -turned_deg);
    let (sin, cos) = turned_deg.to_radians().sin_cos();
    let shadow = width / 200.0;
    for y in 0..page.height {
        for x in 0..page.width {
            let (from_x, from_y) = (x as f32 - width * right, y as f32 - height * down);
            // Where the sheet's own edges are, turned with it.
            let (dx, dy) = (from_x - width / 2.0, from_y - height / 2.0);
            let in_x = dx * cos + dy * sin + width / 2.0;
            let in_y = -dx * sin + dy * cos + height / 2.0;
            let inside = in_x.min(in_y).min(width - in_x).min(height - in_y);
            let at = (y * page.width + x) as usize;
            if inside >= 0.0 {
                out.pixels[at] = if from_x >= 0.0 && from_y >= 0.0 {
                    over.at(from_x as u32, from_y as u32)
                } else {
                    250
                };
            } else if inside > -shadow {
                out.pixels[at] =
                    (f32::from(out.pixels[at]) * (0.75 - 0.25 * inside / shadow)) as u8;
            }
        }
    }
    out
}
