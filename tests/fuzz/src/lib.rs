//! What fuzz targets do with what they are fed: a module for each parser of ours that takes bytes
//! from elsewhere. Each may refuse; none may panic, hang, or let through what it promises not to.
//!
//! A target is a module here, two lines in `engine/targets` and four in `engine/Cargo.toml`.
#![allow(missing_docs, reason = "test support")]

pub mod answers;
pub mod bodies;
pub mod catalogue;
pub mod codes;
pub mod messages;
pub mod mrz;
pub mod pdfs;
pub mod scans;
pub mod sealing;
pub mod text_layers;
