//! The machine-readable zone of an identity card among the lines that an engine read.
//!
//! Engines trained on prose misread it in known ways: letters for digits, `«` for `<<`, `K` or
//! `C` for `<`, fillers lost or added. All of that is set right by place, in the knowledge of
//! where TD1 (ICAO 9303 part 5) has digits, letters and fillers; the check digits then say
//! whether the guess was right. Nothing is given out that they don't confirm.

use schemas::codes::Mrz;
use schemas::reading::{Code, CodeKind};

use crate::engine::Line;

/// Characters of a line.
const LINE: usize = 30;

/// The machine-readable zones among the lines, their check digits right, as three lines of 30
/// characters divided by line feeds.
#[must_use]
pub fn find_mrz(lines: &[Line]) -> Vec<Code> {
    let candidates: Vec<Vec<u8>> = lines.iter().filter_map(candidate).collect();
    let mut codes: Vec<Code> = Vec::new();
    for three in candidates.windows(3) {
        let text =
            [first_line(&three[0]), second_line(&three[1]), third_line(&three[2])].join("\n");
        if Mrz::parse(&text).is_some() && codes.iter().all(|code| code.text != text) {
            codes.push(Code { kind: CodeKind::Mrz, text });
        }
    }
    codes
}

/// The line in the zone's alphabet, if it is about as long as a line of it.
fn candidate(line: &Line) -> Option<Vec<u8>> {
    let mut signs = Vec::new();
    for c in line.words.iter().flat_map(|word| word.text.chars()) {
        match c {
            '«' | '≪' | '《' => signs.extend(b"<<"),
            '<' | '‹' | '(' | '{' | '≤' | '〈' => signs.push(b'<'),
            _ => {
                let plain = schemas::text::fold(c.encode_utf8(&mut [0; 4])).to_ascii_uppercase();
                signs.extend(plain.bytes().filter(u8::is_ascii_alphanumeric));
            }
        }
    }
    (LINE - 6..=LINE + 6).contains(&signs.len()).then_some(signs)
}

/// Line 1: document type, state, document number and its digit, identity number, two fillers and
/// a digit.
fn first_line(signs: &[u8]) -> String {
    let line = with_fillers_between(signs, 27, 1);
    let line = by_place(&line, |place| match place {
        0..5 => Zone::Letters,
        27..29 => Zone::Fillers,
        _ => Zone::Digits,
    });
    // No check digit covers the document type, and Vietnam's identity cards have just one.
    match line.get(2..) {
        Some(rest) if rest.starts_with("VNM") => format!("ID{rest}"),
        _ => line,
    }
}

/// Line 2: birth, sex, expiry, nationality, eleven fillers and the composite digit.
fn second_line(signs: &[u8]) -> String {
    let line = with_fillers_between(signs, 18, 1);
    by_place(&line, |place| match place {
        7 | 15..18 => Zone::Letters,
        18..29 => Zone::Fillers,
        _ => Zone::Digits,
    })
}

/// Line 3: names. Three fillers in a row are the end of them: what follows is misread filler.
fn third_line(signs: &[u8]) -> String {
    let end = signs.windows(3).position(|three| three == b"<<<").unwrap_or(signs.len());
    let mut line = signs[..end.min(LINE)].to_vec();
    line.resize(LINE, b'<');
    by_place(&line, |_| Zone::Letters)
}

/// `LINE` signs: `head` of the front and `tail` of the end, whatever was lost or added between.
fn with_fillers_between(signs: &[u8], head: usize, tail: usize) -> Vec<u8> {
    if signs.len() == LINE {
        return signs.to_vec();
    }
    // Fillers lost may have been so many that the front reaches into the last digit.
    let (front, end) = signs.split_at(signs.len().saturating_sub(tail));
    let mut line = front[..head.min(front.len())].to_vec();
    line.resize(LINE - tail, b'<');
    line.extend(end);
    line
}

/// What may stand at a place; a filler may stand anywhere.
enum Zone {
    Digits,
    Letters,
    Fillers,
}

fn by_place(line: &[u8], zone: impl Fn(usize) -> Zone) -> String {
    let right = |(place, sign): (usize, &u8)| match zone(place) {
        Zone::Digits => as_digit(*sign),
        Zone::Letters => as_letter(*sign),
        Zone::Fillers => b'<',
    };
    line.iter().enumerate().map(right).map(char::from).collect()
}

fn as_digit(sign: u8) -> u8 {
    match sign {
        b'O' | b'Q' | b'D' | b'U' => b'0',
        b'I' | b'L' | b'J' => b'1',
        b'Z' => b'2',
        b'A' => b'4',
        b'S' => b'5',
        b'G' => b'6',
        b'T' => b'7',
        b'B' => b'8',
        other => other,
    }
}

fn as_letter(sign: u8) -> u8 {
    match sign {
        b'0' => b'O',
        b'1' => b'I',
        b'2' => b'Z',
        b'5' => b'S',
        b'6' => b'G',
        b'8' => b'B',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Word;

    const ZONE: [&str; 3] = [
        "IDVNM1990000139001199000013<<0",
        "9901018F3901016VNM<<<<<<<<<<<2",
        "NGUYEN<<THI<MAU<<<<<<<<<<<<<<<",
    ];

    fn line(text: &str) -> Line {
        let word = |text: &str| Word { text: text.to_owned(), confidence: 0.5, ..Word::default() };
        Line { words: text.split_whitespace().map(word).collect(), ..Line::default() }
    }

    #[track_caller]
    fn check(lines: &[&str], found: bool) {
        let lines: Vec<Line> = lines.iter().map(|text| line(text)).collect();
        let want = Code { kind: CodeKind::Mrz, text: ZONE.join("\n") };
        assert_eq!(find_mrz(&lines), if found { vec![want] } else { vec![] });
    }

    #[test]
    fn a_zone_is_found_among_other_lines() {
        check(&["CỤC TRƯỞNG CỤC CẢNH SÁT QUẢN LÝ", "x", ZONE[0], ZONE[1], ZONE[2]], true);
        check(&[ZONE[0], ZONE[2], ZONE[1]], false);
        check(&[ZONE[0], ZONE[1]], false);
    }

    #[test]
    fn what_engines_misread_is_set_right_by_place() {
        check(
            &[
                "1DVNM I99OOOO139 OO1I99OOOOI3«O",
                "99O1O18F39O1OI6VNMKKC<<<<«<<2",
                "NGUYEN<<THI<MAU<<<<<<«KCLK<<",
            ],
            true,
        );
        check(&["TDVNM1990000139001199000013<<0", ZONE[1], ZONE[2]], true);
        check(&[ZONE[0], "9901018F3901016VNM«««««2", "NGUYEN‹‹THI(MAU««««««««"], true);
    }

    #[test]
    fn a_zone_with_any_check_digit_wrong_is_not_given_out() {
        for (row, place) in [(0, 14), (0, 29), (1, 6), (1, 14), (1, 29)] {
            let mut zone = ZONE.map(str::to_owned);
            let right = zone[row].as_bytes()[place] - b'0';
            zone[row].replace_range(place..=place, &((right + 1) % 10).to_string());
            check(&[&zone[0], &zone[1], &zone[2]], false);
        }
    }

    #[test]
    fn prose_is_no_zone() {
        check(&["Căn cứ Luật Tổ chức chính quyền"; 5], false);
        check(&["", "«»", "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"], false);
    }
}
