//! Pages in, measured: drawn ones everywhere, real and hostile ones where the data folder is.

#![expect(clippy::cast_possible_truncation, clippy::unwrap_used, reason = "drawing for tests")]

mod blanks;
mod drawing;
mod fingerprints;
mod flaws;
mod formats;
mod geometry;
mod hostile;
mod limits;
mod marks;
mod pdfs;
mod real;
mod signatures;
mod stated;
mod upright;
mod worn;
