//! Events on a topic of the broker, in the binary mode of CloudEvents: what an event says of itself
//! stands in the headers (`cloudEvents_id`, …) and its data alone in the body.

use archive::{DueDelivery, Telling, Topic};
use schemas::api::DeliveryTrouble;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::post::Failed;

/// What an event says of itself.
#[derive(Deserialize)]
struct Attributes<'a> {
    specversion: &'a str,
    source: &'a str,
    subject: &'a str,
    time: &'a str,
    sequence: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Tells it; it is told when the broker has written it down. Queues are bound to it by what
/// happened and the office: `sohoa.record.*.H26.01.#`.
pub(crate) async fn tell(topic: &Topic, delivery: &DueDelivery) -> Result<(), Failed> {
    let event: Attributes<'_> =
        serde_json::from_str(&delivery.body).map_err(|_| DeliveryTrouble::Missing)?;
    let (id, kind) = (delivery.event.to_string(), delivery.kind.as_str());
    let telling = Telling {
        key: &format!("{kind}.{}", delivery.office),
        id: &id,
        kind,
        headers: &[
            ("cloudEvents_specversion", event.specversion),
            ("cloudEvents_id", &id),
            ("cloudEvents_source", event.source),
            ("cloudEvents_type", kind),
            ("cloudEvents_subject", event.subject),
            ("cloudEvents_time", event.time),
            ("cloudEvents_sequence", event.sequence),
        ],
        body: event.data.get().as_bytes(),
    };
    topic.tell(telling).await.map_err(|_| DeliveryTrouble::Unconfirmed.into())
}
