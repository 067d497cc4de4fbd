//! Marks become pixels. Ink multiplies, so that a seal over a signature darkens both, as it does
//! on paper.

use std::collections::HashMap;
use std::f32::consts::{PI, TAU};
use std::rc::Rc;

use ab_glyph::{Font, GlyphId, ScaleFont, point};

use crate::chance::Chance;
use crate::fonts::{Face, Fonts, MM_PER_PT};
use crate::marks::{BLACK, BLUE, GREY, Ink, Mark, RED};

/// Pixels by rows, one or three bytes each.
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) data: Vec<u8>,
    channels: usize,
}

impl Canvas {
    pub(crate) fn new(width: f32, height: f32, channels: usize, paper: Ink) -> Self {
        let (width, height) = (pixel(width).max(1), pixel(height).max(1));
        let count = width as usize * height as usize;
        let data = match channels {
            1 => vec![luma(paper); count],
            _ => paper.repeat(count),
        };
        let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
        Self { width, height, data, channels }
    }

    /// Lays ink on a pixel, `cover` 0 to 1 of it. Pixels beyond the edge are dropped.
    fn ink(&mut self, x: i32, y: i32, cover: f32, ink: Ink) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * self.channels;
        let keep = |ink: u8| 1.0 - cover * (1.0 - f32::from(ink) / 255.0);
        if self.channels == 1 {
            self.data[at] = level(f32::from(self.data[at]) * keep(luma(ink)));
        } else {
            for (value, ink) in self.data[at..at + 3].iter_mut().zip(ink) {
                *value = level(f32::from(*value) * keep(ink));
            }
        }
    }
}

impl Canvas {
    /// Covers a pixel with a colour, as print on plastic does.
    fn cover(&mut self, x: i32, y: i32, cover: f32, ink: Ink) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * self.channels;
        let colour = if self.channels == 1 { [luma(ink); 3] } else { ink };
        for (value, ink) in self.data[at..at + self.channels].iter_mut().zip(colour) {
            *value = level(f32::from(*value) * (1.0 - cover) + f32::from(ink) * cover);
        }
    }
}

/// The grey of a colour, by the weights of Rec. 601.
fn luma([r, g, b]: Ink) -> u8 {
    level(0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b))
}

/// A level of brightness, cut to 0 to 255.
#[expect(clippy::cast_possible_truncation, reason = "`as` cuts a float to the type's range")]
#[expect(clippy::cast_sign_loss, reason = "`as` cuts a float to the type's range")]
pub(crate) fn level(value: f32) -> u8 {
    (value + 0.5) as u8
}

/// The pixel a place falls into.
#[expect(clippy::cast_possible_truncation, reason = "`as` cuts a float to the type's range")]
pub(crate) fn pixel(place: f32) -> i32 {
    place.floor() as i32
}

/// How much of each pixel of a small area is covered, 0 to 1: what is built up before it is
/// inked once, so that strokes crossing each other don't darken.
struct Patch {
    width: i32,
    height: i32,
    cover: Vec<f32>,
}

impl Patch {
    fn new(width: i32, height: i32) -> Self {
        let count = usize::try_from(i64::from(width) * i64::from(height)).unwrap_or(0);
        Self { width, height, cover: vec![0.0; count] }
    }

    fn at(&self, x: i32, y: i32) -> Option<usize> {
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        inside.then(|| usize::try_from(y * self.width + x).unwrap_or(0))
    }

    fn get(&self, x: i32, y: i32) -> f32 {
        self.at(x, y).map_or(0.0, |i| self.cover[i])
    }

    fn put(&mut self, x: i32, y: i32, cover: f32) {
        if let Some(i) = self.at(x, y) {
            self.cover[i] = self.cover[i].max(cover.clamp(0.0, 1.0));
        }
    }

