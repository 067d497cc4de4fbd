//! Which bytes of a PDF a signature covers.
//!
//! The file itself is searched for byte ranges: a signature can't hide its own in a compressed
//! object, for it states places in the file.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use schemas::signature::MAX_SIGNATURES;

/// Longest signature looked at, in bytes: with lists of revoked certificates some have 300 kB.
pub const MAX_CONTENTS: usize = 2 << 20;

/// Byte ranges looked at; a paper has one a signature.
const MAX_RANGES: usize = 2 * MAX_SIGNATURES;

const KEY: &[u8] = b"/ByteRange";

/// The bytes that a signature covers: all of the file up to its own hexadecimal digits, and all
/// after them up to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteRange {
    /// Where the digits' `<` stands.
    pub gap: usize,
    /// After their `>`.
    pub after: usize,
    /// End of the covered bytes.
    pub end: usize,
    /// What the digits say.
    pub contents: Vec<u8>,
}

impl ByteRange {
    /// From the four numbers of an entry; none where they aren't the whole file but one string.
    fn of(numbers: [usize; 4], file: &[u8]) -> Option<Self> {
        let [start, gap, after, length] = numbers;
        let end = after.checked_add(length).filter(|end| *end <= file.len())?;
        let hole = file.get(gap..after)?;
        let digits = hole.strip_prefix(b"<")?.strip_suffix(b">")?;
        if start != 0 || 2 * MAX_CONTENTS < digits.len() {
            return None;
        }
        Some(Self { gap, after, end, contents: unhex(digits)? })
    }

    /// The covered bytes.
    #[must_use]
    pub fn parts<'a>(&self, file: &'a [u8]) -> [&'a [u8]; 2] {
        [&file[..self.gap], &file[self.after..self.end]]
    }

    /// Bytes after the covered ones; line ends at the very end of a file don't count.
    #[must_use]
    pub fn appended(&self, file: &[u8]) -> u64 {
        file[self.end..].trim_ascii_end().len() as u64
    }
}

/// Every byte range that the file states, whatever refers to it.
#[must_use]
pub fn ranges(file: &[u8]) -> Vec<ByteRange> {
    let mut found = Vec::new();
    let mut rest = 0;
    for _ in 0..MAX_RANGES {
        let next = file[rest..].windows(KEY.len()).position(|window| window == KEY);
        let Some(at) = next else { break };
        rest += at + KEY.len();
        let range = numbers(&file[rest..]).and_then(|numbers| ByteRange::of(numbers, file));
        found.extend(range);
    }
    found
}

/// The four numbers of an array at the start of `text`.
fn numbers(text: &[u8]) -> Option<[usize; 4]> {
    const LONGEST: usize = 200;
    let text = text[..text.len().min(LONGEST)].trim_ascii_start().strip_prefix(b"[")?;
    let end = text.iter().position(|byte| *byte == b']')?;
    let mut words = text[..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut next = || std::str::from_utf8(words.next()?).ok()?.parse().ok();
    let found = [next()?, next()?, next()?, next()?];
    words.next().is_none().then_some(found)
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let mut nibbles = Vec::with_capacity(digits.len() + 1);
    for digit in digits.iter().filter(|digit| !digit.is_ascii_whitespace()) {
        nibbles.push(u8::try_from(char::from(*digit).to_digit(16)?).ok()?);
    }
    if nibbles.len() % 2 == 1 {
        nibbles.push(0);
    }
    Some(nibbles.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A moment as PDF writes it: `D:20250116074610+07'00'`; without a zone it is taken as UTC.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.strip_prefix("D:").unwrap_or(text);
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let or_zero = |from, to| if text.len() < to { Some(0) } else { number(from, to) };
    let at = DateTime::new(
        text.get(0..4)?.parse().ok()?,
        number(4, 6)?,
        number(6, 8)?,
        or_zero(8, 10)?,
        or_zero(10, 12)?,
        or_zero(12, 14)?,
        0,
    );
    let zone = text.get(14..).unwrap_or_default();
    let sign = match zone.chars().next() {
        Some('-') => -1,
        _ => 1,
    };
    let zone_part = |from: usize| {
        let part = zone.get(from..from + 2).and_then(|part| part.parse::<i32>().ok());
        part.filter(|part| (0..60).contains(part)).unwrap_or_default()
    };
    let seconds = if zone.starts_with(['+', '-']) {
        // Hours and minutes are parted by an apostrophe.
        sign * (3600 * zone_part(1) + 60 * zone_part(4))
    } else {
        0
    };
    let zone = TimeZone::fixed(Offset::from_seconds(seconds).ok()?);
    at.ok()?.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_with_their_zone() {
        let at = |text| moment(text).map(|at| at.to_string());
        assert_eq!(at("D:20250116074610+07'00'").unwrap(), "2025-01-16T00:46:10Z");
        assert_eq!(at("D:20250116074610-05'30").unwrap(), "2025-01-16T13:16:10Z");
        assert_eq!(at("D:20250116074610Z").unwrap(), "2025-01-16T07:46:10Z");
        assert_eq!(at("D:20250116").unwrap(), "2025-01-16T00:00:00Z");
        for nonsense in ["", "D:", "D:2025", "D:20251399", "D:20250116\u{1ebf}\u{1ebf}\u{1ebf}"] {
            assert_eq!(at(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_range_covers_all_but_its_own_digits_or_is_none() {
        let file = b"0123<4142>xyz\r\n";
        let range = |numbers| ByteRange::of(numbers, file);
        let whole = range([0, 4, 10, 3]).unwrap();
        assert_eq!((whole.contents.as_slice(), whole.appended(file)), (b"AB".as_slice(), 0));
        assert_eq!(whole.parts(file), [b"0123".as_slice(), b"xyz"]);
        assert_eq!(range([0, 4, 10, 1]).unwrap().appended(file), 2);
        for wrong in [[1, 4, 10, 3], [0, 3, 10, 3], [0, 4, 9, 3], [0, 4, 10, 99], [0, 9, 4, 1]] {
            assert!(range(wrong).is_none(), "{wrong:?}");
        }
        assert!(range([0, 4, usize::MAX, usize::MAX]).is_none());
    }

    #[test]
    fn a_files_ranges_are_found_however_they_are_spaced() {
        assert_eq!(numbers(b" [ 0 12\n 34  56 ]"), Some([0, 12, 34, 56]));
        assert_eq!(numbers(b"[0 12 34 56]>>"), Some([0, 12, 34, 56]));
        for wrong in [&b"[0 1 2]"[..], b"[0 1 2 3 4]", b"0 1 2 3", b"[0 1 2 -3]", b"[0 1 2 3"] {
            assert_eq!(numbers(wrong), None);
        }
    }
}
