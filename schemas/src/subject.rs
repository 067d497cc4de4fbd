//! Whom a record belongs to. Numbers and names of people cannot be printed by accident: there
//! is no `Display`, and `Debug` shows next to nothing. Searching for `reveal` is the audit.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text;

/// A citizen's identity number (số định danh cá nhân): 12 digits `PPP G YY RRRRRR`, that is the
/// province of birth registration, century and sex, year of birth, and a running number.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9]{12}$", example = "001199000013")]
pub struct CitizenNumber(String);

/// Sex, as a citizen's number tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Nam.
    Male,
    /// Nữ.
    Female,
}

/// What is wrong with a citizen's or an organisation's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not the right count of digits, or not digits.
    #[error("not the right number of digits")]
    Digits,
    /// The first three digits name no province.
    #[error("no province has that code")]
    Province,
    /// The year in the number is not the year of the birth date given.
    #[error("the year of birth differs from the number")]
    Born,
    /// The check digit is wrong.
    #[error("the check digit is wrong")]
    CheckDigit,
}

/// Codes of the 63 provinces that numbers are registered under: they stay as they were before
/// the provinces were merged in 2025 (Circular 59/2021/TT-BCA, appendix 1).
const PROVINCES: [u16; 63] = [
    1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37,
    38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77,
    79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96,
];

impl CitizenNumber {
    /// The number itself. Search for callers of this to audit disclosure.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Year of birth, 1900 to 2399.
    #[must_use]
    pub fn birth_year(&self) -> i16 {
        1900 + 100 * (self.digit(3) / 2) + 10 * self.digit(4) + self.digit(5)
    }

    /// Sex.
    #[must_use]
    pub fn sex(&self) -> Sex {
        if self.digit(3) % 2 == 0 { Sex::Male } else { Sex::Female }
    }

    /// Checks the number against a birth date.
    ///
    /// # Errors
    /// [`NumberError::Born`] when the years differ.
    pub fn check_born(&self, born: Date) -> Result<(), NumberError> {
        if self.birth_year() == born.year() { Ok(()) } else { Err(NumberError::Born) }
    }

    /// The digit at place `i`, from 0; the constructor saw to it that there are twelve.
    fn digit(&self, i: usize) -> i16 {
        i16::from(self.0.as_bytes()[i] - b'0')
    }
}

impl FromStr for CitizenNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '.')).collect();
        if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError::Digits);
        }
        let province = digits[..3].parse().map_err(|_| NumberError::Digits)?;
        if PROVINCES.binary_search(&province).is_err() {
            return Err(NumberError::Province);
        }
        Ok(Self(digits))
    }
}

impl TryFrom<String> for CitizenNumber {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CitizenNumber> for String {
    fn from(number: CitizenNumber) -> String {
        number.0
    }
}

impl fmt::Debug for CitizenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CitizenNumber(…{})", &self.0[9..])
    }
}

/// An organisation's tax code (mã số thuế): 10 digits with a check digit, or `10-3` for a branch.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9]{10}(-[0-9]{3})?$", example = "0100109106")]
pub struct OrganisationNumber(String);

impl OrganisationNumber {
    /// The number itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganisationNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (main, branch) = text.split_once('-').map_or((text, None), |(m, b)| (m, Some(b)));
        let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
        if !digits(main, 10) || branch.is_some_and(|b| !digits(b, 3)) {
            return Err(NumberError::Digits);
        }
        // Tenth digit: 10 minus the weighted sum of the first nine, modulo 11.
        const WEIGHTS: [u32; 9] = [31, 29, 23, 19, 17, 13, 7, 5, 3];
        let value = |b: u8| u32::from(b - b'0');
        let sum: u32 = main.bytes().zip(WEIGHTS).map(|(b, w)| value(b) * w).sum();
        if 10 - i64::from(sum % 11) != i64::from(value(main.as_bytes()[9])) {
            return Err(NumberError::CheckDigit);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for OrganisationNumber {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OrganisationNumber> for String {
    fn from(number: OrganisationNumber) -> String {
        number.0
    }
}

impl fmt::Debug for OrganisationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrganisationNumber(…)")
    }
}

/// A person's or an organisation's name: tidy text, 1 to 200 characters. Not printable.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 200)]
pub struct Name(String);

/// The text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 200 characters, letters among them")]
pub struct NotAName;

impl Name {
    /// The name itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether both are the same name, accents, case and spacing aside.
    #[must_use]
    pub fn agrees(&self, other: &Name) -> bool {
        self.compared() == other.compared()
    }

