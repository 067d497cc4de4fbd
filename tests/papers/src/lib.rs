//! Papers that look like those a ward's counter receives, made of fonts, rules and made-up
//! people, so that tests and `make run` have something to scan which belongs to nobody.
//!
//! [`Press`] sets papers ([`Kind`], [`Family`]) as [`Sheet`]s, a sheet renders to pixels, [`Wear`]
//! makes pixels look scanned, [`Scan`] turns them into the bytes that a scanner would send. All
//! of it follows from seeds: the same seed makes the same bytes.

mod canvas;
mod chance;
mod compose;
mod fonts;
mod forms;
mod marks;
mod person;
mod press;
pub mod sample;
mod scan;
mod sheet;
mod wear;

pub use fonts::{FONTS_DIR, FontsError};
pub use forms::card::{Card, mrz_td1};
pub use forms::official::{Decision, Letter};
pub use person::{Family, Person, Place};
pub use press::{Kind, Press, UnknownKind};
pub use scan::{Scan, ScanError};
pub use sheet::Sheet;
pub use wear::Wear;
