//! What stands in the lines that were found.

use std::path::Path;

use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};
use serde::Deserialize;

use super::line::{Cut, Found, HEIGHT, MULTIPLE, cut};
use super::model::Network;
use crate::ctc::{Alphabet, Lattice};
use crate::engine::{Line, Picture, ReadError};
use crate::spelling::Spelling;

/// Columns without ink past the widest line of a batch: the network looks a little ahead, and
/// sees the same at a line's end whether it runs alone or beside a wider one.
const HALO: u32 = 8;
/// Columns of a cut along one step of the lattice.
const STEP: u32 = 4;
/// A batch holds lines whose widths differ by less than this, so that little is spent on
/// padding, and at most this many columns.
const WIDEST_RATIO: f32 = 1.3;
const BATCH_COLUMNS: u32 = 64 * 640;

/// The network that reads lines.
pub(super) struct Recogniser {
    network: Network,
    alphabet: Alphabet,
}

/// What the weights say of themselves.
#[derive(Deserialize)]
struct Meta {
    charset: Vec<char>,
}

impl Recogniser {
    pub(super) fn open(folder: &Path) -> Result<Self, ReadError> {
        let missing =
            || ReadError::NoModel { folder: folder.to_owned(), language: "meta.json".to_owned() };
        let meta = std::fs::read(folder.join("meta.json")).map_err(|_| missing())?;
        let meta: Meta = serde_json::from_slice(&meta).map_err(|_| missing())?;
        // The last value before the network's own greedy choice.
        let outputs = ["/LogSoftmax_output_0", "lengths"];
        Ok(Self {
            network: Network::open(folder, "rec.onnx", &["x", "widths"], &outputs)?,
            alphabet: Alphabet::new(meta.charset),
        })
    }

    /// Reads the lines; those without a letter are left out.
    pub(super) fn read(
        &self,
        picture: &Picture<'_>,
        found: &[Found],
        spelling: &Spelling,
    ) -> Result<Vec<Line>, ReadError> {
        let cuts: Vec<Cut> =
            found.iter().map(|line| cut(picture, line)).collect::<Result<_, _>>()?;
        let mut lines: Vec<Option<Line>> = found.iter().map(|_| None).collect();
        for batch in batches(&cuts) {
            let lattices = self.lattices(&cuts, &batch)?;
            for (at, lattice) in batch.iter().zip(lattices) {
                let read = spelling.spell(&lattice, &self.alphabet);
                lines[*at] = super::words::place(&read, &cuts[*at], &found[*at], picture);
            }
        }
        Ok(lines.into_iter().flatten().collect())
    }

    /// Runs one batch.
    fn lattices(&self, cuts: &[Cut], batch: &[usize]) -> Result<Vec<Lattice>, ReadError> {
        let widest = batch.iter().map(|at| cuts[*at].width).max().unwrap_or(MULTIPLE);
        let columns = (widest.next_multiple_of(MULTIPLE) + HALO) as usize;
        let rows = HEIGHT as usize;
        let mut ink = NdTensor::<f32, 4>::zeros([batch.len(), 1, rows, columns]);
        let mut widths = NdTensor::<i32, 1>::zeros([batch.len()]);
        if let (Some(ink), Some(widths)) = (ink.data_mut(), widths.data_mut()) {
            let each = ink.chunks_exact_mut(rows * columns).zip(widths).zip(batch);
            for ((ink, width), at) in each {
                let cut = &cuts[*at];
                *width = i32::try_from(cut.width).unwrap_or(i32::MAX);
                let from = cut.ink.chunks_exact(cut.width as usize);
                for (to, from) in ink.chunks_exact_mut(columns).zip(from) {
                    to[..from.len()].copy_from_slice(from);
                }
            }
        }
        let out = self.network.run(vec![ink.view().into(), widths.view().into()])?;
        let wrong = || ReadError::Stopped("the recogniser's answer has another shape");
        let [lattices, lengths] = out.as_slice() else { return Err(wrong()) };
        let lattices: NdTensorView<'_, f32, 3> = lattices.try_into().map_err(|_| wrong())?;
        let lengths: NdTensorView<'_, i32, 1> = lengths.try_into().map_err(|_| wrong())?;
        let [count, steps, labels] = lattices.shape();
        if count != batch.len() || labels != self.alphabet.labels() {
            return Err(wrong());
        }
        let cut = |n: usize| {
            let length = usize::try_from(lengths[[n]]).unwrap_or_default().min(steps);
            let lattice = lattices.slice(n);
            Lattice::new(labels, lattice.slice(..length).to_vec())
        };
        Ok((0..count).map(cut).collect())
    }
}

/// Places of lines of like width, narrow ones first.
#[expect(clippy::cast_precision_loss, reason = "a few hundred columns")]
fn batches(cuts: &[Cut]) -> Vec<Vec<usize>> {
    let width = |at: usize| cuts[at].width.max(8 * MULTIPLE);
    let mut order: Vec<usize> = (0..cuts.len()).collect();
    order.sort_by_key(|at| width(*at));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for at in order {
        let columns = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX) * width(at);
        match batches.last_mut() {
            Some(batch)
                if width(at) as f32 <= WIDEST_RATIO * width(batch[0]) as f32
                    && columns(batch.len() + 1) <= BATCH_COLUMNS =>
            {
                batch.push(at);
            }
            _ => batches.push(vec![at]),
        }
    }
    batches
}

/// Columns of a cut at which a step of the lattice begins.
pub(super) fn column(step: usize) -> u32 {
    u32::try_from(step).unwrap_or(u32::MAX).saturating_mul(STEP)
}
