//! How a component stands for which another Kho was asked.

use schemas::api::ComponentStatus;
use schemas::catalogue::Component;
use schemas::elsewhere::{Elsewhere, Heard};

use super::with_original;

/// What counts most of what other Kho were asked for the component.
pub(super) fn best<'a>(elsewhere: &'a [Elsewhere], component: &Component) -> Option<&'a Elsewhere> {
    let asked = elsewhere.iter().filter(|asked| asked.component == component.id);
    asked.max_by_key(|asked| &asked.heard)
}

/// Status and reason of the component, where a paper of the Kho is used for it.
pub(super) fn held(asked: &Elsewhere, component: &Component) -> Option<(ComponentStatus, String)> {
    let Heard::Used(name) = &asked.heard else { return None };
    let reason = format!("Lấy từ Kho «{}»: «{name}».", asked.kho);
    Some(with_original(component, reason))
}

/// The same where none is used: of one that is asked for so as long as nobody answers.
pub(super) fn unsettled(
    asked: &Elsewhere,
    (status, reason): (ComponentStatus, String),
) -> (ComponentStatus, String) {
    let kho = format!("Kho «{}»", asked.kho);
    match asked.heard {
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