    /// Cover between pixels.
    fn sample(&self, x: f32, y: f32) -> f32 {
        let (x0, y0) = (pixel(x), pixel(y));
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let row = |y| self.get(x0, y) * (1.0 - fx) + self.get(x0 + 1, y) * fx;
        row(y0) * (1.0 - fy) + row(y0 + 1) * fy
    }

    /// A stroke between two points, `w` wide, with round ends.
    fn stroke(&mut self, (ax, ay): (f32, f32), (bx, by): (f32, f32), w: f32) {
        let reach = w / 2.0 + 1.0;
        let (dx, dy) = (bx - ax, by - ay);
        let length2 = (dx * dx + dy * dy).max(f32::EPSILON);
        for y in pixel(ay.min(by) - reach)..=pixel(ay.max(by) + reach) {
            for x in pixel(ax.min(bx) - reach)..=pixel(ax.max(bx) + reach) {
                let (px, py) = (x as f32 + 0.5 - ax, y as f32 + 0.5 - ay);
                let t = ((px * dx + py * dy) / length2).clamp(0.0, 1.0);
                let far = (px - t * dx).hypot(py - t * dy);
                self.put(x, y, w / 2.0 + 0.5 - far);
            }
        }
    }
}

/// A letter in pixels, and where it lies from the pen.
struct Letter {
    left: i32,
    top: i32,
    patch: Patch,
}

/// Draws marks at one scale; keeps the letters it has drawn once.
pub(crate) struct Brush<'f> {
    fonts: &'f Fonts,
    /// Pixels a millimetre.
    scale: f32,
    letters: HashMap<(Face, u32, GlyphId, i32), Option<Rc<Letter>>>,
}

impl<'f> Brush<'f> {
    pub(crate) fn new(fonts: &'f Fonts, scale: f32) -> Self {
        Self { fonts, scale, letters: HashMap::new() }
    }

    pub(crate) fn draw(&mut self, canvas: &mut Canvas, mark: &Mark) {
        let s = self.scale;
        match mark {
            Mark::Text { x, y, pt, face, ink, text } => {
                self.text(canvas, (x * s, y * s), pt * MM_PER_PT * s, *face, *ink, text);
            }
            Mark::Rule { from, to, w, ink } => {
                let from = (from.0 * s, from.1 * s);
                rule(canvas, from, (to.0 * s, to.1 * s), (w * s).max(1.0), *ink);
            }
            Mark::Dots { x, y, to } => self.dots(canvas, *x, *y, *to),
            Mark::Fill { x, y, w, h, ink } => {
                for py in pixel(y * s)..pixel((y + h) * s) {
                    for px in pixel(x * s)..pixel((x + w) * s) {
                        canvas.cover(px, py, 1.0, *ink);
                    }
                }
            }
            Mark::Disc { x, y, r, ink } => {
                let (cx, cy, r) = (x * s, y * s, r * s);
                for py in pixel(cy - r - 1.0)..=pixel(cy + r + 1.0) {
                    for px in pixel(cx - r - 1.0)..=pixel(cx + r + 1.0) {
                        let far = (px as f32 + 0.5 - cx).hypot(py as f32 + 0.5 - cy);
                        canvas.cover(px, py, (r + 0.5 - far).clamp(0.0, 1.0), *ink);
                    }
                }
            }
            Mark::Seal { x, y, r, upper, lower, tilt_deg } => {
                let patch = self.seal(r * s, upper, lower, *tilt_deg);
                stamp(canvas, &patch, (x * s, y * s), RED, 0.85, false);
            }
            Mark::Ghost { x, y, r, tilt_deg, upper, lower, strength } => {
                let patch = self.seal(r * s, upper, lower, *tilt_deg);
                stamp(canvas, &patch, (x * s, y * s), RED, *strength, true);
            }
            Mark::Signature { x, y, w, seed } => self.signature(canvas, *x, *y, *w, *seed),
            Mark::Code { x, y, side, modules, dark } => {
                self.code(canvas, (*x, *y), *side, *modules, dark);
            }
        }
    }

