//! A second sheet in the image: its lines lean otherwise than the first one's.

use crate::ink::{Ink, Part};
use crate::lines::{Edges, Side, coarse};

/// Fields that a page is cut into, across and down: some eight lines of print each.
const ACROSS: u32 = 3;
const DOWN: u32 = 6;

/// Edge points that a field's lean is believed from: some ten words.
const POINTS: usize = 350;

/// Edge points that are looked at in a field.
const MOST_POINTS: usize = 1_500;

/// Clearness that a field's lean is believed from.
const CLEAR: f64 = 1.6;

/// Largest lean that is looked for, in degrees.
const MAX_DEG: f32 = 10.0;

/// Least difference of two sheets, in degrees. Fields of one flat sheet differ by 0.5 at most.
const APART_DEG: f32 = 1.25;

/// Fields that must lean the other way: one may be handwriting.
const FIELDS: usize = 2;

/// Whether two parts of a page lean differently, as two sheets drawn in together do.
pub(super) fn two_sheets(ink: &Ink) -> bool {
    let print = Edges::of(ink, Side::Lower, |part| is_print(ink, part));
    let mut leans: Vec<f32> = Vec::new();
    for row in 0..DOWN {
        for column in 0..ACROSS {
            let columns = ink.width * column / ACROSS..ink.width * (column + 1) / ACROSS;
            let rows = ink.height * row / DOWN..ink.height * (row + 1) / DOWN;
            let edges = print.within(ink, columns, rows);
            if edges.count() >= POINTS {
                let lean = coarse(&edges.thinned(MOST_POINTS), MAX_DEG);
                if lean.clearness >= CLEAR {
                    leans.push(lean.skew_deg);
                }
            }
        }
    }
    leans.sort_by(f32::total_cmp);
    // A gap between neighbours, with enough fields on either side.
    (FIELDS..(leans.len() + 1).saturating_sub(FIELDS))
        .any(|at| leans[at] - leans[at - 1] >= APART_DEG)
}

fn is_print(ink: &Ink, part: &Part) -> bool {
    part.area > 3 && part.height() <= ink.height / 30 && !ink.is_shadow(part)
}
