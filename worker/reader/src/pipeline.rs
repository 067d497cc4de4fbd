//! The way of a page, top to bottom.
//!
//! scan → decoded → (kept as it is) → marks lifted → upright → blank? flaws? → lines stated or read
//! → zones → words and codes → kind

use std::collections::BTreeMap;
use std::time::Instant;

use filing::Kinds;
use imaging::{Area, DecodeError, Decoded, LayerWord, Limits, Pdf, Scan, TextLayer, Upright};
use reading::{Engine, Line, Picture, ReadError};
use schemas::code::Reason;
use schemas::ids::Blake3;
use schemas::reader::Answer;
use schemas::reading::{Flaw, PageImage, PageReading, TextSource};

/// What a page is worked on with. Made once, kept warm, used for page after page.
pub(crate) struct Bench {
    /// How large a scan may be.
    pub(crate) limits: Limits,
    /// Renders PDFs.
    pub(crate) pdfium: Option<Pdf>,
    /// Reads lines.
    pub(crate) engine: Box<dyn Engine>,
    /// Kinds of paper.
    pub(crate) kinds: Kinds,
}

/// Why a scan or page can't be had.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// In the decoder's words, never the page's.
    pub(crate) detail: String,
}

/// A scan of many pages: how many, and what signatures it came with.
pub(crate) fn unpack(scan: &[u8], bench: &Bench) -> Result<Answer, Refusal> {
    let scan = Scan::open(scan, bench.limits, bench.pdfium.as_ref())?;
    let media_type = scan.format().media_type().to_owned();
    Ok(Answer::Unpacked { pages: scan.page_count(), media_type, signatures: scan.signatures() })
}

/// One page: what stands on it, and its image as it is to be kept. Where it should be scanned
/// again, `seen` hears so before the page is read.
pub(crate) fn read(
    scan: &[u8],
    seq: u32,
    bench: &mut Bench,
    seen: impl FnOnce(&[Flaw]),
) -> Result<(PageReading, PageImage, Vec<u8>), Refusal> {
    let mut clock = Clock::start();

    let scan = Scan::open(scan, bench.limits, bench.pdfium.as_ref())?;
    let mut decoded = scan.page(seq)?;
    clock.lap("decode");

    let (image, kept) = imaging::keep(&decoded)?;
    let blake3 = Blake3::of(&kept);
    clock.lap("keep");

    let marks = imaging::marks(&decoded);
    imaging::lift(&mut decoded, &marks);
    imaging::even(&mut decoded);
    clock.lap("lift");

    let rotation_deg = orient(&decoded, bench.engine.as_mut())?;
    clock.lap("orient");

    let upright = imaging::straighten(&decoded, rotation_deg);
    clock.lap("deskew");

    let picture = Picture {
        width: upright.image().width,
        height: upright.image().height,
        dpi: upright.dpi(),
        grey: &upright.image().pixels,
    };
    let mut codes = reading::find_qr(&picture);
    clock.lap("codes");

    // A seal alone makes a page that is not blank: it counts as it was scanned.
    let blank = codes.is_empty()
        && imaging::is_blank(upright.image())
        && imaging::is_blank(&decoded.pixels.grey());
    clock.lap("blank");

    let flaws = imaging::flaws(&decoded, &marks, &upright, blank);
    let marks = if blank { Vec::new() } else { marks.upright(&upright.geometry()) };
    let (stated, overlays) = (decoded.text.take(), std::mem::take(&mut decoded.overlays));
    drop(decoded);
    if !flaws.is_empty() {
        seen(&flaws);
    }
    clock.lap("flaws");

    let stated = match stated.filter(|_| !blank) {
        Some(text) => stated_lines(text, &overlays, &upright, &picture, bench.engine.as_mut())?,
        None => None,
    };
    clock.lap("text_layer");

    let text_from = if stated.is_some() { TextSource::TextLayer } else { TextSource::Pixels };
    let lines = match stated {
        Some(lines) => lines,
        None if blank => Vec::new(),
        None => bench.engine.read(&picture)?,
    };
    let lines = reading::in_zones(lines, &marks, &picture);
    codes.extend(reading::find_mrz(&lines));
    let (text, confidence, words) = reading::page_text(&lines);
    clock.lap("read");

    let fingerprint = imaging::fingerprint(&upright);
    clock.lap("fingerprint");

    let mut reading = PageReading {
        width: picture.width,
        height: picture.height,
        dpi: upright.dpi(),
        dpi_down: Some(upright.dpi_down()).filter(|down| *down != upright.dpi()),
        rotation_deg: upright.rotation_deg(),
        skew_deg: upright.skew_deg(),
        blank,
        fingerprint,
        text,
        confidence,
        text_from,
        words,
        marks,
        flaws,
        codes,
        ..PageReading::unread(seq, blake3)
    };
    reading.kind = filing::recognise(&bench.kinds, &reading).into_iter().next();
    clock.lap("kind");

    reading.millis = clock.laps;
    Ok((reading, image, kept))
}

