//! The press: kinds of paper, and setting any of them from a seed.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::{Date, date};

use crate::fonts::{FONTS_DIR, Fonts, FontsError};
use crate::forms::card::Card;
use crate::forms::official::{Decision, Letter};
use crate::forms::{civil, health, residence, separator};
use crate::person::{Family, Person};
use crate::sheet::Sheet;

/// Kinds of paper that the press can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Giấy khai sinh.
    BirthCertificate,
    /// Tờ khai đăng ký khai sinh.
    BirthDeclaration,
    /// Giấy chứng sinh.
    BirthNote,
    /// Giấy chứng nhận kết hôn.
    MarriageCertificate,
    /// Thẻ căn cước công dân, front and back as two sheets of a card's size.
    IdentityCard,
    /// Both sides of a card on one A4 page, as offices copy them.
    IdentityCardCopy,
    /// Tờ khai thay đổi thông tin cư trú (CT01).
    ResidenceDeclaration,
    /// Giấy ủy quyền.
    Authorisation,
    /// Quyết định, two pages.
    Decision,
    /// Công văn.
    Letter,
    /// A separator sheet with a QR code.
    Separator,
    /// A blank back through which the front's seal shines.
    BlankBack,
}

/// No kind of paper has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no kind of paper is called {0:?}; there are {known}", known = Kind::ALL.map(Kind::id).join(", "))]
pub struct UnknownKind(String);

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 12] = [
        Kind::BirthCertificate,
        Kind::BirthDeclaration,
        Kind::BirthNote,
        Kind::MarriageCertificate,
        Kind::IdentityCard,
        Kind::IdentityCardCopy,
        Kind::ResidenceDeclaration,
        Kind::Authorisation,
        Kind::Decision,
        Kind::Letter,
        Kind::Separator,
        Kind::BlankBack,
    ];

    /// The kind's name on the command line and in `dossier.json`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Kind::BirthCertificate => "birth_certificate",
            Kind::BirthDeclaration => "birth_declaration",
            Kind::BirthNote => "birth_note",
            Kind::MarriageCertificate => "marriage_certificate",
            Kind::IdentityCard => "identity_card",
            Kind::IdentityCardCopy => "identity_card_copy",
            Kind::ResidenceDeclaration => "residence_declaration",
            Kind::Authorisation => "authorisation",
            Kind::Decision => "decision",
            Kind::Letter => "letter",
            Kind::Separator => "separator",
            Kind::BlankBack => "blank_back",
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Kind::ALL.into_iter().find(|kind| kind.id() == text);
        found.ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Sets papers. Cheap to clone; open one and keep it.
#[derive(Debug, Clone)]
pub struct Press {
    fonts: Arc<Fonts>,
}

impl Press {
    /// A press with the typefaces where Debian puts them.
    ///
    /// # Errors
    /// [`FontsError`] when `fonts-liberation2` is not installed.
    pub fn open() -> Result<Self, FontsError> {
        Self::open_in(Path::new(FONTS_DIR))
    }

    /// A press with the Liberation typefaces of another folder.
    ///
    /// # Errors
    /// [`FontsError`] when one of them is not there.
    pub fn open_in(fonts: &Path) -> Result<Self, FontsError> {
        Ok(Self { fonts: Arc::new(Fonts::load(fonts)?) })
    }

    /// A paper of that kind about a made-up family, sides in order. Everything follows from the
    /// seed; papers of different seeds differ.
    #[must_use]
    pub fn paper(&self, kind: Kind, seed: u64) -> Vec<Sheet> {
        let family = Family::new(seed);
        match kind {
            Kind::BirthCertificate => vec![self.birth_certificate(&family)],
            Kind::BirthDeclaration => vec![self.birth_declaration(&family)],
            Kind::BirthNote => vec![self.birth_note(&family)],
            Kind::MarriageCertificate => vec![self.marriage_certificate(&family)],
            Kind::IdentityCard => self.identity_card(&Card::of(&family.father)).to_vec(),
            Kind::IdentityCardCopy => vec![self.identity_card_copy(&Card::of(&family.mother))],
            Kind::ResidenceDeclaration => vec![self.residence_declaration(&family)],
            Kind::Authorisation => vec![self.authorisation(&family)],
            Kind::Decision => self.decision(&Decision::by_chance(seed)),
            Kind::Letter => vec![self.letter(&Letter::by_chance(seed))],
            Kind::Separator => {
                let year = family.child.born.year() % 100;
                let dossier = format!("H99.01.01-{year:02}0103-{:04}", seed % 10_000);
                vec![self.separator(&dossier, "1.001193-TP01")]
            }
            Kind::BlankBack => vec![self.birth_certificate(&family).back(0.12)],
        }
    }

