//! `sohoa-reader`: a page's way, in a process of its own.
//!
//! A worker starts it, one a core, keeps it warm, gives it bytes over its standard input and
//! takes results from its standard output. It holds the OCR engine, PDFium and every image
//! decoder, and may crash at any moment: that costs one attempt of one page. Before it takes the
//! first byte of a scan it shuts itself in (`sohoa_reader::jail`).

mod fonts;
mod orphan;
mod pipeline;
mod serve;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use filing::Kinds;
use reading::{Neural, Opinions, Tesseract};
use schemas::reader::{Answer, Wall, write_frame};
use sohoa_reader::jail::{Jail, JailError};

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
    /// Processor time over the reader's whole life, in seconds.
    #[arg(long, default_value_t = 3600)]
    cpu_seconds: u64,
    /// How far to stand back where others need the processor, 0 to 19.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=19))]
    nice: u8,
    /// A wall of the jail to go without where the kernel lacks it: landlock, seccomp.
    #[arg(long, value_name = "WALL")]
    without_wall: Vec<Wall>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (mut bench, walls) = match prepared(&args) {
        Ok(prepared) => prepared,
        Err(error) => {
            if let Some(JailError::NoWall { wall, detail }) = error.downcast_ref() {
                let answer = Answer::NoWall { wall: *wall, detail: detail.clone() };
                write_frame(&mut std::io::stdout(), &answer, &[])?;
            }
            return Err(error);
        }
    };
    let (questions, answers) = (std::io::stdin().lock(), std::io::stdout().lock());
    serve::serve(&mut bench, walls, questions, answers).context("serving the worker")
}

/// Loads everything and shuts the jail, in the one order in which both can be done.
fn prepared(args: &Args) -> anyhow::Result<(Bench, Vec<Wall>)> {
    let jail = Jail {
        memory: args.memory,
        cpu_seconds: args.cpu_seconds,
        // The weights are read behind the fence, for the networks' threads start with them.
        readable: fonts::FOLDERS
            .map(PathBuf::from)
            .into_iter()
            .chain([args.models.clone()])
            .collect(),
        without: args.without_wall.clone(),
    };
    rustix::process::nice(args.nice.into()).context("standing back")?;
    jail.limit()?;

    // What opens libraries and folders.
    let pdfium = args.pdfium.as_deref().map(imaging::Pdf::bind).transpose();
    let pdfium = pdfium.context("binding PDFium")?;
    pdfium.iter().for_each(fonts::list);
    let second = Tesseract::open(&args.tessdata, "vie").context("starting Tesseract")?;

    // What starts threads, and opens at most what the jail leaves readable.
    let fenced = jail.fence()?;
    orphan::watch().context("watching the worker")?;
    let first = Neural::open(&args.models).context("starting the first engine")?;
    first.warm().context("running the first engine")?;

    let walls = fenced.close()?;
    let limits = imaging::Limits {
        max_pages: args.max_pages,
        max_pixels: args.max_megapixels.saturating_mul(1_000_000),
    };
    let engine = Box::new(Opinions::new(first, second));
    let bench = Bench { limits, pdfium, engine, kinds: Kinds::shipped() };
    Ok((bench, walls))
}
