//! Made-up people. Nobody is meant: names are put together by chance, and citizens' numbers end in
//! a serial part of 000000 to 000099 that is kept for such people throughout these tests.

use jiff::civil::{Date, date};
use schemas::subject::{CitizenNumber, Name, Sex, Subject};

use crate::chance::Chance;

/// Family names, the frequent ones.
const FAMILY: [&str; 14] = [
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô",
    "Dương", "Lý",
];
const MIDDLE_MALE: [&str; 8] = ["Văn", "Đức", "Minh", "Quốc", "Hữu", "Gia", "Thành", "Xuân"];
const MIDDLE_FEMALE: [&str; 8] = ["Thị", "Ngọc", "Thu", "Khánh", "Phương", "Bích", "Mỹ", "Thanh"];
const GIVEN_MALE: [&str; 16] = [
    "An", "Bảo", "Cường", "Dũng", "Đạt", "Hiếu", "Hùng", "Khoa", "Lâm", "Long", "Nghĩa", "Phúc",
    "Quân", "Sơn", "Tuấn", "Vinh",
];
const GIVEN_FEMALE: [&str; 16] = [
    "Anh", "Chi", "Diệp", "Giang", "Hạnh", "Hằng", "Huyền", "Lan", "Linh", "Mai", "Nga", "Nhung",
    "Quỳnh", "Thảo", "Trang", "Yến",
];

/// Real wards since July 2025, each with its province and the code under which numbers are
/// registered there (Circular 59/2021/TT-BCA, appendix 1).
const WARDS: [(&str, &str, u16); 16] = [
    ("phường Hoàn Kiếm", "thành phố Hà Nội", 1),
    ("phường Cửa Nam", "thành phố Hà Nội", 1),
    ("xã Đông Anh", "thành phố Hà Nội", 1),
    ("phường Chí Linh", "thành phố Hải Phòng", 30),
    ("phường Chu Văn An", "thành phố Hải Phòng", 30),
    ("phường Hạ Long", "tỉnh Quảng Ninh", 22),
    ("phường Cửa Lò", "tỉnh Nghệ An", 40),
    ("phường Hà Huy Tập", "tỉnh Hà Tĩnh", 42),
    ("phường An Cựu", "thành phố Huế", 46),
    ("phường Hải Châu", "thành phố Đà Nẵng", 48),
    ("phường Đức Phổ", "tỉnh Quảng Ngãi", 51),
    ("phường Cam Ranh", "tỉnh Khánh Hòa", 56),
    ("phường Phước Hội", "tỉnh Lâm Đồng", 60),
    ("phường Bến Cát", "thành phố Hồ Chí Minh", 74),
    ("phường Ô Môn", "thành phố Cần Thơ", 92),
    ("xã Vĩnh Thanh", "tỉnh Cà Mau", 96),
];

/// Streets of no town: trees and virtues.
const STREETS: [&str; 10] = [
    "Hoa Sữa",
    "Bằng Lăng",
    "Phượng Vĩ",
    "Sao Đen",
    "Ngọc Lan",
    "Hòa Thuận",
    "Đoàn Kết",
    "Tân Tiến",
    "Bình Minh",
    "Hướng Dương",
];

/// Where somebody lives or an office sits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Ward or commune, in lower case as it stands within a sentence: `phường Hoàn Kiếm`.
    pub ward: &'static str,
    /// Province: `thành phố Hà Nội`.
    pub province: &'static str,
    /// The province's code in citizens' numbers.
    pub code: u16,
}

impl Place {
    pub(crate) fn by_chance(chance: &mut Chance) -> Self {
        let (ward, province, code) = *chance.pick(&WARDS);
        Self { ward, province, code }
    }

    /// `phường Hoàn Kiếm, thành phố Hà Nội`.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}, {}", self.ward, self.province)
    }

    /// The province without its rank: `Hà Nội`, as it stands before a date.
    #[must_use]
    pub fn town(&self) -> &'static str {
        let name = self.province;
        name.strip_prefix("thành phố ").or_else(|| name.strip_prefix("tỉnh ")).unwrap_or(name)
    }
}

/// A made-up person.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Full name, family name first: `Nguyễn Văn An`.
    pub name: String,
    /// Identity number: passes every check there is, and is nobody's.
    pub number: CitizenNumber,
    /// Sex.
    pub sex: Sex,
    /// Date of birth.
    pub born: Date,
    /// Where the person lives.
    pub place: Place,
    /// House and street there.
    pub street: String,
}

impl Person {
    /// A grown-up of that sex, by chance.
    #[must_use]
    pub fn adult(seed: u64, sex: Sex) -> Self {
        let mut chance = Chance::new(seed ^ 0xADu64);
        let place = Place::by_chance(&mut chance);
        let family = *chance.pick(&FAMILY);
        let year = i16::try_from(chance.whole(1968, 1999)).unwrap_or(1990);
        Self::make(&mut chance, family, sex, year, place)
    }

    fn make(chance: &mut Chance, family: &str, sex: Sex, year: i16, place: Place) -> Self {
        let (middle, given) = match sex {
            Sex::Male => (chance.pick(&MIDDLE_MALE), chance.pick(&GIVEN_MALE)),
            Sex::Female => (chance.pick(&MIDDLE_FEMALE), chance.pick(&GIVEN_FEMALE)),
        };
        let born = day_in(chance, year);
        let number = number(chance, place.code, sex, year);
        let street = format!("Số {} đường {}", chance.whole(1, 240), chance.pick(&STREETS));
        Self { name: format!("{family} {middle} {given}"), number, sex, born, place, street }
    }

