//! Draws pages: Vietnamese print in a real typeface, noise, holes, seals.

use ab_glyph::{Font, FontVec, PxScale, ScaleFont, point};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use imaging::{Decoded, Grey, Limits, Scan};

/// From the Debian package `fonts-liberation2`.
const TYPEFACE: &str = "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf";

const WORDS: &[&str] = &[
    "quyết", "định", "công", "nhận", "của", "ủy", "ban", "nhân", "dân", "tỉnh", "về", "việc",
    "cấp", "giấy", "chứng", "sử", "dụng", "đất", "theo", "nghị", "số", "ngày", "tháng", "năm",
    "căn", "cứ", "luật", "tổ", "chức", "chính", "quyền", "địa", "phương", "trách", "nhiệm", "thi",
    "hành", "này",
];

pub(crate) struct Paper {
    pub(crate) image: Grey,
    dpi: f32,
    face: FontVec,
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub(crate) u32);

impl Dice {
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % limit.max(1)
    }
}

impl Paper {
    /// White A4.
    pub(crate) fn a4(dpi: u32) -> Paper {
        let face = std::fs::read(TYPEFACE).expect("the package fonts-liberation2 is installed");
        Paper {
            image: Grey::filled(dpi * 827 / 100, dpi * 1169 / 100, 255),
            dpi: dpi as f32,
            face: FontVec::try_from_vec(face).unwrap(),
        }
    }

    /// One line of print; millimetres from the left upper corner to the foot of the letters.
    pub(crate) fn print(&mut self, text: &str, left: f32, foot: f32, points: f32) {
        let scale = PxScale::from(points * 1.15 / 72.0 * self.dpi);
        let scaled = self.face.as_scaled(scale);
        let (mut x, y) = (self.px(left), self.px(foot));
        let mut outlines = Vec::new();
        for letter in text.chars() {
            let id = self.face.glyph_id(letter);
            outlines
                .extend(self.face.outline_glyph(id.with_scale_and_position(scale, point(x, y))));
            x += scaled.h_advance(id);
        }
        for outline in outlines {
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, coverage| {
                let (x, y) =
                    (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
                self.darken(x, y, coverage);
            });
        }
    }

    /// A solid disc.
    pub(crate) fn disc(&mut self, x: f32, y: f32, radius: f32, tone: u8) {
        let (x, y, radius) = (self.px(x), self.px(y), self.px(radius));
        let coverage = 1.0 - f32::from(tone) / 255.0;
        for dy in -radius as i64..=radius as i64 {
            for dx in -radius as i64..=radius as i64 {
                if ((dx * dx + dy * dy) as f32) <= radius * radius {
                    self.darken(x as i64 + dx, y as i64 + dy, coverage);
                }
            }
        }
    }

    /// Official page number `seed`: the same letterhead on all, another text on each.
    pub(crate) fn letter(dpi: u32, seed: u32) -> Paper {
        let mut paper = Paper::a4(dpi);
        paper.print("ỦY BAN NHÂN DÂN XÃ MỸ ĐỨC", 25.0, 25.0, 12.0);
        paper.print("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 100.0, 25.0, 12.0);
        paper.print("Độc lập - Tự do - Hạnh phúc", 112.0, 31.0, 13.0);
        paper.print("QUYẾT ĐỊNH", 90.0, 48.0, 15.0);
        let mut dice = Dice(seed);
        let mut foot = 60.0;
        for _ in 0..4 + dice.below(3) {
            for line in 0..=1 + dice.below(5) {
                let left = if line == 0 { 40.0 } else { 30.0 };
                let mut text = String::new();
                for _ in 0..10 + dice.below(4) {
                    text += WORDS[dice.below(WORDS.len() as u32) as usize];
                    text.push(' ');
                }
                paper.print(&text, left, foot, 13.0);
                foot += 6.5;
            }
            foot += 4.0;
        }
        paper.print("CHỦ TỊCH", 140.0, foot + 10.0, 13.0);
        paper
    }

    /// Grain of the scanner, up to `tones` either way.
    pub(crate) fn grainy(mut self, tones: u32) -> Paper {
        let mut dice = Dice(99);
        for tone in &mut self.image.pixels {
            let grain = dice.below(2 * tones + 1);
            *tone = (u32::from(*tone) + grain).saturating_sub(tones).min(255) as u8;
        }
        self
    }

    fn px(&self, millimetres: f32) -> f32 {
        millimetres / 25.4 * self.dpi
    }

    fn darken(&mut self, x: i64, y: i64, coverage: f32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x < self.image.width && y < self.image.height {
            let at = y as usize * self.image.width as usize + x as usize;
            let tone = f32::from(self.image.pixels[at]) * (1.0 - coverage.clamp(0.0, 1.0));
            self.image.pixels[at] = tone as u8;
        }
    }
}

pub(crate) fn jpeg(image: &Grey, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&image.pixels, image.width, image.height, ExtendedColorType::L8)
        .unwrap();
    bytes
}

/// The first page of a scan, owned.
pub(crate) fn first_page(bytes: &[u8]) -> Decoded<'_> {
    Scan::open(bytes, Limits::default(), None).unwrap().page(0).unwrap()
}
