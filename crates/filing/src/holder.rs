//! Whom a paper is about, and until when it holds good: what stands after a label.

use jiff::civil::Date;
use schemas::ids::KindId;
use schemas::subject::{CitizenNumber, Subject};
use schemas::text;

use crate::dates;
use crate::layout::{Layout, Line};
use crate::letterhead::Read;

/// Labels of a name, folded, longest first.
const NAME: [&str; 7] = [
    "ho, chu dem, ten khai sinh",
    "ho, chu dem va ten",
    "ho, chu dem, ten",
    "ho va chu dem",
    "ho va ten",
    "ho ten",
    "full name",
];
/// Labels of a citizen's number.
const NUMBER: [&str; 9] = [
    "so dinh danh ca nhan",
    "so dinh danh",
    "personal identification number",
    "so cccd",
    "so can cuoc cong dan",
    "so can cuoc",
    "cccd so",
    "giay to tuy than",
    "so / no",
];
/// Labels of a birth date.
const BORN: [&str; 5] =
    ["ngay, thang, nam sinh", "ngay thang nam sinh", "ngay sinh", "sinh ngay", "date of birth"];
/// Labels of a last day.
const UNTIL: [&str; 7] = [
    "co gia tri den",
    "gia tri su dung den",
    "gia tri den",
    "date of expiry",
    "co hieu luc den",
    "thoi han den",
    "het han",
];
/// Labels of a scope.
const SCOPE: [&str; 4] =
    ["pham vi hieu luc", "pham vi su dung", "pham vi hoat dong", "pham vi gia tri"];

/// Labels that stand behind the value of another.
const OTHER_LABELS: [&str; 9] = [
    "gioi tinh",
    "dan toc",
    "quoc tich",
    "noi sinh",
    "cap ngay",
    "ngay cap",
    "sex",
    "nationality",
    "nam sinh",
];

/// What a label goes on with when it is of another person than the one the paper is about.
const OTHERS: [&str; 16] = [
    "nguoi yeu cau",
    "nguoi di khai",
    "nguoi di dang ky",
    "cha",
    "me",
    "nguoi cha",
    "nguoi me",
    "nguoi ky",
    "nguoi khai",
    "nguoi lam chung",
    "nguoi giam ho",
    "nguoi dai dien",
    "nguoi uy quyen",
    "chu ho",
    "bo",
    "nguoi lam don",
];

/// A label found on a line, and what stands after it.
struct Labelled<'l> {
    line: &'l Line,
    rest: String,
}

pub(crate) fn name(layout: &Layout<'_>) -> Option<Read> {
    labelled(layout, &NAME).into_iter().find_map(|found| {
        let value = person(&found.rest)?;
        Some(Read::of(found.line, value, 0.85))
    })
}

pub(crate) fn number(layout: &Layout<'_>) -> Option<Read> {
    labelled(layout, &NUMBER).into_iter().find_map(|found| {
        let digits = digits(&found.rest)?;
        let number: CitizenNumber = digits.parse().ok()?;
        Some(Read::of(found.line, number.reveal().to_owned(), 0.9))
    })
}

pub(crate) fn born(layout: &Layout<'_>) -> Option<Read<Date>> {
    dated(layout, &BORN).into_iter().next()
}

/// Everybody whom the page names in full, one after the other: number, name and birth date, each
/// behind its label. Nobody where there are more of one than of another, or where one is not
/// sure: whose number it is would be a guess.
pub(crate) fn people(layout: &Layout<'_>) -> Vec<Subject> {
    const SURE: f32 = 0.7;
    let names = labelled(layout, &NAME).into_iter();
    let names = names.filter_map(|found| Some((found.line.confidence, person(&found.rest)?)));
    let names: Vec<(f32, String)> = names.collect();
    let numbers = labelled(layout, &NUMBER).into_iter().filter_map(|found| {
        let number = digits(&found.rest).or_else(|| digits(&under(layout, found.line)?.text))?;
        Some((found.line.confidence, number.parse::<CitizenNumber>().ok()?))
    });
    let numbers: Vec<(f32, CitizenNumber)> = numbers.collect();
    let dates: Vec<Read<Date>> = dated(layout, &BORN);
    if names.len() != numbers.len() || names.len() != dates.len() {
        return Vec::new();
    }
    let mut people: Vec<Subject> = Vec::new();
    for (((name_sure, name), (number_sure, number)), born) in
        names.into_iter().zip(numbers).zip(dates)
    {
        let sure = name_sure.min(number_sure).min(born.confidence);
        let Ok(name) = name.parse() else { return Vec::new() };
        let subject = Subject::Citizen { number, name, born: born.value };
        let twice = people.iter().any(|other| other.reveal_number() == subject.reveal_number());
        // The year stands in the number, too: it tells whether the two belong together.
        if sure < SURE || twice || subject.check().is_err() {
            return Vec::new();
        }
        people.push(subject);
    }
    people
}

pub(crate) fn until(layout: &Layout<'_>) -> Option<Read<Date>> {
    dated(layout, &UNTIL).into_iter().next()
}

pub(crate) fn scope(layout: &Layout<'_>) -> Option<Read> {
    labelled(layout, &SCOPE).into_iter().find_map(|found| {
        let value = text::tidy(found.rest.trim_matches([' ', '.', ':', ';']));
        (value.chars().count() > 3).then(|| Read::of(found.line, value, 0.7))
    })
}

