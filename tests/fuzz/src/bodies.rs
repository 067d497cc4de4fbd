//! Bodies of HTTP requests, taken apart as the server does. What is understood means the same when
//! it is written and read again.

use schemas::api::{AssignDocument, LookupRequest, OpenDossier, RequirementsRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    if let Some(opened) = body::<OpenDossier>(bytes) {
        drop(opened.subject.parse());
        opened.others.iter().for_each(|other| drop(other.parse()));
    }
    body::<RequirementsRequest>(bytes);
    body::<LookupRequest>(bytes);
    body::<AssignDocument>(bytes);
}

fn body<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).ok()?;
    json.end().ok()?;
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(serde_json::to_vec(&again).expect("and written again"), written);
    Some(value)
}
