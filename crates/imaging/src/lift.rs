//! Lifting what lies over print before the page is read. What is kept and shown stays as scanned:
//! only the grey that stages measure and read is changed.

use crate::marks::{Found, Ink, Marks};
use crate::{Decoded, Grey, Pixels, Rgb};
use schemas::reading::MarkKind;

/// How far beyond its box a mark's ink may run, in pixels a hundred: worn rims and JPEG's haze.
const MARGIN: f32 = 0.03;

/// Lifts coloured seals off the grey of a page: under red ink, black print stays black in red
/// light while the ink all but vanishes.
///
/// Only within the seals themselves: titles of certificates are printed in red, and people fill
/// forms in with blue pens.
pub fn lift(decoded: &mut Decoded<'_>, marks: &Marks) {
    let mut grey = decoded.grey();
    if let Pixels::Rgb(page) = &decoded.pixels {
        for mark in &marks.found {
            match (mark.kind, mark.ink) {
                (MarkKind::Seal, Ink::Red) => lift_within(&mut grey, page, mark, 0),
                (MarkKind::Seal, Ink::Blue) => lift_within(&mut grey, page, mark, 2),
                _ => {}
            }
        }
    }
    decoded.lifted = Some(grey);
}

/// Lifts ink of one channel's colour within the circle about a mark.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the page")]
fn lift_within(grey: &mut Grey, page: &Rgb, mark: &Found, channel: usize) {
    let (x, y) = (mark.left.midpoint(mark.right), mark.top.midpoint(mark.bottom));
    let radius = (mark.right - mark.left) / 2.0 * (1.0 + MARGIN);
    let width = page.width as usize;
    let rows = (y - radius).max(0.0) as u32..((y + radius) as u32).min(page.height);
    for row in rows {
        let half = (radius.powi(2) - (row as f32 - y).powi(2)).max(0.0).sqrt();
        let from = (x - half).max(0.0) as usize;
        let to = ((x + half).max(0.0) as usize).min(width);
        if from >= to {
            continue;
        }
        let line = row as usize * width;
        let tones = &mut grey.pixels[line + from..line + to];
        let colours = page.pixels[(line + from) * 3..(line + to) * 3].as_chunks::<3>().0;
        for (tone, rgb) in tones.iter_mut().zip(colours) {
            *tone = lifted(*tone, *rgb, channel);
        }
    }
}

/// A pixel's tone without ink of the colour that `channel` sees as paper.
#[expect(clippy::cast_possible_truncation, reason = "cut to a tone")]
fn lifted(tone: u8, rgb: [u8; 3], channel: usize) -> u8 {
    /// By how much the channel stands out where lifting begins, and where it is complete.
    const FROM: u32 = 12;
    const FULL: u32 = 36;
    let own = u32::from(rgb[channel]);
    let others = u32::from(rgb[(channel + 1) % 3].max(rgb[(channel + 2) % 3]));
    let out = own.saturating_sub(others);
    // Ink is not quite paper even in its own light: the thicker it is, the more it is raised.
    let paper = (own + out / 2).min(255).max(u32::from(tone));
    let share = out.clamp(FROM, FULL) - FROM;
    ((u32::from(tone) * (FULL - FROM - share) + paper * share) / (FULL - FROM)) as u8
}
