//! What the head of an official paper says: number and symbol, date, authority, subject
//! (Decree 30/2020/NĐ-CP, appendix I).

use jiff::civil::Date;
use schemas::record::Area;
use schemas::text;

use crate::dates::{self, mistaken};
use crate::layout::{Layout, Line};

/// Something read off a place on a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read<T = String> {
    pub(crate) value: T,
    pub(crate) confidence: f32,
    pub(crate) area: Area,
}

impl Read {
    pub(crate) fn of(line: &Line, value: String, sure: f32) -> Self {
        Self { value, confidence: (line.confidence * sure).clamp(0.0, 1.0), area: line.area() }
    }
}

/// Số ký hiệu: the line that begins "Số" in the left block, or where there is none, in the
/// upper third.
pub(crate) fn number_symbol(layout: &Layout<'_>) -> Option<Read> {
    number_row(layout).map(|(row, rest)| {
        let (value, sure) = tidy_number(&rest, &authority_initials(layout));
        Read::of(&row, value, sure)
    })
}

fn number_row(layout: &Layout<'_>) -> Option<(Line, String)> {
    let left = layout.head.map(|head| head.left(layout)).unwrap_or_default();
    let in_left = left.iter().find_map(|row| Some((row.clone(), number_after(&row.text)?)));
    in_left.or_else(|| {
        let rows = layout.lines.iter().filter(|l| l.middle() < 0.33 * layout.height);
        rows.filter(|l| l.text.chars().count() < 40)
            .find_map(|l| Some((l.clone(), number_after(&l.text)?)))
    })
}

/// What stands after "Số:", where the line begins so and goes on like a number. "SỞ TƯ PHÁP"
/// does not, though it folds to the same letters.
fn number_after(line: &str) -> Option<String> {
    let mut letters = line.trim_start_matches(|c: char| !c.is_alphanumeric()).chars();
    let (first, second) = (letters.next()?, letters.next()?);
    let says = matches!(first, 'S' | 's') && text::fold(&second.to_string()) == "o";
    let horned =
        matches!(second, 'Ơ' | 'ơ' | 'Ở' | 'ở' | 'Ờ' | 'ờ' | 'Ỡ' | 'ỡ' | 'Ợ' | 'ợ' | 'Ớ' | 'ớ');
    let rest = letters.as_str();
    let ends = rest.starts_with(|c: char| !c.is_alphabetic());
    let rest =
        rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '.' | ';' | ','));
    let numbered = rest.contains('/') || rest.starts_with(|c: char| c.is_ascii_digit());
    (says && !horned && ends && numbered).then(|| rest.to_owned())
}

/// `47/QĐ-UBND` from what an engine makes of it, and how sure it is. A number that was written
/// by hand and could not be read is left out rather than invented: `/UBND-KTTH`.
fn tidy_number(rest: &str, initials: &[String]) -> (String, f32) {
    let Some((number, symbol)) = rest.split_once('/') else {
        let number: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        return (number.trim_end_matches(['.', ',', ';']).to_owned(), 0.8);
    };
    let mut sure = 1.0;
    let mut digits = String::new();
    for c in number.chars().filter(|c| !c.is_whitespace()) {
        if c.is_ascii_digit() {
            digits.push(c);
        } else if let Some(digit) = mistaken(c) {
            digits.push(digit);
            sure *= 0.6;
        } else if c.is_alphabetic()
            && digits.chars().last().is_some_and(|d| d.is_ascii_digit())
            && number.trim_end().ends_with(c)
        {
            // A letter after the number is part of it: `12a/QĐ`.
            digits.push(c);
            sure *= 0.4;
        } else {
            sure *= 0.3;
        }
    }
    if digits.is_empty() {
        sure *= 0.1;
    }
    let symbol = tidy_symbol(symbol, initials);
    if symbol.is_empty() {
        sure *= 0.3;
    }
    (format!("{digits}/{symbol}"), sure)
}

/// Abbreviations of the types of official papers (Decree 30/2020/NĐ-CP, appendix III), and of
/// bodies that most papers come from: engines lose the bars and hats of their capitals.
const ABBREVIATIONS: [&str; 47] = [
    "NQ", "QĐ", "CT", "QC", "QyĐ", "TC", "TB", "HD", "CTr", "KH", "PA", "ĐA", "DA", "BC", "BB",
    "TTr", "HĐ", "CĐ", "BGN", "BTT", "GUQ", "GM", "GGT", "GNP", "PG", "PC", "PB", "NĐ", "TT", "L",
    "CP", "TTg", "CTN", "UBND", "HĐND", "VPCP", "BGDĐT", "BTP", "BCA", "BTC", "BNV", "BXD", "BYT",
    "BCT", "TLKS", "GCN", "GP",
];

