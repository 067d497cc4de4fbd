//! Scans of every format but PDF, which PDFium opens: formats told apart, containers of pages,
//! fax data, JPEG 2000, resolutions; then the page's way up to its fingerprint.

use std::hint::black_box;

use imaging::{Limits, Scan};

/// Small enough that a page that only promises to be large costs little.
const LIMITS: Limits = Limits { max_pages: 4, max_pixels: 1 << 18 };

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    let Ok(scan) = Scan::open(bytes, LIMITS, None) else { return };
    for seq in 0..scan.page_count() {
        let Ok(mut page) = scan.page(seq) else { continue };
        let size = (page.pixels.width(), page.pixels.height());
        assert!(u64::from(size.0) * u64::from(size.1) <= LIMITS.max_pixels);
        if let Ok((image, kept)) = imaging::keep(&page) {
            assert_eq!(image.size(), size);
            assert!(!kept.is_empty());
        }
        let marks = imaging::marks(&page);
        imaging::lift(&mut page, &marks);
        imaging::even(&mut page);
        let turned = imaging::orientation(&page).rotation_deg;
        let upright = imaging::straighten(&page, turned);
        let blank = imaging::is_blank(upright.image());
        black_box(imaging::flaws(&page, &marks, &upright, blank));
        black_box(imaging::fingerprint(&upright));
        let image = upright.image();
        for mark in marks.upright(&upright.geometry()) {
            assert!(mark.x + mark.w <= image.width && mark.y + mark.h <= image.height);
        }
    }
}
