//! Edges of print along sampled rows and columns: how light the paper is, how dark the ink, and
//! over how many pixels one turns into the other.

use crate::Grey;

/// Every how many rows and columns are looked at.
const STEP: usize = 13;

/// A fall of the tone goes on until it rises by this much: grain doesn't end it.
const GRAIN: u8 = 12;

/// Least fall, in tones.
const LEAST: u8 = 24;

/// Widths are counted up to this many pixels, in steps of a twentieth.
const WIDEST: u32 = 40;
const FINE: u32 = 20;

/// What the edges of a page have in common.
pub(super) struct Edges {
    falls: usize,
    /// Tone of the paper; of the whole page where there are no edges.
    pub(super) paper: u32,
    /// Tones from paper to ink, of strokes that are wide enough to be as dark as ink gets.
    pub(super) contrast: u32,
    /// Pixels from paper to ink at the steepest slope, along rows or columns, whichever is more:
    /// a shaken page is blurred one way only.
    pub(super) width: f32,
}

/// From paper to ink.
struct Fall {
    top: u8,
    low: u8,
    /// Greatest difference of neighbours on the way.
    steepest: u8,
}

impl Fall {
    fn drop(&self) -> u8 {
        self.top - self.low
    }
}

impl Edges {
    pub(super) fn of(page: &Grey) -> Edges {
        let width = page.width as usize;
        let mut rows = Vec::new();
        page.pixels.chunks_exact(width).step_by(STEP).for_each(|row| falls(row, &mut rows));
        let mut columns = Vec::new();
        for column in columns_of(page) {
            falls(&column, &mut columns);
        }
        let all = || rows.iter().chain(&columns);
        let mut drops = [0_u32; 256];
        all().for_each(|fall| drops[usize::from(fall.drop())] += 1);
        let contrast = at_share(&drops, 3, 4);
        let strong = |fall: &&Fall| u32::from(fall.drop()) * 5 >= contrast * 3;
        let mut tops = [0_u32; 256];
        all().filter(strong).for_each(|fall| tops[usize::from(fall.top)] += 1);
        if rows.is_empty() && columns.is_empty() {
            page.pixels.iter().step_by(97).for_each(|&tone| tops[usize::from(tone)] += 1);
        }
        let width = |falls: &[Fall]| {
            let mut widths = [0_u32; (WIDEST * FINE) as usize];
            for fall in falls.iter().filter(strong) {
                let width = u32::from(fall.drop()) * FINE / u32::from(fall.steepest.max(1));
                widths[width.min(WIDEST * FINE - 1) as usize] += 1;
            }
            at_share(&widths, 1, 2) as f32 / FINE as f32
        };
        Edges {
            falls: rows.len() + columns.len(),
            paper: at_share(&tops, 1, 2),
            contrast,
            width: width(&rows).max(width(&columns)),
        }
    }

    /// Whether there are enough edges to tell anything: a line of print has some hundreds.
    pub(super) fn any(&self) -> bool {
        self.falls >= 200
    }
}

/// Sampled columns, gathered row by row: memory runs along rows.
fn columns_of(page: &Grey) -> Vec<Vec<u8>> {
    let width = page.width as usize;
    let count = width.div_ceil(STEP);
    let mut columns = vec![Vec::with_capacity(page.height as usize); count];
    for row in page.pixels.chunks_exact(width) {
        for (column, &tone) in columns.iter_mut().zip(row.iter().step_by(STEP)) {
            column.push(tone);
        }
    }
    columns
}

fn falls(line: &[u8], found: &mut Vec<Fall>) {
    let Some(&first) = line.first() else { return };
    let (mut top, mut low, mut steepest, mut last) = (first, first, 0, first);
    for &tone in line {
        if tone > low.saturating_add(GRAIN) {
            if top - low >= LEAST {
                found.push(Fall { top, low, steepest });
            }
            (top, low, steepest) = (tone, tone, 0);
        } else if tone > top {
            (top, low, steepest) = (tone, tone, 0);
        } else {
            steepest = steepest.max(last.saturating_sub(tone));
            low = low.min(tone);
        }
        last = tone;
    }
}

/// The value below which a share of what was counted lies; 0 where nothing was.
#[expect(clippy::cast_possible_truncation, reason = "a few hundred values")]
fn at_share(counts: &[u32], share: u32, of: u32) -> u32 {
    let wanted = counts.iter().sum::<u32>() / of * share;
    let mut below = 0;
    let at = counts.iter().position(|&count| {
        below += count;
        below > wanted
    });
    at.unwrap_or(0) as u32
}
