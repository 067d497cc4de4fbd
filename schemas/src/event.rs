//! Events that others hear of, as CloudEvents 1.0 has them. They say what happened to which
//! dossier and record by codes and ids, and nothing of anybody: who wants to know more asks, and
//! leaves a lookup.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::DossierEvent;
use crate::ids::{DossierCode, EventId, Malformed, OfficeCode, ProcedureCode};

/// The version of CloudEvents that [`CloudEvent`] follows.
pub const SPECVERSION: &str = "1.0";

/// Media type of a whole event as JSON.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// What others hear of; the `type` of an event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub enum EventKind {
    /// A dossier was opened.
    #[serde(rename = "sohoa.dossier.opened")]
    Opened,
    /// Its pages were sorted.
    #[serde(rename = "sohoa.dossier.filed")]
    Filed,
    /// A scan or page of it was laid aside for a person.
    #[serde(rename = "sohoa.dossier.parked")]
    Parked,
    /// Every page received so far has found its fate.
    #[serde(rename = "sohoa.dossier.settled")]
    Settled,
    /// It takes no more scans.
    #[serde(rename = "sohoa.dossier.closed")]
    Closed,
    /// Another Kho is asked for papers of one of its people.
    #[serde(rename = "sohoa.dossier.asked")]
    Asked,
    /// Another Kho has answered what was asked for it.
    #[serde(rename = "sohoa.dossier.answered")]
    Answered,
    /// A record that it relies on is not what it was.
    #[serde(rename = "sohoa.dossier.record_changed")]
    RecordChanged,
    /// A document of it became a record, or the next version of one.
    #[serde(rename = "sohoa.record.published")]
    Published,
    /// A record that came with it was withdrawn.
    #[serde(rename = "sohoa.record.revoked")]
    Revoked,
    /// Another paper took the place of one that came with it.
    #[serde(rename = "sohoa.record.superseded")]
    Superseded,
}

impl EventKind {
    /// All there are.
    pub const ALL: [EventKind; 11] = [
        Self::Opened,
        Self::Filed,
        Self::Parked,
        Self::Settled,
        Self::Closed,
        Self::Asked,
        Self::Answered,
        Self::RecordChanged,
        Self::Published,
        Self::Revoked,
        Self::Superseded,
    ];

    /// Its name, everywhere. Three words, so that a broker's patterns can leave out each.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "sohoa.dossier.opened",
            Self::Filed => "sohoa.dossier.filed",
            Self::Parked => "sohoa.dossier.parked",
            Self::Settled => "sohoa.dossier.settled",
            Self::Closed => "sohoa.dossier.closed",
            Self::Asked => "sohoa.dossier.asked",
            Self::Answered => "sohoa.dossier.answered",
            Self::RecordChanged => "sohoa.dossier.record_changed",
            Self::Published => "sohoa.record.published",
            Self::Revoked => "sohoa.record.revoked",
            Self::Superseded => "sohoa.record.superseded",
        }
    }

    /// What others hear of when that happens to a dossier; nothing, where it is of no use outside.
    #[must_use]
    pub fn of(event: &DossierEvent) -> Option<Self> {
        match event {
            DossierEvent::Opened => Some(Self::Opened),
            DossierEvent::Filed { .. } => Some(Self::Filed),
            DossierEvent::Parked { .. } => Some(Self::Parked),
            DossierEvent::Settled => Some(Self::Settled),
            DossierEvent::Closed => Some(Self::Closed),
            DossierEvent::Asked { .. } => Some(Self::Asked),
            DossierEvent::Answered { .. } => Some(Self::Answered),
            DossierEvent::RecordChanged { .. } => Some(Self::RecordChanged),
            DossierEvent::Published { .. } => Some(Self::Published),
            DossierEvent::Revoked { .. } => Some(Self::Revoked),
            DossierEvent::Superseded { .. } => Some(Self::Superseded),
            DossierEvent::ScanReceived { .. }
            | DossierEvent::ScanUnpacked { .. }
            | DossierEvent::PageSeen { .. }
            | DossierEvent::PageRead { .. }
            | DossierEvent::QuestionsAnswered => None,
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(Malformed("no event of that name"))
    }
}

/// An event as a whole, in the structured mode of CloudEvents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// The same however often, and to whomever, it is sent: who has seen it leaves it aside.
    pub id: EventId,
    /// The office: `urn:sohoa:office:H26.01.02`.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// Code of the dossier.
    pub subject: DossierCode,
    /// When; RFC 3339, UTC.
    pub time: String,
    /// Grows with every event of the dossier, ten digits; may skip (CloudEvents' extension).
    pub sequence: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// What exactly.
    pub data: EventData,
}

/// What exactly happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventData {
    /// The dossier.
    pub dossier: DossierCode,
    /// Office that took it in.
    pub office: OfficeCode,
    /// Procedure applied for.
    pub procedure: ProcedureCode,
    /// The same as those are told who follow the dossier.
    #[serde(flatten)]
    pub event: DossierEvent,
}

impl CloudEvent {
    /// An event with that number in its dossier.
    #[must_use]
    pub fn new(id: EventId, kind: EventKind, data: EventData, turn: i64, at: Timestamp) -> Self {
        Self {
            specversion: SPECVERSION.to_owned(),
            id,
            source: format!("urn:sohoa:office:{}", data.office),
            kind,
            subject: data.dossier.clone(),
            time: at.to_string(),
            sequence: format!("{turn:010}"),
            datacontenttype: "application/json".to_owned(),
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_events_keep_their_names() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().split('.').count(), 3);
        }
    }

    /// The example is what every receiver is built on: it changes by growing only.
    #[test]
    fn an_event_is_a_cloud_event_of_codes_and_ids() {
        let record = "5b7d1c1e-6a54-5a0b-9c39-0a8f0f5f6d11";
        let data = EventData {
            dossier: "H26.01.02-261127-0001".parse().unwrap(),
            office: "H26.01.02".parse().unwrap(),
            procedure: "1.001193".parse().unwrap(),
            event: DossierEvent::Revoked { record: record.parse().unwrap(), version: 2 },
        };
        let id = EventId::from_uuid(crate::Uuid::nil());
        let event = CloudEvent::new(id, EventKind::Revoked, data, 17, Timestamp::UNIX_EPOCH);
        let want = serde_json::json!({
            "specversion": "1.0",
            "id": "00000000-0000-0000-0000-000000000000",
            "source": "urn:sohoa:office:H26.01.02",
            "type": "sohoa.record.revoked",
            "subject": "H26.01.02-261127-0001",
            "time": "1970-01-01T00:00:00Z",
            "sequence": "0000000017",
            "datacontenttype": "application/json",
            "data": {
                "dossier": "H26.01.02-261127-0001",
                "office": "H26.01.02",
                "procedure": "1.001193",
                "event": "revoked",
                "record": record,
                "version": 2,
            },
        });
        assert_eq!(serde_json::to_value(&event).unwrap(), want);
        assert_eq!(serde_json::from_value::<CloudEvent>(want).unwrap(), event);
    }
}
