//! What a running process tells of itself: what it has counted, how long things took, and which
//! trace its work belongs to.
//!
//! Everything is counted in one place of the process, so that whoever has something to count
//! just says so. Labels come from closed sets, never from what was sent: no ids, no offices, no
//! personal data.

mod counts;
mod standing;
mod text;

pub mod trace;

pub use counts::{
    Death, JobFate, PageFate, job, lookup_answered, page, reader_died, reader_started,
    record_published, request, scan_accepted, scan_refused, stage,
};
pub use standing::{Lane, Standing};
pub use text::{CONTENT_TYPE, text};
