//! The stage that the suite plays on: a real `sohoa all` with its real readers, over a folder
//! of its own, spoken to over HTTP as a station would.
//!
//! The binaries are those beside the test: `cargo build --workspace --bins` makes them.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support")]

mod paper;
mod person;
mod stage;

pub use crate::paper::{Story, jpeg_page, opening, raw, somebody};
pub use crate::person::{Given, PersonThere, code_of, cookie_of, with_cookie};
pub use crate::stage::{Stage, binary, expect, problem, shared, turn, with_key};
