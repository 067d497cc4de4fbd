//! Ink on a reduced page: what is darker than its surroundings, and the specks, glyphs and blots
//! it forms. Every stage that measures a page works on this, never on full resolution.

use crate::Grey;

/// Longest side of the reduced image, in pixels, about: A4 at 100 dots per inch has 1,169. Letters
/// of 13 points are then 8 pixels high, and half a degree moves a line's end by 7.
const LONG_SIDE: u32 = 1_250;

/// Half the side of the square that a pixel is compared with, in reduced pixels: a line of text
/// and the white around it.
const AROUND: usize = 16;

/// Ink of a reduced page.
#[derive(Debug, Clone)]
pub(crate) struct Ink {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Reduced pixels a millimetre, taking the page's longer side for that of an A4.
    pub(crate) per_mm: f32,
    /// For each pixel the number of its part from 1, or 0 for paper.
    pub(crate) part_of: Vec<u32>,
    /// For each pixel how much darker than its surroundings it is, in tones, ink or not.
    pub(crate) contrasts: Vec<u8>,
    /// What hangs together, numbered from 1 (the first stands for paper and is empty).
    pub(crate) parts: Vec<Part>,
}

/// A connected piece of ink, in reduced pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) left: u32,
    pub(crate) top: u32,
    /// Past the last column.
    pub(crate) right: u32,
    /// Past the last row.
    pub(crate) bottom: u32,
    /// Pixels of ink.
    pub(crate) area: u32,
    /// Greatest contrast to the surroundings, in tones.
    pub(crate) contrast: u8,
}

impl Part {
    pub(crate) fn width(&self) -> u32 {
        self.right.saturating_sub(self.left)
    }

    pub(crate) fn height(&self) -> u32 {
        self.bottom.saturating_sub(self.top)
    }
}

/// Side of the squares averaged into one pixel of the reduced page.
pub(crate) fn factor(width: u32, height: u32) -> u32 {
    (width.max(height) + LONG_SIDE / 2).div_euclid(LONG_SIDE).max(1)
}

/// Finds what is darker than the mean of its surroundings by `least` tones and a tenth.
pub(crate) fn ink(page: &Grey, least: u8) -> Ink {
    of_reduced(&page.reduced(factor(page.width, page.height)), least)
}

/// Same, of a page that is reduced already.
pub(crate) fn of_reduced(small: &Grey, least: u8) -> Ink {
    let means = surroundings(small);
    let contrasts: Vec<u8> =
        small.pixels.iter().zip(&means).map(|(&tone, &mean)| mean.saturating_sub(tone)).collect();
    let mut marks: Vec<u8> = contrasts
        .iter()
        .zip(&means)
        .map(|(&contrast, &mean)| {
            let is_ink = contrast >= least && u32::from(contrast) * 10 >= u32::from(mean);
            if is_ink { contrast } else { 0 }
        })
        .collect();
    drop_shadows(small, &mut marks);
    let (part_of, parts) = connected(&marks, small.width as usize);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
    let per_mm = small.width.max(small.height) as f32 / 297.0;
    Ink { width: small.width, height: small.height, per_mm, part_of, contrasts, parts }
}

