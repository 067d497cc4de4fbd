//! A golden of every version of a message ever sent: this program must understand them all.

use schemas::message::{Lane, Message};
use serde_json::Value;

/// Version, what it says, and how it was written then.
const EVER_SENT: [(u16, &str, &str); 5] = [
    (1, "unpack", include_str!("golden/unpack.v1.json")),
    (1, "read", include_str!("golden/read.v1.json")),
    (1, "read", include_str!("golden/read.traced.v1.json")),
    (1, "file", include_str!("golden/file.v1.json")),
    (1, "seal", include_str!("golden/seal.v1.json")),
];

#[test]
fn every_message_ever_sent_is_understood() {
    for (version, job, text) in EVER_SENT {
        let message: Message = serde_json::from_str(text).unwrap();
        assert_eq!(message.version, version, "{job}");
        assert_eq!(message.lane, Lane::Counter, "{job}");
        assert_eq!(message.job.name(), job);
    }
}

#[test]
fn messages_are_sent_as_their_golden_says() {
    for (version, job, text) in EVER_SENT {
        if version != Message::VERSION {
            continue;
        }
        let message: Message = serde_json::from_str(text).unwrap();
        let golden: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(message).unwrap(), golden, "{job}");
    }
}

#[test]
fn a_field_of_tomorrow_does_not_hide_the_version() {
    let text = EVER_SENT[0].2.replacen("\"version\":1", "\"version\":2,\"new\":true", 1);
    let message: Message = serde_json::from_str(&text).unwrap();
    assert!(Message::VERSION < message.version);
}
