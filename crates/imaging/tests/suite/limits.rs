//! What is refused, and that it is refused by its header alone.

use imaging::{DecodeError, Format, Limits, Scan};

fn refusal(bytes: &[u8], limits: Limits) -> DecodeError {
    match Scan::open(bytes, limits, None) {
        Err(error) => error,
        Ok(scan) => scan.page(0).map(|_| ()).expect_err("a page came out"),
    }
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0]);
    let crc = bytes[12..].iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
        crc
    });
    bytes.extend((!crc).to_be_bytes());
    bytes.extend(b"\0\0\0\x10IDAT");
    bytes.extend([0; 20]);
    bytes
}

#[test]
fn an_empty_scan_and_an_unknown_one_are_told_apart() {
    assert_eq!(refusal(b"", Limits::default()), DecodeError::Empty);
    assert_eq!(refusal(b"GIF89a......", Limits::default()), DecodeError::UnknownFormat);
    assert_eq!(
        refusal(b"BMW is a car, not a bitmap at all", Limits::default()),
        DecodeError::UnknownFormat
    );
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let error = refusal(&png_header(100_000, 100_000), Limits::default());
    assert_eq!(error, DecodeError::TooManyPixels { pixels: 10_000_000_000, max: 80_000_000 });
    let mut bitmap = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bitmap.extend(60_000_u32.to_le_bytes());
    bitmap.extend(60_000_u32.to_le_bytes());
    bitmap.extend([1, 0, 24, 0]);
    bitmap.extend([0; 24]);
    let error = refusal(&bitmap, Limits::default());
    assert_eq!(error, DecodeError::TooManyPixels { pixels: 3_600_000_000, max: 80_000_000 });
    let tiff = crate::formats::tiff(&[crate::formats::page(90_000, 90_000, 4, 0, b"")], true);
    let error = refusal(&tiff, Limits::default());
    assert_eq!(error, DecodeError::TooManyPixels { pixels: 8_100_000_000, max: 80_000_000 });
}

#[test]
fn the_caps_are_the_callers() {
    let tight = Limits { max_pages: 2, max_pixels: 99 };
    let error = refusal(&png_header(10, 10), tight);
    assert_eq!(error, DecodeError::TooManyPixels { pixels: 100, max: 99 });
    let page = crate::formats::page(9, 9, 1, 0, &[0; 18]);
    let three = crate::formats::tiff(&[page.clone(), page.clone(), page], true);
    assert_eq!(refusal(&three, tight), DecodeError::TooManyPages { pages: 3, max: 2 });
}

#[test]
fn a_tiff_whose_chain_bites_its_tail_ends() {
    let page = crate::formats::page(8, 1, 1, 0, &[0]);
    let mut looped = crate::formats::tiff(&[page], true);
    let end = looped.len();
    looped.copy_within(4..8, end - 4);
    assert_eq!(Scan::open(&looped, Limits::default(), None).unwrap().page_count(), 1);
}

#[test]
fn a_pdf_without_pdfium_says_so() {
    let error = refusal(b"%PDF-1.7\n", Limits::default());
    assert_eq!(error, DecodeError::NoPdfium { format: Format::Pdf });
}

#[test]
fn a_body_cut_short_is_broken_not_a_panic() {
    let whole = crate::drawing::jpeg(&imaging::Grey::filled(64, 64, 200), 80);
    for length in 0..whole.len() {
        if let Ok(scan) = Scan::open(&whole[..length], Limits::default(), None) {
            let _page = scan.page(0);
        }
    }
    let png = png_header(10, 10);
    for length in 0..png.len() {
        if let Ok(scan) = Scan::open(&png[..length], Limits::default(), None) {
            assert!(scan.page(0).is_err());
        }
    }
}