    /// The first page of a paper with text, of whatever kind the seed falls on: for tests that
    /// want many pages and don't mind which.
    #[must_use]
    pub fn page(&self, seed: u64) -> Sheet {
        const PLAIN: [Kind; 8] = [
            Kind::BirthCertificate,
            Kind::BirthDeclaration,
            Kind::BirthNote,
            Kind::MarriageCertificate,
            Kind::ResidenceDeclaration,
            Kind::Authorisation,
            Kind::Decision,
            Kind::Letter,
        ];
        let kind = PLAIN[usize::try_from(seed % 8).unwrap_or(0)];
        let mut sheets = self.paper(kind, seed);
        sheets.swap_remove(0)
    }

    /// Giấy khai sinh of the child.
    #[must_use]
    pub fn birth_certificate(&self, family: &Family) -> Sheet {
        civil::birth_certificate(&self.fonts, family)
    }

    /// Tờ khai đăng ký khai sinh, filled in by the father.
    #[must_use]
    pub fn birth_declaration(&self, family: &Family) -> Sheet {
        civil::birth_declaration(&self.fonts, family)
    }

    /// Giấy chứng sinh from the hospital.
    #[must_use]
    pub fn birth_note(&self, family: &Family) -> Sheet {
        civil::birth_note(&self.fonts, family)
    }

    /// Giấy chứng nhận kết hôn of the parents.
    #[must_use]
    pub fn marriage_certificate(&self, family: &Family) -> Sheet {
        civil::marriage_certificate(&self.fonts, family)
    }

    /// Trích lục ghi chú ly hôn of the parents, issued on that day.
    #[must_use]
    pub fn divorce_extract(&self, family: &Family, on: jiff::civil::Date) -> Sheet {
        civil::divorce_extract(&self.fonts, family, on)
    }

    /// Giấy xác nhận tình trạng hôn nhân of the father, issued on that day.
    #[must_use]
    pub fn marital_status(&self, family: &Family, on: jiff::civil::Date) -> Sheet {
        civil::marital_status(&self.fonts, family, on)
    }

    /// Thẻ căn cước công dân: front and back, of a card's size (85.6 by 54 mm). Scan at 300 dpi:
    /// the print is small.
    #[must_use]
    pub fn identity_card(&self, card: &Card) -> [Sheet; 2] {
        card.sheets(&self.fonts)
    }

    /// Both sides of the card on one A4 page.
    #[must_use]
    pub fn identity_card_copy(&self, card: &Card) -> Sheet {
        let [front, back] = card.sheets(&self.fonts);
        let mut page = self.blank();
        page.lay(&front, 62.2, 40.0);
        page.lay(&back, 62.2, 115.0);
        page
    }

    /// Tờ khai thay đổi thông tin cư trú (CT01): the mother and the child move in with the
    /// father.
    #[must_use]
    pub fn residence_declaration(&self, family: &Family) -> Sheet {
        residence::declaration(&self.fonts, family)
    }

    /// Giấy ủy quyền: the father lets the mother register the birth.
    #[must_use]
    pub fn authorisation(&self, family: &Family) -> Sheet {
        residence::authorisation(&self.fonts, family)
    }

    /// Quyết định of a ward's people's committee: two pages.
    #[must_use]
    pub fn decision(&self, decision: &Decision) -> Vec<Sheet> {
        decision.sheets(&self.fonts)
    }

