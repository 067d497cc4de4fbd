//! The command `papers`: writes the shipped sample, or as many made-up pages as one wants.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use papers::{FONTS_DIR, Kind, Press, Scan, Wear, sample};

/// Makes papers like those a ward's counter receives, about people who don't exist.
#[derive(Debug, Parser)]
#[command(
    name = "papers",
    after_help = "Examples:\n  \
    papers sample tests/papers/sample          the shipped sample, byte for byte\n  \
    papers pages 100 /tmp/pages                a hundred distinct pages, all kinds in turn\n  \
    papers pages 20 /tmp/cards --kind identity_card --dpi 300 --colour\n  \
    papers pages 5 /tmp/clean --clean --text   unworn pages, their texts beside them"
)]
struct Options {
    /// Folder of the typefaces (Debian: fonts-liberation2)
    #[arg(long, global = true, value_name = "DIR", default_value = FONTS_DIR)]
    fonts: PathBuf,
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Write the shipped sample dossiers into a folder
    Sample {
        /// The folder; files of the same names are overwritten
        dir: PathBuf,
    },
    /// Write distinct pages as JPEG
    Pages(Pages),
}

#[derive(Debug, Args)]
struct Pages {
    /// How many pages
    count: usize,
    /// Where to; page-0001.jpg and so on are overwritten
    dir: PathBuf,
    /// Everything follows from it: the same seed writes the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Dots an inch
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(50..=600))]
    dpi: u32,
    #[arg(long, help = kinds())]
    kind: Option<Kind>,
    /// In colour rather than grey
    #[arg(long)]
    colour: bool,
    /// Degrees by which every page leans, clockwise
    #[arg(long, value_name = "DEG", allow_negative_numbers = true)]
    skew: Option<f32>,
    /// As printed: no lean, blur or grain
    #[arg(long)]
    clean: bool,
    /// Write the printed text beside each page
    #[arg(long)]
    text: bool,
}

/// Help that cannot forget a kind.
fn kinds() -> String {
    format!("One kind of paper only: {}", Kind::ALL.map(Kind::id).join(", "))
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let press = Press::open_in(&options.fonts)?;
    match options.work {
        Work::Sample { dir } => write_sample(&press, &dir),
        Work::Pages(pages) => write_pages(&press, &pages),
    }
}

fn write_sample(press: &Press, dir: &Path) -> anyhow::Result<()> {
    for (name, bytes) in sample::make(press)? {
        write(&dir.join(name), &bytes)?;
    }
    Ok(())
}

fn write_pages(press: &Press, pages: &Pages) -> anyhow::Result<()> {
    ensure!(pages.skew.is_none_or(|deg| deg.abs() <= 45.0), "a page leans by 45 degrees at most");
    let mut done = 0;
    for seed in pages.seed.. {
        let sheets = match pages.kind {
            Some(kind) => press.paper(kind, seed),
            None => vec![press.page(seed)],
        };
        for sheet in sheets {
            if done == pages.count {
                return Ok(());
            }
            done += 1;
            let mut wear = if pages.clean { Wear::default() } else { Wear::light(seed) };
            wear.skew_deg = pages.skew.unwrap_or(wear.skew_deg);
            let scan = Scan { dpi: pages.dpi, colour: pages.colour, quality: 75, wear };
            let path = pages.dir.join(format!("page-{done:04}.jpg"));
            write(&path, &scan.jpeg(&sheet)?)?;
            if pages.text {
                write(&path.with_extension("txt"), (sheet.text() + "\n").as_bytes())?;
            }
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
