//! Jobs as they come off the queue. What is understood means the same when sent again.

use schemas::message::Message;

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<Message>(bytes) else { return };
    let written = serde_json::to_vec(&message).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<Message>(&written).ok(), Some(message));
}
