//! Sealed documents, looked at by the programs that people and archives will look at them with.
//! Needs Poppler's tools, qpdf and the veraPDF libraries, which the set-up fetches.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![allow(clippy::cast_possible_truncation, reason = "test pages are small")]

mod sheets;
mod signed;
mod tools;

use image::GrayImage;
use schemas::reading::{PageImage, Word};
use sealing::{ImageFault, ReadingFault, SealError};

use sheets::{Coding, DPI, LINES, SCALE, SIZE, Sheet, empty, scanned, seal, title};
use tools::{File, Found, verapdf};

/// Every coding, every quarter turn, leaning either way; a blank page among them.
fn stack() -> Vec<Sheet> {
    vec![
        scanned(Coding::Grey, 0, 0.0),
        scanned(Coding::Colour, 90, 2.0),
        empty(),
        scanned(Coding::Ccitt, 270, -3.5),
        scanned(Coding::Grey, 180, 1.25),
        scanned(Coding::Ccitt, 0, 0.0),
        scanned(Coding::Paletted, 90, 1.5),
    ]
}

/// A reading as a reader gone wrong might give it, of an image that is well.
fn nonsense() -> Sheet {
    let mut sheet = scanned(Coding::Grey, 0, 0.0);
    let word = |text: &str, x, y, w, h, line| Word {
        text: text.to_owned(),
        x,
        y,
        w,
        h,
        confidence: f32::NAN,
        line,
        block: u32::MAX,
        ..Word::default()
    };
    sheet.reading.words = vec![
        word("ngoài", u32::MAX, u32::MAX, u32::MAX, u32::MAX, 0),
        word("rỗng", 5, 5, 0, 0, u32::MAX),
        word("\u{0}\u{feff}\u{7f}", 5, 5, 9, 9, 1),
        word("\u{1f600}\u{e000}\u{ffff}\u{fffe}", 5, 50, 90, 9, 2),
        word(&"dài".repeat(30_000), 0, 90, 1240, 9, 3),
        word("lùi", 900, 200, 50, 20, 4),
        word("lại", 100, 200, 50, 20, 4),
        word("(\\)", 100, 300, 1, 1700, 5),
    ];
    sheet.reading.confidence = f32::INFINITY;
    sheet
}

#[test]
fn lines_of_vietnamese_come_out_whole_and_in_order() {
    for sheet in stack() {
        let expected = if sheet.reading.blank {
            Vec::new()
        } else {
            LINES.iter().map(|line| line.replace("| ", "")).collect::<Vec<_>>()
        };
        let file = File::of(&seal(std::slice::from_ref(&sheet)));
        assert_eq!(file.lines("-layout"), expected);
        assert_eq!(file.lines("-raw"), expected);
    }
}

#[test]
fn words_that_touch_stay_apart_by_a_space() {
    let mut sheet = scanned(Coding::Grey, 0, 0.0);
    let mut left = 100;
    sheet.reading.words.truncate(4);
    for word in &mut sheet.reading.words {
        word.x = left;
        // The last two overlap.
        left += word.w - word.w * u32::from(word.text == "NHÂN") / 10;
    }
    assert_eq!(File::of(&seal(&[sheet])).lines("-layout"), ["ỦY BAN NHÂN DÂN"]);
}

#[test]
fn a_selection_covers_the_word_that_is_seen() {
    let stack = stack();
    let found = File::of(&seal(&stack)).words();
    let asked = stack.iter().map(|sheet| &sheet.reading.words).enumerate();
    let asked = asked.flat_map(|(page, words)| words.iter().map(move |word| (page, word)));
    let mut pairs = 0;
    for (Found { page, text, edges }, (asked_page, word)) in found.iter().zip(asked) {
        assert_eq!((page, text), (&asked_page, &word.text));
        let off = edges.iter().zip(edges_in_points(word)).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 0.5, "{text} of page {page} stands at {edges:?}");
        pairs += 1;
    }
    let words = stack.iter().map(|sheet| sheet.reading.words.len()).sum::<usize>();
    assert_eq!((pairs, found.len()), (words, words));
}

#[test]
fn a_turned_and_leaning_picture_lies_straight_under_its_words() {
    let stack = stack();
    let file = File::of(&seal(&stack));
    for (n, sheet) in stack.iter().enumerate() {
        let shown = file.shown(n);
        let size = (f64::from(SIZE.0) * SCALE, f64::from(SIZE.1) * SCALE);
        assert!(
            (f64::from(shown.width()) - size.0).abs() < 1.01,
            "page {n} is {} wide",
            shown.width()
        );
        assert!(
            (f64::from(shown.height()) - size.1).abs() < 1.01,
            "page {n} is {} high",
            shown.height()
        );

        let boxes: Vec<_> = sheet.reading.words.iter().map(edges_in_points).collect();
        assert_eq!(ink(&shown, &boxes), (!sheet.reading.blank, 0, 0), "page {n}");
    }
}

