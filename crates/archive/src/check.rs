//! `sohoa check`: compares what was promised (receipts, rows, hashes, jobs) with what is there,
//! names every difference, and mends what can be mended.

mod audit;
mod mend;
mod rules;

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt;
use schemas::Uuid;
use schemas::audit::AuditHead;
use schemas::ids::Blake3;
use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use tracing::warn;

use crate::Archive;
use crate::blobs::Looked;
use crate::error::{ArchiveError, Doing};
use crate::needed::{USES, Use};
use crate::records::audit::link;
use crate::rows::Columns;
use crate::vault;

/// A blob without a row may be one whose row is about to be written; after an hour, in seconds,
/// it is not.
pub(crate) const ORPHAN_AGE: u64 = 3600;

/// The same of keys, in microseconds.
pub(crate) const ORPHAN_MICROS: i64 = 3_600_000_000;

/// Rows read at a time where a table is read whole.
const BATCH: i64 = 500;

/// A difference between what should be there and what is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code: `scan.bytes_missing`.
    pub code: &'static str,
    /// What it is about: an id, or a blob's hash.
    pub what: String,
    /// What it means, and what to do where it can't be mended, in Vietnamese.
    pub text_vi: String,
    /// Whether [`Archive::mend`] can put it right.
    pub mendable: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Blobs there are.
    pub blobs: u64,
    /// Blobs whose hash was computed anew.
    pub hashed: u64,
    /// Those of them that lie plain though there is a master key: [`Archive::encrypt_plain`] is for
    /// them, and they are no difference.
    pub plain: u64,
    /// Scans there are.
    pub scans: u64,
    /// Pages there are.
    pub pages: u64,
    /// Versions of records there are.
    pub records: u64,
    /// Lookups there are.
    pub lookups: u64,
    /// Lines of the audit there are.
    pub lines: u64,
    /// Signed heads of it.
    pub heads: u64,
    /// Every difference.
    pub findings: Vec<Finding>,
}

/// Why a blob can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amiss {
    Missing,
    Damaged,
    /// It is encrypted, and its key was never heard of here, or is under another master key.
    Locked,
    /// Its key was erased: it is no loss.
    Erased,
}

/// So many blobs that can't be read are told; with more the check ends.
const MOST_UNREADABLE: u32 = 10;

const COUNTS: &str = "
    select (select count(*) from scan) as scans, (select count(*) from page) as pages,
        (select count(*) from record) as records, (select count(*) from lookup) as lookups";

const RECORDS: &str = "
    select record_id, version, hash, body from record
    where record_id > $1 or (record_id = $1 and version > $2)
    order by record_id, version limit $3";

// Those from before the audit, which had a chain of their own.
const LOOKUPS: &str = "
    select lookup_id, place, body, chain_hash from lookup where place > $1
    order by place limit $2";

const CHAIN: &str = "select length, hash from chain where name = 'lookup'";

impl Archive {
    /// Compares receipts, rows, blobs and queue. Every blob must be there; `sample` is the share
    /// of them, from 0 to 1, whose hash is computed anew: all when left out.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`] when it can't look.
    pub async fn check(&self, sample: Option<f32>) -> Result<Findings, ArchiveError> {
        let doing = "checking the database";
        // Blobs before the rows of one moment: a large store takes longer to list them than a server
        // lets a view wait. One that came since is asked for by its name before it is missed, and
        // nobody's is only what has been there for an hour.
        let present: HashSet<Blake3> = self.blobs.list().await?.into_iter().collect();
        let mut view = self.records.db.view().await?;
        let row = sqlx::query(COUNTS).fetch_one(&mut *view).await.doing(doing)?;
        let mut found = Findings {
            blobs: present.len() as u64,
            scans: row.int("scans")?,
            pages: row.int("pages")?,
            records: row.int("records")?,
            lookups: row.int("lookups")?,
            ..Findings::default()
        };
        let sound = sqlx::query(self.records.db.dialect.sound());
        let sound = sound.fetch_one(&mut *view).await.doing(doing)?;
        if sound.take::<&str>("quick_check")? != "ok" {
            found.add("database.damaged", "database", false);
        }
        rules::check(&mut view, self.records.db.now().await?, &mut found).await?;
        check_records(&mut view, &mut found).await?;
        check_lookups(&mut view, &mut found).await?;
        audit::check(&mut view, &[], &mut found).await?;
        let wanted = wanted(&mut view).await?;
        let erased: HashSet<Blake3> = vault::erased(&mut view).await?.into_iter().collect();
        let old = self.records.db.now().await? - ORPHAN_MICROS;
        for key in vault::known(&mut view, old).await? {
            if !wanted.contains_key(&key) && !present.contains(&key) {
                found.add("key.orphan", key, true);
            }
        }
        drop(view);
        self.check_blobs(&present, &erased, &wanted, sample, &mut found).await?;
        Ok(found)
    }

