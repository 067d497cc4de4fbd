//! The identity card (thẻ căn cước công dân with a chip, issued 2021 to June 2024): front with a
//! QR code of seven fields, back with a machine-readable zone. `MẪU` (specimen) stands across
//! the portrait, so that no printout of it can be taken for a card.

use std::sync::Arc;

use jiff::civil::{Date, date};
use schemas::record::FieldName;
use schemas::subject::Sex;
use schemas::text::fold;

use crate::chance::Chance;
use crate::compose::Composer;
use crate::fonts::{Face, Fonts};
use crate::marks::{BLACK, GREY, Ink, Mark, RED};
use crate::person::{Person, day};
use crate::sheet::Sheet;

/// Size of a card, ISO/IEC 7810 ID-1, in millimetres.
const SIZE: (f32, f32) = (85.6, 54.0);
const LABEL: Ink = [60, 92, 104];

/// An identity card.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Whose.
    pub person: Person,
    /// Day of issue.
    pub issued: Date,
    /// Last day it holds good.
    pub expires: Date,
}

impl Card {
    /// The card that person would have.
    #[must_use]
    pub fn of(person: &Person) -> Self {
        let mut chance =
            Chance::new(person.number.reveal().bytes().fold(0, |n, b| n * 31 + u64::from(b)));
        let year = i16::try_from(chance.whole(2021, 2023)).unwrap_or(2021);
        let month = i8::try_from(chance.whole(3, 12)).unwrap_or(5);
        let day = i8::try_from(chance.whole(1, 28)).unwrap_or(10);
        let issued = date(year, month, day);
        // Cards are renewed at 25, 40 and 60; one issued within two years before that holds
        // until the next (Law on citizens' identity 2014, article 21).
        let age = year - person.born.year();
        let until = [25, 40, 60].into_iter().find(|limit| age + 2 < *limit).unwrap_or(99);
        let expires = date(person.born.year() + until, person.born.month(), person.born.day());
        Self { person: person.clone(), issued, expires }
    }

    /// What the QR code on the front says: seven fields, the second (an old number) empty.
    #[must_use]
    pub fn qr(&self) -> String {
        let who = &self.person;
        format!(
            "{}||{}|{}|{}|{}|{}",
            who.number.reveal(),
            who.name,
            compact(who.born),
            who.sex_word(),
            who.address(),
            compact(self.issued)
        )
    }

    pub(crate) fn sheets(&self, fonts: &Arc<Fonts>) -> [Sheet; 2] {
        [self.front(fonts), self.back(fonts)]
    }

