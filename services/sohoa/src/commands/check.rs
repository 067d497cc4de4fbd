//! `sohoa check`: compares receipts, rows, blobs and queue.

use std::path::PathBuf;

use archive::Findings;

use crate::config::Config;
use crate::exit::Exit;
use crate::{outside, show};

/// Compare receipts, rows, blobs and queue; name every difference; mend what can be mended.
///
/// Examples:
///
///   sohoa check --data ./sohoa-data
///   sohoa check --data ./sohoa-data --mend
///   sohoa check --config /etc/sohoa.toml --sample 0.01
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Check {
    /// Folder that holds everything, where no cluster is configured.
    #[arg(long, default_value = "sohoa-data", value_name = "DIR")]
    data: PathBuf,
    /// Mend what can be mended, and say what can't.
    #[arg(long)]
    mend: bool,
    /// Read only this part of the blobs, from 0 to 1.
    #[arg(long, default_value_t = 1.0)]
    sample: f32,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let config = Config::read(self.config.as_deref())?;
        outside::must_be_there(&self.data, &config)?;
        let archive = outside::beside(&self.data, &config).await?;
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

/// Every difference, then the sum.
pub(super) fn told(findings: &Findings, mended: usize) -> anyhow::Result<()> {
    for finding in &findings.findings {
        show::out(&format!("[{}] {} {}", finding.code, finding.what, finding.text_vi))?;
    }
    show::out(&format!(
        "Đã đối chiếu {} bản quét, {} trang, {} giấy tờ số hoá, {} tệp: {} sai lệch, đã sửa {}.",
        findings.scans,
        findings.pages,
        findings.records,
        findings.blobs,
        findings.findings.len(),
        mended
    ))
}
