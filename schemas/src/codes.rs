//! What the codes on papers say: the QR of an identity card, its machine-readable zone, and the
//! QR of a separator sheet. Parsing only; finding them on a page is the reader's.
//!
//! The first two are personal data through and through, so their `Debug` shows nothing.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::ids::{ComponentId, DossierCode, Malformed};
use crate::subject::{CitizenNumber, Name, Sex};
use crate::text;

/// What the QR of an identity card says: fields divided by `|`. Cards of 2021 have seven; those
/// since July 2024 at least ten, the first seven in the old order.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityCard {
    /// Number; agrees with the date of birth.
    pub number: CitizenNumber,
    /// Number of the card before it, where there was one.
    pub old_number: Option<String>,
    /// Full name.
    pub name: Name,
    /// Date of birth.
    pub born: Date,
    /// Sex as the card says it, which need not be what the number says.
    pub sex: Sex,
    /// Place of residence.
    pub address: String,
    /// Date of issue.
    pub issued: Date,
    /// What comes after the seventh field, bars and all: no published rule gives its order.
    pub tail: Option<String>,
}

impl IdentityCard {
    /// The card whose QR says `text`; none where it isn't one, or the number can't be right.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.trim().splitn(8, '|').map(text::tidy);
        let number: CitizenNumber = fields.next()?.parse().ok()?;
        let old_number = fields.next().filter(|old| !old.is_empty());
        let name = fields.next()?.parse().ok()?;
        let born = date_of_digits(&fields.next()?)?;
        let sex = match text::fold(&fields.next()?).as_str() {
            "nam" => Sex::Male,
            "nu" => Sex::Female,
            _ => return None,
        };
        let address = fields.next()?;
        let issued = date_of_digits(&fields.next()?)?;
        number.check_born(born).ok()?;
        Some(Self { number, old_number, name, born, sex, address, issued, tail: fields.next() })
    }
}

/// A date as `ddMMyyyy`.
fn date_of_digits(digits: &str) -> Option<Date> {
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i16>().ok();
    let small = |range| number(range).and_then(|n| i8::try_from(n).ok());
    Date::new(number(4..8)?, small(2..4)?, small(0..2)?).ok()
}

impl FromStr for IdentityCard {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(Malformed("not what the QR of an identity card says"))
    }
}

impl fmt::Debug for IdentityCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityCard(…)")
    }
}

/// What the QR of a separator sheet says: `SOHOA|1|<dossier>|<component>`. The pages after it
/// belong to that component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separator {
    /// The dossier.
    pub dossier: DossierCode,
    /// The component in it.
    pub component: ComponentId,
}

impl Separator {
    /// The separator that says `text`; none where it isn't one of this version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (dossier, component) = text.trim().strip_prefix("SOHOA|1|")?.split_once('|')?;
        Some(Self { dossier: dossier.parse().ok()?, component: component.parse().ok()? })
    }
}

impl FromStr for Separator {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(Malformed("not what a separator sheet says"))
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SOHOA|1|{}|{}", self.dossier, self.component)
    }
}

/// The machine-readable zone on the back of an identity card: ICAO 9303 part 5, form TD1, three
/// lines of 30 characters. Vietnam puts the identity number and a check digit of its own into
/// the optional data of the first.
#[derive(Clone, PartialEq, Eq)]
pub struct Mrz {
    /// Document number: the identity number's last nine digits on the cards known.
    pub document_number: String,
    /// Identity number; agrees with the date of birth.
    pub number: CitizenNumber,
    /// Date of birth; the century is the number's.
    pub born: Date,
    /// Sex, where the zone says it.
    pub sex: Option<Sex>,
    /// Last day of validity; none where the card doesn't expire.
    pub expires: Option<Date>,
    /// Name without accents, the family name first.
    pub name: Name,
}

/// Characters of a line.
const LINE: usize = 30;

