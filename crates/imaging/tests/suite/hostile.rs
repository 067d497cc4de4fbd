//! Broken and malicious files of other projects' test suites, where the data folder is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use imaging::{Limits, Pdf, Scan, fingerprint, is_blank, keep, orientation, straighten};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The first pages' whole way; how many were read and refused.
fn way(bytes: &[u8], pdfium: Option<&Pdf>) -> (u32, u32) {
    const PAGES: u32 = 3;
    // Smaller than in production, for the test's time; bombs are far above either.
    let limits = Limits { max_pages: 500, max_pixels: 20_000_000 };
    let Ok(scan) = Scan::open(bytes, limits, pdfium) else { return (0, 1) };
    let (mut read, mut refused, mut blank) = (0, 0, 0);
    for seq in 0..scan.page_count().min(PAGES) {
        match scan.page(seq) {
            Ok(decoded) => {
                let (image, _) = keep(&decoded).unwrap();
                assert_eq!(image.size(), (decoded.pixels.width(), decoded.pixels.height()));
                let upright = straighten(&decoded, orientation(&decoded).rotation_deg);
                assert_eq!(fingerprint(&upright).to_string().len(), 64);
                blank += u32::from(is_blank(upright.image()));
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(blank <= read);
    (read, refused)
}

#[test]
fn every_hostile_file_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hostile");
    let mut all = Vec::new();
    files(&folder, &mut all);
    if all.is_empty() {
        eprintln!("skipped: no hostile files at {}", folder.display());
        return;
    }
    let pdfium = crate::pdfs::pdfium();
    let (mut read, mut refused, mut panicked) = (0, 0, Vec::new());
    for path in &all {
        let bytes = std::fs::read(path).unwrap();
        match catch_unwind(AssertUnwindSafe(|| way(&bytes, pdfium.as_ref()))) {
            Ok((some, others)) => {
                read += some;
                refused += others;
            }
            Err(_) => panicked.push(path.file_name().unwrap().to_owned()),
        }
    }
    eprintln!("{} files: {read} pages read, {refused} refused, panics: {panicked:?}", all.len());
    assert!(panicked.is_empty(), "decoders panicked on {panicked:?}");
    assert!(read > 0 && refused > 0);
}