    fn letter(&mut self, face: Face, em: f32, id: GlyphId, shift: i32) -> Option<Rc<Letter>> {
        let fonts = self.fonts;
        let make = || {
            let font = fonts.face(face, em);
            let at = point(shift as f32 / 4.0, 0.0);
            let glyph = id.with_scale_and_position(font.scale(), at);
            let outline = font.font().outline_glyph(glyph)?;
            let area = outline.px_bounds();
            let mut patch = Patch::new(pixel(area.width()), pixel(area.height()));
            outline.draw(|x, y, c| patch.put(x.cast_signed(), y.cast_signed(), c));
            Some(Rc::new(Letter { left: pixel(area.min.x), top: pixel(area.min.y), patch }))
        };
        self.letters.entry((face, em.to_bits(), id, shift)).or_insert_with(make).clone()
    }

    fn text(
        &mut self,
        canvas: &mut Canvas,
        (mut x, y): (f32, f32),
        em: f32,
        face: Face,
        ink: Ink,
        text: &str,
    ) {
        let fonts = self.fonts;
        let font = fonts.face(face, em);
        let baseline = pixel(y + 0.5);
        let mut last: Option<GlyphId> = None;
        for c in text.chars() {
            let id = font.glyph_id(c);
            x += last.map_or(0.0, |l| font.kern(l, id));
            // Letters sit on quarters of a pixel: four pictures of each are enough.
            let place = pixel(x * 4.0);
            if let Some(letter) = self.letter(face, em, id, place.rem_euclid(4)) {
                for ly in 0..letter.patch.height {
                    for lx in 0..letter.patch.width {
                        let cover = letter.patch.get(lx, ly);
                        if cover > 0.004 {
                            let at = place.div_euclid(4) + letter.left + lx;
                            canvas.ink(at, baseline + letter.top + ly, cover, ink);
                        }
                    }
                }
            }
            x += font.h_advance(id);
            last = Some(id);
        }
    }

    fn dots(&self, canvas: &mut Canvas, x: f32, y: f32, to: f32) {
        let s = self.scale;
        let mut at = x;
        while at < to {
            let r = 0.11 * s;
            for py in pixel(y * s - r - 1.0)..=pixel(y * s + r + 1.0) {
                for px in pixel(at * s - r - 1.0)..=pixel(at * s + r + 1.0) {
                    let far = (px as f32 + 0.5 - at * s).hypot(py as f32 + 0.5 - y * s);
                    canvas.ink(px, py, (r + 0.5 - far).clamp(0.0, 0.8), GREY);
                }
            }
            at += 1.1;
        }
    }

    /// A seal of radius `r` pixels: two rings, a third about the star, words around the rim, and
    /// the patches that ink leaves out.
    fn seal(&mut self, r: f32, upper: &str, lower: &str, tilt_deg: f32) -> Patch {
        let side = pixel(2.0 * r + 4.0);
        let mut patch = Patch::new(side, side);
        let middle = side as f32 / 2.0;
        for y in 0..side {
            for x in 0..side {
                let (dx, dy) = (x as f32 + 0.5 - middle, y as f32 + 0.5 - middle);
                let far = dx.hypot(dy);
                let ring = |radius: f32, w: f32| w / 2.0 + 0.5 - (far - radius).abs();
                let rings = ring(r * 0.97, r * 0.045).max(ring(r * 0.90, r * 0.015));
                let inner = ring(r * 0.60, r * 0.02);
                let star = if in_star(dx, dy, r * 0.42, tilt_deg.to_radians()) { 1.0 } else { 0.0 };
                patch.put(x, y, rings.max(inner).max(star));
            }
        }
        let tilt = tilt_deg.to_radians();
        self.arc(&mut patch, r * 0.66, r * 0.21, upper, -PI / 2.0 + tilt, 1.0);
        self.arc(&mut patch, r * 0.82, r * 0.19, lower, PI / 2.0 + tilt, -1.0);
        for y in 0..side {
            for x in 0..side {
                if let Some(i) = patch.at(x, y) {
                    patch.cover[i] *= 0.62 + 0.38 * blotch(x as f32 / r * 9.0, y as f32 / r * 9.0);
                }
            }
        }
        patch
    }