/// Whether there is any, and how many points of it lie beside the boxes, and of boxes without it.
fn ink(shown: &GrayImage, boxes: &[[f64; 4]]) -> (bool, u32, u32) {
    let (mut ink, mut astray, mut bare) = (false, 0, 0);
    for (x, y, pixel) in shown.enumerate_pixels() {
        let dark = pixel.0[0] < 128;
        let under = |margin: f64| {
            let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            boxes.iter().any(|[left, top, right, bottom]| {
                left - margin < x && x < right + margin && top - margin < y && y < bottom + margin
            })
        };
        ink |= dark;
        astray += u32::from(dark && !under(1.5));
        bare += u32::from(!dark && under(-1.5));
    }
    (ink, astray, bare)
}

#[test]
fn pixels_that_are_not_square_make_a_page_as_high_as_the_sheet_was() {
    for (rotation, skew) in [(0, 0.0), (270, 4.0)] {
        let mut sheet = scanned(Coding::Ccitt, rotation, skew);
        // Of fax: half as many lines as columns to the inch.
        sheet.reading.dpi_down = Some(DPI / 2);
        let boxes = sheet.reading.words.iter().map(edges_in_points);
        let boxes = boxes.map(|[left, top, right, end]| [left, 2.0 * top, right, 2.0 * end]);
        let boxes: Vec<_> = boxes.collect();
        let file = File::of(&seal(&[sheet]));
        let shown = file.shown(0);
        assert!((f64::from(shown.height()) - f64::from(SIZE.1) * SCALE * 2.0).abs() < 1.01);
        assert_eq!(ink(&shown, &boxes), (true, 0, 0), "{rotation} {skew}");
        for (Found { text, edges, .. }, asked) in file.words().iter().zip(&boxes) {
            let off = edges.iter().zip(asked).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 0.5, "{text} stands at {edges:?}");
        }
    }
}

#[test]
fn every_document_is_sound_and_pdf_a_2u() {
    let documents = [
        seal(&stack()),
        seal(&[scanned(Coding::Grey, 0, 0.0)]),
        seal(&[scanned(Coding::Colour, 270, 0.7)]),
        seal(&[scanned(Coding::Ccitt, 90, -2.0)]),
        seal(&[scanned(Coding::Paletted, 180, 0.4)]),
        seal(&[empty()]),
        seal(&[nonsense()]),
        seal(&[huge()]),
    ];
    let files = documents.map(|pdf| File::of(&pdf));
    files.iter().for_each(File::check_syntax);
    let verdicts = verapdf(&files);
    assert!(verdicts.iter().all(|line| line.starts_with("PASS ")), "{verdicts:#?}");
}

#[test]
fn the_validator_finds_a_fault_when_there_is_one() {
    let pdf = seal(&[scanned(Coding::Grey, 0, 0.0)]);
    let at = pdf.windows(15).position(|bytes| bytes == b"/OutputIntents[").unwrap();
    let mut broken = pdf.clone();
    broken[at + 1] = b'X';
    let verdicts = verapdf(&[File::of(&broken), File::of(&pdf), File::of(b"%PDF-1.7 no")]);
    let words = verdicts.iter().map(|line| &line[..4]).collect::<Vec<_>>();
    assert_eq!(words, ["FAIL", "PASS", "FAIL"], "{verdicts:#?}");
    assert!(verdicts[0].contains("6.2.4.3"), "grey without an output intent: {}", verdicts[0]);
}

#[test]
fn equal_pages_give_equal_files_and_others_another_id() {
    let id = |pdf: &[u8]| {
        let at = pdf.windows(4).rposition(|bytes| bytes == b"/ID[").unwrap();
        pdf[at..at + 40].to_vec()
    };
    let (one, again) = (seal(&stack()), seal(&stack()));
    assert!(one == again);
    let mut other = stack();
    other[0].reading.words[0].text = "KHÁC".to_owned();
    assert_ne!(id(&one), id(&seal(&other)));
}

#[test]
fn the_scans_own_bytes_are_in_the_file_unchanged() {
    for sheet in stack() {
        let pdf = seal(std::slice::from_ref(&sheet));
        let bytes = match sheet.image {
            // Of a PNG, its compressed rows: what stands around them is said in PDF's words.
            PageImage::Png { .. } => {
                let place = |name: &[u8]| sheet.bytes.windows(4).position(|own| own == name);
                let (from, to) = (place(b"IDAT").unwrap() + 4, place(b"IEND").unwrap() - 8);
                &sheet.bytes[from..to]
            }
            PageImage::Jpeg { .. } | PageImage::Ccitt { .. } => &sheet.bytes[..],
        };
        assert!(pdf.windows(bytes.len()).any(|own| own == bytes));
        let more = pdf.len() - sheet.bytes.len();
        assert!(more < 8_000, "{more} bytes for all that isn't the image");
    }
}

