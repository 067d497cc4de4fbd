//! Bodies about what must leave: what waits, what hangs, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventKind;
use crate::ids::{DeliveryId, DossierCode, EventId, OfficeCode};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryFate {
    /// Đang chờ: to be sent, for the first time or again.
    Waiting,
    /// Đã gửi: the subscriber has it.
    Delivered,
    /// Đang treo: given up after too long, or refused for good; a person decides.
    Hung,
    /// Đã bỏ: a person decided that it isn't sent.
    Dropped,
}

impl DeliveryFate {
    /// Its name in JSON, addresses and storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Hung => "hung",
            Self::Dropped => "dropped",
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Waiting => "Đang chờ",
            Self::Delivered => "Đã gửi",
            Self::Hung => "Đang treo",
            Self::Dropped => "Đã bỏ",
        }
    }
}

/// Why an attempt at a delivery came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum DeliveryTrouble {
    /// No connection.
    #[serde(rename = "delivery.unreachable")]
    Unreachable,
    /// No answer in time.
    #[serde(rename = "delivery.late")]
    Late,
    /// Its address lies where this subscriber may not be.
    #[serde(rename = "delivery.address")]
    Address,
    /// An answer other than success.
    #[serde(rename = "delivery.refused")]
    Refused,
    /// Sent elsewhere, where nobody goes.
    #[serde(rename = "delivery.redirected")]
    Redirected,
    /// The subscriber wants nothing more (410).
    #[serde(rename = "delivery.gone")]
    Gone,
    /// An answer that isn't what was agreed on.
    #[serde(rename = "delivery.nonsense")]
    Nonsense,
    /// The broker did not confirm.
    #[serde(rename = "delivery.unconfirmed")]
    Unconfirmed,
    /// What was to be told isn't there any more.
    #[serde(rename = "delivery.missing")]
    Missing,
    /// The configuration names no such subscriber any more.
    #[serde(rename = "delivery.no_subscriber")]
    NoSubscriber,
}

impl DeliveryTrouble {
    /// What a person reads, and what they can do about it.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Unreachable => "Không kết nối được với nơi nhận.",
            Self::Late => "Nơi nhận không trả lời kịp thời gian.",
            Self::Address => {
                "Địa chỉ của nơi nhận nằm trong mạng nội bộ mà cấu hình không cho phép."
            }
            Self::Refused => "Nơi nhận từ chối.",
            Self::Redirected => "Nơi nhận chuyển hướng sang địa chỉ khác; hãy sửa địa chỉ.",
            Self::Gone => "Nơi nhận báo không nhận nữa.",
            Self::Nonsense => "Nơi nhận trả lời không đúng thoả thuận.",
            Self::Unconfirmed => "Hàng đợi chưa xác nhận đã nhận.",
            Self::Missing => "Nội dung cần gửi không còn.",
            Self::NoSubscriber => "Cấu hình không còn nơi nhận này.",
        }
    }
}

/// Something that must leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Its id.
    pub id: DeliveryId,
    /// Whom it is for, by the name in the configuration.
    pub subscriber: String,
    /// The event, as the subscriber knows it.
    pub event_id: EventId,
    /// What happened.
    pub event: EventKind,
    /// To which dossier.
    pub dossier: DossierCode,
    /// Office of that dossier.
    pub office: OfficeCode,
    /// What became of it.
    pub fate: DeliveryFate,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made; RFC 3339, UTC.
    pub made_at: String,
    /// When it is tried next, where it waits. One that waits for another of its dossier is tried
    /// after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// When it was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<String>,
    /// Why the last attempt came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<DeliveryTrouble>,
    /// The same in Vietnamese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble_vi: Option<String>,
    /// Status of the last HTTP answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}
