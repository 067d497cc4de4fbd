//! What ink can leave on a sheet. Places are millimetres from the top left corner, text sits on
//! its baseline.

use crate::fonts::Face;

/// A colour of ink: how much red, green and blue the paper still reflects, 0 to 255.
pub(crate) type Ink = [u8; 3];

/// Toner.
pub(crate) const BLACK: Ink = [28, 26, 30];
/// Ink pad of an office.
pub(crate) const RED: Ink = [205, 32, 48];
/// Ball pen.
pub(crate) const BLUE: Ink = [32, 48, 150];
/// Print on cards.
pub(crate) const GREY: Ink = [110, 118, 124];

/// One mark.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// Text from `x` to the right.
    Text { x: f32, y: f32, pt: f32, face: Face, ink: Ink, text: String },
    /// A straight line `w` millimetres wide.
    Rule { from: (f32, f32), to: (f32, f32), w: f32, ink: Ink },
    /// Dots along a line to be filled in.
    Dots { x: f32, y: f32, to: f32 },
    /// A filled box.
    Fill { x: f32, y: f32, w: f32, h: f32, ink: Ink },
    /// A filled disc.
    Disc { x: f32, y: f32, r: f32, ink: Ink },
    /// A round seal about its centre, with words around its rim.
    Seal { x: f32, y: f32, r: f32, upper: String, lower: String, tilt_deg: f32 },
    /// Somebody's signature; the seed is whose.
    Signature { x: f32, y: f32, w: f32, seed: u64 },
    /// A QR code, `side` millimetres without its quiet zone; dark modules by rows.
    Code { x: f32, y: f32, side: f32, modules: usize, dark: Vec<bool> },
    /// A seal on the other side of the paper, seen through it: mirrored, pale (0 to 1).
    Ghost { x: f32, y: f32, r: f32, tilt_deg: f32, upper: String, lower: String, strength: f32 },
}

impl Mark {
    /// The mark, moved.
    pub(crate) fn moved(mut self, dx: f32, dy: f32) -> Self {
        match &mut self {
            Mark::Rule { from, to, .. } => {
                for end in [from, to] {
                    end.0 += dx;
                    end.1 += dy;
                }
            }
            Mark::Dots { x, y, to } => {
                *x += dx;
                *to += dx;
                *y += dy;
            }
            Mark::Text { x, y, .. }
            | Mark::Fill { x, y, .. }
            | Mark::Disc { x, y, .. }
            | Mark::Seal { x, y, .. }
            | Mark::Signature { x, y, .. }
            | Mark::Code { x, y, .. }
            | Mark::Ghost { x, y, .. } => {
                *x += dx;
                *y += dy;
            }
        }
        self
    }
}
