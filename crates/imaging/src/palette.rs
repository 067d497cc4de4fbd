//! Pages of few colours as PNG: a fax page with a coloured print on it is a sixth of what it is
//! as a JPEG, and its letters stay as they are.

use std::collections::HashMap;

use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};

use crate::Pixels;

/// Colours of a palette.
const COLOURS: usize = 256;

/// The page as a PNG with a palette, one byte a pixel, rows unfiltered: such pages are runs of
/// black and of white, which filters break up. Where there are more colours than a palette
/// holds, the rarer ones become the nearest of the others. `None` where it can't be encoded.
pub(crate) fn encode(pixels: &Pixels) -> Option<Vec<u8>> {
    let colours: Vec<[u8; 3]> = match pixels {
        Pixels::Grey(image) => image.pixels.iter().map(|&tone| [tone; 3]).collect(),
        Pixels::Rgb(image) => image.pixels.as_chunks::<3>().0.to_vec(),
    };
    let (palette, places) = palette(&colours);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, pixels.width(), pixels.height());
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_deflate_compression(DeflateCompression::Level(8));
    encoder.set_filter(Filter::NoFilter);
    let mut last = ([0; 3], places.get(&[0; 3]).copied());
    let indices: Option<Vec<u8>> = colours
        .iter()
        .map(|colour| {
            // Pixels come in runs.
            if last.0 != *colour || last.1.is_none() {
                last = (*colour, places.get(colour).copied());
            }
            last.1
        })
        .collect();
    encoder.write_header().ok()?.write_image_data(&indices?).ok()?;
    Some(file)
}

/// The most frequent colours, and for each colour there is the place of the nearest of them.
fn palette(colours: &[[u8; 3]]) -> (Vec<[u8; 3]>, HashMap<[u8; 3], u8>) {
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    for run in colours.chunk_by(|a, b| a == b) {
        *counts.entry(run[0]).or_default() += run.len();
    }
    let mut frequent: Vec<([u8; 3], usize)> = counts.iter().map(|(c, n)| (*c, *n)).collect();
    frequent.sort_unstable_by_key(|(colour, count)| (std::cmp::Reverse(*count), *colour));
    let palette: Vec<[u8; 3]> = if frequent.len() <= COLOURS {
        frequent.iter().map(|(colour, _)| *colour).collect()
    } else {
        apart(&frequent)
    };
    let places = counts.keys().map(|colour| (*colour, nearest(&palette, *colour))).collect();
    (palette, places)
}

/// The most frequent colours, none of which is so near to another that no eye parts them.
fn apart(frequent: &[([u8; 3], usize)]) -> Vec<[u8; 3]> {
    let mut palette = Vec::new();
    // Finer steps where a coarse one leaves room.
    for step in [24, 12, 6, 0] {
        for (colour, _) in frequent {
            if palette.len() == COLOURS {
                return palette;
            }
            if palette.iter().all(|taken| step * step < distance(taken, colour)) {
                palette.push(*colour);
            }
        }
    }
    palette
}

#[expect(clippy::cast_possible_truncation, reason = "a palette has at most 256 colours")]
fn nearest(palette: &[[u8; 3]], colour: [u8; 3]) -> u8 {
    let place = (0..palette.len()).min_by_key(|place| distance(&palette[*place], &colour));
    place.unwrap_or_default() as u8
}

fn distance(one: &[u8; 3], other: &[u8; 3]) -> u32 {
    one.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rgb;

    fn decoded(file: &[u8]) -> Vec<u8> {
        image::load_from_memory(file).unwrap().to_rgb8().into_raw()
    }

    #[test]
    fn few_colours_come_out_as_they_went_in() {
        let pixels = [[0, 0, 0], [255, 255, 255], [200, 16, 46]].repeat(64).concat();
        let page = Rgb { width: 16, height: 12, pixels };
        let file = encode(&Pixels::Rgb(page.clone())).unwrap();
        assert_eq!(decoded(&file), page.pixels);
    }

    #[test]
    fn of_many_colours_each_becomes_one_that_is_near() {
        let mut pixels = [[0, 0, 0], [255, 255, 255]].repeat(20_000).concat();
        // A print that runs from red to blue, in 6,400 colours.
        for n in 0..6_400_u32 {
            let part = |n: u32| u8::try_from(n).unwrap();
            pixels.extend([part(n / 80 * 3), part(n % 80), part(255 - n / 80 * 3)]);
        }
        let page = Rgb { width: 200, height: 232, pixels };
        let found = decoded(&encode(&Pixels::Rgb(page.clone())).unwrap());
        assert_eq!(found[..120_000], page.pixels[..120_000], "black and white stay");
        let off = found.iter().zip(&page.pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(24), "{off:?}");
    }
}