    /// Looks at the audit alone: every line, every head, and that records and lookups are those
    /// that it tells of. `anchors` are heads that were kept elsewhere. Whose the signatures are is
    /// not known here.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`] when it can't look.
    pub async fn check_audit(&self, anchors: &[AuditHead]) -> Result<Findings, ArchiveError> {
        let mut view = self.records.db.view().await?;
        let mut found = Findings::default();
        audit::check(&mut view, anchors, &mut found).await?;
        Ok(found)
    }

    async fn check_blobs(
        &self,
        present: &HashSet<Blake3>,
        erased: &HashSet<Blake3>,
        wanted: &HashMap<Blake3, Vec<Wanted>>,
        sample: Option<f32>,
        found: &mut Findings,
    ) -> Result<(), ArchiveError> {
        let (share, mut unreadable) = (sample.unwrap_or(1.0), 0);
        for (&key, uses) in wanted {
            let amiss = if erased.contains(&key) {
                Some(Amiss::Erased)
            } else if !present.contains(&key) && !self.blobs.contains(key).await? {
                Some(Amiss::Missing)
            } else if chosen(share) {
                found.hashed += 1;
                match self.blobs.look_at(key).await {
                    Ok(Looked { is_true: true, is_plain }) => {
                        found.plain += u64::from(is_plain && self.encrypts());
                        None
                    }
                    Err(ArchiveError::Erased(_)) => Some(Amiss::Erased),
                    Err(ArchiveError::NoKey(_)) => Some(Amiss::Locked),
                    Err(ArchiveError::Missing(_)) => Some(Amiss::Missing),
                    Ok(Looked { is_true: false, .. }) | Err(ArchiveError::Corrupt { .. }) => {
                        Some(Amiss::Damaged)
                    }
                    Err(error) if error.is_lost() => Some(Amiss::Damaged),
                    // It may be whole. Where many can't be read the store is away.
                    Err(error) => {
                        unreadable += 1;
                        if MOST_UNREADABLE < unreadable {
                            return Err(error);
                        }
                        warn!(blob.blake3 = %key, error = &error as &dyn std::error::Error, "blob can't be read");
                        found.add("blob.unreadable", key, false);
                        None
                    }
                }
            } else {
                None
            };
            if let Some(amiss) = amiss {
                found.add_blob(uses, amiss);
            }
        }
        for &key in present.iter().filter(|key| !wanted.contains_key(*key)) {
            match self.blobs.age_seconds(key).await {
                Ok(age) if age < ORPHAN_AGE => {}
                Ok(_) => found.add("blob.orphan", key, true),
                // It was removed since.
                Err(ArchiveError::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        for upload in self.blobs.abandoned().await? {
            found.add("blob.upload", upload, true);
        }
        found.findings.sort_by(|a, b| (a.code, &a.what).cmp(&(b.code, &b.what)));
        Ok(())
    }
}

/// A row that needs a blob.
struct Wanted {
    by: Use,
    what: String,
    mendable: bool,
}

impl Findings {
    /// Adds a difference of that code.
    pub fn add(&mut self, code: &'static str, what: impl ToString, mendable: bool) {
        let text_vi = text_vi(code).to_owned();
        self.findings.push(Finding { code, what: what.to_string(), text_vi, mendable });
    }

    /// A blob can't be read: one finding for each row of the weightiest use. With the scan's own
    /// bytes everything made from them is lost, so that alone is named.
    fn add_blob(&mut self, uses: &[Wanted], amiss: Amiss) {
        let weightiest = uses.iter().map(|wanted| wanted.by).min();
        for wanted in uses.iter().filter(|wanted| Some(wanted.by) == weightiest) {
            let code = match (wanted.by, amiss) {
                (Use::Scan, Amiss::Missing) => "scan.bytes_missing",
                (Use::Scan, Amiss::Damaged) => "scan.bytes_damaged",
                (Use::Scan, Amiss::Locked) => "scan.key_missing",
                (Use::Scan, Amiss::Erased) => "scan.erased",
                (Use::Image, Amiss::Missing) => "page.image_missing",
                (Use::Image, Amiss::Damaged) => "page.image_damaged",
                (Use::Image, Amiss::Locked) => "page.key_missing",
                (Use::Image, Amiss::Erased) => "page.erased",
                (Use::Pdf, Amiss::Missing) => "record.pdf_missing",
                (Use::Pdf, Amiss::Damaged) => "record.pdf_damaged",
                (Use::Pdf, Amiss::Locked) => "record.key_missing",
                (Use::Pdf, Amiss::Erased) => "record.erased",
                (Use::Answer, Amiss::Missing) => "inquiry.file_missing",
                (Use::Answer, Amiss::Damaged) => "inquiry.file_damaged",
                (Use::Answer, Amiss::Locked) => "inquiry.key_missing",
                (Use::Answer, Amiss::Erased) => "inquiry.erased",
            };
            // What was erased stays so, and a key may still be found.
            let may = matches!(amiss, Amiss::Missing | Amiss::Damaged) && wanted.by != Use::Scan;
            self.add(code, &wanted.what, wanted.mendable && may);
        }
    }
}

/// What each finding means.
fn text_vi(code: &str) -> &'static str {
    match code {
        "scan.bytes_missing" => "Mất tệp bản quét gốc. Hãy gửi lại tệp từ trạm quét.",
        "scan.bytes_damaged" => "Tệp bản quét gốc bị hỏng. Hãy gửi lại tệp từ trạm quét.",
        "page.image_missing" => "Mất ảnh trang; sẽ làm lại từ bản quét.",
        "page.image_damaged" => "Ảnh trang bị hỏng; sẽ làm lại từ bản quét.",
        "record.pdf_missing" => "Mất tệp PDF; bản hiện hành sẽ được làm lại.",
        "record.pdf_damaged" => "Tệp PDF bị hỏng; bản hiện hành sẽ được làm lại.",
        "inquiry.file_missing" => "Mất tệp do Kho khác trả lời. Hãy hỏi lại Kho đó.",
        "inquiry.file_damaged" => "Tệp do Kho khác trả lời bị hỏng. Hãy hỏi lại Kho đó.",
        "scan.key_missing" | "page.key_missing" | "record.key_missing" | "inquiry.key_missing" => {
            "Thiếu khoá để đọc tệp này. Hãy khôi phục lại với bản khoá mới nhất và đúng khoá chính."
        }
        "scan.erased" | "page.erased" | "record.erased" | "inquiry.erased" => {
            "Giấy tờ đã được xoá, không ai đọc được nữa: không phải mất mát. Dòng dữ liệu còn lại \
             là của bản sao lưu cũ; hãy xoá lại bằng `sohoa subject erase`."
        }
        "key.orphan" => "Khoá của tệp không còn thuộc về hồ sơ nào; sẽ được xoá.",
        "record.hash" => "Nội dung giấy tờ số hoá không khớp với mã băm của nó.",
        "lookup.chain" => "Chuỗi tra cứu bị đứt: có lượt tra cứu bị sửa, bị xoá hoặc bị chèn.",
        "blob.orphan" => "Tệp không thuộc về hồ sơ nào; sẽ được xoá.",
        "blob.unreadable" => {
            "Hiện không đọc được tệp này, chưa biết có hỏng hay không. Hãy xem lại kho lưu trữ rồi \
             kiểm tra lại."
        }
        "blob.upload" => "Lượt gửi tệp lên kho bị bỏ dở; phần đã gửi sẽ được xoá.",
        "database.damaged" => "Cơ sở dữ liệu bị hỏng. Hãy khôi phục từ bản sao lưu.",
        code => audit::text_vi(code).unwrap_or_else(|| rules::text_vi(code)),
    }
}

/// Whether a blob is among the share to be hashed. Chance decides, so that every blob's turn
/// comes in the end.
fn chosen(share: f32) -> bool {
    let (chance, _) = Uuid::new_v4().as_u64_pair();
    // 16 random bits are fine enough for a share.
    share >= 1.0 || f32::from((chance >> 48) as u16) < share * 65_536.0
}

async fn wanted(view: &mut AnyConnection) -> Result<HashMap<Blake3, Vec<Wanted>>, ArchiveError> {
    let mut wanted: HashMap<Blake3, Vec<Wanted>> = HashMap::new();
    for (by, sql) in USES {
        let mut rows = sqlx::query(sql).fetch(&mut *view);
        while let Some(row) = rows.try_next().await.doing("checking blobs")? {
            let mendable = row.flag("mendable")?;
            let entry = Wanted { by, what: row.take("what")?, mendable };
            wanted.entry(row.parsed("blob")?).or_default().push(entry);
        }
    }
    Ok(wanted)
}

async fn check_records(view: &mut AnyConnection, found: &mut Findings) -> Result<(), ArchiveError> {
    let (mut id, mut version) = (String::new(), 0);
    loop {
        let query = sqlx::query(RECORDS).bind(&id).bind(version).bind(BATCH);
        let rows = query.fetch_all(&mut *view).await.doing("checking records")?;
        let Some(last) = rows.last() else { return Ok(()) };
        for row in &rows {
            let hash = blake3::hash(row.take::<&str>("body")?.as_bytes());
            if row.take::<&str>("hash")? != hash.to_hex().as_str() {
                let (id, version): (&str, i64) = (row.take("record_id")?, row.int("version")?);
                found.add("record.hash", format!("{id}/{version}"), false);
            }
        }
        (id, version) = (last.take("record_id")?, last.int("version")?);
    }
}

/// Follows the old chain of lookups and names the first link that doesn't hold.
async fn check_lookups(view: &mut AnyConnection, found: &mut Findings) -> Result<(), ArchiveError> {
    let doing = "checking lookups";
    let (mut place, mut before) = (0_i64, Blake3([0; 32]));
    loop {
        let query = sqlx::query(LOOKUPS).bind(place).bind(BATCH);
        let rows = query.fetch_all(&mut *view).await.doing(doing)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if !holds(row, place, before)? {
                found.add("lookup.chain", row.take::<&str>("lookup_id")?, false);
                return Ok(());
            }
            (place, before) = (row.int("place")?, row.parsed("chain_hash")?);
        }
    }
    let end = sqlx::query(CHAIN).fetch_one(&mut *view).await.doing(doing)?;
    if end.int::<i64>("length")? != place || end.parsed::<Blake3>("hash")? != before {
        found.add("lookup.chain", place + 1, false);
    }
    Ok(())
}

fn holds(row: &AnyRow, place: i64, before: Blake3) -> Result<bool, ArchiveError> {
    let linked = link(before, row.take("body")?);
    Ok(row.int::<i64>("place")? == place + 1 && row.parsed::<Blake3>("chain_hash")? == linked)
}
