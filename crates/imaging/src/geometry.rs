//! From places on a decoded page to the same places on its upright image.

/// How a decoded page became upright: quarter turns, then its lean turned back about the middle.
/// Places are in pixels from the left upper corner, whole numbers between pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Width of the decoded page, in pixels.
    pub width: u32,
    /// Height of the decoded page, in pixels.
    pub height: u32,
    /// Quarter turns, clockwise: 0, 90, 180 or 270.
    pub rotation_deg: u16,
    /// The lean that was turned back after them, in degrees, clockwise positive.
    pub skew_deg: f32,
}

/// A rectangle of whole pixels on an upright image: inside it, and at least a pixel wide and high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

impl Area {
    /// The least rectangle around both.
    #[must_use]
    pub fn around(self, other: Area) -> Area {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.w).max(other.x + other.w);
        let bottom = (self.y + self.h).max(other.y + other.h);
        Area { x, y, w: right - x, h: bottom - y }
    }
}

impl Geometry {
    /// Width and height of the upright image.
    #[must_use]
    pub fn upright_size(&self) -> (u32, u32) {
        if self.rotation_deg / 90 % 2 == 1 {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    /// Where a place of the decoded page stands on the upright image; what the turn moves off the
    /// image is outside it.
    #[must_use]
    pub fn to_upright(&self, x: f32, y: f32) -> (f32, f32) {
        let (width, height) = (self.width as f32, self.height as f32);
        let (x, y) = match self.rotation_deg / 90 % 4 {
            1 => (height - y, x),
            2 => (width - x, height - y),
            3 => (y, width - x),
            _ => (x, y),
        };
        let (width, height) = self.upright_size();
        let (middle_x, middle_y) = (width as f32 / 2.0, height as f32 / 2.0);
        let (sin, cos) = self.skew_deg.to_radians().sin_cos();
        let (dx, dy) = (x - middle_x, y - middle_y);
        (middle_x + dx * cos + dy * sin, middle_y - dx * sin + dy * cos)
    }

    /// Where a rectangle of the decoded page stands on the upright image, cut to it; `None` where
    /// nothing of it is left.
    ///
    /// Its middle is moved, and its sides keep their length: around a leaning word or a round
    /// seal the box of the turned corners would be too large.
    #[must_use]
    pub fn area_to_upright(&self, left: f32, top: f32, right: f32, bottom: f32) -> Option<Area> {
        if right <= left || bottom <= top {
            return None;
        }
        let (x, y) = self.to_upright(left.midpoint(right), top.midpoint(bottom));
        let (mut w, mut h) = (right - left, bottom - top);
        if self.rotation_deg / 90 % 2 == 1 {
            (w, h) = (h, w);
        }
        let (width, height) = self.upright_size();
        let (x, w) = within(x - w / 2.0, x + w / 2.0, width)?;
        let (y, h) = within(y - h / 2.0, y + h / 2.0, height)?;
        Some(Area { x, y, w, h })
    }
}

/// First pixel and count of pixels that a stretch covers of `0..side`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to the side")]
fn within(from: f32, to: f32, side: u32) -> Option<(u32, u32)> {
    // Turning leaves a rounding error of some thousandths of a pixel.
    const HAIR: f32 = 0.02;
    let first = (from + HAIR).floor().max(0.0) as u32;
    let end = ((to - HAIR).ceil().max(0.0) as u32).min(side);
    (first < end).then(|| (first, end - first))
}