    /// House, street, ward and province.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}, {}", self.street, self.place.full())
    }

    /// `Nam` or `Nữ`.
    #[must_use]
    pub fn sex_word(&self) -> &'static str {
        match self.sex {
            Sex::Male => "Nam",
            Sex::Female => "Nữ",
        }
    }

    /// The person as the subject of a dossier.
    ///
    /// # Panics
    /// Never: a made-up name is 1 to 200 characters with letters among them.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let name: Name = self.name.parse().unwrap_or_else(|_| unreachable!("names are letters"));
        Subject::Citizen { number: self.number.clone(), name, born: self.born }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(made up)")
    }
}

/// Father, mother and a new-born child, living together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The father.
    pub father: Person,
    /// The mother, who has her own family name.
    pub mother: Person,
    /// The child, born in 2025 or 2026 at the parents' home town.
    pub child: Person,
    /// The day the parents were married.
    pub married: Date,
    /// The seed, for whatever else a paper needs: numbers, signatures, weights.
    pub(crate) seed: u64,
}

impl Family {
    /// A family by chance. Families of different seeds are different families.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let place = Place::by_chance(&mut chance);
        let his = *chance.pick(&FAMILY);
        let others: Vec<&str> = FAMILY.into_iter().filter(|name| *name != his).collect();
        let hers = *chance.pick(&others);
        let year = i16::try_from(chance.whole(1984, 1997)).unwrap_or(1990);
        let father = Person::make(&mut chance, his, Sex::Male, year, place.clone());
        let mut mother = Person::make(&mut chance, hers, Sex::Female, year + 2, place.clone());
        mother.street.clone_from(&father.street);
        let sex = if chance.part() < 0.5 { Sex::Male } else { Sex::Female };
        let mut child = Person::make(&mut chance, his, sex, 2025, place);
        child.street.clone_from(&father.street);
        let wedding = i16::try_from(chance.whole(2018, 2023)).unwrap_or(2020);
        let married = day_in(&mut chance, wedding);
        Self { father, mother, child, married, seed }
    }
}

fn day_in(chance: &mut Chance, year: i16) -> Date {
    let month = i8::try_from(chance.whole(1, 12)).unwrap_or(1);
    let day = i8::try_from(chance.whole(1, 28)).unwrap_or(1);
    date(year, month, day)
}

/// `PPP G YY 0000NN`: the serial part stays within 000000 to 000099, which these tests keep for
/// made-up people.
fn number(chance: &mut Chance, province: u16, sex: Sex, year: i16) -> CitizenNumber {
    let century = (year / 100 - 19) * 2 + i16::from(sex == Sex::Female);
    let serial = chance.whole(0, 99);
    let text = format!("{province:03}{century}{:02}{serial:06}", year % 100);
    text.parse().unwrap_or_else(|_| unreachable!("a made-up number is built to pass"))
}

/// `03/11/2025`.
pub(crate) fn day(date: Date) -> String {
    format!("{:02}/{:02}/{}", date.day(), date.month(), date.year())
}

/// `ngày 03 tháng 11 năm 2025`: a nought only before days under 10 and months 1 and 2
/// (Decree 30/2020, appendix I).
pub(crate) fn long_day(date: Date) -> String {
    let month = match date.month() {
        m @ 1..=2 => format!("{m:02}"),
        m => m.to_string(),
    };
    format!("ngày {:02} tháng {month} năm {}", date.day(), date.year())
}

/// A number from 1 to 99 in words.
fn words(n: i16) -> String {
    const UNITS: [&str; 10] = ["", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];
    let (tens, unit) = (n / 10, n % 10);
    let unit_word = match (tens, unit) {
        (2.., 1) => "mốt",
        (2.., 4) => "tư",
        (1.., 5) => "lăm",
        _ => UNITS[usize::try_from(unit).unwrap_or(0)],
    };
    let tens_word = match tens {
        0 => String::new(),
        1 => "mười".to_owned(),
        t => format!("{} mươi", UNITS[usize::try_from(t).unwrap_or(0)]),
    };
    format!("{tens_word} {unit_word}").trim().to_owned()
}

/// A date in words, as a birth certificate spells it: `ngày ba, tháng mười một, năm hai nghìn
/// không trăm hai mươi lăm`. For the years 2001 to 2099.
pub(crate) fn spelt(date: Date) -> String {
    format!(
        "ngày {}, tháng {}, năm hai nghìn không trăm {}",
        words(date.day().into()),
        words(date.month().into()),
        words(date.year() % 100)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_persons_number_agrees_with_sex_and_year_and_keeps_to_the_reserved_serials() {
        for seed in 0..300 {
            let family = Family::new(seed);
            for person in [&family.father, &family.mother, &family.child] {
                assert_eq!(person.number.sex(), person.sex);
                assert_eq!(person.number.check_born(person.born), Ok(()));
                assert!(person.number.reveal()[6..] <= *"000099");
            }
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_family_and_another_seed_another() {
        assert_eq!(Family::new(7), Family::new(7));
        assert_ne!(Family::new(7).father, Family::new(8).father);
    }

    #[test]
    fn dates_are_written_as_the_offices_write_them() {
        assert_eq!(long_day(date(2025, 2, 3)), "ngày 03 tháng 02 năm 2025");
        assert_eq!(long_day(date(2025, 11, 3)), "ngày 03 tháng 11 năm 2025");
        assert_eq!(
            spelt(date(2025, 11, 24)),
            "ngày hai mươi tư, tháng mười một, năm hai nghìn không trăm hai mươi lăm"
        );
        assert_eq!(spelt(date(2021, 1, 15)).split(", ").next(), Some("ngày mười lăm"));
    }
}