fn dated(layout: &Layout<'_>, labels: &[&str]) -> Vec<Read<Date>> {
    let read = |found: Labelled<'_>| {
        let dated = dates::in_digits(&found.rest)
            .or_else(|| dates::in_words(&format!("ngày {}", found.rest)))?;
        let confidence = (found.line.confidence * 0.9 * dated.sure).clamp(0.0, 1.0);
        Some(Read { value: dated.date, confidence, area: found.line.area() })
    };
    labelled(layout, labels).into_iter().filter_map(read).collect()
}

/// Places where one of the labels stands, with what follows on the line or, where nothing does,
/// on the line below in the same column.
fn labelled<'l>(layout: &'l Layout<'_>, labels: &[&str]) -> Vec<Labelled<'l>> {
    let mut found = Vec::new();
    for (place, line) in layout.lines.iter().enumerate() {
        // The folded line is searched first: it is at hand, and most lines have no label.
        let plain = line.plain.replace(" ,", ",");
        let here = labels.iter().filter(|label| plain.contains(**label));
        let Some(rest) = here.filter_map(|label| after(&line.text, label)).next() else { continue };
        // What tells those who sign to write their names is no label.
        if is_anothers(&rest) || plain.contains("ghi ro") {
            continue;
        }
        let rest = value_of(&rest);
        if has_value(&rest) {
            found.push(Labelled { line, rest });
            continue;
        }
        // Of two people side by side each has a label.
        let is_label = |l: &Line| labels.iter().any(|label| l.plain.contains(label));
        let beside = layout.lines[place + 1..].iter();
        let beside = beside.clone().find(|l| l.beside(line) && l.x0 >= line.x1 && !is_label(l));
        if let Some(line) = beside.or_else(|| under(layout, line)) {
            found.push(Labelled { line, rest: value_of(&line.text) });
        }
    }
    found
}

/// The line below another, in the same column.
pub(crate) fn under<'l>(layout: &'l Layout<'_>, line: &Line) -> Option<&'l Line> {
    layout.lines.iter().find(|l| {
        let under = l.y0 >= line.y1 - 0.3 * line.height && l.y0 - line.y1 < 2.0 * line.height;
        under && l.x0 < line.x1 && l.x1 > line.x0
    })
}

/// What stands on a line after a label, with the text's own letters.
fn after(line: &str, label: &str) -> Option<String> {
    let (_, end) = stands(line, label)?;
    Some(line[end..].to_owned())
}

/// Where a label stands on a line, in bytes.
fn stands(line: &str, label: &str) -> Option<(usize, usize)> {
    // Folding letter by letter keeps the places; engines put spaces before commas.
    let mut plain = String::new();
    let mut places = Vec::new();
    for (at, c) in line.char_indices() {
        let folded = if c.is_whitespace() { " ".to_owned() } else { text::fold(&c.to_string()) };
        if c == ',' && plain.ends_with(' ') {
            plain.pop();
            places.pop();
        }
        for letter in folded.chars() {
            plain.push(if letter.is_ascii() { letter } else { '?' });
            places.push((at, at + c.len_utf8()));
        }
    }
    let start = plain.find(label)?;
    let rest = &plain[start + label.len()..];
    let whole = !plain[..start].ends_with(char::is_alphanumeric)
        && !rest.starts_with(char::is_alphanumeric);
    whole.then_some((places.get(start)?.0, places.get(start + label.len() - 1)?.1))
}

fn is_anothers(rest: &str) -> bool {
    let plain = text::fold(rest);
    let plain = plain.trim_start_matches(|c: char| !c.is_alphanumeric());
    OTHERS
        .iter()
        .any(|o| plain.strip_prefix(o).is_some_and(|r| !r.starts_with(char::is_alphanumeric)))
}

/// The value behind a label: after the colon where one is near, before the next label.
fn value_of(rest: &str) -> String {
    let rest = match rest.find(':') {
        Some(colon) if rest[..colon].chars().count() < 45 => &rest[colon + 1..],
        _ => rest,
    };
    let labels = [&NAME[..], &NUMBER, &BORN, &UNTIL, &OTHER_LABELS];
    let plain = text::fold(rest).replace(" ,", ",");
    let here = labels.iter().flat_map(|l| l.iter()).filter(|label| plain.contains(**label));
    let next = here.filter_map(|label| Some(stands(rest, label)?.0));
    let rest = &rest[..next.min().unwrap_or(rest.len())];
    let leader =
        |c: char| c.is_whitespace() || matches!(c, '.' | '…' | '_' | '-' | ':' | ';' | ',');
    text::tidy(rest.trim_matches(leader))
}

fn has_value(rest: &str) -> bool {
    rest.chars().filter(|c| c.is_alphanumeric()).count() > 1
}

/// A person's name: letters only, two to six words.
fn person(rest: &str) -> Option<String> {
    let words =
        rest.split_whitespace().take_while(|w| w.chars().all(|c| c.is_alphabetic() || c == '\''));
    let words: Vec<&str> = words.collect();
    let capital = words.iter().all(|w| w.chars().next().is_some_and(char::is_uppercase));
    ((2..=6).contains(&words.len()) && capital).then(|| words.join(" "))
}

/// The first twelve digits in a row, spaces and dots between them forgiven.
fn digits(rest: &str) -> Option<String> {
    let start = rest.find(|c: char| c.is_ascii_digit())?;
    let run = rest[start..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, ' ' | '.'));
    let digits: String = run.filter(char::is_ascii_digit).collect();
    (digits.len() == 12).then_some(digits)
}

/// Whether the first name on a paper of this kind is that of the person it is about. On forms
/// it is the applicant's.
pub(crate) fn is_about_first(kind: Option<&KindId>) -> bool {
    kind.is_none_or(|id| !id.as_str().ends_with("_form") && id.as_str() != "application")
}