impl Mrz {
    /// The zone whose three lines, divided by line feeds, are `text`; none where a check digit is
    /// wrong, or the number and the date of birth disagree.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
        let [first, second, third] = lines[..] else { return None };
        let in_alphabet = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'<';
        if lines.iter().any(|l| l.len() != LINE || !l.bytes().all(in_alphabet)) {
            return None;
        }
        if !first.starts_with('I') || &first[2..5] != "VNM" || &second[15..18] != "VNM" {
            return None;
        }
        let composite = [&first[5..], &second[..7], &second[8..15], &second[18..29]].concat();
        let checks = [
            (&first[5..14], &first[14..15]),
            (&second[..6], &second[6..7]),
            (&second[8..14], &second[14..15]),
            (composite.as_str(), &second[29..]),
        ];
        if !checks.iter().all(|(data, digit)| is_checked_by(data, digit)) {
            return None;
        }
        // The identity number's own digit is Vietnam's addition; an empty place is none.
        if &first[29..] != "<" && !is_checked_by(&first[15..29], &first[29..]) {
            return None;
        }
        let number: CitizenNumber = first[15..27].parse().ok()?;
        let born = date_of_year(&second[..6], number.birth_year() / 100)?;
        number.check_born(born).ok()?;
        let expires = &second[8..14];
        let expires = if expires == "<<<<<<" { None } else { Some(date_of_year(expires, 20)?) };
        let sex = match &second[7..8] {
            "M" => Some(Sex::Male),
            "F" => Some(Sex::Female),
            "<" => None,
            _ => return None,
        };
        let name = third.replace('<', " ").parse().ok()?;
        let document_number = first[5..14].trim_end_matches('<').to_owned();
        Some(Self { document_number, number, born, sex, expires, name })
    }
}

/// Whether `digit` is the check digit of `data`: the sum of its values weighted 7, 3, 1 in turn,
/// modulo 10, where digits count as themselves, letters from A as 10 on, and the filler as 0.
/// Data that is all fillers may have a filler for its digit (ICAO 9303 part 3, 4.9).
fn is_checked_by(data: &str, digit: &str) -> bool {
    let value = |b: u8| match b {
        b'0'..=b'9' => u32::from(b - b'0'),
        b'A'..=b'Z' => u32::from(b - b'A') + 10,
        _ => 0,
    };
    let sum: u32 = data.bytes().zip([7, 3, 1].into_iter().cycle()).map(|(b, w)| value(b) * w).sum();
    let filler = digit == "<" && data.bytes().all(|b| b == b'<');
    filler || digit.parse() == Ok(sum % 10)
}

/// A date as `yyMMdd` in the given century: 19 for 1900 to 1999.
fn date_of_year(digits: &str, century: i16) -> Option<Date> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i8>().ok();
    Date::new(century * 100 + i16::from(number(0..2)?), number(2..4)?, number(4..6)?).ok()
}

impl FromStr for Mrz {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(Malformed("not a machine-readable zone with right check digits"))
    }
}

