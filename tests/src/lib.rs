//! The stages that the suite plays on: a real Sohoa with its real readers, spoken to over HTTP as
//! a station would. [`Stage`] is `sohoa all` over a folder of its own, [`Cluster`] the roles as
//! processes of their own over PostgreSQL, RabbitMQ and an S3 store; [`faults`] breaks the latter.
//!
//! The binaries are those beside the test: `cargo build --workspace --bins` makes them.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support")]

mod chance;
mod paper;
mod person;
mod process;
mod stage;
mod station;

mod cluster;
pub mod faults;
mod overheard;
mod parts;

#[allow(dead_code, reason = "not every mood is needed here")]
#[path = "../../crates/archive/tests/archive/proxy.rs"]
mod proxy;

pub use crate::chance::Chance;
pub use crate::cluster::Cluster;
pub use crate::paper::{Story, jpeg_page, opening, raw, somebody};
pub use crate::parts::Parts;
pub use crate::person::{Given, PersonThere, code_of, cookie_of, with_cookie};
pub use crate::stage::{Stage, binary, shared, turn};
pub use crate::station::{Station, expect, problem, with_key};