    /// Công văn of a ward's people's committee.
    #[must_use]
    pub fn letter(&self, letter: &Letter) -> Sheet {
        letter.sheet(&self.fonts)
    }

    /// Giấy khám sức khỏe of that person; whoever brought a child there is named on it, too.
    #[must_use]
    pub fn health_certificate(
        &self,
        person: &Person,
        brought_by: Option<&Person>,
        issued: Date,
    ) -> Sheet {
        health::certificate(&self.fonts, person, brought_by, issued)
    }

    /// A separator sheet whose QR code says `SOHOA|1|<dossier>|<component>`.
    #[must_use]
    pub fn separator(&self, dossier: &str, component: &str) -> Sheet {
        separator::sheet(&self.fonts, dossier, component)
    }

    /// A clean A4 sheet.
    #[must_use]
    pub fn blank(&self) -> Sheet {
        Sheet::blank(&self.fonts, 210.0, 297.0)
    }
}

/// A day after everything else on these papers: what is handed in now was issued before.
pub(crate) const TODAY: jiff::civil::Date = date(2026, 3, 16);

#[cfg(test)]
mod tests {
    use ab_glyph::Font;

    use super::*;
    use crate::marks::Mark;

    /// Every side of every kind, for a number of seeds.
    fn sides(seeds: std::ops::Range<u64>) -> Vec<(Kind, u64, Sheet)> {
        let press = Press::open().expect("fonts-liberation2 is installed");
        let papers = seeds.flat_map(|seed| Kind::ALL.map(|kind| (kind, seed)));
        papers
            .flat_map(|(kind, seed)| {
                press.paper(kind, seed).into_iter().map(move |sheet| (kind, seed, sheet))
            })
            .collect()
    }

    #[test]
    fn text_stays_on_its_sheet_and_runs_into_no_other_text() {
        for (kind, seed, sheet) in sides(0..60) {
            let mut runs: Vec<(f32, f32, f32, &str)> = Vec::new();
            for mark in &sheet.marks {
                if let Mark::Text { x, y, pt, face, text, .. } = mark {
                    let end = x + sheet.fonts.width(*face, *pt, text);
                    let inside = *x > 2.0 && end < sheet.width_mm - 0.8;
                    assert!(inside && *y < sheet.height_mm - 1.0, "{kind:?} {seed}: {text}");
                    for (y2, x2, end2, other) in &runs {
                        let apart = (y - y2).abs() > 1.8 || *x >= end2 - 0.1 || end <= x2 + 0.1;
                        assert!(apart, "{kind:?} {seed}: {text} | {other}");
                    }
                    runs.push((*y, *x, end, text));
                }
            }
        }
    }

    #[test]
    fn every_letter_of_every_paper_has_a_glyph() {
        for (kind, seed, sheet) in sides(0..20) {
            for mark in &sheet.marks {
                if let Mark::Text { face, text, .. } = mark {
                    let font = sheet.fonts.face(*face, 10.0).font;
                    let bare = text.chars().find(|c| font.glyph_id(*c).0 == 0);
                    assert_eq!(bare, None, "{kind:?} {seed}: {text}");
                }
            }
        }
    }

    #[test]
    fn printed_lines_are_tidy_and_only_blank_backs_have_none() {
        for (kind, seed, sheet) in sides(0..20) {
            for line in &sheet.lines {
                assert_eq!(*line, schemas::text::tidy(line), "{kind:?} {seed}");
                assert!(!line.is_empty() && !line.contains('*'), "{kind:?} {seed}: {line}");
            }
            assert_eq!(sheet.lines.is_empty(), kind == Kind::BlankBack);
            assert_eq!(sheet.is_blank(), kind == Kind::BlankBack);
        }
    }

    #[test]
    fn a_kind_is_found_by_its_id() {
        for kind in Kind::ALL {
            assert_eq!(kind.id().parse(), Ok(kind));
        }
        let unknown = "receipt".parse::<Kind>().unwrap_err().to_string();
        assert!(unknown.contains("receipt") && unknown.contains("birth_note"), "{unknown}");
    }
}
