//! What a reader says is a stranger's word: it works on a stranger's bytes with native code. Every
//! field of an answer is looked at here before anything else sees it.
//!
//! Fields are taken apart by name, so that one that is added can't be forgotten.

use std::collections::HashSet;

use filing::Kinds;
use schemas::code::Reason;
use schemas::codes::{IdentityCard, Mrz, Separator};
use schemas::format::Format;
use schemas::ids::Blake3;
use schemas::reading::{
    Code, CodeKind, Flaw, KindGuess, Mark, Otherwise, PageImage, PageReading, STAGES, Word,
};
use schemas::signature::{DigitalSignature, MAX_SIGNATURES};

/// Longest side of an image, in pixels.
const MAX_SIDE: u32 = 100_000;
/// Most words on a page, and most lines and blocks that they may be counted in. A crowded A3
/// page has a few thousand.
const MAX_WORDS: usize = 100_000;
/// Longest text of a page, in bytes.
const MAX_TEXT: usize = 8 << 20;
/// Longest word, in bytes: rows of dots and underlines count as words.
const MAX_WORD: usize = 4096;
/// Most seals, stamps and signatures on a page.
const MAX_MARKS: usize = 1000;
/// Most codes on a page.
const MAX_CODES: usize = 100;
/// Longest code, in bytes: the largest QR holds 7,089 digits, or 2,953 bytes, which may be two
/// each as text.
const MAX_CODE: usize = 8192;
/// Longest explanation of a refusal, in bytes.
const MAX_DETAIL: usize = 1000;

/// What can't be, in a few words.
type Nonsense = &'static str;

/// A scan's pages, counted.
///
/// # Errors
/// What can't be.
pub fn unpacked(
    pages: u32,
    media_type: &str,
    signatures: &[DigitalSignature],
    body: &[u8],
    max_pages: u32,
) -> Result<(), Nonsense> {
    first_wrong(&[
        ((1..=max_pages).contains(&pages), "count of pages"),
        (Format::ALL.iter().any(|format| format.media_type() == media_type), "media type"),
        (signatures.len() <= MAX_SIGNATURES, "count of signatures"),
        (signatures.iter().all(DigitalSignature::is_sane), "signature"),
        (body.is_empty(), "a body where none belongs"),
    ])
}

/// Why a scan or page can't be had. The detail goes to logs.
///
/// # Errors
/// What can't be.
pub fn refused(reason: Reason, detail: &str, body: &[u8]) -> Result<(), Nonsense> {
    let about_a_scan = match reason {
        Reason::ScanBroken
        | Reason::ScanEmpty
        | Reason::ScanEncrypted
        | Reason::ScanNoPages
        | Reason::ScanTooManyPages
        | Reason::ScanTooManyPixels
        | Reason::ScanUnknownFormat => true,
        // It lacks a part; its engine stopped.
        Reason::Unavailable | Reason::ReaderCrashed => true,
        _ => false,
    };
    first_wrong(&[
        (about_a_scan, "a reason that isn't a reader's to give"),
        (detail.len() <= MAX_DETAIL && !detail.contains(char::is_control), "detail"),
        (body.is_empty(), "a body where none belongs"),
    ])
}

/// Why a page should be scanned again.
///
/// # Errors
/// What can't be.
pub fn seen(flaws: &[Flaw], body: &[u8]) -> Result<(), Nonsense> {
    let once: HashSet<_> = flaws.iter().collect();
    first_wrong(&[
        (once.len() == flaws.len(), "a flaw twice"),
        (body.is_empty(), "a body where none belongs"),
    ])
}

/// The page at place `seq`, read, with its image.
///
/// # Errors
/// What can't be.
pub fn read(
    reading: &PageReading,
    image: PageImage,
    bytes: &[u8],
    seq: u32,
    kinds: &Kinds,
) -> Result<(), Nonsense> {
    let PageReading {
        seq: of,
        width,
        height,
        dpi,
        dpi_down,
        rotation_deg,
        skew_deg,
        blank,
        blake3,
        fingerprint: _,
        text,
        confidence,
        text_from: _,
        words,
        marks,
        flaws,
        codes,
        kind,
        millis,
    } = reading;
    let page = (*width, *height);
    let turned = match (rotation_deg, image.size()) {
        (0 | 180, size) => Some(size),
        (90 | 270, (width, height)) => Some((height, width)),
        _ => None,
    };
    let flaws_once: HashSet<_> = flaws.iter().collect();
    first_wrong(&[
        (*of == seq, "another page"),
        ((1..=MAX_SIDE).contains(width) && (1..=MAX_SIDE).contains(height), "page size"),
        (turned.is_some(), "rotation"),
        (turned == Some(page), "a page that isn't its image, turned"),
        (skew_deg.abs() <= 45.0, "skew"),
        ((1..=10_000).contains(dpi), "resolution"),
        (dpi_down.is_none_or(|down| is_oblong(*dpi, down)), "oblong pixels"),
        (is_share(*confidence), "confidence"),
        (text.len() <= MAX_TEXT && text.chars().all(is_text_or_line_feed), "text"),
        (words.len() <= MAX_WORDS, "too many words"),
        (!blank || words.is_empty() && codes.is_empty(), "words on a blank page"),
        (marks.len() <= MAX_MARKS, "too many marks"),
        (marks.iter().all(|mark| is_mark(mark, page)), "mark"),
        (flaws_once.len() == flaws.len(), "a flaw twice"),
        (codes.len() <= MAX_CODES && codes.iter().all(is_code), "code"),
        (kind.as_ref().is_none_or(|kind| is_kind(kind, kinds)), "kind"),
        (millis.keys().all(|stage| STAGES.contains(&stage.as_str())), "stage"),
        (is_image(image, bytes), "image"),
        (Blake3::of(bytes) == *blake3, "image hash"),
    ])?;
    words.iter().try_for_each(|word| check_word(word, page))
}

