//! The audit: who read or changed which record, when, what for and by which law; and the chain
//! that binds these lines, so that none can be altered, taken out or put in unseen.
//!
//! No personal data of citizens: a line outlives what it tells of.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Grant, words};
use crate::ids::{
    Blake3, ComponentId, DossierCode, KeyId, LineId, LookupId, PrincipalId, RecordId,
};

words! {
    /// What was done.
    Act {
        /// A version of a record was published, or is in use again.
        Published = "published",
        /// A later version, or another paper, took its place.
        Superseded = "superseded",
        /// A person put it right, in a later version.
        Corrected = "corrected",
        /// It was withdrawn.
        Revoked = "revoked",
        /// It was found to stand no longer for a component of a dossier that relied on it.
        Expired = "expired",
        /// Its data or its file were handed out, and a lookup kept.
        LookedUp = "looked_up",
        /// A page of it, or what was read off that page, was shown to somebody of its office.
        PageShown = "page_shown",
        /// An answer about a procedure said that it is there; nothing of its content.
        Told = "told",
        /// It stands for a component of a dossier that was opened, or is worked on.
        Relied = "relied",
        /// The answer of a lookup that was kept was read again.
        ReadAgain = "read_again",
        /// A lookup's answer was shown to the citizen.
        LookupShown = "lookup_shown",
        /// It is used, and the citizen agrees.
        LookupUsed = "lookup_used",
        /// The citizen declined it.
        LookupDeclined = "lookup_declined",
        /// Who was stopped since they are nearly its owner was found to be the same person.
        FoundSame = "found_same",
        /// They were found to be somebody else.
        FoundOther = "found_other",
        /// A paper was taken although it stands for the component; `purpose` is the lawful reason.
        AskedAgain = "asked_again",
        /// What another Kho answered for a dossier was read.
        InquiryRead = "inquiry_read",
        /// A dossier, with what is known of it, was handed to another system.
        DossierExported = "dossier_exported",
        /// Its owner, or somebody for them, was shown who had looked.
        AccessShown = "access_shown",
        /// It was handed to its owner with all that is kept of them.
        Exported = "exported",
        /// Its content was erased.
        Erased = "erased",
        /// Another Kho was asked for papers that a dossier needs.
        KhoAsked = "kho_asked",
        /// A paper of another Kho was shown to the citizen, for a component of a dossier.
        KhoShown = "kho_shown",
        /// It is used for the component, and the citizen agrees.
        KhoUsed = "kho_used",
        /// The citizen declined it.
        KhoDeclined = "kho_declined",
        /// What somebody may do was said.
        Granted = "granted",
        /// Somebody was given a key.
        KeyGiven = "key_given",
        /// A key was taken back, or given an end.
        KeyEnded = "key_ended",
        /// What somebody logs in with was set anew by another: a password was given, the second
        /// factor taken away, or they were left to the directory.
        LoginReset = "login_reset",
        /// Nothing more is taken of somebody.
        Locked = "locked",
        /// It is taken again.
        Unlocked = "unlocked",
        /// Something that this version doesn't know: a later one left the line. What it was, the
        /// line that is kept says.
        #[serde(other)]
        Unknown = "unknown",
    }
}

impl Act {
    /// What a person reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Published => "Xuất bản",
            Self::Superseded => "Được bản khác thay thế",
            Self::Corrected => "Đính chính",
            Self::Revoked => "Thu hồi",
            Self::Expired => "Hết giá trị dùng cho hồ sơ",
            Self::LookedUp => "Xem nội dung",
            Self::PageShown => "Xem trang giấy",
            Self::Told => "Trả lời là đã có",
            Self::Relied => "Dùng cho hồ sơ",
            Self::ReadAgain => "Xem lại nội dung đã tra cứu",
            Self::LookupShown => "Cho người dân xem bản số hoá",
            Self::LookupUsed => "Dùng bản số hoá, người dân đồng ý",
            Self::LookupDeclined => "Người dân không dùng bản số hoá",
            Self::FoundSame => "Đối chiếu: cùng một người",
            Self::FoundOther => "Đối chiếu: không phải một người",
            Self::AskedAgain => "Thu lại giấy đã có bản số hoá",
            Self::InquiryRead => "Xem trả lời của Kho khác",
            Self::DossierExported => "Xuất hồ sơ cho hệ thống khác",
            Self::AccessShown => "Cho chủ sở hữu biết ai đã xem",
            Self::Exported => "Trích xuất cho chủ sở hữu",
            Self::Erased => "Xoá nội dung",
            Self::KhoAsked => "Hỏi Kho khác về giấy tờ",
            Self::KhoShown => "Cho người dân xem giấy tờ của Kho khác",
            Self::KhoUsed => "Dùng giấy tờ của Kho khác, người dân đồng ý",
            Self::KhoDeclined => "Người dân không dùng giấy tờ của Kho khác",
            Self::Granted => "Giao quyền",
            Self::KeyGiven => "Cấp khoá truy cập",
            Self::KeyEnded => "Chấm dứt khoá truy cập",
            Self::LoginReset => "Đặt lại cách đăng nhập",
            Self::Locked => "Khoá người dùng",
            Self::Unlocked => "Mở khoá người dùng",
            Self::Unknown => "Việc mà phiên bản này chưa biết",
        }
    }
}

