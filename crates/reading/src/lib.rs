//! From an upright picture to words in reading order, and to the codes on it.
//!
//! Pixels in, values out: no files but the engine's model, no runtime, no network. An engine is
//! anything behind [`Engine`]; what comes after it (order, orientation, text) works on any.

mod engine;
mod neural;
mod opinions;
mod tesseract;

mod ctc;
mod quick;
mod spelling;
mod syllable;

mod order;
mod place;
mod text;
mod text_layer;
mod zones;

mod mrz;
mod orientation;
mod qr;

mod scale;

#[cfg(test)]
mod sample;

pub use engine::{Engine, Line, Picture, ReadError, Word};
pub use mrz::find_mrz;
pub use neural::Neural;
pub use opinions::Opinions;
pub use orientation::right_way_up;
pub use qr::find_qr;
pub use tesseract::Tesseract;
pub use text::page_text;
pub use text_layer::{Disagreement, LayerWord, stated_lines};
pub use zones::in_zones;
