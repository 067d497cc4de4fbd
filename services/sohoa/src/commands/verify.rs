//! `sohoa verify`: whether PDFs are what was signed, and their records what was published.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use records::Proof;
use schemas::record::Correction;
use signing::Roots;

use crate::exit::Exit;
use crate::show;
use crate::verdict::{self, RecordVerdict, Verdict};

/// Check signed PDFs, without a server and without a network (kiểm tra giấy tờ đã ký số).
///
/// Checked are each signature over the file's bytes, that nothing but signatures was added after
/// it, its certificate up to an authority named by --trust, and its time; with the record's proof
/// also the PDF's hash, the images of its pages, and the record with the agency's signature over
/// it. Whether a certificate was revoked is not: that takes a network.
///
/// A version that a person put right names the one before, what was put right, when and by whom
/// (an id). A version can't know what came after it: give the later one beside it, and the older
/// is told to be followed. Whether a paper is still in use, its Kho alone can say.
///
/// --trust names whoever vouches for the signers, and for the time stamps where there are any.
/// Proofs of several versions of one record must follow on each other.
///
/// The proof is what `GET /v1/records/ID/proof` answers to who says why, under the name of the PDF
/// with `.proof.json` for `.pdf`. Where it lies beside the PDF by that name, it is found by itself;
/// others are named by --proof, in the order of the files.
///
/// Examples:
///
///   sohoa verify giay-khai-sinh.pdf --trust co-quan-chung-thuc.pem
///   sohoa verify giay-khai-sinh.pdf --proof khai-sinh.json --trust co-quan-chung-thuc.pem
///
/// Exit code 0 when everything is in order, 5 when anything isn't.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Verify {
    /// PDF files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Proofs of their records, in the order of the files.
    #[arg(long, value_name = "PROOF")]
    proof: Vec<PathBuf>,
    /// Certificates of authorities that are trusted, as PEM.
    #[arg(long, required = true, value_name = "PEM")]
    trust: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        ensure!(
            self.proof.is_empty() || self.proof.len() == self.files.len(),
            "{} files, but {} proofs",
            self.files.len(),
            self.proof.len()
        );
        let mut roots = Roots::default();
        for file in &self.trust {
            let more = Roots::of_pem(&read(file)?);
            let more = more.ok().filter(|more| !more.is_empty());
            let more = more.with_context(|| format!("no certificate in {}", file.display()))?;
            roots = roots.and(more);
        }
        let mut verdicts = Vec::new();
        for (n, file) in self.files.iter().enumerate() {
            let path = self.proof.get(n).cloned().or_else(|| beside(file));
            let proof = match &path {
                Some(path) => Some(proof(path)?),
                None => None,
            };
            let name = file.display().to_string();
            let mut verdict = verdict::of(name, &read(file)?, proof.as_ref(), &roots);
            verdict.proof = path.map(|path| path.display().to_string());
            verdicts.push(verdict);
        }
        verdict::follow(&mut verdicts);
        if self.json {
            show::json(&verdicts)?;
        } else {
            verdicts.iter().try_for_each(tell)?;
        }
        let fine = verdicts.iter().all(|verdict| verdict.faults.is_empty());
        Ok(if fine { Exit::Done } else { Exit::Amiss })
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// The proof that lies beside a PDF under the name that it was handed out by.
fn beside(pdf: &Path) -> Option<PathBuf> {
    Some(pdf.with_extension("proof.json")).filter(|proof| proof.is_file())
}

/// A proof that can't be read proves nothing; that is found, and not a failure.
fn proof(path: &Path) -> anyhow::Result<Result<Proof, ()>> {
    Ok(serde_json::from_slice(&read(path)?).map_err(|_| ()))
}

fn tell(verdict: &Verdict) -> anyhow::Result<()> {
    let fine = verdict.faults.is_empty();
    show::out(&format!("{}: {}", verdict.file, if fine { "HỢP LỆ" } else { "KHÔNG HỢP LỆ" }))?;
    for own in &verdict.signatures {
        let or_not = |text: &Option<String>| text.clone().unwrap_or_else(|| "không rõ".to_owned());
        let time = match (&own.stamped_at, &own.signed_at) {
            (Some(at), _) => format!("có dấu thời gian {at}"),
            (None, Some(at)) => format!("lúc {at} theo máy người ký"),
            (None, None) => "không rõ lúc nào".to_owned(),
        };
        show::out(&format!(
            "  Chữ ký của {} (chứng thư do {} cấp), {time}: {}",
            or_not(&own.signer),
            or_not(&own.issuer),
            own.state.vi()
        ))?;
    }
    show::out(&match &verdict.proof {
        Some(proof) => format!("  Tệp chứng minh: {proof}"),
        None => "  Không có tệp chứng minh cạnh tệp PDF: chỉ xem chữ ký".to_owned(),
    })?;
    if let Some(record) = &verdict.record {
        show::out(&format!(
            "  Giấy tờ số hoá {} bản {}, mã {}, xuất bản {}; ảnh trang đã đối chiếu: {}/{}",
            record.id,
            record.version,
            record.digitisation_code,
            record.published_at,
            record.images_checked,
            record.pages
        ))?;
        tell_life(record)?;
    }
    for fault in &verdict.faults {
        show::out(&format!("  [{}] {}", fault.code.code(), fault.text_vi))?;
    }
    Ok(())
}

/// What put the version in the place of another, and what is known of what came after it.
fn tell_life(record: &RecordVerdict) -> anyhow::Result<()> {
    if let Some(Correction { fields, owners, principal, at }) = &record.corrected {
        let mut what: Vec<&str> = fields.iter().map(|field| field.vi()).collect();
        what.extend(owners.then_some("chủ sở hữu"));
        let by = principal.map_or_else(|| "không rõ ai".to_owned(), |id| id.to_string());
        show::out(&format!(
            "  Bản này đính chính bản {}: {}; lúc {at}, tài khoản {by}",
            record.version.saturating_sub(1),
            if what.is_empty() { "cách xếp giấy tờ".to_owned() } else { what.join(", ") },
        ))?;
    }
    show::out(&match record.followed_by {
        Some(later) if record.put_right => {
            format!("  Bản này đã được đính chính, không còn dùng: xem bản {later}")
        }
        Some(later) => format!("  Bản này đã được thay thế, không còn dùng: xem bản {later}"),
        None => {
            "  Tệp không cho biết sau đó giấy tờ có bị đính chính, thay thế hay thu hồi không; \
                 hãy hỏi Kho đã cấp"
                .to_owned()
        }
    })
}
