//! Parts of ink that are letters, by their shape; how high they are.

use crate::Grey;
use crate::ink::{Ink, Part};

/// Fewer letters than this say nothing about a page.
pub(super) const FEW: usize = 40;

/// The letters of a page, and words whose letters touch.
pub(super) struct Letters {
    pub(super) count: usize,
    /// Their usual height, in pixels of the page.
    pub(super) height: f32,
    /// Their usual height, in pixels of the ink.
    pub(super) inked: f32,
}

impl Letters {
    pub(super) fn of(ink: &Ink, page: &Grey) -> Letters {
        let factor = page.width.max(page.height) as f32 / ink.width.max(ink.height) as f32;
        let shapes = ink.parts.iter().filter(|part| is_letter(ink, part));
        let mut heights: Vec<u32> = shapes.map(Part::height).collect();
        heights.sort_unstable();
        let inked = heights.get(heights.len() / 2).map_or(0.0, |&height| height as f32);
        Letters { count: heights.len(), height: inked * factor, inked }
    }

    /// Whether a part is about as high as letters usually are: marks make them higher, an edge
    /// of the image lower.
    pub(super) fn is_alike(&self, part: &Part, least: f32) -> bool {
        let height = part.height() as f32 / self.inked;
        (least..=2.2).contains(&height) && part.width() as f32 <= self.inked * 12.0
    }
}

fn is_letter(ink: &Ink, part: &Part) -> bool {
    let (width, height) = (part.width(), part.height());
    // Specks and full stops are lower; rules flatter; blots and pictures larger.
    height >= 3
        && width >= 2
        && part.area >= 6
        && width <= height * 12
        && height <= width * 5
        && height <= ink.height / 20
        && !ink.is_at_edge(part)
}