/// Who has something done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever showed a key or a session of that principal.
    Principal(PrincipalId),
    /// Whoever ran a command line, by their name on that machine.
    Operator(String),
    /// The program, by itself.
    Program,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(id) => id.fmt(f),
            Self::Operator(name) => write!(f, "command of {name}"),
            Self::Program => f.write_str("the program"),
        }
    }
}

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditLine {
    /// Its id.
    pub id: LineId,
    /// When; RFC 3339, UTC.
    pub at: String,
    /// What was done.
    pub act: Act,
    /// Whose key or session did it; none where the program did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalId>,
    /// Who ran the command line that did it, by their name on that machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The lookup that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<LookupId>,
    /// Dossier that it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<DossierCode>,
    /// Component of the dossier that it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentId>,
    /// What for. Never names the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Law that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// The key that was given or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Who holds that key, was locked, or was granted something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PrincipalId>,
    /// All that they may from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// blake3 of what was read or changed: of the version published or ended, of the lookup as it
    /// is kept, of another Kho's answer or of a file that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Blake3>,
}

impl AuditLine {
    /// A line that says only what was done, and when.
    #[must_use]
    pub fn new(act: Act, at: Timestamp) -> Self {
        Self {
            id: LineId::next(),
            at: at.to_string(),
            act,
            principal: None,
            operator: None,
            record: None,
            version: None,
            lookup: None,
            dossier: None,
            component: None,
            purpose: None,
            legal_basis: None,
            key: None,
            holder: None,
            grants: Vec::new(),
            content: None,
        }
    }

    /// The same, of what somebody did.
    #[must_use]
    pub fn by(actor: &Actor, act: Act, at: Timestamp) -> Self {
        let mut line = Self::new(act, at);
        match actor {
            Actor::Principal(id) => line.principal = Some(*id),
            Actor::Operator(name) => line.operator = Some(name.clone()),
            Actor::Program => {}
        }
        line
    }
}

/// A line and its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkedLine {
    /// From 1.
    pub place: u64,
    /// blake3 of the hash before (32 bytes) and the line's compact JSON in UTF-8, as it was left.
    pub hash: Blake3,
    /// The line.
    pub line: AuditLine,
}

/// The chain as it was at a moment. It stands for every line up to there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHead {
    /// Place of the last line.
    pub place: u64,
    /// Its hash.
    pub hash: Blake3,
    /// When; RFC 3339, UTC.
    pub at: String,
}

/// A head with the signature over it: kept elsewhere, it shows any later change of what was
/// before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedHead {
    /// The head's compact JSON: what is signed, byte for byte.
    pub body: String,
    /// CMS over `body`, detached, DER, as base64, with the signer's certificates.
    pub signature: String,
}

impl SignedHead {
    /// What it says, where it can be read.
    #[must_use]
    pub fn head(&self) -> Option<AuditHead> {
        serde_json::from_str(&self.body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_keep_their_names() {
        for act in Act::ALL {
            assert_eq!(act.as_str().parse::<Act>(), Ok(*act));
            assert_eq!(serde_json::to_value(act).unwrap(), act.as_str());
        }
    }

    #[test]
    fn a_line_of_a_later_version_can_be_read() {
        let line = AuditLine::new(Act::Told, Timestamp::UNIX_EPOCH);
        let mut later = serde_json::to_value(&line).unwrap();
        later["act"] = "translated".into();
        // Nor does this version know who did it.
        later["agent"] = "agent-7".into();
        let read: AuditLine = serde_json::from_value(later).unwrap();
        assert_eq!(read, AuditLine { act: Act::Unknown, ..line });
    }
}
