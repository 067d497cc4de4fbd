//! `sohoa catalogue`: importing and showing procedures.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use schemas::Date;
use schemas::catalogue::national;
use schemas::ids::ProcedureCode;
use serde_json::json;

use crate::config::Config;
use crate::exit::Exit;
use crate::outside::At;
use crate::show;

/// Import and show procedures. Works beside a running server on the same folder.
///
/// Examples:
///
///   sohoa catalogue import tthc-2642.json.gz
///   sohoa catalogue import --shipped
///   sohoa catalogue show 1.001193
///   sohoa catalogue show --search 'khai sinh'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Catalogue {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    at: At,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Import a file: our own format, or the national list as it was crawled; gzip or not. All
    /// of it that can be right is taken in one step; the rest is refused line by line.
    Import {
        /// The file.
        #[arg(required_unless_present = "shipped")]
        file: Option<PathBuf>,
        /// The frequent procedures that come with Sohoa.
        #[arg(long, conflicts_with = "file")]
        shipped: bool,
        /// First day in force; today, or what the file says, when left out.
        #[arg(long)]
        valid_from: Option<Date>,
        /// Say what would be refused, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show a procedure with its components, or search the list.
    Show {
        /// Its code.
        code: Option<ProcedureCode>,
        /// Words of its name.
        #[arg(long, conflicts_with = "code")]
        search: Option<String>,
    },
}

/// Largest file after decompression: the national list of 2,642 procedures is 17 MB.
const MAX_BYTES: u64 = 256 << 20;

impl Catalogue {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let config = self.at.read_config()?;
        match &self.what {
            What::Import { file, valid_from, dry_run, .. } => {
                self.import(&config, file.as_deref(), *valid_from, *dry_run).await
            }
            What::Show { code: Some(code), .. } => {
                let archive = self.at.open(&config).await?;
                let found = archive.records.procedure(code, schemas::clock::today()).await?;
                let found = found.with_context(|| format!("không có thủ tục {code}"))?;
                show::json(&found)?;
                Ok(Exit::Done)
            }
            What::Show { code: None, search } => {
                let archive = self.at.open(&config).await?;
                let (words, today) = (search.as_deref(), schemas::clock::today());
                let list = archive.records.procedures(words, today, 5000, 0).await?;
                show::procedures(&list, self.json)?;
                Ok(Exit::Done)
            }
        }
    }

    async fn import(
        &self,
        config: &Config,
        file: Option<&Path>,
        valid_from: Option<Date>,
        dry_run: bool,
    ) -> anyhow::Result<Exit> {
        let text = match file {
            Some(file) => read(file)?,
            None => schemas::catalogue::shipped().as_bytes().to_vec(),
        };
        let import = national::import(&text)?;
        for refusal in &import.refused {
            show::note(&refusal.to_string());
        }
        let day = valid_from.or(import.valid_from).unwrap_or_else(schemas::clock::today);
        if dry_run {
            show::json(&import.counts)?;
            return Ok(if import.refused.is_empty() { Exit::Done } else { Exit::Amiss });
        }
        let archive = self.at.open_or_make(config).await?;
        let mut stored = archive.records.import(&import.procedures, day).await?;
        stored.refused = u32::try_from(import.refused.len()).unwrap_or(u32::MAX);
        if self.json {
            show::json(&json!({ "file": import.counts, "stored": stored }))?;
        } else {
            show::out(&format!(
                "Thủ tục: {} mới, {} thay đổi, {} giữ nguyên; {} dòng bị từ chối.",
                stored.added, stored.changed, stored.unchanged, stored.refused
            ))?;
        }
        Ok(if stored.refused == 0 { Exit::Done } else { Exit::Amiss })
    }
}

/// Reads a file, decompressed when it is gzip, up to the cap.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("reading {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let mut magic = [0; 2];
    let is_gzip = file.read(&mut magic).with_context(reading)? == 2 && magic == [0x1F, 0x8B];
    let file = File::open(path).with_context(reading)?;
    let mut source: Box<dyn Read> =
        if is_gzip { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut text = Vec::new();
    source.by_ref().take(MAX_BYTES + 1).read_to_end(&mut text).with_context(reading)?;
    ensure!(text.len() as u64 <= MAX_BYTES, "{} is larger than {MAX_BYTES} bytes", path.display());
    Ok(text)
}