    fn front(&self, fonts: &Arc<Fonts>) -> Sheet {
        let who = &self.person;
        let mut side = Composer::on(Sheet::blank(fonts, SIZE.0, SIZE.1));
        side.paper([226, 238, 236]);
        waves(&mut side);
        side.mark(Mark::Disc { x: 10.5, y: 9.5, r: 6.0, ink: RED });
        side.mark(Mark::Disc { x: 10.5, y: 9.5, r: 2.8, ink: [236, 200, 60] });
        (side.left, side.right) = (18.0, 69.0);
        for (y, pt, face, text) in [
            (5.2, 5.8, Face::SansBold, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
            (7.9, 5.4, Face::SansBold, "Độc lập - Tự do - Hạnh phúc"),
            (10.3, 4.6, Face::Sans, "SOCIALIST REPUBLIC OF VIET NAM"),
            (12.5, 4.6, Face::Sans, "Independence - Freedom - Happiness"),
            (17.2, 8.6, Face::SansBold, "CĂN CƯỚC CÔNG DÂN"),
            (20.0, 5.0, Face::Sans, "Citizen Identity Card"),
        ] {
            side.y = y;
            side.centre(face, pt, text);
        }
        side.qr(70.6, 3.0, 12.0, &self.qr());
        portrait(&mut side);
        let x = 28.0;
        side.y = 25.0;
        line(&mut side, x, &[("Số / No.:", who.number.reveal())], 8.6);
        side.y = 28.6;
        line(&mut side, x, &[("Họ và tên / Full name:", "")], 6.6);
        side.y = 32.0;
        line(&mut side, x, &[("", &who.name.to_uppercase())], 7.6);
        side.y = 35.4;
        line(&mut side, x, &[("Ngày sinh / Date of birth:", &day(who.born))], 6.8);
        side.y = 38.7;
        line(
            &mut side,
            x,
            &[("Giới tính / Sex:", who.sex_word()), ("Quốc tịch / Nationality:", "Việt Nam")],
            6.6,
        );
        side.y = 42.0;
        line(&mut side, x, &[("Quê quán / Place of origin:", "")], 6.2);
        side.y = 44.9;
        line(&mut side, x, &[("", &who.place.full())], 6.4);
        side.y = 48.0;
        line(&mut side, x, &[("Nơi thường trú / Place of residence:", &who.street)], 4.9);
        side.y = 51.0;
        line(&mut side, x, &[("", &who.place.full())], 6.4);
        side.y = 51.0;
        line(&mut side, 3.6, &[("Giá trị đến:", &day(self.expires))], 4.9);
        side.fact(FieldName::HolderName, who.name.clone());
        side.fact(FieldName::HolderNumber, who.number.reveal());
        side.fact(FieldName::HolderBorn, who.born.to_string());
        side.fact(FieldName::ValidUntil, self.expires.to_string());
        side.finish()
    }

    fn back(&self, fonts: &Arc<Fonts>) -> Sheet {
        let mut side = Composer::on(Sheet::blank(fonts, SIZE.0, SIZE.1));
        side.paper([228, 238, 234]);
        waves(&mut side);
        let mut chance = Chance::new(self.issued.day().unsigned_abs().into());
        side.y = 6.0;
        line(&mut side, 4.0, &[("Đặc điểm nhân dạng / Personal identification:", "")], 5.6);
        side.y = 9.2;
        let scar = format!("Nốt ruồi C:{}cm trên sau đuôi mắt trái", chance.whole(1, 3));
        line(&mut side, 4.0, &[("", &scar)], 6.2);
        side.y = 14.0;
        line(&mut side, 20.5, &[("Ngày, tháng, năm / Date, month, year:", &day(self.issued))], 5.2);
        (side.left, side.right) = (22.0, 62.0);
        side.y = 17.0;
        for text in ["CỤC TRƯỞNG CỤC CẢNH SÁT", "QUẢN LÝ HÀNH CHÍNH VỀ TRẬT TỰ XÃ HỘI"]
        {
            side.centre(Face::SansBold, 4.8, text);
        }
        side.mark(Mark::Signature { x: 34.0, y: 24.5, w: 13.0, seed: 0xC0DE });
        // The chip's contacts and the two finger prints' places.
        side.mark(Mark::Fill { x: 6.0, y: 15.0, w: 12.5, h: 11.0, ink: [214, 184, 96] });
        side.frame(6.0, 15.0, 12.5, 11.0);
        side.frame(6.0 + 4.0, 15.0, 4.5, 11.0);
        for (x, finger) in [(64.5, "Ngón trỏ trái"), (75.0, "Ngón trỏ phải")] {
            side.frame(x, 9.0, 8.0, 11.5);
            for ring in 1..6 {
                let ring = ring as f32;
                side.mark(Mark::Rule {
                    from: (x + 1.2, 10.2 + ring * 1.6),
                    to: (x + 6.8, 9.4 + ring * 1.7),
                    w: 0.25,
                    ink: GREY,
                });
            }
            side.draw(x - 0.6, 7.9, Face::Sans, 4.0, LABEL, finger);
        }
        side.note("Ngón trỏ trái Ngón trỏ phải");
        for (row, text) in mrz_td1(&self.person, self.expires).iter().enumerate() {
            let y = 38.0 + 5.6 * row as f32;
            side.draw(4.6, y, Face::Mono, 12.0, BLACK, text);
            side.note(text);
        }
        side.finish()
    }
}

/// `03112025`.
fn compact(date: Date) -> String {
    format!("{:02}{:02}{}", date.day(), date.month(), date.year())
}

/// Labels small and tinted, answers larger and black; one printed line.
fn line(side: &mut Composer, mut x: f32, parts: &[(&str, &str)], pt: f32) {
    let y = side.y;
    let mut printed = Vec::new();
    for (label, value) in parts {
        for (text, face, size, ink) in
            [(*label, Face::Sans, pt.min(5.4), LABEL), (*value, Face::SansBold, pt, BLACK)]
        {
            if !text.is_empty() {
                x = side.draw(x, y, face, size, ink, text) + 1.2;
                printed.push(text);
            }
        }
        x += 1.0;
    }
    side.note(&printed.join(" "));
}

/// The pale pattern of security print.
fn waves(side: &mut Composer) {
    for i in 0..14 {
        let y = 4.0 * i as f32;
        let end = ((SIZE.1 - y) / 7.0).min(1.0);
        let to = (SIZE.0 * end, y + 7.0 * end);
        side.mark(Mark::Rule { from: (0.0, y), to, w: 0.3, ink: [238, 246, 244] });
    }
}

/// A head and shoulders of nobody, with `MẪU` across.
fn portrait(side: &mut Composer) {
    side.mark(Mark::Fill { x: 4.0, y: 19.0, w: 21.0, h: 28.0, ink: [206, 220, 232] });
    side.mark(Mark::Disc { x: 14.5, y: 30.0, r: 5.2, ink: [196, 164, 140] });
    side.mark(Mark::Fill { x: 7.5, y: 38.0, w: 14.0, h: 9.0, ink: [120, 130, 150] });
    side.draw(9.6, 23.8, Face::SansBold, 9.0, [230, 60, 60], "MẪU");
}

/// The machine-readable zone, three lines of thirty (ICAO 9303-5, TD1): document number is the
/// last nine digits of the citizen's number, which follows in full with a check digit of its own.
#[must_use]
pub fn mrz_td1(person: &Person, expires: Date) -> [String; 3] {
    let number = person.number.reveal();
    let document = &number[3..];
    let first = format!("IDVNM{document}{}{number}<<{}", check(document), check(number));
    let sex = if person.sex == Sex::Male { 'M' } else { 'F' };
    let (born, until) = (six(person.born), six(expires));
    let front = format!("{born}{}{sex}{until}{}VNM<<<<<<<<<<<", check(&born), check(&until));
    let all = format!("{}{}{}{}", &first[5..], &front[..7], &front[8..15], &front[18..]);
    let second = format!("{front}{}", check(&all));
    let folded = fold(&person.name).to_uppercase();
    let (family, given) = folded.split_once(' ').unwrap_or((&folded, ""));
    let third = format!("{family}<<{}", given.replace(' ', "<"));
    [first, second, format!("{third:<<30.30}")]
}

fn six(date: Date) -> String {
    format!("{:02}{:02}{:02}", date.year() % 100, date.month(), date.day())
}

/// Check digit: weights 7, 3, 1; digits count as they are, letters from 10, `<` as 0.
fn check(text: &str) -> u32 {
    let value = |c: char| c.to_digit(36).unwrap_or(0);
    text.chars().zip([7, 3, 1].into_iter().cycle()).map(|(c, w)| value(c) * w).sum::<u32>() % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_a_card_has_the_check_digits_of_a_real_one() {
        let mut person = Person::adult(1, Sex::Female);
        person.name = "Nguyễn Thị Mẫu".to_owned();
        person.number = "001199000013".parse().unwrap();
        person.born = date(1999, 1, 1);
        assert_eq!(
            mrz_td1(&person, date(2039, 1, 1)),
            [
                "IDVNM1990000139001199000013<<0",
                "9901018F3901016VNM<<<<<<<<<<<2",
                "NGUYEN<<THI<MAU<<<<<<<<<<<<<<<"
            ]
        );
    }

    #[test]
    fn the_code_of_a_card_has_seven_fields() {
        let card = Card::of(&Person::adult(3, Sex::Male));
        let qr = card.qr();
        let fields: Vec<&str> = qr.split('|').collect();
        assert_eq!(fields.len(), 7);
        assert_eq!(fields[0], card.person.number.reveal());
        assert!(fields[3].len() == 8 && fields[6].len() == 8);
        assert!(card.expires > card.issued);
    }
}
