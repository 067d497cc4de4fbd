//! From pages to papers: what kind a page is, which pages are one document, which component of
//! the dossier it stands for, and the fields that officers would otherwise type off it.
//!
//! Values in, values out: readings of pages, kinds and the procedure come in; documents and
//! fields go out.

mod kinds;
mod matching;

mod layout;
mod recognise;

mod again;
mod card;
mod file;
mod lay;
mod numbering;
mod split;

mod act;
mod dates;
mod describe;
mod fields;
mod holder;
mod letterhead;
mod signature;
mod summary;
mod told;

pub mod report;
pub mod standing;

pub use describe::{Described, Parties, describe, tells_holder};
pub use fields::{fields, valid_until};
pub use file::{Document, Filing, Sheet, Verdict, file};
pub use kinds::{Kinds, KindsError};
pub use lay::THRESHOLD;
pub use recognise::recognise;
