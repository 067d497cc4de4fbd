//! Dates as papers write them, with the letters that engines take for digits.

use jiff::civil::Date;
use schemas::text;

/// A date on a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dated {
    pub(crate) date: Date,
    /// 1 when all its digits were digits; less for letters that had to be taken for them.
    pub(crate) sure: f32,
}

/// Dates before this are misread; the oldest papers in use are younger.
const EARLIEST: i16 = 1900;
/// Dates after this are misread; the latest printed expiry is nearer.
const LATEST: i16 = 2120;

/// The last date on a line: `ngày 17 tháng 01 năm 2025`, `17/01/2025`, `17-01-2025`.
pub(crate) fn last(line: &str) -> Option<Dated> {
    let packed = packed(line);
    worded(&packed).or_else(|| numeric(line))
}

/// The date in words on a line, only.
pub(crate) fn in_words(line: &str) -> Option<Dated> {
    worded(&packed(line))
}

/// The first date in digits on a line: `17/01/2025`.
pub(crate) fn in_digits(line: &str) -> Option<Dated> {
    line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | ':'))
        .find_map(numeric_word)
}

/// Without accents, spaces and full stops: engines glue "ngày" to its number as they please.
/// Other signs stay, so that a day of which a stroke was read as a sign is no day: `⁄5` was 15.
fn packed(line: &str) -> String {
    let dropped = |c: &char| !c.is_whitespace() && !matches!(c, '.' | ',' | ':' | '…');
    text::fold(line).chars().filter(dropped).collect()
}

fn worded(packed: &str) -> Option<Dated> {
    let start = packed.rfind("ngay")?;
    let rest = &packed[start + 4..];
    let (day, rest) = rest.split_once("thang")?;
    let (month, rest) = rest.split_once("nam")?;
    let year: String = rest.chars().take(4).collect();
    made(&year, month, day)
}

fn numeric(line: &str) -> Option<Dated> {
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | ':'));
    words.filter_map(numeric_word).next_back()
}

fn numeric_word(word: &str) -> Option<Dated> {
    let parts: Vec<&str> = word.trim_end_matches('.').split(['/', '-', '.']).collect();
    let [day, month, year] = parts.as_slice() else { return None };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    (digits(day) && digits(month) && digits(year)).then(|| made(year, month, day))?
}

fn made(year: &str, month: &str, day: &str) -> Option<Dated> {
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let mut sure = 1.0;
    let mut value = |text: &str| -> Option<i16> {
        let digits: Option<String> = text
            .chars()
            .map(|c| {
                let digit = if c.is_ascii_digit() { Some(c) } else { mistaken(c) };
                if Some(c) != digit {
                    sure *= 0.6;
                }
                digit
            })
            .collect();
        digits?.parse().ok()
    };
    let (year, month, day) = (value(year)?, value(month)?, value(day)?);
    if !(EARLIEST..=LATEST).contains(&year) {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(Dated { date, sure })
}

/// The digit that a letter was, where only one is likely.
pub(crate) fn mistaken(letter: char) -> Option<char> {
    match letter {
        'o' | 'O' | 'Q' | 'D' => Some('0'),
        'l' | 'i' | 'I' | '|' | ']' | '[' => Some('1'),
        'z' | 'Z' => Some('2'),
        's' | 'S' => Some('5'),
        'b' => Some('6'),
        'B' => Some('8'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[track_caller]
    fn check(line: &str, want: Option<Date>) {
        assert_eq!(last(line).map(|d| d.date), want, "{line}");
    }

    #[test]
    fn dates_are_read_as_officials_write_them() {
        check("Quảng Ngãi, ngày 17 tháng 01 năm 2025", Some(date(2025, 1, 17)));
        check("Hà Nội. ngàyl6 tháng 9 năm 2025", Some(date(2025, 9, 16)));
        check("Quảng Ngãi, ngày 4T tháng 01 năm 2025", None);
        check("Quảng Ngãi, ngày⁄{5 tháng 01 năm 2025", None);
        check("Quảng Ngãi, ngày    tháng    năm 2025", None);
        check("ngày 31 tháng 02 năm 2025", None);
        check("Hà Nội, ngày 26/08/2026.", Some(date(2026, 8, 26)));
        check("từ 01-02-2024 đến 03.04.2025", Some(date(2025, 4, 3)));
        check("số 17/2025/QĐ-UBND", None);
    }

    #[test]
    fn a_letter_taken_for_a_digit_makes_the_date_less_sure() {
        assert!(last("ngày l6 tháng 9 năm 2025").is_some_and(|d| d.sure < 1.0));
        assert!(last("ngày 16 tháng 9 năm 2025").is_some_and(|d| d.sure == 1.0));
    }
}
