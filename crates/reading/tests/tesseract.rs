//! The engine on pages drawn here: Debian's Vietnamese model and the Liberation fonts must be
//! installed, as they are where the project is built. Version 2 of the fonts: the first has no
//! letters with two accents.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use reading::{Engine, Line, Picture, ReadError, Tesseract, page_text, right_way_up};

const MODELS: &str = "/usr/share/tesseract-ocr/5/tessdata";
const FONT: &str = "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf";
const LINES: [&str; 4] = [
    "Căn cứ Luật Hộ tịch ngày 20 tháng 11 năm 2014;",
    "Ủy ban nhân dân phường cấp bản sao giấy khai sinh",
    "cho ông Nguyễn Văn Mẫu, sinh ngày 05 tháng 9",
    "tại thành phố Đà Nẵng, dân tộc Kinh, quốc tịch Việt Nam.",
];

/// A sheet of eight by four inches with the lines in 13 points.
struct Sheet {
    width: u32,
    height: u32,
    dpi: u32,
    grey: Vec<u8>,
}

impl Sheet {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "on the sheet")]
    fn with(lines: &[&str], dpi: u32) -> Self {
        let bytes = std::fs::read(FONT).unwrap();
        let font = FontRef::try_from_slice(&bytes).unwrap();
        let (width, height) = (8 * dpi, 4 * dpi);
        let mut grey = vec![255; (width * height) as usize];
        let inch = dpi as f32;
        // ab_glyph's scale is ascent to descent, a ninth more than the em of this font.
        let font = font.as_scaled(PxScale::from(inch * 13.0 / 72.0 * 1.107));
        for (row, line) in lines.iter().enumerate() {
            let mut x = inch * 0.8;
            let y = inch * (1.0 + 0.3 * row as f32);
            for c in line.chars() {
                let id = font.glyph_id(c);
                let glyph = id.with_scale_and_position(font.scale(), ab_glyph::point(x, y));
                x += font.h_advance(id);
                let Some(outline) = font.outline_glyph(glyph) else { continue };
                let bounds = outline.px_bounds();
                outline.draw(|dx, dy, cover| {
                    let at = (bounds.min.y as u32 + dy) * width + bounds.min.x as u32 + dx;
                    let ink = &mut grey[at as usize];
                    *ink = (*ink).min((255.0 * (1.0 - cover)) as u8);
                });
            }
        }
        Self { width, height, dpi, grey }
    }

    fn turned(mut self) -> Self {
        self.grey.reverse();
        self
    }

    fn picture(&self) -> Picture<'_> {
        Picture { width: self.width, height: self.height, dpi: self.dpi, grey: &self.grey }
    }

    /// The share of the sheet's dark pixels within the boxes; every box must hold some.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn ink_within(&self, lines: &[Line]) -> f32 {
        let dark = |at: &usize| self.grey[*at] < 128;
        let mut within = std::collections::HashSet::new();
        for word in lines.iter().flat_map(|l| &l.words) {
            let cells = (word.y..word.y + word.h).flat_map(|y| {
                (word.x..word.x + word.w).map(move |x| (y * self.width + x) as usize)
            });
            let ink: Vec<usize> = cells.filter(dark).collect();
            assert!(!ink.is_empty(), "an empty box: {word:?}");
            within.extend(ink);
        }
        within.len() as f32 / (0..self.grey.len()).filter(dark).count() as f32
    }
}

fn engine() -> Tesseract {
    Tesseract::open(Path::new(MODELS), "vie").unwrap()
}

#[test]
fn vietnamese_is_read_and_boxes_lie_on_the_ink() {
    let mut engine = engine();
    // As scanned; enlarged before reading; reduced before reading.
    for dpi in [300, 100, 600] {
        let sheet = Sheet::with(&LINES, dpi);
        let lines = engine.read(&sheet.picture()).unwrap();
        let (text, confidence, words) = page_text(&lines);
        assert_eq!(text.lines().collect::<Vec<_>>(), LINES, "at {dpi} dpi");
        assert!((0.85..=1.0).contains(&confidence), "{confidence} at {dpi} dpi");
        assert_eq!(words.iter().map(|w| w.line).max(), Some(3));
        let share = sheet.ink_within(&lines);
        assert!(0.97 < share, "{share} of the ink in boxes at {dpi} dpi");
        let covered: u32 = words.iter().map(|w| w.w * w.h).sum();
        assert!(covered < sheet.width * sheet.height / 5, "boxes wider than the text");
    }
}

#[test]
fn a_page_leaves_nothing_behind_for_the_next() {
    let mut engine = engine();
    let sheet = Sheet::with(&LINES, 200);
    let first = engine.read(&sheet.picture()).unwrap();
    assert_eq!(engine.read(&Sheet::with(&[], 200).picture()).unwrap(), []);
    assert_eq!(engine.read(&sheet.picture()).unwrap(), first);
}

#[test]
fn a_page_of_black_and_white_is_read_like_one_of_grey() {
    let mut sheet = Sheet::with(&LINES, 200);
    for pixel in &mut sheet.grey {
        *pixel = if *pixel < 128 { 0 } else { 255 };
    }
    let (text, ..) = page_text(&engine().read(&sheet.picture()).unwrap());
    assert_eq!(text.lines().collect::<Vec<_>>(), LINES);
}

#[test]
fn a_page_on_its_head_is_noticed() {
    let mut engine = engine();
    let upright = Sheet::with(&LINES, 200);
    assert_eq!(right_way_up(&mut engine, &upright.picture()), Ok(true));
    assert_eq!(right_way_up(&mut engine, &upright.turned().picture()), Ok(false));
    assert_eq!(right_way_up(&mut engine, &Sheet::with(&[], 200).picture()), Ok(true));
}

#[test]
fn what_cannot_be_read_is_refused_and_the_engine_goes_on() {
    let mut engine = engine();
    let sheet = Sheet::with(&LINES[..1], 200);
    for bad in [
        Picture { width: sheet.width + 1, ..sheet.picture() },
        Picture { width: 0, height: 0, dpi: 300, grey: &[] },
        Picture { width: 40_000, height: 1, dpi: 300, grey: &[0; 40_000] },
    ] {
        let refused = Err(ReadError::Unreadable { width: bad.width, height: bad.height });
        assert_eq!(engine.read(&bad), refused);
    }
    for tiny in [(1, 1), (2, 700), (700, 2)] {
        let grey = vec![0; tiny.0 as usize * tiny.1 as usize];
        let picture = Picture { width: tiny.0, height: tiny.1, dpi: 300, grey: &grey };
        engine.read(&picture).ok();
    }
    let (text, ..) = page_text(&engine.read(&sheet.picture()).unwrap());
    assert_eq!(text.trim_end(), LINES[0]);
}

#[test]
fn a_missing_model_is_named() {
    let missing = Tesseract::open(Path::new("/nowhere"), "vie").err();
    let named = ReadError::NoModel { folder: "/nowhere".into(), language: "vie".to_owned() };
    assert_eq!(missing, Some(named));
}