fn tidy_symbol(symbol: &str, initials: &[String]) -> String {
    // The symbol ends at the first space that no hyphen or slash bridges.
    let mut kept = String::new();
    let words = symbol.replace('Ð', "Đ").replace(['–', '—', '−'], "-");
    for word in words.split_whitespace() {
        let bridged = kept.is_empty() || kept.ends_with(['-', '/']) || word.starts_with(['-', '/']);
        if !bridged {
            break;
        }
        kept.push_str(word);
    }
    let kept = kept.trim_end_matches(|c: char| !c.is_alphanumeric());
    let mut tidied = String::new();
    let mut part = String::new();
    let close = |part: &mut String, tidied: &mut String| {
        let same = |known: &&str| plain_capitals(known) == plain_capitals(part);
        let initial = initials.iter().map(String::as_str).find(same);
        let known = initial.or_else(|| ABBREVIATIONS.iter().copied().find(same));
        tidied.push_str(known.unwrap_or(part));
        part.clear();
    };
    for c in kept.chars() {
        if matches!(c, '-' | '/') {
            close(&mut part, &mut tidied);
            tidied.push(c);
        } else {
            part.push(c);
        }
    }
    close(&mut part, &mut tidied);
    tidied
}

/// Capitals without accents, a letter that was read twice once: `QĐĐ` is `QĐ`.
fn plain_capitals(text: &str) -> String {
    let mut plain: Vec<char> = text::fold(text).chars().collect();
    plain.dedup();
    plain.into_iter().collect()
}

/// Initials of the authority: `BGDĐT` of "BỘ GIÁO DỤC VÀ ĐÀO TẠO"; what its symbol ends with.
fn authority_initials(layout: &Layout<'_>) -> Vec<String> {
    let Some(authority) = issuer(layout) else { return Vec::new() };
    let small = ["và", "của", "thuộc"];
    let words = authority.value.split_whitespace().map(str::to_lowercase);
    let words: Vec<String> = words.filter(|w| !small.contains(&w.as_str())).collect();
    let initials = |words: &[String]| -> String {
        let letters = words.iter().filter_map(|w| w.chars().next());
        let bare = letters.map(|c| {
            if c == 'đ' { 'Đ' } else { text::fold(&c.to_string()).chars().next().unwrap_or(c) }
        });
        bare.flat_map(char::to_uppercase).collect()
    };
    vec![initials(&words)]
}

/// Ngày ban hành in the right block.
pub(crate) fn dated(layout: &Layout<'_>) -> Option<Read<Date>> {
    let head = layout.head?;
    let lines = head.right(layout).filter(|line| is_place_and_date(&line.text));
    let found = lines.filter_map(|line| Some((line, dates::in_words(&line.text)?))).next();
    let (line, dated) = found?;
    let confidence = (line.confidence * dated.sure).clamp(0.0, 1.0);
    Some(Read { value: dated.date, confidence, area: line.area() })
}

/// `Hà Nội, ngày 12 tháng 3 năm 2024`: a place, a date, and nothing else. A sentence with a
/// date in it is longer, and the day it names another.
pub(crate) fn is_place_and_date(line: &str) -> bool {
    let plain = text::fold(line);
    let Some((before, after)) = plain.split_once("ngay") else { return false };
    let place = before.trim_end();
    let placed = place.is_empty() || place.ends_with([',', '.', ';', ':']);
    let words = |t: &str| t.split_whitespace().count();
    let capital = line.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_uppercase);
    placed && capital && words(place) <= 7 && words(after) <= 6
}

/// Whether the right block has a line for the date, be it readable or not.
pub(crate) fn has_date_line(layout: &Layout<'_>) -> bool {
    let Some(head) = layout.head else { return false };
    let mut right = head.right(layout);
    head.has_left_block(layout) && right.any(|l| l.plain.contains("ngay") && l.plain.len() < 60)
}

/// Whether the page has the head of an official paper, with its authority on the left.
pub(crate) fn is_official(layout: &Layout<'_>) -> bool {
    layout.head.is_some_and(|head| head.has_left_block(layout))
}

/// Words that the name of a body begins with. A line of the left block that begins with none
/// of them goes on with the line above.
const BODIES: [&str; 34] = [
    "uy ban",
    "ubnd",
    "hoi dong",
    "hdnd",
    "so",
    "bo",
    "cong an",
    "phong",
    "cuc",
    "chi cuc",
    "tong cuc",
    "van phong",
    "truong",
    "trung tam",
    "toa an",
    "vien",
    "ban",
    "chi nhanh",
    "thanh tra",
    "dai hoc",
    "benh vien",
    "cong ty",
    "chinh phu",
    "thu tuong",
    "bao hiem",
    "doan",
    "tram",
    "kho bac",
    "thue",
    "ngan hang",
    "quoc hoi",
    "hoi",
    "lien doan",
    "dang uy",
];

