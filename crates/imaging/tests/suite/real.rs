//! The stages measured on real scans, where the data folder is.

use std::path::Path;

use imaging::{
    Axis, Decoded, Limits, Pixels, Scan, fingerprint, is_blank, keep, orientation, quarter_turn,
    skew, straighten, turn_back,
};
use schemas::reading::{PageImage, SAME_PAPER};

/// Backs of sheets that show nothing but the ghost of a seal: file, page from 0.
const BLANKS: &[(&str, u32)] =
    &[("cv_299.pdf", 1), ("qd_84.pdf", 3), ("ttr_22.pdf", 1), ("ttr_24.pdf", 1)];

/// Calls with the first pages of each scanned PDF.
pub(crate) fn each_page(mut measure: impl FnMut(&str, u32, &Decoded<'_>)) -> bool {
    const PAGES: u32 = 4;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/scans/pdf");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no scans at {}", folder.display());
        return false;
    };
    let Some(pdfium) = crate::pdfs::pdfium() else { return false };
    for entry in entries.flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        let scan = Scan::open(&bytes, Limits::default(), Some(&pdfium)).unwrap();
        for seq in 0..scan.page_count().min(PAGES) {
            measure(&entry.file_name().to_string_lossy(), seq, &scan.page(seq).unwrap());
        }
    }
    true
}

fn has_text(name: &str, seq: u32) -> bool {
    !BLANKS.contains(&(name, seq))
}

#[test]
fn real_backs_with_the_ghost_of_a_seal_are_blank_and_nothing_else_is() {
    let mut found = Vec::new();
    if each_page(|name, seq, page| {
        if is_blank(&page.grey()) {
            found.push((name.to_owned(), seq));
        }
    }) {
        found.sort();
        let found: Vec<(&str, u32)> = found.iter().map(|(name, seq)| (&**name, *seq)).collect();
        assert_eq!(found, BLANKS);
    }
}

#[test]
fn real_pages_turned_by_known_angles_are_measured() {
    let mut errors: Vec<f32> = Vec::new();
    if each_page(|name, seq, page| {
        let page = page.grey();
        let own = skew(&page);
        for angle in [0.3, -1.0, 3.0, -7.0, 14.0_f32] {
            if has_text(name, seq) && (own + angle).abs() < 15.0 {
                errors.push((skew(&turn_back(page.clone(), -angle)) - own - angle).abs());
            }
        }
    }) {
        let mean = errors.iter().sum::<f32>() / errors.len() as f32;
        let worst = errors.iter().copied().fold(0.0, f32::max);
        eprintln!(
            "skew: {} turns, off by {mean:.3}° in the mean, {worst:.3}° at worst",
            errors.len()
        );
        assert!(mean < 0.05 && worst < 0.25, "mean {mean}, worst {worst}");
    }
}

#[test]
fn real_pages_are_stood_upright_from_all_four_turns() {
    let (mut right, mut wrong_and_sure, mut all) = (0, 0, 0);
    if each_page(|name, seq, page| {
        for turned in [0_u16, 90, 180, 270] {
            if has_text(name, seq) {
                let mut page = page.clone();
                page.pixels = Pixels::Grey(quarter_turn(page.grey(), turned));
                let found = orientation(&page);
                all += 1;
                right += u32::from(found.rotation_deg == (360 - turned) % 360);
                wrong_and_sure += u32::from(
                    found.rotation_deg != (360 - turned) % 360
                        && found.is_sure()
                        && found.axis != Axis::None,
                );
            }
        }
    }) {
        eprintln!("orientation: {right} of {all} right, {wrong_and_sure} wrong and sure of it");
        assert!(right * 100 >= all * 97 && wrong_and_sure == 0);
    }
}

#[test]
fn real_papers_are_told_apart_and_known_again() {
    let mut prints = Vec::new();
    let (mut same, mut known) = (0, 0);
    if each_page(|name, seq, page| {
        if has_text(name, seq) {
            let print = fingerprint(&straighten(page, 0));
            let mut again = page.clone();
            let turned = turn_back(page.grey(), 1.1);
            again.pixels = Pixels::Grey(turned);
            same += 1;
            let again = fingerprint(&straighten(&again, 0));
            known += u32::from(print.distance(again) <= SAME_PAPER);
            prints.push(print);
        }
    }) {
        let pairs = prints
            .iter()
            .enumerate()
            .flat_map(|(at, one)| prints[..at].iter().map(move |other| one.distance(*other)));
        let nearest = pairs.min().unwrap();
        eprintln!("fingerprints: {known} of {same} known again, nearest strangers {nearest} bits");
        assert!(known * 100 >= same * 95 && nearest > SAME_PAPER);
    }
}

#[test]
fn a_fax_page_with_a_signatures_print_keeps_its_colour_and_stays_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/scans/pdf");
    let Ok(bytes) = std::fs::read(folder.join("ct_08_ccitt.pdf")) else {
        eprintln!("skipped: no scans at {}", folder.display());
        return;
    };
    let Some(pdfium) = crate::pdfs::pdfium() else { return };
    let scan = Scan::open(&bytes, Limits::default(), Some(&pdfium)).unwrap();
    let kept = [0, 1, 2].map(|seq| keep(&scan.page(seq).unwrap()).unwrap());
    let [(PageImage::Png { .. }, first), second, third] = &kept else {
        panic!("{:?}", kept[0].0);
    };
    // As a JPEG it has 1.6 MB.
    assert!(first.len() < 300_000, "{}", first.len());
    let shown = image::load_from_memory(first).unwrap().to_rgb8();
    let red = shown.pixels().filter(|p| p.0[0] > 150 && p.0[1] < 90 && p.0[2] < 90).count();
    assert!(red > 500, "{red}");
    for (image, bytes) in [second, third] {
        assert!(matches!(image, PageImage::Ccitt { .. }) && bytes.len() < 100_000);
    }
}
