//! Round seals: circles of ink, found by where their edges point.
//!
//! Every edge says in which direction ink begins; on the outer edge of a ring that is towards the
//! middle. Each edge votes for the middles that lie that way at the distance of a seal's radius.
//! Votes of a ring meet in one place, those of print scatter.

use schemas::reading::MarkKind;

use super::Found;
use super::tints::Ink;
use crate::Grey;

/// Radii of seals, in millimetres: those of agencies and companies measure 36 to 42 mm across,
/// those of units below them 28 to 34; the pictures in the box of a digital signature 13 to 18.
const RADIUS_MM: std::ops::RangeInclusive<f32> = 12.0..=23.0;

/// Least step of the plane at an edge, in tones.
const STEP: i32 = 20;

/// Directions that a ring's coverage is counted in.
const SECTORS: u32 = 32;

/// A ring, in pixels of the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ring {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) radius: f32,
    /// Share of directions, of those inside the image, in which its rim is there.
    pub(super) coverage: f32,
}

impl Ring {
    pub(super) fn found(&self) -> Found {
        Found {
            kind: MarkKind::Seal,
            ink: Ink::Dark,
            left: self.x - self.radius,
            top: self.y - self.radius,
            right: self.x + self.radius,
            bottom: self.y + self.radius,
            confidence: self.coverage,
        }
    }

    /// Whether two rings lie over each other, by more than hands that stamp in a hurry.
    pub(super) fn touches(&self, other: &Ring) -> bool {
        (self.x - other.x).hypot(self.y - other.y) < (self.radius + other.radius) * 0.9
    }

    /// Distance of a place from the middle, in radii.
    pub(super) fn radii_to(&self, x: f32, y: f32) -> f32 {
        (self.x - x).hypot(self.y - y) / self.radius
    }
}

/// An edge, and the direction in which ink begins there; length 1.
struct Edge {
    x: f32,
    y: f32,
    to_x: f32,
    to_y: f32,
}

/// The rings on a plane, clearest first.
pub(super) fn rings(plane: &Grey, per_mm: f32) -> Vec<Ring> {
    /// Rings looked at, at most.
    const MOST: usize = 6;
    // A rim of half a millimetre is a pixel wide at 50 dots per inch, and votes are fewer.
    let half = plane.reduced(2);
    let per_mm = per_mm / 2.0;
    let (least, most) = (RADIUS_MM.start() * per_mm, RADIUS_MM.end() * per_mm);
    let edges = edges(&half);
    let mut votes = vote(&half, &edges, least, most);
    let mut rings = Vec::new();
    for _ in 0..MOST {
        let Some((at, &count)) = votes.iter().enumerate().max_by_key(|(_, votes)| **votes) else {
            break;
        };
        // A third of the smallest rim.
        if f32::from(count) < least * 2.0 {
            break;
        }
        let width = half.width as usize;
        let (x, y) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
        if let Some(ring) = ring_about(&half, &edges, (x, y), least, most) {
            rings.push(Ring {
                x: ring.x * 2.0,
                y: ring.y * 2.0,
                radius: ring.radius * 2.0,
                ..ring
            });
        }
        forget(&mut votes, &half, (x, y), least);
    }
    rings
}

fn edges(plane: &Grey) -> Vec<Edge> {
    let width = plane.width as usize;
    let mut edges = Vec::new();
    let rows: Vec<&[u8]> = plane.pixels.chunks_exact(width).collect();
    for (y, three) in (1_u16..).zip(rows.windows(3)) {
        for x in 1..width.saturating_sub(1) {
            let tone = |row: usize, x: usize| i32::from(three[row][x]);
            let down = |x: usize| tone(0, x) + 2 * tone(1, x) + tone(2, x);
            let across = |row: usize| tone(row, x - 1) + 2 * tone(row, x) + tone(row, x + 1);
            // Towards what is darker.
            let (to_x, to_y) = (down(x - 1) - down(x + 1), across(0) - across(2));
            let square = to_x * to_x + to_y * to_y;
            if square >= (4 * STEP) * (4 * STEP) {
                let length = (square as f32).sqrt();
                edges.push(Edge {
                    x: x as f32 + 0.5,
                    y: f32::from(y) + 0.5,
                    to_x: to_x as f32 / length,
                    to_y: to_y as f32 / length,
                });
            }
        }
    }
    edges
}

