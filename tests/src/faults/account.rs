//! What a run came to: what was acknowledged against what is there, and the dossier against that
//! of a run without faults.

use std::collections::BTreeSet;
use std::time::Duration;

use schemas::Uuid;
use schemas::api::DossierView;
use schemas::ids::Blake3;
use serde_json::{Value, json};

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Pages of scans that were acknowledged.
    pub pages: usize,
    /// Scans that were acknowledged and are not there, or without their pages.
    pub lost: usize,
    /// Scans or pages that are there twice.
    pub doubled: usize,
    /// Where the dossier is not that of a run without faults; empty where it is.
    pub differs: Vec<String>,
    /// What `sohoa check` found amiss.
    pub amiss: Vec<Value>,
    /// Jobs that were begun again.
    pub again: usize,
    /// From the moment when what broke was there again (or, where it stays away, was lost) until
    /// everything was done.
    pub recovery: Duration,
}

impl Outcome {
    /// Whether nothing was lost, doubled, changed or left amiss.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.differs.is_empty() && self.amiss.is_empty()
    }
}

/// Compares what was acknowledged with what is there.
pub(super) fn account(acknowledged: &[Blake3], view: &DossierView) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut scans, mut pages) = (BTreeSet::new(), BTreeSet::new());
    for scan in &view.scans {
        outcome.doubled += usize::from(!scans.insert(scan.blake3));
        for page in &scan.pages {
            outcome.doubled += usize::from(!pages.insert((scan.blake3, page.seq)));
        }
    }
    for scan in acknowledged {
        let found = view.scans.iter().find(|found| found.blake3 == *scan);
        let count = found.map_or(0, |found| found.pages.len());
        outcome.lost += usize::from(count == 0);
        outcome.pages += count;
    }
    outcome
}

/// What a dossier came to, without what no two dossiers have in common.
pub(super) fn plain(view: &DossierView) -> Value {
    let mut value = serde_json::to_value(view).unwrap();
    let of_its_own = ["code", "opened_at"];
    value.as_object_mut().unwrap().retain(|key, _| !of_its_own.contains(&key.as_str()));
    let mut known = Vec::new();
    name(&mut value["scans"], &mut known);
    name(&mut value, &mut known);
    value
}

/// Puts in an id's place which one it is, in the order of their first mention.
fn name(value: &mut Value, known: &mut Vec<String>) {
    match value {
        Value::String(text) if text.parse::<Uuid>().is_ok() => {
            let nth = known.iter().position(|id| id == text).unwrap_or_else(|| {
                known.push(text.clone());
                known.len() - 1
            });
            *value = json!(format!("id {nth}"));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| name(value, known)),
        Value::Object(fields) => {
            // Content, its size, reasons that name a dossier, and how often it was published.
            fields.retain(|key, _| {
                !["blake3", "bytes", "reason", "record_version"].contains(&key.as_str())
            });
            fields.values_mut().for_each(|value| name(value, known));
        }
        _ => {}
    }
}

/// Names each place where two differ.
pub(super) fn compare(place: &str, calm: &Value, found: &Value, differs: &mut Vec<String>) {
    match (calm, found) {
        (Value::Object(calm), Value::Object(found)) if calm.len() == found.len() => {
            for (key, value) in calm {
                let other = found.get(key).unwrap_or(&Value::Null);
                compare(&format!("{place}/{key}"), value, other, differs);
            }
        }
        (Value::Array(calm), Value::Array(found)) if calm.len() == found.len() => {
            for (nth, (value, other)) in calm.iter().zip(found).enumerate() {
                compare(&format!("{place}/{nth}"), value, other, differs);
            }
        }
        _ if calm == found => {}
        _ => differs.push(format!("{place}: {calm} became {found}")),
    }
}
