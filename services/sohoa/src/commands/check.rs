//! `sohoa check`: compares receipts, rows, blobs and queue.

use std::path::PathBuf;

use archive::{Archive, Finding, Findings};
use schemas::audit::SignedHead;

use crate::config::AuditConfig;
use crate::exit::Exit;
use crate::outside::At;
use crate::{audit, show};

/// Compare receipts, rows, blobs and queue; name every difference; mend what can be mended.
///
/// With --audit the audit alone (nhật ký): every line is bound to the one before, the signed heads
/// stand where they were signed, records and lookups are those that the lines tell of. Heads that
/// were carried elsewhere (`DIR/audit/heads.jsonl`, `GET /v1/audit/heads`) show what whoever can
/// write the whole database could hide: give them with --head. Trusted signers are this
/// installation's own key (`DIR/audit/certificate.pem`, or the one that the configuration names as
/// `audit.certificate_file`) and those that --trust vouches for: the agency's authority where it
/// signs; of a restored archive, the certificate of the installation that it came from.
///
/// Examples:
///
///   sohoa check --data ./sohoa-data
///   sohoa check --data ./sohoa-data --mend
///   sohoa check --config /etc/sohoa.toml --sample 0.01
///   sohoa check --data ./sohoa-data --audit --head /mnt/elsewhere/heads.jsonl
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Check {
    #[command(flatten)]
    at: At,
    /// Mend what can be mended, and say what can't.
    #[arg(long)]
    mend: bool,
    /// Look at the audit alone, and at whose signatures its heads bear.
    #[arg(long, conflicts_with_all = ["mend", "sample"])]
    audit: bool,
    /// Heads of the audit that were kept elsewhere.
    #[arg(long = "head", requires = "audit", value_name = "FILE")]
    heads: Vec<PathBuf>,
    /// Certificates of who is trusted to sign heads, as PEM.
    #[arg(long, requires = "audit", value_name = "PEM")]
    trust: Vec<PathBuf>,
    /// Read only this part of the blobs, from 0 to 1.
    #[arg(long, default_value_t = 1.0)]
    sample: f32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Heads read at a time.
const HEADS_AT_ONCE: u32 = 1000;

impl Check {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let config = self.at.read_config()?;
        let archive = self.at.open(&config).await?;
        if self.audit {
            let found = self.look_at_audit(&archive, &config.audit).await;
            archive.close().await;
            return found;
        }
        let sample = (self.sample < 1.0).then_some(self.sample.max(0.0));
        let findings = archive.check(sample).await?;
        let mended = if self.mend { archive.mend(&findings).await? } else { Vec::new() };
        if self.json {
            show::json(&serde_json::json!({ "check": findings, "mended": mended }))?;
        } else {
            told(&findings, mended.len())?;
        }
        if self.mend {
            let not = findings.findings.iter().filter(|finding| !mended.contains(finding));
            for finding in not {
                show::note(&format!("Chưa sửa được: [{}] {}", finding.code, finding.what));
            }
        }
        archive.close().await;
        let left = findings.findings.len() - mended.len();
        Ok(if left == 0 { Exit::Done } else { Exit::Amiss })
    }
}

impl Check {
    async fn look_at_audit(&self, archive: &Archive, config: &AuditConfig) -> anyhow::Result<Exit> {
        let roots = audit::roots(&self.at.data, config, &self.trust)?;
        let mut anchors = Vec::new();
        for file in &self.heads {
            anchors.extend(audit::anchors(file)?);
        }
        let heads: Vec<_> = anchors.iter().filter_map(SignedHead::head).collect();
        let mut found = archive.check_audit(&heads).await?;
        let mut after = 0;
        loop {
            let kept = archive.records.heads(after, HEADS_AT_ONCE).await?;
            if kept.is_empty() {
                break;
            }
            for signed in &kept {
                // One that can't be read is found already, and the next page begins after it.
                after = signed.head().map_or(after + 1, |head| head.place.max(after + 1));
            }
            anchors.extend(kept);
        }
        for signed in &anchors {
            if let Some(code) = audit::amiss(signed, &roots) {
                found.add(code, signed.head().map_or(0, |head| head.place), false);
            }
        }
        // A head here and the same one elsewhere are one.
        found.findings.sort_by(|a, b| (a.code, &a.what).cmp(&(b.code, &b.what)));
        found.findings.dedup();
        if self.json {
            show::json(&serde_json::json!({ "check": found, "mended": [] }))?;
        } else {
            found.findings.iter().try_for_each(tell)?;
            show::out(&format!(
                "Đã đối chiếu {} dòng nhật ký, {} đầu chuỗi đã ký: {} sai lệch.",
                found.lines,
                anchors.len(),
                found.findings.len()
            ))?;
        }
        Ok(if found.findings.is_empty() { Exit::Done } else { Exit::Amiss })
    }
}

fn tell(finding: &Finding) -> anyhow::Result<()> {
    show::out(&format!("[{}] {} {}", finding.code, finding.what, finding.text_vi))
}

/// Every difference, then the sum; and what is to be encrypted still, which is no difference.
pub(super) fn told(findings: &Findings, mended: usize) -> anyhow::Result<()> {
    findings.findings.iter().try_for_each(tell)?;
    show::out(&format!(
        "Đã đối chiếu {} bản quét, {} trang, {} giấy tờ số hoá, {} tệp: {} sai lệch, đã sửa {}.",
        findings.scans,
        findings.pages,
        findings.records,
        findings.blobs,
        findings.findings.len(),
        mended
    ))?;
    if findings.plain > 0 {
        show::note(&format!(
            "Chưa mã hoá: {} tệp có từ trước khi có khoá chính; `sohoa keys encrypt` mã hoá chúng.",
            findings.plain
        ));
    }
    Ok(())
}
