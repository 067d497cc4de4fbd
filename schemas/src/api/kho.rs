//! Bodies about what other Kho answer: papers in the shape of the national contract, where a
//! question stands, and what becomes of an answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::once::LookupWord;

/// A paper in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KhoPaper {
    /// Code of the result that it is.
    #[serde(rename = "MaKetQua")]
    pub code: String,
    /// What people call it.
    #[serde(rename = "TenGiayTo")]
    pub name: String,
    /// Its number and symbol; empty where that isn't known.
    #[serde(rename = "SoKyHieu", default)]
    pub number_symbol: String,
    /// Agency that has it.
    #[serde(rename = "CoQuanChuQuan")]
    pub agency: String,
    /// Its files.
    #[serde(rename = "DanhSachTepDinhKem", default)]
    pub files: Vec<KhoFile>,
}

/// A file in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KhoFile {
    /// What it is called.
    #[serde(rename = "TenTep")]
    pub name: String,
    /// By what it is asked for.
    #[serde(rename = "DuongDan")]
    pub path: String,
}

/// Where a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InquiryState {
    /// Đang chờ: no answer yet.
    Pending,
    /// Đã trả lời: there may be nothing in it.
    Answered,
    /// Không trả lời: given up, until somebody has it tried again. The paper may be collected for
    /// the reason `source_silent`.
    Silent,
}

/// Says what becomes of another Kho's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayOfInquiry {
    /// What.
    pub word: LookupWord,
    /// Which of the papers, from 0; the first that the component accepts when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<u32>,
    /// Officer who says so: 1 to 200 characters.
    pub by: String,
    /// Why, in the citizen's words: 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was said of another Kho's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InquirySaid {
    /// What.
    pub word: LookupWord,
    /// Which of the papers; none where all were declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<u32>,
    /// Officer who said so.
    pub by: String,
    /// Why, in the citizen's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When; RFC 3339, UTC.
    pub at: String,
}
