//! PDF files: scanned images told from drawn pages, text layers, digital signatures, through
//! PDFium as set-up installs it. PDFium itself is not watched for coverage; what it falls over is
//! its own, and falls within the reader's jail.

use std::hint::black_box;
use std::path::Path;

use imaging::{Format, Limits, Pdf, Scan};

const PDFIUM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.parts/libpdfium.so");

thread_local! {
    static PDF: Pdf = Pdf::bind(Path::new(PDFIUM)).expect("deploy/setup.sh has fetched PDFium");
}

/// Small enough that a page that only promises to be large costs little.
const LIMITS: Limits = Limits { max_pages: 2, max_pixels: 1 << 18 };

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    PDF.with(|pdf| look(bytes, pdf));
}

fn look(bytes: &[u8], pdf: &Pdf) {
    let Ok(scan) = Scan::open(bytes, LIMITS, Some(pdf)) else { return };
    if scan.format() != Format::Pdf {
        return;
    }
    assert!(scan.signatures().iter().all(|signature| signature.is_sane()));
    for seq in 0..scan.page_count() {
        let Ok(page) = scan.page(seq) else { continue };
        let size = (page.pixels.width(), page.pixels.height());
        assert!(u64::from(size.0) * u64::from(size.1) <= LIMITS.max_pixels);
        assert!(page.text.iter().all(|text| !text.words.is_empty()));
        if let Ok((image, kept)) = imaging::keep(&page) {
            assert_eq!(image.size(), size);
            black_box(kept);
        }
    }
}