impl Ink {
    /// That of an image without pixels.
    pub(crate) fn none() -> Ink {
        Ink {
            width: 0,
            height: 0,
            per_mm: 1.0,
            part_of: Vec::new(),
            contrasts: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// The same ink mirrored along the falling diagonal: columns become rows.
    pub(crate) fn transposed(&self) -> Ink {
        let (width, height) = (self.width as usize, self.height as usize);
        let mut part_of = vec![0; self.part_of.len()];
        let mut contrasts = vec![0; self.contrasts.len()];
        for y in 0..height {
            for x in 0..width {
                part_of[x * height + y] = self.part_of[y * width + x];
                contrasts[x * height + y] = self.contrasts[y * width + x];
            }
        }
        let parts = self
            .parts
            .iter()
            .map(|part| Part {
                left: part.top,
                top: part.left,
                right: part.bottom,
                bottom: part.right,
                ..*part
            })
            .collect();
        Ink {
            width: self.height,
            height: self.width,
            per_mm: self.per_mm,
            part_of,
            contrasts,
            parts,
        }
    }

    /// Whether a part is the shadow of the paper's or the lid's edge, whole or cut: it runs into
    /// the edge, or is long and within 4 mm of it.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
    pub(crate) fn is_shadow(&self, part: &Part) -> bool {
        let to_edge = part
            .left
            .min(part.top)
            .min(self.width.saturating_sub(part.right))
            .min(self.height.saturating_sub(part.bottom));
        let long = part.width().max(part.height());
        self.is_at_edge(part)
            || (to_edge as f32 <= 4.0 * self.per_mm && long as f32 >= 25.0 * self.per_mm)
    }

    /// Whether a part runs into the edge of the image: the shadow of the lid, a punched edge.
    pub(crate) fn is_at_edge(&self, part: &Part) -> bool {
        part.left == 0 || part.top == 0 || part.right == self.width || part.bottom == self.height
    }
}

/// Mean tone of the square around each pixel, cut at the image's edges.
fn surroundings(image: &Grey) -> Vec<u8> {
    let (width, height) = (image.width as usize, image.height as usize);
    let mut columns = vec![0_u32; width];
    let mut means = Vec::with_capacity(width * height);
    let mut sums = vec![0_u32; width + 1];
    let row = |y: usize| &image.pixels[y * width..(y + 1) * width];
    let mut rows = 0;
    for y in 0..(AROUND + 1).min(height) {
        columns.iter_mut().zip(row(y)).for_each(|(sum, &tone)| *sum += u32::from(tone));
        rows += 1;
    }
    for y in 0..height {
        if y > 0 {
            if y + AROUND < height {
                let entering = row(y + AROUND);
                columns.iter_mut().zip(entering).for_each(|(sum, &tone)| *sum += u32::from(tone));
                rows += 1;
            }
            if y > AROUND {
                let leaving = row(y - AROUND - 1);
                columns.iter_mut().zip(leaving).for_each(|(sum, &tone)| *sum -= u32::from(tone));
                rows -= 1;
            }
        }
        for x in 0..width {
            sums[x + 1] = sums[x] + columns[x];
        }
        means.extend((0..width).map(|x| {
            let (from, to) = (x.saturating_sub(AROUND), (x + AROUND + 1).min(width));
            mean(sums[to] - sums[from], (to - from) * rows)
        }));
    }
    means
}

#[expect(clippy::cast_possible_truncation, reason = "a mean of tones is a tone")]
fn mean(sum: u32, count: usize) -> u8 {
    (sum / (count as u32).max(1)) as u8
}

/// Takes out the rims of dark bands that come in from the page's edges: an open lid, a page that
/// slipped, the table beneath a photograph.
fn drop_shadows(image: &Grey, marks: &mut [u8]) {
    /// Side of the squares that are dark or not: four millimetres of an A4. No print is as dark
    /// as half the paper's tone over such a square.
    const SQUARE: u32 = 16;
    let squares = image.reduced(SQUARE);
    let (across, down) = (squares.width as usize, squares.height as usize);
    let mut tones = squares.pixels.clone();
    tones.sort_unstable();
    let dark = tones[tones.len() / 2] / 2;
    let is_dark = |at: usize| squares.pixels[at] < dark;
    let at_edge = |at: usize| {
        let (x, y) = (at % across, at / across);
        x == 0 || y == 0 || x + 1 == across || y + 1 == down
    };
    let mut shadow = vec![false; across * down];
    let mut open: Vec<usize> = (0..shadow.len()).filter(|&at| at_edge(at) && is_dark(at)).collect();
    open.iter().for_each(|&at| shadow[at] = true);
    let mut fading = shadow.clone();
    while let Some(at) = open.pop() {
        let (x, y) = (at % across, at / across);
        for near_y in y.saturating_sub(1)..(y + 2).min(down) {
            for near_x in x.saturating_sub(1)..(x + 2).min(across) {
                let near = near_y * across + near_x;
                fading[near] = true;
                if is_dark(near) && !shadow[near] {
                    shadow[near] = true;
                    open.push(near);
                }
            }
        }
    }
    if !fading.contains(&true) {
        return;
    }
    for (y, line) in marks.chunks_exact_mut(image.width as usize).enumerate() {
        let row = (y / SQUARE as usize).min(down - 1);
        for (x, mark) in line.iter_mut().enumerate() {
            if fading[row * across + (x / SQUARE as usize).min(across - 1)] {
                *mark = 0;
            }
        }
    }
}

/// Numbers what hangs together, corners included, by runs of rows and union-find.
fn connected(marks: &[u8], width: usize) -> (Vec<u32>, Vec<Part>) {
    struct Run {
        from: u32,
        to: u32,
        label: u32,
    }
    fn root(above: &mut [u32], mut label: u32) -> u32 {
        while above[label as usize] != label {
            above[label as usize] = above[above[label as usize] as usize];
            label = above[label as usize];
        }
        label
    }
    const NOTHING: Part =
        Part { left: u32::MAX, top: u32::MAX, right: 0, bottom: 0, area: 0, contrast: 0 };
    let mut roots: Vec<u32> = vec![0];
    let mut part_of = vec![0_u32; marks.len()];
    let (mut last, mut these): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
    for (line, labels) in marks.chunks_exact(width).zip(part_of.chunks_exact_mut(width)) {
        these.clear();
        let mut x = 0;
        let mut touching = 0;
        while let Some(skipped) = line[x..].iter().position(|&mark| mark != 0) {
            let from = x + skipped;
            let to = line[from..].iter().position(|&mark| mark == 0).map_or(width, |n| from + n);
            x = to;
            let (from32, to32) = (narrow(from), narrow(to));
            while touching < last.len() && last[touching].to < from32 {
                touching += 1;
            }
            let mut label = 0;
            let mut at = touching;
            while at < last.len() && last[at].from <= to32 {
                let other = root(&mut roots, last[at].label);
                if label == 0 {
                    label = other;
                } else if label != other {
                    let (low, high) = (label.min(other), label.max(other));
                    roots[high as usize] = low;
                    label = low;
                }
                at += 1;
            }
            if label == 0 {
                label = narrow(roots.len());
                roots.push(label);
            }
            labels[from..to].fill(label);
            these.push(Run { from: from32, to: to32, label });
        }
        std::mem::swap(&mut last, &mut these);
    }
    // Roots come before what hangs on them, so one pass numbers them densely.
    let mut numbers = vec![0_u32; roots.len()];
    let mut parts = vec![NOTHING];
    for label in 1..narrow(roots.len()) {
        let to = root(&mut roots, label);
        if to == label {
            numbers[label as usize] = narrow(parts.len());
            parts.push(NOTHING);
        } else {
            numbers[label as usize] = numbers[to as usize];
        }
    }
    let rows = part_of.chunks_exact_mut(width).zip(marks.chunks_exact(width));
    for (y, (labels, line)) in (0_u32..).zip(rows) {
        for (x, (label, &mark)) in (0_u32..).zip(labels.iter_mut().zip(line)) {
            if *label != 0 {
                *label = numbers[*label as usize];
                let part = &mut parts[*label as usize];
                part.left = part.left.min(x);
                part.top = part.top.min(y);
                part.right = part.right.max(x + 1);
                part.bottom = part.bottom.max(y + 1);
                part.area += 1;
                part.contrast = part.contrast.max(mark);
            }
        }
    }
    (part_of, parts)
}

#[expect(clippy::cast_possible_truncation, reason = "a reduced image has some million pixels")]
fn narrow(count: usize) -> u32 {
    count as u32
}
