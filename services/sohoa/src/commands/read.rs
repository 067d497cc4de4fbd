//! `sohoa read`: the way of a page on files, without server or database.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use schemas::code::Reason;
use schemas::message::Lane;
use schemas::reading::PageReading;
use schemas::signature::DigitalSignature;
use sealing::{SealPage, Title};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use worker::{PageRead, ReaderError, Readers, Unpacked};

use crate::config::Config;
use crate::exit::Exit;
use crate::{outside, show};

/// Take files the way of a page: unpack, decode, orient, deskew, read, codes, fingerprint, kind.
///
/// No server, no database. Without --json, --text or --pdf the text goes to the standard output.
/// JSON is an array with an entry a page, or a file that was refused; texts of pages are parted
/// by form feeds. Where an OUT is a folder, each file gets one of its own there.
///
/// Examples:
///
///   sohoa read to-khai.jpg
///   sohoa read *.pdf --json pages.json --jobs 2
///   sohoa read quyet-dinh.tif --pdf quyet-dinh.pdf --text -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Read {
    /// JPEG, PNG, TIFF (multi-page, G4), PDF, WebP, BMP, JPEG 2000.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What was read, as JSON; `-` is the standard output.
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// The text alone; `-` is the standard output.
    #[arg(long, value_name = "OUT")]
    text: Option<PathBuf>,
    /// A searchable PDF/A-2u of all pages, straightened.
    #[arg(long, value_name = "OUT")]
    pdf: Option<PathBuf>,
    /// Readers at once; as many as there are cores when left out.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What became of a file.
struct FileRead {
    path: PathBuf,
    signatures: Vec<DigitalSignature>,
    pages: Vec<Result<PageRead, Refused>>,
}

/// Why a file or page has no reading.
#[derive(Debug, Clone, Serialize)]
struct Refused {
    code: &'static str,
    reason: &'static str,
    detail: String,
    /// Milliseconds until it was refused.
    millis: u64,
    /// Place in the file, from 0; 0 when the file was refused whole.
    #[serde(skip)]
    seq: u32,
}

/// An entry of the JSON output.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Page {
        file: &'a Path,
        #[serde(flatten)]
        reading: &'a PageReading,
        /// The file's digital signatures, with its first page.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        signatures: &'a [DigitalSignature],
    },
    Refused {
        file: &'a Path,
        seq: u32,
        error: &'a Refused,
    },
}

impl Read {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        for path in &self.files {
            std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
        }
        let config = Config::read(self.config.as_deref())?;
        let count = self.jobs.unwrap_or_else(|| config.reader.count()).max(1);
        let readers = Arc::new(outside::readers(&config, count).await?);

        let files = self.read_all(&readers).await?;
        readers.close().await;
        self.write(&files)?;
        let refused =
            files.iter().flat_map(|file| &file.pages).filter(|page| page.is_err()).count();
        Ok(if refused == 0 { Exit::Done } else { Exit::Amiss })
    }

    /// Reads every page of every file, as many at once as there are readers; answers in order.
    async fn read_all(&self, readers: &Arc<Readers>) -> anyhow::Result<Vec<FileRead>> {
        let style = ProgressStyle::with_template("đọc [{bar:30}] {pos}/{len} trang {elapsed}")?;
        let bar = ProgressBar::new(0).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        let mut files = Vec::new();
        let mut work = JoinSet::new();
        for (place, path) in self.files.iter().enumerate() {
            let scan =
                std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let scan = Arc::new(scan);
            let since = Instant::now();
            let Unpacked { pages, signatures, .. } =
                match readers.unpack(Lane::Counter, &scan).await {
                    Ok(unpacked) => unpacked,
                    Err(error) => {
                        let refused = refused(path, None, &error, since);
                        bar.suspend(|| show::note(&refused.1));
                        files.push(FileRead {
                            path: path.clone(),
                            signatures: Vec::new(),
                            pages: vec![Err(refused.0)],
                        });
                        continue;
                    }
                };
            bar.inc_length(u64::from(pages));
            files.push(FileRead { path: path.clone(), signatures, pages: Vec::new() });
            for seq in 0..pages {
                // A few more than there are readers: none waits, and few scans lie in memory.
                while 2 * readers.count() <= work.len() {
                    take(&mut work, &mut files, &bar).await?;
                }
                let (readers, scan, path) = (readers.clone(), scan.clone(), path.clone());
                let images_wanted = self.pdf.is_some();
                work.spawn(async move {
                    let since = Instant::now();
                    let mut page =
                        readers.read(Lane::Counter, &scan, seq, oneshot::channel().0).await;
                    if let (false, Ok(page)) = (images_wanted, &mut page) {
                        page.bytes = Vec::new();
                    }
                    (place, page.map_err(|e| refused(&path, Some(seq), &e, since)))
                });
            }
        }
        while !work.is_empty() {
            take(&mut work, &mut files, &bar).await?;
        }
        bar.finish_and_clear();
        for file in &mut files {
            file.pages.sort_by_key(|page| match page {
                Ok(page) => page.reading.seq,
                Err(refused) => refused.seq,
            });
        }
        Ok(files)
    }

    fn write(&self, files: &[FileRead]) -> anyhow::Result<()> {
        let to_stdout = self.json.is_none() && self.text.is_none() && self.pdf.is_none();
        if let Some(out) = &self.json {
            each(out, files, "json", |files| Ok(json(files)?.into_bytes()))?;
        }
        if let Some(out) = &self.text {
            each(out, files, "txt", |files| Ok(text(files).into_bytes()))?;
        }
        if let Some(out) = &self.pdf {
            ensure!(out.as_os_str() != "-", "--pdf needs a file or folder");
            each(out, files, "pdf", pdf)?;
        }
        if to_stdout {
            write(Path::new("-"), text(files).as_bytes())?;
        }
        Ok(())
    }
}