fn check_word(word: &Word, page: (u32, u32)) -> Result<(), Nonsense> {
    let Word { text, x, y, w, h, confidence, line, block, zone: _, engine: _, otherwise } = word;
    let counted = |n: u32| usize::try_from(n).is_ok_and(|n| n < MAX_WORDS);
    first_wrong(&[
        (is_word(text), "word"),
        (lies_in((*x, *y, *w, *h), page), "a word outside the page"),
        (is_share(*confidence), "confidence of a word"),
        (counted(*line) && counted(*block), "line or block"),
        (otherwise.as_ref().is_none_or(is_otherwise), "another reading of a word"),
    ])
}

fn is_otherwise(Otherwise { engine: _, text, confidence }: &Otherwise) -> bool {
    is_word(text) && is_share(*confidence)
}

fn is_mark(Mark { kind: _, x, y, w, h, confidence }: &Mark, page: (u32, u32)) -> bool {
    lies_in((*x, *y, *w, *h), page) && is_share(*confidence)
}

/// A code is of its kind by what it says. Control characters are a code's good right: lines,
/// and the separators of its fields.
fn is_code(Code { kind, text }: &Code) -> bool {
    let of_its_kind = match kind {
        CodeKind::IdentityCard => IdentityCard::parse(text).is_some(),
        CodeKind::Mrz => text.parse::<Mrz>().is_ok(),
        CodeKind::Separator => Separator::parse(text).is_some(),
        CodeKind::Other => true,
    };
    !text.is_empty() && text.len() <= MAX_CODE && of_its_kind
}

fn is_kind(KindGuess { id, confidence }: &KindGuess, kinds: &Kinds) -> bool {
    kinds.get(id).is_some() && is_share(*confidence)
}

/// As far as can be told without a decoder; whether a JPEG's own head agrees is seen when it is
/// sealed.
fn is_image(image: PageImage, bytes: &[u8]) -> bool {
    match image {
        PageImage::Jpeg { components, .. } => {
            matches!(components, 1 | 3) && bytes.starts_with(&[0xff, 0xd8, 0xff])
        }
        PageImage::Png { .. } => bytes.starts_with(b"\x89PNG"),
        PageImage::Ccitt { .. } => !bytes.is_empty(),
    }
}

fn lies_in((x, y, w, h): (u32, u32, u32, u32), (width, height): (u32, u32)) -> bool {
    let within = |from: u32, size: u32, side: u32| {
        size != 0 && from.checked_add(size).is_some_and(|to| to <= side)
    };
    within(x, w, width) && within(y, h, height)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_WORD && !text.contains(char::is_control)
}

fn is_text_or_line_feed(c: char) -> bool {
    c == '\n' || !c.is_control()
}

/// Whether pixels may be as much higher than wide, or wider than high: of fax they are, twofold.
fn is_oblong(dpi: u32, down: u32) -> bool {
    (1..=10_000).contains(&down) && down <= dpi.saturating_mul(3) && dpi <= down.saturating_mul(3)
}

/// From 0 to 1; not a number is neither.
fn is_share(n: f32) -> bool {
    (0.0..=1.0).contains(&n)
}