impl fmt::Debug for Mrz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mrz(…)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const CARD: &str =
        "001199000013|123456789|Nguyễn Thị Mẫu|01011999|Nữ|Số 1, Phường Mẫu, Hà Nội|02032022";
    const ZONE: &str = "IDVNM1990000139001199000013<<0\n9901018F3901016VNM<<<<<<<<<<<2\nNGUYEN<<THI<MAU<<<<<<<<<<<<<<<";

    #[test]
    fn an_identity_cards_qr_is_read_field_by_field() {
        let card = IdentityCard::parse(CARD).unwrap();
        assert_eq!(card.number.reveal(), "001199000013");
        assert_eq!(card.old_number.as_deref(), Some("123456789"));
        assert_eq!(card.name.reveal(), "Nguyễn Thị Mẫu");
        assert_eq!((card.born, card.issued), (date(1999, 1, 1), date(2022, 3, 2)));
        assert_eq!((card.sex, card.tail), (Sex::Female, None));
        assert_eq!(card.address, "Số 1, Phường Mẫu, Hà Nội");
    }

    #[test]
    fn a_newer_card_keeps_what_follows_the_seventh_field() {
        let card =
            IdentityCard::parse(&format!("{}|||Cha|Mẹ", CARD.replace("123456789", ""))).unwrap();
        assert_eq!((card.old_number, card.tail.as_deref()), (None, Some("||Cha|Mẹ")));
    }

    #[test]
    fn what_cannot_be_an_identity_card_is_none() {
        for (part, wrong) in [
            ("001199000013", "003199000013"),
            ("001199000013", "001198000013"),
            ("01011999", "31021999"),
            ("01011999", "1/1/1999"),
            ("|02032022", ""),
            ("Nữ", "?"),
            ("Nguyễn Thị Mẫu", ""),
        ] {
            assert_eq!(IdentityCard::parse(&CARD.replace(part, wrong)), None, "{part} as {wrong}");
        }
        assert_eq!(IdentityCard::parse(""), None);
    }

    #[test]
    fn a_separator_names_dossier_and_component() {
        let text = "SOHOA|1|H26.01.02-261123-0007|1.001193-TP01";
        let separator = Separator::parse(text).unwrap();
        assert_eq!(separator.component.as_str(), "1.001193-TP01");
        assert_eq!(separator.to_string(), text);
        for bad in
            ["SOHOA|2|a|b", "SOHOA|1|a", "SOHOA|1||b", "SOHOA|1|a|", "SOHOA|1|a|b|c", "sohoa|1|a|b"]
        {
            assert_eq!(Separator::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_machine_readable_zone_tells_the_holder() {
        let zone = Mrz::parse(ZONE).unwrap();
        assert_eq!(zone.number.reveal(), "001199000013");
        assert_eq!(zone.document_number, "199000013");
        assert_eq!((zone.born, zone.expires), (date(1999, 1, 1), Some(date(2039, 1, 1))));
        assert_eq!((zone.sex, zone.name.reveal()), (Some(Sex::Female), "NGUYEN THI MAU"));
    }

    #[test]
    fn a_zone_with_any_check_digit_wrong_is_none() {
        // Document number, identity number, birth, expiry, composite.
        for (line, place) in [(0, 14), (0, 29), (1, 6), (1, 14), (1, 29)] {
            let at = line * (LINE + 1) + place;
            let right = ZONE.as_bytes()[at] - b'0';
            for wrong in (0..10).filter(|digit| *digit != right) {
                let mut broken = ZONE.to_owned();
                broken.replace_range(at..=at, &wrong.to_string());
                assert_eq!(Mrz::parse(&broken), None, "{wrong} at {place} of line {line}");
            }
        }
    }

    /// The zone with line 1 and line 2 given up to their check digits, which are made right.
    fn zone(document: &str, number: &str, born: &str, sex: &str, expires: &str) -> String {
        let digit = |data: &str| {
            let right = (0..10).map(|d| d.to_string()).find(|d| is_checked_by(data, d)).unwrap();
            format!("{data}{right}")
        };
        let first = format!("IDVNM{}{}", digit(document), digit(&format!("{number}<<")));
        let (born, expires) = (digit(born), digit(expires));
        let composite = digit(&format!("{}{born}{expires}<<<<<<<<<<<", &first[5..]));
        let last = &composite[composite.len() - 1..];
        format!("{first}\n{born}{sex}{expires}VNM<<<<<<<<<<<{last}\nNGUYEN<<THI<MAU<<<<<<<<<<<<<<<")
    }

    #[test]
    fn number_and_birth_must_agree_though_every_check_digit_is_right() {
        assert_eq!(zone("199000013", "001199000013", "990101", "F", "390101"), ZONE);
        assert_eq!(Mrz::parse(&zone("199000013", "001199000013", "980101", "F", "390101")), None);
        assert_eq!(Mrz::parse(&zone("199000013", "003199000013", "990101", "F", "390101")), None);
        assert_eq!(Mrz::parse(&zone("199000013", "001199000013", "991301", "F", "390101")), None);
        let young =
            Mrz::parse(&zone("305000013", "079305000013", "050101", "F", "<<<<<<")).unwrap();
        assert_eq!((young.born, young.expires), (date(2005, 1, 1), None));
    }

    #[test]
    fn nothing_personal_can_be_printed_by_accident() {
        let card = IdentityCard::parse(CARD).unwrap();
        assert_eq!(format!("{card:?} {:?}", Mrz::parse(ZONE).unwrap()), "IdentityCard(…) Mrz(…)");
    }

    #[test]
    fn text_of_any_alphabet_does_no_harm() {
        for text in ["é", "IDVNMé\n\n", &"ữ".repeat(30), &format!("{0}\n{0}\n{0}", "ữ".repeat(10))]
        {
            assert_eq!(
                (Mrz::parse(text), IdentityCard::parse(text), Separator::parse(text)),
                (None, None, None)
            );
        }
    }
}
