//! Takes jobs, runs readers, files, seals, publishes.
//!
//! Start with `consume`: it takes a job off the queue and decides what becomes of it. The way of
//! one page is in `sohoa-reader`, which [`Readers`] keeps running beside this process.

pub mod check;
mod consume;
mod jobs;
mod publish;
mod readers;
mod rest;
mod sign;
mod throughput;

pub use crate::consume::{Desk, LONGEST_JOB, run};
pub use crate::readers::{PageRead, ReaderError, ReaderLimits, ReaderProgram, Readers, Unpacked};
pub use crate::sign::{Authority, Signing};

#[cfg(test)]
mod bed;