    /// The name as it is compared. `Lý` and `Lí` are two spellings of one name, and what isn't a
    /// letter tells nothing.
    #[must_use]
    pub fn compared(&self) -> String {
        let letters = text::fold(&self.0).replace('y', "i");
        let words = letters.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether one could be a slip or a short form of the other: at most one word more, less or
    /// different, or the same words in another order.
    #[must_use]
    pub fn resembles(&self, other: &Name) -> bool {
        let (one, other) = (self.compared(), other.compared());
        let words = |name: &str| name.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (one, mut rest) = (words(&one), words(&other));
        let most = one.len().max(rest.len());
        let mut shared = 0;
        for word in one {
            if let Some(at) = rest.iter().position(|other| *other == word) {
                rest.swap_remove(at);
                shared += 1;
            }
        }
        2 <= shared && most <= shared + 1
    }
}

impl FromStr for Name {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text::tidy(text);
        let fits = (1..=200).contains(&name.chars().count());
        if !fits || !name.chars().any(char::is_alphabetic) {
            return Err(NotAName);
        }
        Ok(Self(name))
    }
}

impl TryFrom<String> for Name {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

/// How two subjects compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same: number and name, and birth date for citizens.
    Same,
    /// Perhaps the same, with a slip somewhere. Never enough to hand anything out: a person
    /// compares the papers.
    Near,
    /// Somebody else.
    Other,
}

/// What two subjects are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectPart {
    /// Số định danh.
    Number,
    /// Họ tên.
    Name,
    /// Ngày sinh.
    Born,
}

/// Whom a dossier or a record belongs to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// A citizen.
    Citizen {
        /// Identity number.
        number: CitizenNumber,
        /// Full name.
        name: Name,
        /// Date of birth.
        #[schema(value_type = String, format = Date)]
        born: Date,
    },
    /// An organisation.
    Organisation {
        /// Tax code.
        number: OrganisationNumber,
        /// Registered name.
        name: Name,
    },
}

impl Subject {
    /// Checks what the parts can't check alone: the year of birth against the number.
    ///
    /// # Errors
    /// [`NumberError::Born`] when the years differ.
    pub fn check(&self) -> Result<(), NumberError> {
        match self {
            Subject::Citizen { number, born, .. } => number.check_born(*born),
            Subject::Organisation { .. } => Ok(()),
        }
    }

    /// The number that identifies the subject, as text.
    #[must_use]
    pub fn reveal_number(&self) -> &str {
        match self {
            Subject::Citizen { number, .. } => number.reveal(),
            Subject::Organisation { number, .. } => number.reveal(),
        }
    }

    /// The subject's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Subject::Citizen { name, .. } | Subject::Organisation { name, .. } => name,
        }
    }

    /// Date of birth; none of organisations.
    #[must_use]
    pub fn born(&self) -> Option<Date> {
        match self {
            Subject::Citizen { born, .. } => Some(*born),
            Subject::Organisation { .. } => None,
        }
    }

    /// Whether both are the same subject: number and name, and birth date for citizens.
    #[must_use]
    pub fn agrees(&self, other: &Subject) -> bool {
        self.reveal_number() == other.reveal_number()
            && self.name().agrees(other.name())
            && self.born() == other.born()
    }

    /// Whether a text names the subject, by name or number. Nothing that stands in the audit may:
    /// it outlives what is kept of them.
    #[must_use]
    pub fn is_named_in(&self, said: &str) -> bool {
        let words = |said: &str| {
            let folded = text::fold(said);
            let words = folded.split(|letter: char| !letter.is_alphanumeric());
            format!(" {} ", words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        };
        let digits = |said: &str| said.chars().filter(char::is_ascii_digit).collect::<String>();
        digits(said).contains(&digits(self.reveal_number()))
            || words(said).contains(&words(self.name().reveal()))
    }

    /// In which of number, name and birth date the subject differs from such a one.
    #[must_use]
    pub fn differs(&self, number: &str, name: &Name, born: Option<Date>) -> Vec<SubjectPart> {
        let mut parts = Vec::new();
        if self.reveal_number() != number {
            parts.push(SubjectPart::Number);
        }
        if !self.name().agrees(name) {
            parts.push(SubjectPart::Name);
        }
        if self.born() != born {
            parts.push(SubjectPart::Born);
        }
        parts
    }

    /// How the subject compares to one whose number may be an old one of nine digits (chứng
    /// minh nhân dân), which stands on no record and so is never enough.
    #[must_use]
    pub fn likeness(&self, number: &str, name: &Name, born: Option<Date>) -> Likeness {
        let own_born = self.born();
        let (same_number, same_born) = (self.reveal_number() == number, own_born == born);
        let same_name = self.name().agrees(name);
        let slip = is_old_number(number) || is_slip(self.reveal_number(), number);
        match (same_number, same_name, same_born) {
            (true, true, true) => Likeness::Same,
            (true, true, false) => Likeness::Near,
            (true, false, true) if self.name().resembles(name) => Likeness::Near,
            (false, true, true) if slip && own_born.is_some() => Likeness::Near,
            _ => Likeness::Other,
        }
    }
}

