//! What people have already read with care.
//!
//! The shipped procedures came from the same list, and each of their components was mapped by
//! hand. Where the list still says the same, word for word, that reading is kept: a later crawl
//! must not replace it by what a program could tell.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::catalogue::{CatalogueFile, Procedure, shipped};
use crate::text::tidy;

/// The shipped procedures by their codes.
pub(super) struct Curated(BTreeMap<String, Procedure>);

impl Curated {
    /// Read once. None at all should the shipped file be unreadable; the tests see to it that it
    /// isn't.
    pub(super) fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Curated> = LazyLock::new(|| {
            let file: Option<CatalogueFile> = serde_json::from_str(shipped()).ok();
            let procedures = file.map(|file| file.procedures).unwrap_or_default();
            Curated(procedures.into_iter().map(|p| (p.code.as_str().to_owned(), p)).collect())
        });
        &SHIPPED
    }

    /// The careful reading of a crawled entry, if its decision and all its lines are those that
    /// were read.
    pub(super) fn reading_of(&self, raw: &Value) -> Option<&Procedure> {
        let known = self.0.get(raw.get("code")?.as_str()?)?;
        let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(tidy);
        let rows = raw.get("components")?.as_array()?;
        let is_same = text(raw, "decision") == known.decision
            && rows.len() == known.components.len()
            && rows.iter().zip(&known.components).all(|(row, component)| {
                let name = text(row, "name").unwrap_or_default();
                text(row, "id").as_deref() == Some(component.id.as_str())
                    && name.trim_start_matches('.') == component.name
            });
        is_same.then_some(known)
    }
}