#[test]
fn the_title_reads_the_same_in_both_places_it_stands() {
    let pdf = seal(&[empty()]);
    let info = File::of(&pdf).info();
    for line in [
        "Title:           Giấy khai sinh <số 15/2024> & phụ lục",
        "Subject:         Đăng ký khai sinh",
        "Creator:         Sohoa 0.1.0",
    ] {
        assert!(info.contains(line), "no `{line}` in {info}");
    }
    let file = String::from_utf8_lossy(&pdf);
    for part in [
        "Giấy khai sinh &lt;số 15/2024&gt; &amp; phụ lục",
        ">Đăng ký khai sinh<",
        "<xmp:CreatorTool>Sohoa 0.1.0<",
        "<xmp:CreateDate>2026-02-03T04:05:06Z<",
        "/CreationDate(D:20260203040506Z)",
    ] {
        assert!(file.contains(part), "no `{part}`");
    }
}

#[test]
fn a_sheet_too_large_for_pdf_is_shown_smaller() {
    let [_, _, right, _] = File::of(&seal(&[huge()])).words().last().unwrap().edges;
    assert!(right < 14_400.0);
    assert!(File::of(&seal(&[huge()])).info().contains("14400 pts"));
}

/// A page of 25 metres, going by its resolution.
fn huge() -> Sheet {
    let mut sheet = scanned(Coding::Grey, 0, 0.0);
    sheet.reading.dpi = 1;
    sheet.reading.width *= 14;
    sheet.reading.height *= 14;
    sheet
}

#[test]
fn an_image_that_is_not_what_it_is_said_to_be_is_refused() {
    let fault = |image, bytes: &[u8]| {
        let sheet = Sheet { image, bytes: bytes.to_vec(), reading: empty().reading };
        match sealing::seal(&[empty().page(), sheet.page()], &title()) {
            Err(SealError::Image { page: 1, fault }) => fault,
            other => panic!("{:?}", other.map(|pdf| pdf.len())),
        }
    };
    let grey = empty();
    let (width, height) = SIZE;
    let jpeg = |width, height, components| PageImage::Jpeg { width, height, components };
    assert_eq!(fault(jpeg(width, height, 3), &grey.bytes), ImageFault::Disagrees);
    assert_eq!(fault(jpeg(width, height + 1, 1), &grey.bytes), ImageFault::Disagrees);
    assert_eq!(fault(jpeg(width, height, 1), b"GIF89a"), ImageFault::NotJpeg);
    assert_eq!(fault(jpeg(width, height, 1), &grey.bytes[..20]), ImageFault::NotJpeg);
    assert_eq!(fault(PageImage::Ccitt { width, height }, b""), ImageFault::Empty);
    assert_eq!(fault(PageImage::Ccitt { width: 0, height }, b"x"), ImageFault::Size);
    assert_eq!(fault(PageImage::Ccitt { width: u32::MAX, height }, b"x"), ImageFault::Size);
}

#[test]
fn a_reading_that_cannot_be_of_its_image_is_refused() {
    let fault = |change: fn(&mut schemas::reading::PageReading)| {
        let mut sheet = empty();
        change(&mut sheet.reading);
        match sealing::seal(&[sheet.page()], &title()) {
            Err(SealError::Reading { page: 0, fault }) => fault,
            other => panic!("{:?}", other.map(|pdf| pdf.len())),
        }
    };
    assert_eq!(fault(|r| r.width = 0), ReadingFault::Size);
    assert_eq!(fault(|r| r.height = u32::MAX), ReadingFault::Size);
    assert_eq!(fault(|r| r.rotation_deg = 90), ReadingFault::Size);
    assert_eq!(fault(|r| r.rotation_deg = 45), ReadingFault::Angle);
    assert_eq!(fault(|r| r.rotation_deg = 360), ReadingFault::Angle);
    assert_eq!(fault(|r| r.skew_deg = f32::NAN), ReadingFault::Angle);
    assert_eq!(fault(|r| r.skew_deg = f32::INFINITY), ReadingFault::Angle);
    assert_eq!(fault(|r| r.dpi = 0), ReadingFault::Resolution);
    assert_eq!(fault(|r| r.dpi_down = Some(0)), ReadingFault::Resolution);
    assert_eq!(sealing::seal(&[], &title()), Err(SealError::NoPages));
}

#[test]
fn a_reading_made_on_a_smaller_copy_still_fits_its_image() {
    let mut sheet = scanned(Coding::Grey, 0, 0.0);
    let reading = &mut sheet.reading;
    (reading.width, reading.height, reading.dpi) = (SIZE.0 / 2, SIZE.1 / 2, DPI / 2);
    for word in &mut reading.words {
        (word.x, word.y) = (word.x / 2, word.y / 2);
        (word.w, word.h) = (word.w / 2, word.h / 2);
    }
    let file = File::of(&seal(&[sheet]));
    let first = &file.words()[0];
    assert!((first.edges[0] - 100.0 * SCALE).abs() < 0.5, "{first:?}");
    assert_eq!(file.shown(0).dimensions(), (596, 842));
}

/// Left, top, right, bottom of a word's box, in points from the upper left corner.
fn edges_in_points(word: &Word) -> [f64; 4] {
    [word.x, word.y, word.x + word.w, word.y + word.h].map(|edge| f64::from(edge) * SCALE)
}
