//! Pixels: opens a scan of any accepted format, stands its pages upright, tells blank sides, knows
//! a sheet again, and says how a page's image is kept for the PDF.
//!
//! The order of a page's way, which the types hold: [`Scan::open`] → [`Scan::page`] →
//! [`straighten`] → [`is_blank`], [`fingerprint`]; [`keep`] takes the page as it was scanned.
//!
//! Geometry: everything kept is *before* turning. The upright image is the decoded page after
//! [`quarter_turn`] by `rotation_deg` and [`turn_back`] by `skew_deg`, about the middle of an
//! unchanged canvas; whoever puts the kept image into a PDF repeats the two turns there.
//! [`Geometry`] says where a place of the decoded page stands on the upright image.
//!
//! Pure: no threads, no clock, no files (PDFium is bound at run time from a path).

mod blank;
mod ccitt;
mod dpi;
mod even;
mod fingerprint;
mod flaws;
mod geometry;
mod ink;
mod jpeg2000;
mod keep;
mod lift;
mod limits;
mod lines;
mod marks;
mod orient;
mod palette;
mod pdf;
mod raster;
mod scan;
mod single;
mod skew;
mod straighten;
mod text_layer;
mod tiff_file;

pub use blank::is_blank;
pub use even::even;
pub use fingerprint::fingerprint;
pub use flaws::flaws;
pub use geometry::{Area, Geometry};
pub use keep::keep;
pub use lift::lift;
pub use limits::{DecodeError, Limits};
pub use marks::{Marks, marks};
pub use orient::{Axis, Orientation, orientation, text_axis, upright_hint};
pub use pdf::{Pdf, PdfError};
pub use raster::{Grey, Pixels, Rgb, quarter_turn};
pub use scan::{Decoded, Scan};
pub use schemas::format::Format;
pub use skew::{MAX_SKEW_DEG, skew};
pub use straighten::{Upright, straighten, turn_back};
pub use text_layer::{LayerWord, TextLayer};
