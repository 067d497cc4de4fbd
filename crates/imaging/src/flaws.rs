//! Why a page should be scanned again while its paper is still at the counter: a verdict from
//! cheap statistics, before the page is read.
//!
//! Every threshold says what it was measured on. "Good pages" are real scans of official papers,
//! at 150 to 310 dots per inch, in colour, grey and black and white; none of them may be refused.

mod cut;
mod edges;
mod letters;
mod sheets;

use std::borrow::Cow;

use schemas::reading::Flaw;

use crate::{Decoded, Marks, Pixels, Upright};
use edges::Edges;
use letters::Letters;

/// Contrast of print to its paper, in tones, below which a page is too light. Good pages have 236
/// and more. Lightened until thin strokes vanish, they have 100 to 104, and 5 to 11 % of their
/// characters are misread instead of 2 %.
const FAINT: u32 = 110;

/// Tone of paper below which a page is too dark. Good pages have 250 and more; grey and brown
/// papers some 140.
const DARK_PAPER: u32 = 110;

/// How wide a letter's edge may be, in millimetres, and as a share of the letter's height: a page
/// is blurred where both are passed, for a resolution can be guessed wrongly. Good pages have
/// 0.34 mm and 0.13 at most. Blurred and shaken ones of 150 to 300 dots per inch are misread by
/// 6 % at most up to 0.58 mm, and by 8 to 25 % from 0.62 mm and 0.19 on.
const SOFT_MM: f32 = 0.6;
const SOFT: f32 = 0.16;

/// Height of letters in pixels below which a page is too coarse. Reduced to 75 dots per inch good
/// pages have 10 and are misread by 2 to 4 %; at 60 they have 8, at 50 they have 7 and are misread
/// by 5 to 8 %.
const COARSE: f32 = 9.0;

/// A page of a lower resolution is too coarse already with letters below [`COARSE_LETTERS`]
/// pixels: the engine still reads it, but marks and small print are lost to a person, and
/// official papers must be scanned at 200 dots per inch.
const COARSE_DPI: u32 = 140;
const COARSE_LETTERS: f32 = 13.0;

/// What is wrong with a page, as it was decoded and made upright. A blank page can be too dark or
/// too light, and nothing else.
#[must_use]
pub fn flaws(decoded: &Decoded<'_>, marks: &Marks, upright: &Upright, blank: bool) -> Vec<Flaw> {
    // As it was scanned: evened out, a page would look as good as it reads.
    let page = match &decoded.pixels {
        Pixels::Grey(grey) => Cow::Borrowed(grey),
        Pixels::Rgb(_) => Cow::Owned(decoded.pixels.grey()),
    };
    let edges = Edges::of(&page);
    let mut flaws = Vec::new();
    if edges.paper < DARK_PAPER {
        flaws.push(Flaw::TooDark);
    }
    if blank {
        return flaws;
    }
    let ink = match (&marks.ink, upright.rotation_deg() % 180) {
        (ink, 0) => Cow::Borrowed(ink),
        (ink, _) => Cow::Owned(ink.transposed()),
    };
    let letters = Letters::of(&ink, &page);
    if !edges.any() || letters.count < letters::FEW {
        return flaws;
    }
    let soft_mm = edges.width / decoded.dpi as f32 * 25.4;
    if letters.height < COARSE || decoded.dpi < COARSE_DPI && letters.height < COARSE_LETTERS {
        flaws.push(Flaw::TooCoarse);
    } else if soft_mm > SOFT_MM && edges.width > letters.height * SOFT {
        flaws.push(Flaw::Blurred);
    } else if edges.contrast < FAINT && edges.paper >= DARK_PAPER {
        flaws.push(Flaw::TooLight);
    }
    if cut::cut_off(&ink, &letters) {
        flaws.push(Flaw::CutOff);
    }
    if sheets::two_sheets(&ink) {
        flaws.push(Flaw::TwoSheets);
    }
    if upright.rotation_deg() != decoded.rotation_deg {
        flaws.push(Flaw::UpsideDown);
    }
    flaws
}
