//! Pages for tests and measurements: built from lines with positions, or read by the Tesseract
//! command line.

#![allow(dead_code, unreachable_pub, reason = "each test and example uses a part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "positions on small pages"
)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use schemas::ids::Blake3;
use schemas::reading::{Fingerprint, PageReading, Word};

/// A4 at 150 dpi.
pub const WIDTH: u32 = 1240;
/// A4 at 150 dpi.
pub const HEIGHT: u32 = 1754;
/// Height of a word of the body, in pixels.
pub const BODY: u32 = 22;

/// A page being written.
#[derive(Clone)]
pub struct Paper {
    reading: PageReading,
    y: u32,
    line: u32,
}

impl Paper {
    /// An empty page.
    pub fn new() -> Self {
        let reading = PageReading {
            width: WIDTH,
            height: HEIGHT,
            dpi: 150,
            confidence: 0.9,
            ..PageReading::unread(0, Blake3([0; 32]))
        };
        Self { reading, y: 100, line: 0 }
    }

    /// Moves down to a share of the page's height.
    pub fn at(mut self, share: f32) -> Self {
        self.y = (share * 1754.0) as u32;
        self
    }

    /// A line whose middle is at a share of the width.
    pub fn line(mut self, text: &str, middle: f32, height: u32) -> Self {
        let width = width(text, height);
        let x = ((middle * 1240.0) as u32).saturating_sub(width / 2);
        self.put(text, x, height);
        self.end()
    }

    /// Two lines side by side that the engine read across as one.
    pub fn across(mut self, left: &str, right: &str) -> Self {
        let x = |text: &str, middle: u32| middle.saturating_sub(width(text, BODY) / 2);
        self.put(left, x(left, 320), BODY);
        self.put(right, x(right, 830), BODY);
        self.end()
    }

    /// A centred title.
    pub fn title(self, text: &str) -> Self {
        self.line(text, 0.5, BODY + 6)
    }

    /// A line of the body, from the left margin.
    pub fn body(mut self, text: &str) -> Self {
        self.put(text, 160, BODY);
        self.end()
    }

    /// The head of an official paper.
    pub fn head(self, authority: [&str; 2], number: &str, date: &str) -> Self {
        self.across(authority[0], "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
            .across(authority[1], "Độc lập - Tự do - Hạnh phúc")
            .across(number, date)
            .skip(30)
    }

    /// The head of a form: the nation's name, centred.
    pub fn form_head(self) -> Self {
        self.title("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
            .title("Độc lập - Tự do - Hạnh phúc")
            .skip(30)
    }

    /// Leaves so many pixels free.
    pub fn skip(mut self, pixels: u32) -> Self {
        self.y += pixels;
        self
    }

    /// A change of the reading itself.
    pub fn with(mut self, change: impl FnOnce(&mut PageReading)) -> Self {
        change(&mut self.reading);
        self
    }

    /// The page as it was read.
    pub fn read(mut self) -> PageReading {
        let words = self.reading.words.iter().map(|w| w.text.as_str());
        self.reading.text = words.collect::<Vec<_>>().join(" ");
        // Different pages are different files.
        let mut bytes = [0u8; 32];
        for (place, byte) in self.reading.text.bytes().enumerate() {
            bytes[place % 32] = bytes[place % 32].wrapping_mul(31).wrapping_add(byte);
        }
        self.reading.blake3 = Blake3(bytes);
        self.reading.fingerprint = looks(&self.reading.text);
        self.reading
    }

    fn put(&mut self, text: &str, mut x: u32, height: u32) {
        for word in text.split_whitespace() {
            let w = width(word, height);
            self.reading.words.push(Word {
                text: word.to_owned(),
                x,
                y: self.y,
                w,
                h: height,
                confidence: 0.95,
                line: self.line,
                ..Word::default()
            });
            x += w + height / 2;
        }
    }

    fn end(mut self) -> Self {
        self.line += 1;
        self.y += self.reading.words.last().map_or(BODY, |w| w.h) * 3 / 2;
        self
    }
}

/// A fingerprint of its own for every text: different pages look different.
fn looks(text: &str) -> Fingerprint {
    Fingerprint([0, 1, 2, 3].map(|part: u8| {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        hasher.finish()
    }))
}

fn width(text: &str, height: u32) -> u32 {
    u32::try_from(text.chars().count()).unwrap() * height / 2
}

/// The data for building and measuring; `None`, with a word on standard error, where it is not.
pub fn shared_data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !path.is_dir() {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// A picture, read by the Tesseract command line with its own segmentation; `None` where that
/// is not installed.
pub fn tesseract(picture: &Path, dpi: u32) -> Option<PageReading> {
    let output = Command::new("tesseract")
        .env("OMP_THREAD_LIMIT", "1")
        .arg(picture)
        .args(["stdout", "--dpi", &dpi.to_string(), "-l", "vie", "--psm", "3", "tsv"])
        .output()
        .ok()?;
    from_tsv(&String::from_utf8(output.stdout).ok()?)
}

/// A reading from Tesseract's table of words.
pub fn from_tsv(table: &str) -> Option<PageReading> {
    let mut reading = Paper::new().reading;
    let mut last = Vec::new();
    let mut line = 0;
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let [level, _, block, paragraph, row, _, x, y, w, h, confidence, text] = cells.as_slice()
        else {
            continue;
        };
        let number = |cell: &str| cell.parse::<u32>().ok();
        if *level == "1" {
            (reading.width, reading.height) = (number(w)?, number(h)?);
        }
        if *level != "5" || text.trim().is_empty() {
            continue;
        }
        let key = vec![*block, *paragraph, *row];
        if key != last {
            line += 1;
            last = key;
        }
        reading.words.push(Word {
            text: (*text).to_owned(),
            x: number(x)?,
            y: number(y)?,
            w: number(w)?,
            h: number(h)?,
            confidence: confidence.parse::<f32>().ok()? / 100.0,
            line,
            block: number(block)?,
            ..Word::default()
        });
    }
    reading.blank = reading.words.is_empty();
    let words = reading.words.iter().map(|w| w.text.as_str());
    reading.text = words.collect::<Vec<_>>().join(" ");
    reading.fingerprint = looks(&reading.text);
    reading.blake3 = Blake3([u8::try_from(reading.words.len() % 256).ok()?; 32]);
    Some(reading)
}
