//! What must hold between rows. Each rule is a question whose answers are the differences; what
//! is asked for is the id that names one.

use sqlx::AnyConnection;

use super::Findings;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// How a difference is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// Announce that the scan be unpacked.
    Unpack,
    /// Put the pages that are missing.
    PutPages,
    /// Announce that the page be read.
    Read,
    /// Announce that the dossier be filed.
    File,
    /// Announce that the document be sealed.
    Seal,
    /// Forget what the document was published as, and announce that it be sealed.
    SealAnew,
    /// Announce that the record that the document was published as be proven.
    Prove,
    /// Say that the dossier is settled.
    Settle,
    /// Remove the job.
    DropJob,
    /// Move it to the queue.
    Relay,
}

/// A rule between rows.
pub(super) struct Rule {
    pub(super) code: &'static str,
    text_vi: &'static str,
    pub(super) cure: Cure,
    find: &'static str,
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "scan.no_job",
        text_vi: "Bản quét đã nhận nhưng không có việc tách trang; việc sẽ được giao lại.",
        cure: Cure::Unpack,
        find: "select scan_id as what from scan where state = 'received'
            and not exists (select 1 from outbox where target = scan_id)
            and not exists (select 1 from job where target = scan_id)
            and not exists (select 1 from parked where target = scan_id)",
    },
    Rule {
        code: "scan.parked_unseen",
        text_vi: "Bản quét tạm giữ nhưng không ai thấy; sẽ được tách trang lại.",
        cure: Cure::Unpack,
        find: "select scan_id as what from scan where state = 'parked'
            and not exists (select 1 from parked where target = scan_id)
            and not exists (select 1 from dropped where target = scan_id)",
    },
    Rule {
        code: "scan.pages_missing",
        text_vi: "Bản quét thiếu trang so với số trang đã đếm; trang thiếu sẽ được đọc lại.",
        cure: Cure::PutPages,
        find: "select scan_id as what from scan where state = 'unpacked'
            and pages > (select count(*) from page where page.scan_id = scan.scan_id)",
    },
    Rule {
        code: "page.no_job",
        text_vi: "Trang chờ đọc nhưng không có việc đọc; việc sẽ được giao lại.",
        cure: Cure::Read,
        find: "select page_id as what from page where state = 'waiting'
            and not exists (select 1 from outbox where target = page_id)
            and not exists (select 1 from job where target = page_id)
            and not exists (select 1 from parked where target = page_id)",
    },
    Rule {
        code: "page.parked_unseen",
        text_vi: "Trang tạm giữ nhưng không ai thấy; sẽ được đọc lại.",
        cure: Cure::Read,
        find: "select page_id as what from page where state = 'parked'
            and not exists (select 1 from parked where target = page_id)
            and not exists (select 1 from dropped where target = page_id)",
    },
    Rule {
        code: "page.reading_missing",
        text_vi: "Mất kết quả nhận dạng của trang; trang sẽ được đọc lại.",
        cure: Cure::Read,
        find: "select page_id as what from page where state = 'read'
            and not exists (select 1 from page_reading r where r.page_id = page.page_id)",
    },
    Rule {
        code: "dossier.not_filed",
        text_vi: "Các trang đã đọc xong nhưng hồ sơ chưa được xếp; việc sẽ được giao lại.",
        cure: Cure::File,
        find: "select dossier_id as what from dossier d where settled = 0
            and filed_pages <> (select count(*) from page
                where page.dossier_id = d.dossier_id and state = 'read')
            and not exists (select 1 from scan
                where scan.dossier_id = d.dossier_id and state = 'received')
            and not exists (select 1 from page
                where page.dossier_id = d.dossier_id and state = 'waiting')
            and not exists (select 1 from outbox where target = d.dossier_id)
            and not exists (select 1 from job where target = d.dossier_id)
            and not exists (select 1 from parked where target = d.dossier_id)",
    },
    Rule {
        code: "dossier.not_settled",
        text_vi: "Hồ sơ đã xong mọi việc nhưng chưa được báo là xong.",
        cure: Cure::Settle,
        find: "select dossier_id as what from dossier d where settled = 0
            and filed_pages = (select count(*) from page
                where page.dossier_id = d.dossier_id and state = 'read')
            and not exists (select 1 from scan
                where scan.dossier_id = d.dossier_id and state = 'received')
            and not exists (select 1 from page
                where page.dossier_id = d.dossier_id and state = 'waiting')
            and not exists (select 1 from document
                where document.dossier_id = d.dossier_id and seal = 'waiting')",
    },
    Rule {
        code: "document.no_job",
        text_vi: "Giấy tờ chờ tạo PDF nhưng không có việc nào; việc sẽ được giao lại.",
        cure: Cure::Seal,
        find: "select document_id as what from document where seal = 'waiting'
            and not exists (select 1 from outbox where target = document_id)
            and not exists (select 1 from job where target = document_id)
            and not exists (select 1 from parked where target = document_id)",
    },
    Rule {
        code: "document.parked_unseen",
        text_vi: "Giấy tờ tạm giữ nhưng không ai thấy; sẽ được tạo PDF lại.",
        cure: Cure::Seal,
        find: "select document_id as what from document where seal = 'parked'
            and not exists (select 1 from parked where target = document_id)
            and not exists (select 1 from dropped where target = document_id)",
    },
    Rule {
        code: "document.record_missing",
        text_vi: "Giấy tờ đã xuất bản nhưng mất bản ghi; sẽ được xuất bản lại.",
        cure: Cure::SealAnew,
        find: "select document_id as what from document d where record_version is not null
            and not exists (select 1 from record r
                where r.document_id = d.document_id and r.version = d.record_version)",
    },
    // Where nobody signed before, nobody is missed.
    Rule {
        code: "document.not_proven",
        text_vi: "Bản đính chính đang dùng chưa được cơ quan ký như bản trước; sẽ được ký.",
        cure: Cure::Prove,
        find: "select d.document_id as what from document d
            join record r on r.document_id = d.document_id and r.version = d.record_version
            join record_proof before on before.record_id = r.record_id
                and before.version = r.version - 1
            where d.seal = 'sealed' and r.state = 'published'
            and not exists (select 1 from record_proof p
                where p.record_id = r.record_id and p.version = r.version)",
    },
    // A job to seal a document that a later filing took apart is void, and no damage.
    Rule {
        code: "job.no_target",
        text_vi: "Việc trỏ tới thứ không tồn tại; sẽ được xoá.",
        cure: Cure::DropJob,
        find: "select job_id as what from (select job_id, job, target from job
                union all select job_id, job, target from outbox) as j
            where (job = 'unpack' and not exists (select 1 from scan where scan_id = target))
               or (job = 'read' and not exists (select 1 from page where page_id = target))
               or (job = 'file' and not exists (select 1 from dossier where dossier_id = target))",
    },
    Rule {
        code: "outbox.stuck",
        text_vi: "Việc đã được báo nhưng quá lâu chưa vào hàng đợi; sẽ được chuyển.",
        cure: Cure::Relay,
        find: "select job_id as what from outbox where made_at < $1",
    },
];

/// Announcements leave within moments of a worker running; after ten minutes, in microseconds,
/// something is wrong.
const STUCK: i64 = 600_000_000;

/// Asks every rule; `now` in microseconds.
pub(super) async fn check(
    view: &mut AnyConnection,
    now: i64,
    found: &mut Findings,
) -> Result<(), ArchiveError> {
    let long_ago = now - STUCK;
    for rule in RULES {
        let mut query = sqlx::query(rule.find);
        if rule.cure == Cure::Relay {
            query = query.bind(long_ago);
        }
        for row in query.fetch_all(&mut *view).await.doing("checking rows")? {
            found.add(rule.code, row.take::<&str>("what")?, true);
        }
    }
    Ok(())
}

/// What a rule's finding means.
pub(super) fn text_vi(code: &str) -> &'static str {
    RULES.iter().find(|rule| rule.code == code).map_or("", |rule| rule.text_vi)
}