/// Quarter turns that make the page upright. The pixels decide where they can; where the head
/// may as well be the foot, a few lines are read both ways.
fn orient(decoded: &Decoded<'_>, engine: &mut dyn Engine) -> Result<u16, Refusal> {
    let orientation = imaging::orientation(decoded);
    if orientation.is_sure() || orientation.axis == imaging::Axis::None {
        return Ok(orientation.rotation_deg);
    }
    let turned = imaging::quarter_turn(decoded.grey(), orientation.rotation_deg);
    let picture = Picture {
        width: turned.width,
        height: turned.height,
        dpi: decoded.dpi,
        grey: &turned.pixels,
    };
    let upright = reading::right_way_up(engine, &picture)?;
    Ok(if upright { orientation.rotation_deg } else { (orientation.rotation_deg + 180) % 360 })
}

/// The page's lines by its own words; none where these aren't what it shows.
fn stated_lines(
    text: TextLayer,
    overlays: &[Area],
    upright: &Upright,
    picture: &Picture<'_>,
    engine: &mut dyn Engine,
) -> Result<Option<Vec<Line>>, Refusal> {
    let placed = |word: LayerWord| {
        let Area { x, y, w, h } = upright.area(word.area);
        let row = upright.area(word.row);
        reading::LayerWord {
            text: word.text,
            x,
            y,
            w,
            h,
            row_top: row.y,
            row_bottom: row.y + row.h,
            line: word.line,
            font: word.font,
            printed: word.printed,
        }
    };
    let words = text.words.into_iter().map(placed).collect();
    let overlays: Vec<_> = overlays.iter().map(|area| upright.area(*area)).collect();
    let overlays: Vec<_> = overlays.iter().map(|area| (area.x, area.y, area.w, area.h)).collect();
    Ok(reading::stated_lines(words, &overlays, picture, engine)?.ok())
}

/// Milliseconds by stage.
struct Clock {
    last: Instant,
    laps: BTreeMap<String, u32>,
}

impl Clock {
    fn start() -> Self {
        Self { last: Instant::now(), laps: BTreeMap::new() }
    }

    fn lap(&mut self, stage: &str) {
        let now = Instant::now();
        let millis = (now - self.last).as_millis();
        self.laps.insert(stage.to_owned(), u32::try_from(millis).unwrap_or(u32::MAX));
        self.last = now;
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        let reason = match error {
            DecodeError::UnknownFormat => Reason::ScanUnknownFormat,
            DecodeError::Empty => Reason::ScanEmpty,
            DecodeError::Broken { .. } | DecodeError::NoSuchPage { .. } => Reason::ScanBroken,
            DecodeError::Encrypted => Reason::ScanEncrypted,
            DecodeError::NoPages => Reason::ScanNoPages,
            DecodeError::TooManyPages { .. } => Reason::ScanTooManyPages,
            DecodeError::TooManyPixels { .. } => Reason::ScanTooManyPixels,
            DecodeError::NoPdfium { .. } => Reason::Unavailable,
        };
        Self { reason, detail: error.to_string() }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        let reason = match error {
            ReadError::NoModel { .. } => Reason::Unavailable,
            ReadError::Unreadable { .. } => Reason::ScanBroken,
            // The worker puts a fresh one in its place.
            ReadError::Stopped(_) => Reason::ReaderCrashed,
        };
        Self { reason, detail: error.to_string() }
    }
}
