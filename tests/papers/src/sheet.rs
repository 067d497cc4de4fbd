//! One side of a paper: marks on it, the text that is printed there, the fields it states.

use std::sync::Arc;

use image::{GrayImage, RgbImage};
use schemas::record::FieldName;

use crate::canvas::{self, Canvas};
use crate::fonts::Fonts;
use crate::marks::{Ink, Mark};

/// One side of a paper, set and ready to be printed at any resolution.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Width in millimetres: 210 for A4, 85.6 for a card.
    pub width_mm: f32,
    /// Height in millimetres.
    pub height_mm: f32,
    /// The printed lines in reading order, NFC: a letterhead's left column before its right one,
    /// columns of signatures from left to right. Words of seals, signatures and cards' pictures
    /// are not among them.
    pub lines: Vec<String>,
    /// What the paper states that officers retype; empty for forms that state none of it. Dates
    /// are `YYYY-MM-DD`.
    pub facts: Vec<(FieldName, String)>,
    /// Texts of the QR codes.
    pub codes: Vec<String>,
    /// Colour of the paper itself.
    pub(crate) paper: Ink,
    pub(crate) marks: Vec<Mark>,
    pub(crate) fonts: Arc<Fonts>,
}

impl Sheet {
    pub(crate) fn blank(fonts: &Arc<Fonts>, width_mm: f32, height_mm: f32) -> Self {
        Self {
            width_mm,
            height_mm,
            lines: Vec::new(),
            facts: Vec::new(),
            codes: Vec::new(),
            paper: [252, 252, 250],
            marks: Vec::new(),
            fonts: Arc::clone(fonts),
        }
    }

    /// The lines as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// What the paper states under that name.
    #[must_use]
    pub fn fact(&self, name: FieldName) -> Option<&str> {
        self.facts.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    /// Whether nothing is printed on this side, a ghost aside.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.marks.iter().all(|m| matches!(m, Mark::Ghost { .. }))
    }

    /// The sheet in colour at `dpi` dots an inch, clean.
    #[must_use]
    pub fn render(&self, dpi: u32) -> RgbImage {
        let canvas = self.paint(dpi, 3);
        RgbImage::from_raw(canvas.width, canvas.height, canvas.data)
            .unwrap_or_else(|| unreachable!("a canvas of three channels holds an RGB image"))
    }

    /// The sheet in grey, a third of the work.
    #[must_use]
    pub fn render_grey(&self, dpi: u32) -> GrayImage {
        let canvas = self.paint(dpi, 1);
        GrayImage::from_raw(canvas.width, canvas.height, canvas.data)
            .unwrap_or_else(|| unreachable!("a canvas of one channel holds a grey image"))
    }

    fn paint(&self, dpi: u32, channels: usize) -> Canvas {
        let scale = dpi as f32 / 25.4;
        let (width, height) = (self.width_mm * scale, self.height_mm * scale);
        let mut canvas = Canvas::new(width.round(), height.round(), channels, self.paper);
        let mut brush = canvas::Brush::new(&self.fonts, scale);
        for mark in &self.marks {
            brush.draw(&mut canvas, mark);
        }
        canvas
    }

    /// The back of this sheet: blank but for the front's seals, which shine through mirrored;
    /// `strength` 0 to 1, 0.12 on ordinary paper.
    #[must_use]
    pub fn back(&self, strength: f32) -> Sheet {
        let mut back = Self::blank(&self.fonts, self.width_mm, self.height_mm);
        for mark in &self.marks {
            if let Mark::Seal { x, y, r, upper, lower, tilt_deg } = mark.clone() {
                let x = self.width_mm - x;
                back.marks.push(Mark::Ghost { x, y, r, tilt_deg, upper, lower, strength });
            }
        }
        back
    }

    /// Lays another sheet on this one with its corner at a place, as a card is laid on the glass.
    pub(crate) fn lay(&mut self, other: &Sheet, x: f32, y: f32) {
        let (w, h) = (other.width_mm, other.height_mm);
        self.marks.push(Mark::Fill { x, y, w, h, ink: other.paper });
        self.marks.extend(other.marks.iter().map(|m| m.clone().moved(x, y)));
        self.lines.extend(other.lines.iter().cloned());
        self.facts.extend(other.facts.iter().cloned());
        self.codes.extend(other.codes.iter().cloned());
    }
}
