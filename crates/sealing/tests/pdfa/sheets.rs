//! Pages to seal: a sheet of black bars, one under every word, and what a scanner makes of it
//! when the sheet lies turned and leaning on its glass.

use fax::encoder::Encoder;
use fax::{Color, VecWriter};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage, Luma};
use schemas::ids::Blake3;
use schemas::reading::{PageImage, PageReading, Word};
use sealing::{SealPage, Title};

/// A4 at 150 dots an inch.
pub(crate) const SIZE: (u32, u32) = (1240, 1754);
pub(crate) const DPI: u32 = 150;
/// Points to a pixel.
pub(crate) const SCALE: f64 = 72.0 / 150.0;

/// What the sheets say; two columns in the first line, as letterheads have them.
pub(crate) const LINES: [&str; 6] = [
    "ỦY BAN NHÂN DÂN | CỘNG HOÀ XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "Độc lập - Tự do - Hạnh phúc",
    "GIẤY KHAI SINH",
    "Họ, chữ đệm, tên: NGUYỄN THỊ ƯỞNG",
    "Nơi sinh: Trạm y tế phường Bắc Lý, tỉnh Quảng Trị",
    "Ngày đăng ký: 03/02/2024; số: 15/2024-KS",
];

/// How a page image is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Grey,
    Colour,
    Ccitt,
    Paletted,
}

/// A scanned sheet with its reading.
pub(crate) struct Sheet {
    pub(crate) image: PageImage,
    pub(crate) bytes: Vec<u8>,
    pub(crate) reading: PageReading,
}

impl Sheet {
    pub(crate) fn page(&self) -> SealPage<'_> {
        SealPage { image: self.image, bytes: &self.bytes, reading: &self.reading }
    }
}

pub(crate) fn title() -> Title<'static> {
    Title {
        title: "Giấy khai sinh <số 15/2024> & phụ lục",
        subject: Some("Đăng ký khai sinh\u{1}"),
        creator_tool: "Sohoa 0.1.0",
        created: "2026-02-03T04:05:06.789Z".parse().unwrap(),
    }
}

pub(crate) fn seal(sheets: &[Sheet]) -> Vec<u8> {
    let pages = sheets.iter().map(Sheet::page).collect::<Vec<_>>();
    sealing::seal(&pages, &title()).unwrap()
}

/// A sheet that came off the glass in need of `rotation` degrees clockwise to stand upright and
/// leaning by `skew` degrees clockwise after that.
pub(crate) fn scanned(coding: Coding, rotation: u16, skew: f32) -> Sheet {
    sheet_of(words(), coding, rotation, skew)
}

/// A sheet with nothing on it.
pub(crate) fn empty() -> Sheet {
    sheet_of(Vec::new(), Coding::Grey, 0, 0.0)
}

fn sheet_of(words: Vec<Word>, coding: Coding, rotation: u16, skew: f32) -> Sheet {
    let upright = drawn(&words);
    let scan = put_on_glass(&upright, rotation, f64::from(skew));
    let (width, height) = scan.dimensions();
    let (image, bytes) = match coding {
        Coding::Grey => (PageImage::Jpeg { width, height, components: 1 }, grey(&scan)),
        Coding::Colour => (PageImage::Jpeg { width, height, components: 3 }, colour(&scan)),
        Coding::Ccitt => (PageImage::Ccitt { width, height }, ccitt(&scan)),
        Coding::Paletted => (PageImage::Png { width, height }, paletted(&scan)),
    };
    let reading = PageReading {
        width: SIZE.0,
        height: SIZE.1,
        dpi: DPI,
        rotation_deg: rotation,
        skew_deg: skew,
        blank: words.is_empty(),
        confidence: 0.9,
        words,
        ..PageReading::unread(0, Blake3([0; 32]))
    };
    Sheet { image, bytes, reading }
}

/// The words of [`LINES`] with their boxes: 34 pixels high, like 12-point letters.
fn words() -> Vec<Word> {
    let mut words = Vec::new();
    for (line, text) in (0..).zip(LINES) {
        let mut x = 100;
        for text in text.split(' ') {
            if text == "|" {
                x += 80;
                continue;
            }
            let letters = u32::try_from(text.chars().count()).unwrap();
            let (y, w) = (150 + 200 * line, 17 * letters);
            let text = text.to_owned();
            words.push(Word { text, x, y, w, h: 34, confidence: 0.9, line, ..Word::default() });
            x += w + 15;
        }
    }
    words
}

fn drawn(words: &[Word]) -> GrayImage {
    let mut sheet = GrayImage::from_pixel(SIZE.0, SIZE.1, Luma([255]));
    for word in words {
        for y in word.y..word.y + word.h {
            for x in word.x..word.x + word.w {
                sheet.put_pixel(x, y, Luma([0]));
            }
        }
    }
    sheet
}

/// What the scanner sees. Walks the way of the contract forward for every pixel of the scan
/// (quarter turns clockwise, then back against the lean about the middle) to find where on the
/// upright sheet it came from.
fn put_on_glass(upright: &GrayImage, rotation: u16, skew: f64) -> GrayImage {
    let (w, h) = (f64::from(SIZE.0), f64::from(SIZE.1));
    let (wide, high) = if rotation.is_multiple_of(180) { SIZE } else { (SIZE.1, SIZE.0) };
    let (scan_w, scan_h) = (f64::from(wide), f64::from(high));
    let (sin, cos) = skew.to_radians().sin_cos();
    GrayImage::from_fn(wide, high, |px, py| {
        let (px, py) = (f64::from(px) + 0.5, f64::from(py) + 0.5);
        let (x, y) = match rotation {
            0 => (px, py),
            90 => (scan_h - py, px),
            180 => (scan_w - px, scan_h - py),
            _ => (py, scan_w - px),
        };
        let (dx, dy) = (x - w / 2.0, y - h / 2.0);
        let x = (dx * cos + dy * sin + w / 2.0).floor();
        let y = (dy * cos - dx * sin + h / 2.0).floor();
        let inside = (0.0..w).contains(&x) && (0.0..h).contains(&y);
        if inside { *upright.get_pixel(x as u32, y as u32) } else { Luma([255]) }
    })
}

fn grey(scan: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = scan.dimensions();
    JpegEncoder::new_with_quality(&mut bytes, 85)
        .encode(scan, width, height, ExtendedColorType::L8)
        .unwrap();
    bytes
}

/// Dark red ink on paper that isn't quite white.
fn colour(scan: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = scan.dimensions();
    let paint = |v: &u8| if *v < 128 { [100, 0, 0] } else { [250, 250, 240] };
    let pixels = scan.as_raw().iter().flat_map(paint).collect::<Vec<u8>>();
    JpegEncoder::new_with_quality(&mut bytes, 85)
        .encode(&pixels, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// Black on white, in a palette that has red as well.
fn paletted(scan: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = scan.dimensions();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette([[0, 0, 0], [255, 255, 255], [200, 16, 46]].concat());
    let places: Vec<u8> = scan.as_raw().iter().map(|v| u8::from(*v >= 128)).collect();
    encoder.write_header().unwrap().write_image_data(&places).unwrap();
    bytes
}

fn ccitt(scan: &GrayImage) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for row in scan.rows() {
        let pels = row.map(|p| if p.0[0] < 128 { Color::Black } else { Color::White });
        encoder.encode_line(pels, scan.width()).unwrap();
    }
    encoder.finish().unwrap().finish()
}