/// The people whose papers an application needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct People<'a> {
    /// Who applies.
    pub applicant: &'a Subject,
    /// The others, in the order in which they were named.
    pub others: &'a [Subject],
}

impl<'a> People<'a> {
    /// All of them, the applicant first.
    pub fn all(self) -> impl Iterator<Item = &'a Subject> + Clone {
        std::iter::once(self.applicant).chain(self.others)
    }

    /// Whether two of them have one number.
    #[must_use]
    pub fn is_any_twice(self) -> bool {
        let numbers: Vec<&str> = self.all().map(Subject::reveal_number).collect();
        (1..numbers.len()).any(|nth| numbers[..nth].contains(&numbers[nth]))
    }
}

/// Whether a number is an old one of nine digits.
#[must_use]
pub fn is_old_number(number: &str) -> bool {
    number.len() == 9 && number.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether two numbers of one length differ in at most two digits: one mistyped, or two swapped.
fn is_slip(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count();
    one.len() == other.len() && differing <= 2
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Citizen { .. } => f.write_str("Citizen(…)"),
            Subject::Organisation { .. } => f.write_str("Organisation(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<(i16, Sex), NumberError>) {
        let got = text.parse::<CitizenNumber>().map(|n| (n.birth_year(), n.sex()));
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn a_citizens_number_tells_year_and_sex() {
        check("001199000013", Ok((1999, Sex::Female)));
        check("001 099 000 013", Ok((1999, Sex::Male)));
        check("079305000013", Ok((2005, Sex::Female)));
        check("003199000013", Err(NumberError::Province));
        check("00119900001", Err(NumberError::Digits));
        check("00119900001x", Err(NumberError::Digits));
        check("００１１９９００００１３", Err(NumberError::Digits));
    }

    #[test]
    fn the_year_of_birth_must_agree_with_the_number() {
        let number: CitizenNumber = "001199000013".parse().unwrap();
        assert_eq!(number.check_born(date(1999, 1, 1)), Ok(()));
        assert_eq!(number.check_born(date(1998, 1, 1)), Err(NumberError::Born));
    }

    #[test]
    fn an_organisations_number_has_a_check_digit() {
        assert!("0100109106".parse::<OrganisationNumber>().is_ok());
        assert!("0100109106-001".parse::<OrganisationNumber>().is_ok());
        assert_eq!("0100109105".parse::<OrganisationNumber>(), Err(NumberError::CheckDigit));
        assert_eq!("010010910".parse::<OrganisationNumber>(), Err(NumberError::Digits));
    }

    #[test]
    fn only_number_and_name_and_birth_date_make_a_person() {
        let subject = Subject::Citizen {
            number: "001199000013".parse().unwrap(),
            name: "Nguyễn Thị Lý".parse().unwrap(),
            born: date(1999, 1, 1),
        };
        let check = |number: &str, name: &str, born, want| {
            let got = subject.likeness(number, &name.parse().unwrap(), Some(born));
            assert_eq!(got, want, "{number} {name} {born}");
        };
        let born = date(1999, 1, 1);
        check("001199000013", "NGUYEN THI LI", born, Likeness::Same);
        check("001199000013", "Nguyễn-Thị  Lí", born, Likeness::Same);
        check("001199000013", "Nguyễn Lý", born, Likeness::Near);
        check("001199000013", "Nguyễn Thị Lan", born, Likeness::Near);
        check("001199000013", "Nguyễn Thị Lý", date(1999, 1, 2), Likeness::Near);
        check("001199000031", "Nguyễn Thị Lý", born, Likeness::Near);
        check("012345678", "Nguyễn Thị Lý", born, Likeness::Near);
        check("012345678", "Nguyễn Thị Lan", born, Likeness::Other);
        check("079199123456", "Nguyễn Thị Lý", born, Likeness::Other);
        check("001199000013", "Trần Văn Khác", born, Likeness::Other);
        check("001199000013", "Nguyễn Thị Lan", date(1999, 1, 2), Likeness::Other);
    }

    #[test]
    fn nothing_personal_can_be_printed_by_accident() {
        let subject = Subject::Citizen {
            number: "001199000013".parse().unwrap(),
            name: "Nguyễn Thị Mẫu".parse().unwrap(),
            born: date(1999, 1, 1),
        };
        let printed = format!("{subject:?}");
        assert_eq!(printed, "Citizen(…)");
        let Subject::Citizen { number, name, .. } = subject else { unreachable!() };
        assert_eq!(format!("{number:?} {name:?}"), "CitizenNumber(…013) Name(…)");
    }
}