    /// Words around a circle of that radius (of their baseline), centred on `about`; clockwise
    /// with the letters' feet inward (`way` 1) or the other way (`way` -1).
    fn arc(&mut self, patch: &mut Patch, radius: f32, em: f32, words: &str, about: f32, way: f32) {
        let fonts = self.fonts;
        let font = fonts.face(Face::SansBold, em);
        let advance = |c: char| font.h_advance(font.glyph_id(c)) * 1.08;
        let whole: f32 = words.chars().map(advance).sum();
        // Long words are squeezed into 5/8 of the rim.
        let squeeze = (TAU * 0.62 * radius / whole.max(1.0)).min(1.0);
        let mut angle = about - way * whole * squeeze / radius / 2.0;
        let middle = patch.width as f32 / 2.0;
        for c in words.chars() {
            let step = advance(c) * squeeze / radius;
            let at = angle + way * step / 2.0;
            let pen = (middle + radius * at.cos(), middle + radius * at.sin());
            if let Some(letter) = self.letter(Face::SansBold, em, font.glyph_id(c), 0) {
                let turn = at + way * PI / 2.0;
                let lead = font.h_advance(font.glyph_id(c)) / 2.0;
                put_turned(patch, &letter, pen, turn, lead, squeeze);
            }
            angle += way * step;
        }
    }

    /// A scrawl `w` millimetres wide: the same seed signs the same way.
    fn signature(&self, canvas: &mut Canvas, x: f32, y: f32, w: f32, seed: u64) {
        let s = self.scale;
        let mut chance = Chance::new(seed ^ 0x516E);
        // A pen that circles while the hand moves on: loops, growing and shrinking by chance,
        // and a stroke out to the right.
        let loops = chance.between(2.4, 7.5);
        let sizes: Vec<f32> = (0..9).map(|_| chance.between(0.03, 0.30)).collect();
        let (lean, wide) = (chance.between(-0.2, 0.9), chance.between(0.02, 0.13));
        let place = |t: f32| {
            let along = (t * 7.0).min(7.0);
            let i = usize::try_from(pixel(along)).unwrap_or(0);
            let size = sizes[i] + (sizes[i + 1] - sizes[i]) * (along - i as f32);
            let (sin, cos) = (t * loops * TAU).sin_cos();
            let rise = size * sin * (1.0 - t * t);
            let across = 0.16 + 0.8 * t + wide * cos * (1.2 - t) + lean * rise * 0.5;
            (across * w * s, (0.36 - rise - 0.12 * t * t) * w * s)
        };
        let mut patch = Patch::new(pixel(1.3 * w * s), pixel(0.75 * w * s));
        for step in 0..240i16 {
            let t = f32::from(step) / 240.0;
            patch.stroke(place(t), place(t + 1.0 / 240.0), (0.36 * s).max(1.2));
        }
        stamp(canvas, &patch, ((x + 0.65 * w) * s, y * s), BLUE, 0.9, false);
    }

    fn code(
        &self,
        canvas: &mut Canvas,
        (x, y): (f32, f32),
        side: f32,
        modules: usize,
        dark: &[bool],
    ) {
        let s = self.scale;
        let module = side * s / modules as f32;
        let (left, top) = (x * s, y * s);
        let end = (module * modules as f32).ceil();
        for py in 0..pixel(end) {
            for px in 0..pixel(end) {
                let cell = |p: i32| usize::try_from(pixel((p as f32 + 0.5) / module)).unwrap_or(0);
                let (column, row) = (cell(px), cell(py));
                if column < modules && row < modules && dark[row * modules + column] {
                    canvas.ink(pixel(left) + px, pixel(top) + py, 1.0, BLACK);
                }
            }
        }
    }
}

