//! `sohoa-reader`: a page's way, in a process of its own.
//!
//! A worker starts it, one a core, keeps it warm, gives it bytes over its standard input and
//! takes results from its standard output. It holds the OCR engine, PDFium and every image
//! decoder, and may crash at any moment: that costs one attempt of one page.

mod limits;
mod orphan;
mod pipeline;
mod serve;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use filing::Kinds;
use reading::{Neural, Opinions, Tesseract};

use crate::pipeline::Bench;

/// Reads pages for a worker, over standard input and output. Not meant to be called by hand:
/// see `sohoa read`.
#[derive(Debug, Parser)]
#[command(name = "sohoa-reader", version)]
struct Args {
    /// Folder of the first engine's weights.
    #[arg(long)]
    models: PathBuf,
    /// Folder of Tesseract's models.
    #[arg(long, default_value = "/usr/share/tesseract-ocr/5/tessdata")]
    tessdata: PathBuf,
    /// PDFium's library; without it, PDFs are refused.
    #[arg(long)]
    pdfium: Option<PathBuf>,
    /// Address space, in bytes.
    #[arg(long, default_value_t = 1536 << 20)]
    memory: u64,
    /// Most pages in a scan.
    #[arg(long, default_value_t = 500)]
    max_pages: u32,
    /// Most pixels in a page, in millions.
    #[arg(long, default_value_t = 80)]
    max_megapixels: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    limits::set(args.memory).context("setting limits")?;
    orphan::watch().context("watching the worker")?;
    let pdfium = args.pdfium.as_deref().map(imaging::Pdf::bind).transpose();
    let first = Neural::open(&args.models).context("starting the first engine")?;
    let second = Tesseract::open(&args.tessdata, "vie").context("starting Tesseract")?;
    let mut bench = Bench {
        limits: imaging::Limits {
            max_pages: args.max_pages,
            max_pixels: args.max_megapixels.saturating_mul(1_000_000),
        },
        pdfium: pdfium.context("binding PDFium")?,
        engine: Box::new(Opinions::new(first, second)),
        kinds: Kinds::shipped(),
    };
    serve::serve(&mut bench, std::io::stdin().lock(), std::io::stdout().lock())
        .context("serving the worker")
}