type Taken = (usize, Result<PageRead, (Refused, String)>);

/// Takes the next finished page.
async fn take(
    work: &mut JoinSet<Taken>,
    files: &mut [FileRead],
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let Some(done) = work.join_next().await else { return Ok(()) };
    let (place, page) = done?;
    bar.inc(1);
    files[place].pages.push(page.map_err(|(refused, note)| {
        bar.suspend(|| show::note(&note));
        refused
    }));
    Ok(())
}

fn refused(
    path: &Path,
    seq: Option<u32>,
    error: &ReaderError,
    since: Instant,
) -> (Refused, String) {
    let reason: Reason = error.reason();
    let page = seq.map(|seq| format!(" trang {}", seq + 1)).unwrap_or_default();
    let note = format!("{}{page}: {} [{}]", path.display(), reason.vi(), reason.code());
    let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let detail = error.to_string();
    let seq = seq.unwrap_or_default();
    (Refused { code: reason.code(), reason: reason.vi(), detail, millis, seq }, note)
}

fn json(files: &[FileRead]) -> anyhow::Result<String> {
    let entries = files.iter().flat_map(|file| {
        file.pages.iter().map(|page| match page {
            Ok(PageRead { reading, .. }) => {
                let signatures = if reading.seq == 0 { &file.signatures[..] } else { &[] };
                Entry::Page { file: &file.path, reading, signatures }
            }
            Err(error) => Entry::Refused { file: &file.path, seq: error.seq, error },
        })
    });
    // An entry a line: programs take the array, people and `grep` the lines.
    let lines: Result<Vec<String>, _> = entries.map(|e| serde_json::to_string(&e)).collect();
    Ok(format!("[\n{}\n]\n", lines?.join(",\n")))
}

fn text(files: &[FileRead]) -> String {
    let texts = files.iter().flat_map(|file| &file.pages).flatten();
    texts.map(|page| format!("{}\n", page.reading.text)).collect::<Vec<_>>().join("\u{c}")
}

fn pdf(files: &[FileRead]) -> anyhow::Result<Vec<u8>> {
    let pages: Vec<SealPage<'_>> = files
        .iter()
        .flat_map(|file| &file.pages)
        .flatten()
        .map(|page| SealPage { image: page.image, bytes: &page.bytes, reading: &page.reading })
        .collect();
    ensure!(!pages.is_empty(), "no page was read, so there is nothing to put into a PDF");
    let title = files.first().and_then(|file| file.path.file_stem()).unwrap_or_default();
    let title = title.to_string_lossy();
    Ok(sealing::seal(
        &pages,
        &Title {
            title: &title,
            subject: None,
            creator_tool: concat!("Sohoa ", env!("CARGO_PKG_VERSION")),
            created: jiff::Timestamp::now(),
        },
    )?)
}

/// Writes one output for all files, or one a file when `out` is a folder.
fn each(
    out: &Path,
    files: &[FileRead],
    extension: &str,
    make: impl Fn(&[FileRead]) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<()> {
    if !out.is_dir() {
        return write(out, &make(files)?);
    }
    for file in files {
        // A file of which nothing was read has no text and no PDF.
        if extension != "json" && file.pages.iter().all(Result::is_err) {
            continue;
        }
        let name = file.path.file_stem().unwrap_or_default();
        let path = out.join(format!("{}.{extension}", name.to_string_lossy()));
        write(&path, &make(std::slice::from_ref(file))?)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if path.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        return Ok(out.flush()?);
    }
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