/// Votes for each pixel as a middle, its neighbours' counted with it.
#[expect(clippy::cast_possible_truncation, reason = "places within the plane")]
fn vote(plane: &Grey, edges: &[Edge], least: f32, most: f32) -> Vec<u16> {
    let (width, height) = (plane.width as usize, plane.height as usize);
    let mut votes = vec![0_u16; width * height];
    let steps = (most - least) as u16 + 1;
    for edge in edges {
        for step in 0..steps {
            let radius = least + f32::from(step);
            let (x, y) = (edge.x + edge.to_x * radius, edge.y + edge.to_y * radius);
            if x >= 0.0 && y >= 0.0 && (x as usize) < width && (y as usize) < height {
                votes[y as usize * width + x as usize] += 1;
            }
        }
    }
    let mut sums = vec![0_u16; width * height];
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let row = |y: usize| &votes[y * width + x - 1..][..3];
            sums[y * width + x] = [y - 1, y, y + 1].iter().flat_map(|&y| row(y)).sum();
        }
    }
    sums
}

fn forget(votes: &mut [u16], plane: &Grey, (x, y): (f32, f32), radius: f32) {
    let width = plane.width as usize;
    for (row, line) in votes.chunks_exact_mut(width).enumerate() {
        if (row as f32 - y).abs() <= radius {
            for (column, votes) in line.iter_mut().enumerate() {
                if (column as f32 - x).abs() <= radius {
                    *votes = 0;
                }
            }
        }
    }
}

/// The outermost ring about a middle, if its rim is there all around.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn ring_about(
    plane: &Grey,
    edges: &[Edge],
    (x, y): (f32, f32),
    least: f32,
    most: f32,
) -> Option<Ring> {
    /// Cosine of the angle that an edge of the rim may be off: 18°.
    const ALONG: f32 = 0.95;
    /// Share of directions in which the rim must be there.
    const COVERED: f32 = 0.7;
    let bins = most as usize + 2;
    let mut sectors = vec![0_u32; bins];
    let mut inwards = vec![0_u32; bins];
    let mut all = vec![0_u32; bins];
    for edge in edges {
        let (dx, dy) = (x - edge.x, y - edge.y);
        let far = dx.hypot(dy);
        let bin = far as usize;
        if far < least - 2.0 || bin >= bins {
            continue;
        }
        all[bin] += 1;
        if (dx * edge.to_x + dy * edge.to_y) / far > ALONG {
            inwards[bin] += 1;
            let turn = dy.atan2(dx) / std::f32::consts::TAU + 0.5;
            sectors[bin] |= 1 << ((turn * SECTORS as f32) as u32).min(SECTORS - 1);
        }
    }
    let inside = |radius: f32| {
        (0..SECTORS)
            .filter(|&sector| {
                let turn = (sector as f32 + 0.5) / SECTORS as f32 - 0.5;
                let (sin, cos) = (turn * std::f32::consts::TAU).sin_cos();
                let (x, y) = (x - cos * radius, y - sin * radius);
                x >= 1.0
                    && y >= 1.0
                    && x < plane.width as f32 - 1.0
                    && y < plane.height as f32 - 1.0
            })
            .fold(0_u32, |mask, sector| mask | 1 << sector)
    };
    (least as usize..bins.saturating_sub(1)).rev().find_map(|bin| {
        let near = bin - 1..=bin + 1;
        let radius = bin as f32 + 0.5;
        let inside = inside(radius);
        let covered = near.clone().fold(0, |mask, bin| mask | sectors[bin]) & inside;
        let coverage = covered.count_ones() as f32 / inside.count_ones().max(1) as f32;
        let (aligned, all): (u32, u32) =
            (near.clone().map(|bin| inwards[bin]).sum(), near.map(|bin| all[bin]).sum());
        let is_rim = inside.count_ones() * 2 >= SECTORS
            && coverage >= COVERED
            && aligned as f32 >= radius * 2.5
            && aligned * 5 >= all * 2;
        // Its edge is where most point inwards, at the outer side of the pixel.
        let rim = (bin.saturating_sub(2)..=bin + 1).max_by_key(|&bin| inwards[bin])?;
        is_rim.then_some(Ring { x, y, radius: rim as f32 + 1.0, coverage })
    })
}
