//! Scanned PDFs: the image inside comes out as it is, or the page as a viewer shows it.

use std::path::Path;

use imaging::{DecodeError, Limits, Pdf, Scan, keep};

use crate::drawing::{Paper, jpeg};

/// PDFium where the set-up put it; tests without it are skipped.
pub(crate) fn pdfium() -> Option<Pdf> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.parts/libpdfium.so");
    if !library.exists() {
        eprintln!("skipped: no PDFium at {}", library.display());
        return None;
    }
    Some(Pdf::bind(&library).unwrap())
}

/// A PDF of one A4 page that shows a JPEG of 100 dpi; `image` and `page` add entries to their
/// dictionaries, `content` goes on after the image.
pub(crate) fn pdf(jpeg: &[u8], image: &str, page: &str, content: &str) -> Vec<u8> {
    let content = format!("q 595.44 0 0 841.68 0 0 cm /I Do Q {content}");
    let objects: [Vec<u8>; 5] = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.44 841.68]/Contents 4 0 R\
             /Resources<</XObject<</I 5 0 R>>>>{page}>>"
        )
        .into_bytes(),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()).into_bytes(),
        [
            format!(
                "<</Type/XObject/Subtype/Image/Width 827/Height 1169/ColorSpace/DeviceGray\
                 /BitsPerComponent 8/Filter/DCTDecode/Length {}{image}>>stream\n",
                jpeg.len()
            )
            .as_bytes(),
            jpeg,
            b"\nendstream",
        ]
        .concat(),
    ];
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n", number + 1).as_bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let table = bytes.len();
    bytes.extend(b"xref\n0 6\n0000000000 65535 f \n");
    places.iter().for_each(|at| bytes.extend(format!("{at:010} 00000 n \n").as_bytes()));
    bytes.extend(format!("trailer<</Size 6/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    bytes
}

#[test]
fn a_scanned_pages_jpeg_comes_out_byte_for_byte() {
    let Some(pdfium) = pdfium() else { return };
    let image = jpeg(&Paper::letter(100, 20).image, 75);
    for (rotate, turns) in [("", 0), ("/Rotate 90", 90), ("/Rotate 180", 180), ("/Rotate 270", 270)]
    {
        let file = pdf(&image, "", rotate, "");
        let scan = Scan::open(&file, Limits::default(), Some(&pdfium)).unwrap();
        let decoded = scan.page(0).unwrap();
        assert_eq!((decoded.rotation_deg, decoded.dpi), (turns, 100));
        assert_eq!((decoded.pixels.width(), decoded.pixels.height()), (827, 1169));
        let (_, kept) = keep(&decoded).unwrap();
        assert!(kept == image, "{rotate}");
    }
}

#[test]
fn what_a_viewer_shows_over_the_image_is_not_lost() {
    let Some(pdfium) = pdfium() else { return };
    let image = jpeg(&Paper::letter(100, 21).image, 75);
    let file = pdf(&image, "", "", "0 g 300 60 40 40 re f");
    let scan = Scan::open(&file, Limits::default(), Some(&pdfium)).unwrap();
    let decoded = scan.page(0).unwrap();
    assert_eq!((decoded.pixels.width(), decoded.pixels.height()), (827, 1169));
    assert_eq!(decoded.grey().at(445, 1057), 0);
    assert!(keep(&decoded).unwrap().1 != image);
}

#[test]
fn an_image_shown_as_a_negative_is_not_kept_as_it_is() {
    let Some(pdfium) = pdfium() else { return };
    let image = jpeg(&Paper::letter(100, 22).image, 75);
    let file = pdf(&image, "/Decode[1 0]", "", "");
    let scan = Scan::open(&file, Limits::default(), Some(&pdfium)).unwrap();
    let decoded = scan.page(0).unwrap();
    assert!(decoded.grey().at(10, 10) < 10);
    assert!(keep(&decoded).unwrap().1 != image);
}

#[test]
fn a_page_without_a_scan_is_drawn_at_300_dpi_and_a_giant_one_coarser() {
    let Some(pdfium) = pdfium() else { return };
    let image = jpeg(&Paper::letter(100, 23).image, 75);
    let drawn = |media_box: &str, limits: Limits| {
        // The later entry of a dictionary counts.
        let file = pdf(&image, "", media_box, "");
        let scan = Scan::open(&file, limits, Some(&pdfium)).unwrap();
        scan.page(0).map(|page| (page.pixels.width(), page.pixels.height(), page.dpi))
    };
    let giant = "/MediaBox[0 0 3600 3600]";
    assert_eq!(drawn("/MediaBox[0 0 720 1440]", Limits::default()), Ok((3000, 6000, 300)));
    let (width, height, dpi) = drawn(giant, Limits::default()).unwrap();
    assert!(width == height && (8900..8945).contains(&width) && dpi == 179, "{width} at {dpi}");
    let tight = Limits { max_pixels: 1_000_000, ..Limits::default() };
    assert_eq!(
        drawn(giant, tight),
        Err(DecodeError::TooManyPixels { pixels: 6_250_000, max: 1_000_000 })
    );
}

#[test]
fn a_broken_pdf_is_refused() {
    let Some(pdfium) = pdfium() else { return };
    let error = Scan::open(b"%PDF-1.7\nnothing", Limits::default(), Some(&pdfium)).err();
    assert!(matches!(error, Some(DecodeError::Broken { .. })));
}