/// Cơ quan ban hành: the lines of the left block above the number. Where they name a body and
/// the one above it, the body that issues stands last.
pub(crate) fn issuer(layout: &Layout<'_>) -> Option<Read> {
    let head = layout.head?;
    let rows = head.left(layout);
    let mut bodies: Vec<Line> = Vec::new();
    for row in rows {
        if number_after(&row.text).is_some() || is_subject(&row) {
            break;
        }
        // What stands above the letterhead is a stamp; what is not in capitals is no name of a body.
        let too_high = row.y1 < head.top - 0.5 * layout.body;
        if too_high || row.upper < 0.6 || row.text.chars().filter(|c| c.is_alphabetic()).count() < 3
        {
            continue;
        }
        let row = spelled(row);
        match bodies.last_mut() {
            Some(body) if !begins_body(&row) || !complete(body) => body.absorb(&row),
            Some(_) | None => bodies.push(row),
        }
    }
    let body = bodies.pop()?;
    let value = body.text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let sure = if begins_body(&body) { 1.0 } else { 0.6 };
    Some(Read::of(&body, value, sure))
}

/// Words for what is administered, with which lines of a letterhead begin.
const UNITS: [&str; 8] =
    ["TỈNH", "THÀNH PHỐ", "HUYỆN", "QUẬN", "PHƯỜNG", "XÃ", "THỊ TRẤN", "THỊ XÃ"];

/// A line that begins with a unit's word, with that word's accents as they must be.
fn spelled(mut row: Line) -> Line {
    let unit = UNITS.iter().find(|u| {
        let rest = row.plain.strip_prefix(text::fold(u).as_str());
        rest.is_some_and(|r| r.starts_with(' '))
    });
    if let Some(unit) = unit {
        let rest: Vec<&str> = row.text.split(' ').skip(unit.split(' ').count()).collect();
        row.text = format!("{unit} {}", rest.join(" "));
    }
    row
}

fn begins_body(line: &Line) -> bool {
    let plain = &line.plain;
    BODIES
        .iter()
        .any(|b| plain.strip_prefix(b).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

/// "ỦY BAN NHÂN DÂN" alone names no body: whose it is comes on the next line.
fn complete(body: &Line) -> bool {
    let plain = &body.plain;
    let bare =
        ["uy ban nhan dan", "hoi dong nhan dan", "uy ban", "cong an", "toa an nhan dan", "ubnd"];
    !bare.contains(&plain.as_str())
}

/// Trích yếu of an official letter: "V/v …" under the number.
pub(crate) fn subject(layout: &Layout<'_>) -> Option<Read> {
    let rows = layout.head?.left(layout);
    let start = rows.iter().position(is_subject)?;
    let mut subject = rows[start].clone();
    let mut bottom = subject.y1;
    for row in &rows[start + 1..] {
        // The subject is set tight; what stands apart is a stamp or the addressee.
        let apart = row.y0 - bottom > 1.2 * row.height;
        if apart || row.plain.starts_with("kinh gui") || row.upper > 0.9 {
            break;
        }
        bottom = row.y1;
        subject.absorb(row);
    }
    let value = subject.text.clone();
    Some(Read::of(&subject, value, 0.95))
}

fn is_subject(line: &Line) -> bool {
    let plain = &line.plain;
    ["v/v", "vv ", "ve viec", "v/ v"].iter().any(|s| plain.starts_with(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, want: Option<&str>) {
        let got = number_after(line).map(|rest| tidy_number(&rest, &["BGDĐT".to_owned()]).0);
        assert_eq!(got.as_deref(), want, "{line}");
    }

    #[test]
    fn a_number_is_told_from_a_department() {
        check("Số: 47 /QĐ-UBND", Some("47/QĐ-UBND"));
        check("Só:44. /TTr-UBND", Some("44/TTr-UBND"));
        check("Số: 2827 /QD-BGDDT", Some("2827/QĐ-BGDĐT"));
        check("Số: 12 /QÐ- TTg", Some("12/QĐ-TTg"));
        check("Số: 123/2024/TLKS-BS", Some("123/2024/TLKS-BS"));
        check("Số: 0123", Some("0123"));
        check("SỞ TƯ PHÁP", None);
        check("SỔ HỘ KHẨU", None);
        check("Sở: 12/QĐ", None);
    }

    #[test]
    fn a_number_that_cannot_be_read_is_not_invented() {
        let (value, sure) = tidy_number("/UBND-KTTH", &[]);
        assert_eq!(value, "/UBND-KTTH");
        assert!(sure <= 0.1);
        assert!(tidy_number("4† /QĐÐ-UBND", &[]).1 < 0.5);
        assert_eq!(tidy_number("4† /QĐÐ-UBND", &[]).0, "4/QĐ-UBND");
    }
}
