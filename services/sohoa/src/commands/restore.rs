//! `sohoa restore`: an archive made again from a backup, then checked.

use std::path::PathBuf;

use archive::Archive;

use super::backup::{Bar, refused};
use crate::exit::Exit;
use crate::outside::At;
use crate::{outside, show};

/// Restore the newest moment of a backup into an empty place, then check it (khôi phục).
///
/// The place is a folder, or the cluster that a configuration names; a backup of either form
/// restores into the other. Nothing else may work there meanwhile. Cut off, it is called again.
///
/// Papers need their keys: give the newest copy of them, however old the backup is, so that what
/// was erased since stays erased. The master key must be there before: as `DIR/master.key`, or
/// where the configuration says.
///
/// Examples:
///
///   sohoa restore /mnt/backup/sohoa --keys /mnt/keys/sohoa.keys --data ./sohoa-data
///   sohoa restore /mnt/backup/sohoa --keys /mnt/keys/sohoa.keys --config /etc/sohoa.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Restore {
    /// Folder of the backup.
    #[arg(value_name = "DIR")]
    source: PathBuf,
    /// File of the keys of papers.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    at: At,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let config = self.at.read_config()?;
        let place = outside::place(&self.at.data, &config)?;
        let bar = Bar::new();
        let (source, keys) = (&self.source, self.keys.as_deref());
        let restored = Archive::restore(&place, source, keys, &|progress| bar.show(progress)).await;
        bar.end();
        let restored = match restored {
            Ok(restored) => restored,
            Err(error) => return refused(error),
        };
        let archive = self.at.open_or_make(&config).await?;
        let check = archive.check(None).await?;
        archive.close().await;
        let whole =
            check.findings.is_empty() && restored.missing.is_empty() && restored.damaged.is_empty();
        if self.json {
            show::json(&serde_json::json!({ "restored": restored, "check": check }))?;
            return Ok(if whole { Exit::Done } else { Exit::Amiss });
        }
        for key in &restored.missing {
            show::out(&format!("[blob.missing] {key} Bản sao lưu thiếu tệp này."))?;
        }
        for key in &restored.damaged {
            show::out(&format!("[blob.damaged] {key} Tệp này trong bản sao lưu bị hỏng."))?;
        }
        show::out(&format!(
            "Đã khôi phục lần sao lưu {} ({}): {} dòng dữ liệu, {} tệp.",
            restored.moment, restored.at, restored.rows, restored.blobs
        ))?;
        super::check::told(&check, 0)?;
        Ok(if whole { Exit::Done } else { Exit::Amiss })
    }
}
