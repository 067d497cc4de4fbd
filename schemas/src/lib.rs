//! What the parts say to one another: identifiers, the catalogue, readings, messages, records
//! and the bodies of the HTTP interface.
//!
//! Pure data and its validation. This crate knows no runtime, no broker, no database and no HTTP.

pub mod clock;
pub mod ids;
pub mod subject;
pub mod text;

pub mod catalogue;
pub mod kind;

pub mod access;
pub mod audit;

pub mod format;
pub mod reading;
pub mod record;
pub mod signature;

pub mod code;
pub mod codes;
pub mod message;
pub mod reader;

pub mod api;
pub mod elsewhere;
pub mod event;
pub mod facts;
pub mod situation;

pub use jiff::civil::Date;
pub use uuid::Uuid;