fn first_wrong(checks: &[(bool, Nonsense)]) -> Result<(), Nonsense> {
    checks.iter().find(|(right, _)| !right).map_or(Ok(()), |(_, what)| Err(what))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::reading::MarkKind;

    use super::*;

    const BYTES: &[u8] = &[0xff, 0xd8, 0xff, 0xe0];

    fn page() -> PageReading {
        let word = Word { text: "Số".to_owned(), x: 90, y: 40, w: 10, h: 10, ..Word::default() };
        PageReading {
            width: 100,
            height: 50,
            rotation_deg: 90,
            text: "Số\n".to_owned(),
            words: vec![word],
            ..PageReading::unread(3, Blake3::of(BYTES))
        }
    }

    fn of_page(reading: &PageReading) -> Result<(), Nonsense> {
        let image = PageImage::Jpeg { width: 50, height: 100, components: 3 };
        read(reading, image, BYTES, 3, &Kinds::shipped())
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut PageReading), want: Nonsense) {
        let mut reading = page();
        spoil(&mut reading);
        assert_eq!(of_page(&reading), Err(want));
    }

    #[test]
    fn a_reading_that_can_be_is_believed() {
        assert_eq!(of_page(&page()), Ok(()));
    }

    #[test]
    fn a_page_that_cannot_be_is_nonsense() {
        check(|r| r.seq = 4, "another page");
        check(|r| r.width = 0, "page size");
        check(|r| r.rotation_deg = 45, "rotation");
        check(|r| r.rotation_deg = 0, "a page that isn't its image, turned");
        check(|r| r.skew_deg = f32::NAN, "skew");
        check(|r| r.dpi = 0, "resolution");
        check(|r| r.dpi_down = Some(0), "oblong pixels");
        check(|r| r.dpi_down = Some(u32::MAX), "oblong pixels");
        check(|r| r.confidence = f32::NAN, "confidence");
        check(|r| r.text = "Số\u{1b}[2J".to_owned(), "text");
        check(|r| r.words = vec![r.words[0].clone(); MAX_WORDS + 1], "too many words");
        check(|r| r.blank = true, "words on a blank page");
        check(|r| r.flaws = vec![Flaw::Blurred, Flaw::Blurred], "a flaw twice");
        check(|r| r.millis = BTreeMap::from([("số".to_owned(), 1)]), "stage");
        check(|r| r.blake3 = Blake3([0; 32]), "image hash");
        let guess = |id: &str| KindGuess { id: id.parse().unwrap(), confidence: 0.5 };
        check(|r| r.kind = Some(guess("no_such_paper")), "kind");
        check(
            |r| {
                let known = Kinds::shipped().iter().next().unwrap().id.clone();
                r.kind = Some(KindGuess { id: known, confidence: 1.5 });
            },
            "kind",
        );
    }

    #[test]
    fn a_word_that_cannot_be_is_nonsense() {
        check(|r| r.words[0].text = String::new(), "word");
        check(|r| r.words[0].text = "a\u{7}".to_owned(), "word");
        check(|r| r.words[0].text = "a".repeat(MAX_WORD + 1), "word");
        check(|r| r.words[0].w = 11, "a word outside the page");
        check(|r| r.words[0].h = 0, "a word outside the page");
        check(|r| r.words[0].x = u32::MAX, "a word outside the page");
        check(|r| r.words[0].confidence = -0.1, "confidence of a word");
        check(|r| r.words[0].line = u32::MAX, "line or block");
        let other =
            Otherwise { engine: Default::default(), text: "\n".to_owned(), confidence: 0.5 };
        check(|r| r.words[0].otherwise = Some(other), "another reading of a word");
    }

    #[test]
    fn a_mark_or_code_that_cannot_be_is_nonsense() {
        let mark = Mark { kind: MarkKind::Seal, x: 0, y: 45, w: 10, h: 10, confidence: 1.0 };
        check(|r| r.marks = vec![mark], "mark");
        let code = |kind, text: &str| vec![Code { kind, text: text.to_owned() }];
        check(|r| r.codes = code(CodeKind::Other, ""), "code");
        check(|r| r.codes = code(CodeKind::Other, &"1".repeat(MAX_CODE + 1)), "code");
        check(|r| r.codes = code(CodeKind::IdentityCard, "001199000013"), "code");
        check(|r| r.codes = code(CodeKind::Separator, "SOHOA|2|x|y"), "code");
        check(|r| r.codes = code(CodeKind::Mrz, "IDVNM"), "code");
    }

    #[test]
    fn an_image_that_is_not_what_it_is_called_is_nonsense() {
        let image = PageImage::Jpeg { width: 50, height: 100, components: 4 };
        assert_eq!(read(&page(), image, BYTES, 3, &Kinds::shipped()), Err("image"));
        let image = PageImage::Jpeg { width: 50, height: 100, components: 1 };
        assert_eq!(read(&page(), image, b"%PDF", 3, &Kinds::shipped()), Err("image"));
    }

    #[test]
    fn a_count_or_refusal_that_cannot_be_is_nonsense() {
        assert_eq!(unpacked(500, "image/tiff", &[], &[], 500), Ok(()));
        assert_eq!(unpacked(501, "image/tiff", &[], &[], 500), Err("count of pages"));
        assert_eq!(unpacked(1, "image/j2c", &[], &[], 500), Ok(()));
        assert_eq!(unpacked(1, "text/html", &[], &[], 500), Err("media type"));
        assert_eq!(refused(Reason::ScanBroken, "the file ends early", &[]), Ok(()));
        assert!(refused(Reason::SubjectDiffers, "", &[]).is_err());
        assert_eq!(refused(Reason::ScanBroken, "a\nforged line", &[]), Err("detail"));
    }
}
