//! Where lines stand on a page.

use crate::engine::{Line, Word};

/// The box around some words, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) left: i64,
    pub(crate) right: i64,
    pub(crate) top: i64,
    pub(crate) bottom: i64,
}

impl Place {
    pub(crate) fn of(line: &Line) -> Option<Self> {
        Self::around(&line.words)
    }

    /// None without a word.
    pub(crate) fn around(words: &[Word]) -> Option<Self> {
        let from = |place: fn(&Word) -> u32| words.iter().map(place).map(i64::from).min();
        let to = |place: fn(&Word) -> i64| words.iter().map(place).max();
        Some(Self {
            left: from(|w| w.x)?,
            right: to(|w| i64::from(w.x) + i64::from(w.w))?,
            top: from(|w| w.y)?,
            bottom: to(|w| i64::from(w.y) + i64::from(w.h))?,
        })
    }

    pub(crate) fn height(&self) -> i64 {
        self.bottom - self.top
    }

    pub(crate) fn middle(&self) -> i64 {
        i64::midpoint(self.top, self.bottom)
    }

    pub(crate) fn centre(&self) -> i64 {
        i64::midpoint(self.left, self.right)
    }

    /// Whether both stand in one row of text.
    pub(crate) fn beside(&self, other: &Place) -> bool {
        let common = self.bottom.min(other.bottom) - self.top.max(other.top);
        2 * common > self.height().min(other.height())
    }

    /// Whether both are of one row, being of about one height.
    pub(crate) fn in_row_with(&self, other: &Place) -> bool {
        let common = self.bottom.min(other.bottom) - self.top.max(other.top);
        5 * common > 2 * self.height().max(other.height())
    }
}

/// The middle value, 0 of none.
pub(crate) fn median(values: impl Iterator<Item = i64>) -> i64 {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
