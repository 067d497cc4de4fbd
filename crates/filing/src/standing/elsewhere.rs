//! How a component stands for which another Kho was asked.

use schemas::api::ComponentStatus;
use schemas::catalogue::Component;
use schemas::ids::{ComponentId, InquiryId};

use super::with_original;

/// A question to another Kho about a component.
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere<'a> {
    /// The component.
    pub component: &'a ComponentId,
    /// The question.
    pub inquiry: InquiryId,
    /// The Kho.
    pub store: &'a str,
    /// What came of it.
    pub heard: Heard<'a>,
}

/// What came of a question to another Kho; what counts more stands below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard<'a> {
    /// It has no paper that the component accepts.
    Nothing,
    /// It doesn't answer: given up.
    Silence,
    /// The citizen prefers to hand the paper in.
    Declined,
    /// No answer yet.
    NotYet,
    /// It has a paper that the component accepts; whether it is used is still to be said.
    Paper,
    /// The paper of that name is used.
    Used(&'a str),
}

/// What counts most of what other Kho were asked for the component.
pub(super) fn best<'a>(
    elsewhere: &'a [Elsewhere<'a>],
    component: &Component,
) -> Option<&'a Elsewhere<'a>> {
    let asked = elsewhere.iter().filter(|asked| *asked.component == component.id);
    asked.max_by_key(|asked| asked.heard)
}

impl Elsewhere<'_> {
    /// Status and reason of the component, where a paper of the Kho is used for it.
    pub(super) fn held(&self, component: &Component) -> Option<(ComponentStatus, String)> {
        let Heard::Used(name) = self.heard else { return None };
        let reason = format!("Lấy từ Kho «{}»: «{name}».", self.store);
        Some(with_original(component, reason))
    }

    /// The same where none is used: of one that is asked for so as long as nobody answers.
    pub(super) fn unsettled(
        &self,
        (status, reason): (ComponentStatus, String),
    ) -> (ComponentStatus, String) {
        let kho = format!("Kho «{}»", self.store);
        match self.heard {
            Heard::NotYet => (ComponentStatus::Pending, format!("Đang chờ {kho} trả lời.")),
            Heard::Paper => {
                let reason = format!(
                    "{kho} trả lời là có giấy tờ này; cho người dân xem rồi ghi nhận dùng hay không."
                );
                (ComponentStatus::Unsure, reason)
            }
            Heard::Declined => {
                (status, format!("Người dân chọn nộp giấy, không dùng bản của {kho}. {reason}"))
            }
            Heard::Silence => {
                let why = "nguồn dữ liệu không trả lời kịp (source_silent)";
                (status, format!("{kho} không trả lời; được thu bản giấy vì {why}. {reason}"))
            }
            Heard::Nothing | Heard::Used(_) => {
                (status, format!("{kho} trả lời là không có giấy tờ này. {reason}"))
            }
        }
    }
}
