//! A page's own text, and where signatures print themselves.

use std::path::Path;

use imaging::{Area, Decoded, LayerWord, Limits, Pdf, Scan, straighten};

use crate::drawing::{Paper, jpeg};
use crate::pdfs::pdf;

/// Larger than the image, so that the page is no scan; with a typeface.
const PAGE: &str = "/MediaBox[0 0 720 1440]/Resources<</XObject<</I 5 0 R>>\
                    /Font<</F <</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>";

/// PDFium for pages that outlive what they were decoded from.
fn pdfium() -> Option<&'static Pdf> {
    crate::pdfs::pdfium().map(|pdfium| &*Box::leak(Box::new(pdfium)))
}

/// The one page of such a file, with `content` on it.
fn page(pdfium: &'static Pdf, page: &str, content: &str) -> Decoded<'static> {
    let image = jpeg(&Paper::a4(100).image, 75);
    let file = Vec::leak(pdf(&image, "", page, content));
    Scan::open(file, Limits::default(), Some(pdfium)).unwrap().page(0).unwrap()
}

fn words(decoded: &Decoded<'_>) -> Vec<String> {
    let words = decoded.text.iter().flat_map(|text| &text.words);
    words.map(|word| word.text.clone()).collect()
}

/// Shares of dark pixels in an area, and in a frame of six pixels around it.
fn ink(image: &imaging::Grey, area: Area) -> (f32, f32) {
    let Area { x, y, w, h } = area;
    let (mut inside, mut around) = (0, 0);
    for py in y.saturating_sub(6)..y + h + 6 {
        for px in x.saturating_sub(6)..x + w + 6 {
            let dark = u32::from(image.at(px, py) < 128);
            if (x..x + w).contains(&px) && (y..y + h).contains(&py) {
                inside += dark;
            } else {
                around += dark;
            }
        }
    }
    (inside as f32 / (w * h) as f32, around as f32 / (12 * (w + h)) as f32)
}

#[test]
fn stated_words_lie_where_their_ink_is_however_the_page_is_turned() {
    let Some(pdfium) = pdfium() else { return };
    let content = "BT /F 20 Tf 100 1200 Td (Quyet dinh) Tj 0 -60 Td (575) Tj ET";
    for rotate in ["", "/Rotate 90", "/Rotate 180", "/Rotate 270"] {
        let decoded = page(pdfium, &format!("{PAGE}{rotate}"), content);
        assert_eq!(words(&decoded), ["Quyet", "dinh", "575"], "{rotate}");
        let upright = straighten(&decoded, decoded.rotation_deg);
        for LayerWord { area, row, .. } in &decoded.text.as_ref().unwrap().words {
            let (inside, around) = ink(&decoded.grey(), *area);
            assert!(0.1 < inside && around < 0.02, "{rotate}: {inside} {around}");
            let (inside, around) = ink(upright.image(), upright.area(*area));
            assert!(0.1 < inside && around < 0.02, "{rotate}, turned: {inside} {around}");
            assert!(area.h <= row.h);
        }
    }
}

#[test]
fn stated_words_follow_when_a_lean_is_turned_back() {
    let Some(pdfium) = pdfium() else { return };
    // Lines that lean by two degrees, enough of them to be measured.
    let (sin, cos) = 2_f32.to_radians().sin_cos();
    let line =
        "BT /F 14 Tf 1 0 0 1 60 X Tm (thu tuc hanh chinh cua uy ban nhan dan tinh nay) Tj ET ";
    let lines: String = (0..20).map(|n| line.replace('X', &(1250 - 30 * n).to_string())).collect();
    let content = format!("q {cos} {} {sin} {cos} 0 0 cm {lines}Q", -sin);
    let decoded = page(pdfium, PAGE, &content);
    let upright = straighten(&decoded, 0);
    assert!((upright.skew_deg() - 2.0).abs() < 0.1, "{}", upright.skew_deg());
    let all = &decoded.text.as_ref().unwrap().words;
    assert_eq!(all.len(), 220);
    for word in all {
        let (inside, _) = ink(upright.image(), upright.area(word.area));
        assert!(0.1 < inside, "{}: {inside}", word.text);
    }
}

#[test]
fn words_that_no_viewer_draws_are_not_stated() {
    let Some(pdfium) = pdfium() else { return };
    let hidden = "q BT /F 20 Tf 3 Tr 100 1200 Td (hidden) Tj ET Q";
    assert_eq!(page(pdfium, PAGE, hidden).text, None);
    let beside = "BT /F 20 Tf 100 2000 Td (above) Tj -500 -900 Td (beside) Tj ET";
    assert_eq!(page(pdfium, PAGE, beside).text, None);
    let among = format!("{hidden} BT /F 20 Tf 100 1100 Td (shown) Tj ET");
    assert_eq!(words(&page(pdfium, PAGE, &among)), ["shown"]);
}

#[test]
fn a_scan_states_nothing_whatever_text_lies_on_it() {
    let Some(pdfium) = pdfium() else { return };
    let small = PAGE.replace("[0 0 720 1440]", "[0 0 595.44 841.68]");
    let shown = "BT /F 20 Tf 100 600 Td (over the scan) Tj ET";
    assert_eq!(page(pdfium, &small, shown).text, None);
}

#[test]
fn real_papers_state_their_words_and_where_signatures_are_printed() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let Some(pdfium) = pdfium() else { return };
    let seen = |name: &str, seq: u32| {
        let bytes = std::fs::read(data.join(name)).ok()?;
        let scan = Scan::open(&bytes, Limits::default(), Some(pdfium)).unwrap();
        let page = scan.page(seq).unwrap();
        Some((words(&page), page.overlays.len()))
    };
    let Some((decision, overlays)) = seen("born_digital/hanoi_qd_2280_water.pdf", 0) else {
        eprintln!("skipped: no papers at {}", data.display());
        return;
    };
    assert_eq!(overlays, 7);
    // Number and day are printed by signatures.
    assert!(["2280", "29", "QUYẾT"].iter().all(|word| decision.iter().any(|own| own == word)));
    assert_eq!(seen("scans/pdf/cv_299.pdf", 0), Some((Vec::new(), 2)));
    assert_eq!(seen("scans/pdf/cv_299.pdf", 1), Some((Vec::new(), 0)));
}
