//! What becomes of a dossier that is to be erased, and how that is told.

use archive::{Erasure, Kept};
use schemas::ids::DossierCode;
use serde::Serialize;

use crate::show;

/// What became of a dossier, or would.
#[derive(Debug, Serialize)]
pub(crate) struct Fate {
    pub(crate) dossier: DossierCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) erased: Option<Erasure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<Kept>,
}

impl Fate {
    pub(crate) fn new(dossier: DossierCode, done: Result<Erasure, Kept>) -> Self {
        let (erased, kept) = match done {
            Ok(erased) => (Some(erased), None),
            Err(kept) => (None, Some(kept)),
        };
        Self { dossier, erased, kept }
    }

    /// A line for the person who called.
    pub(crate) fn tell(&self, done: bool) -> anyhow::Result<()> {
        let code = &self.dossier;
        if let Some(erased) = &self.erased {
            let will = if done { "đã xoá" } else { "sẽ xoá" };
            let left = match erased.blobs_left {
                0 => String::new(),
                left => format!(", {left} tệp còn nơi khác dùng hoặc mới tới (sẽ xoá sau)"),
            };
            return show::out(&format!(
                "{code}: {will} {} giấy tờ số hoá, {} tệp{left}",
                erased.records.len(),
                erased.blobs
            ));
        }
        let why = match self.kept {
            Some(Kept::Open) => "hồ sơ đang giải quyết; hãy đóng hồ sơ trước",
            Some(Kept::Unsettled) => "hồ sơ chưa xử lý xong",
            Some(Kept::Shared) => {
                "có giấy tờ đồng thời hoặc chỉ thuộc về người khác; nếu giấy tờ không phải của \
                 người này, cán bộ đính chính chủ sở hữu"
            }
            Some(Kept::Named) => "hồ sơ của người khác, có nêu người này; xoá cùng hồ sơ đó",
            Some(Kept::ByPolicy) => {
                "phải lưu theo pháp luật, hoặc chưa khai thời hạn lưu trong [retention]"
            }
            None => "",
        };
        show::out(&format!("{code}: GIỮ LẠI, {why}"))
    }
}
