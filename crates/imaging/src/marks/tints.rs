//! A page at a third of its resolution, taken apart by the colour of its ink.

use crate::ink::{self, factor};
use crate::{Grey, Pixels};

/// Colours that inks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Ink pads of agencies.
    Red,
    /// Pens, some stamps.
    Blue,
    /// Print, photocopies, pens; everything on a page without colour.
    Dark,
}

/// One plane for each colour of ink: 0 where it is thickest, 255 where there is none.
pub(super) struct Tints {
    /// Pixels of the page along one of the planes.
    pub(super) factor: u32,
    /// Pixels of the planes a millimetre.
    pub(super) per_mm: f32,
    red: Option<Grey>,
    blue: Option<Grey>,
    dark: Grey,
}

impl Tints {
    pub(super) fn of(pixels: &Pixels, dpi: u32) -> Tints {
        let factor = factor(pixels.width(), pixels.height());
        let per_mm = dpi as f32 / factor as f32 / 25.4;
        match pixels {
            Pixels::Grey(grey) => {
                Tints { factor, per_mm, red: None, blue: None, dark: grey.reduced(factor) }
            }
            Pixels::Rgb(rgb) => {
                let small = rgb.reduced(factor);
                let plane = |tone: fn([u8; 3]) -> u8| Grey {
                    width: small.width,
                    height: small.height,
                    pixels: small.pixels.as_chunks::<3>().0.iter().map(|&rgb| tone(rgb)).collect(),
                };
                Tints {
                    factor,
                    per_mm,
                    red: Some(plane(|[red, green, blue]| faint(red, green.max(blue)))),
                    blue: Some(plane(|[red, green, blue]| faint(blue, red.max(green)))),
                    // Red ink is all but paper to red light; blue pens are dark in it.
                    dark: plane(|[red, _, _]| red),
                }
            }
        }
    }

    /// The planes that have ink, colours first; the dark one always.
    pub(super) fn planes(&self) -> impl Iterator<Item = (Ink, &Grey)> {
        let coloured = [(Ink::Red, self.red.as_ref()), (Ink::Blue, self.blue.as_ref())];
        let coloured = coloured.into_iter().filter_map(|(ink, plane)| Some((ink, plane?)));
        coloured.filter(|(_, plane)| has_ink(plane)).chain([(Ink::Dark, &self.dark)])
    }
}

/// Whether a plane has as much ink as a small stamp.
fn has_ink(plane: &Grey) -> bool {
    const LEAST: usize = 200;
    plane.pixels.iter().filter(|&&tone| tone < 255 - CONTRAST).count() >= LEAST
}

/// Least contrast of coloured ink, in tones of its plane.
const CONTRAST: u8 = 40;

/// Paper where a channel does not stand out from the others. Ink pads on real scans stand out by
/// 60 (worn) to 150; what JPEG and misplaced sensors add to black print is averaged away.
fn faint(channel: u8, others: u8) -> u8 {
    255 - channel.saturating_sub(others).saturating_mul(2)
}

/// What hangs together on a plane.
pub(super) fn parts(ink: Ink, plane: &Grey) -> ink::Ink {
    let least = if ink == Ink::Dark { crate::skew::CONTRAST } else { CONTRAST };
    ink::of_reduced(plane, least)
}