fn rule(canvas: &mut Canvas, from: (f32, f32), to: (f32, f32), w: f32, ink: Ink) {
    let (left, top) = (from.0.min(to.0) - w, from.1.min(to.1) - w);
    let width = pixel((from.0 - to.0).abs() + 2.0 * w) + 2;
    let height = pixel((from.1 - to.1).abs() + 2.0 * w) + 2;
    let mut patch = Patch::new(width, height);
    let (left, top) = (left.floor(), top.floor());
    patch.stroke((from.0 - left, from.1 - top), (to.0 - left, to.1 - top), w);
    for y in 0..height {
        for x in 0..width {
            let cover = patch.get(x, y);
            if cover > 0.0 {
                canvas.ink(x + pixel(left), y + pixel(top), cover, ink);
            }
        }
    }
}

/// Inks a patch about its centre, mirrored where it shows from behind.
fn stamp(
    canvas: &mut Canvas,
    patch: &Patch,
    (cx, cy): (f32, f32),
    ink: Ink,
    strength: f32,
    mirrored: bool,
) {
    let (left, top) = (pixel(cx) - patch.width / 2, pixel(cy) - patch.height / 2);
    for y in 0..patch.height {
        for x in 0..patch.width {
            let from = if mirrored { patch.width - 1 - x } else { x };
            let cover = patch.get(from, y) * strength;
            if cover > 0.0 {
                canvas.ink(left + x, top + y, cover, ink);
            }
        }
    }
}

/// Puts a letter, turned about its pen: `lead` pixels of it lie before the pen.
fn put_turned(
    patch: &mut Patch,
    letter: &Letter,
    pen: (f32, f32),
    turn: f32,
    lead: f32,
    squeeze: f32,
) {
    let (sin, cos) = turn.sin_cos();
    let reach = letter.patch.width.max(letter.patch.height) as f32 * 1.6 + lead;
    for y in pixel(pen.1 - reach)..=pixel(pen.1 + reach) {
        for x in pixel(pen.0 - reach)..=pixel(pen.0 + reach) {
            let (dx, dy) = (x as f32 - pen.0, y as f32 - pen.1);
            let u = (dx * cos + dy * sin) / squeeze + lead - letter.left as f32;
            let v = dy * cos - dx * sin - letter.top as f32;
            patch.put(x, y, letter.patch.sample(u, v));
        }
    }
}

/// Whether a point lies in a five-pointed star about the origin with its points at radius `r`.
fn in_star(dx: f32, dy: f32, r: f32, tilt: f32) -> bool {
    let far = dx.hypot(dy);
    if far > r {
        return false;
    }
    // Fold the plane into one tenth of the star, then ask on which side of its edge we are.
    let angle = (dy.atan2(dx) - tilt + PI / 2.0).rem_euclid(TAU / 5.0);
    let angle = angle.min(TAU / 5.0 - angle);
    let (x, y) = (far * angle.cos(), far * angle.sin());
    let dent = r * 0.382;
    let (ex, ey) = (dent * (PI / 5.0).cos(), dent * (PI / 5.0).sin());
    (ex - r) * y - ey * (x - r) > 0.0 || y * (ex - r) > ey * (x - r)
}

/// Smooth chance over the plane, 0 to 1: where a pad left less ink.
fn blotch(x: f32, y: f32) -> f32 {
    let corner = |x: i32, y: i32| {
        let seed = (u64::from(x.cast_unsigned()) << 32) | u64::from(y.cast_unsigned());
        Chance::new(seed).part()
    };
    let (x0, y0) = (pixel(x), pixel(y));
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let row = |y| corner(x0, y) * (1.0 - fx) + corner(x0 + 1, y) * fx;
    row(y0) * (1.0 - fy) + row(y0 + 1) * fy
}
