//! What a record says of its paper: fields, how long it holds good, whose it is. Read off the
//! pages, but for what a person corrected: that goes before any reading.

use jiff::civil::Date;
use schemas::catalogue::Whose;
use schemas::codes::{IdentityCard, Mrz};
use schemas::kind::{Kind, Owners, Validity};
use schemas::reading::{CodeKind, PageReading};
use schemas::record::{BoundBy, Field, FieldName, FieldSource, Owner};
use schemas::subject::{CitizenNumber, Name, People, Subject};
use schemas::text::fold;

use crate::fields::{fields, valid_until};
use crate::holder::people;
use crate::kinds::Kinds;
use crate::layout::Layout;

/// What a record says of its paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Its fields, in order of their names.
    pub fields: Vec<Field>,
    /// Last day on which it holds good, where there is one and it is known.
    pub valid_until: Option<Date>,
    /// Whose it is; nobody's where it shows another person and not in full.
    pub owners: Vec<Owner>,
}

/// Whose the papers of a dossier are, as far as it says.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The people whose papers it needs.
    pub people: People<'a>,
    /// Whose paper the component that the paper is filed under asks for, where its list says so.
    pub whose: Option<Whose>,
}

/// What the paper on these pages is said to be. A field that was corrected stands in the place of
/// what was read, and the last day and the owner follow from it.
#[must_use]
pub fn describe(
    kinds: &Kinds,
    kind: &Kind,
    parties: Parties<'_>,
    pages: &[&PageReading],
    corrections: &[Field],
) -> Described {
    let corrected = |field: &Field| corrections.iter().any(|by| by.name == field.name);
    let mut fields = fields(kinds, Some(&kind.id), pages);
    fields.retain(|field| field.source != FieldSource::Policy && !corrected(field));
    fields.extend_from_slice(corrections);
    let last = valid_until(kind, &fields);
    let is_told = fields.iter().any(|field| field.name == FieldName::ValidUntil);
    if let (Validity::Months { .. }, Some(day), false) = (kind.validity, last, is_told) {
        fields.push(by_policy(day));
    }
    fields.sort_by_key(|field| field.name);
    let mut owners = owners(kind, parties, pages, &fields);
    let said = fields.iter().any(is_said);
    if kind.owners == Owners::Named && kind.reusable && !said {
        owners = with_others(owners, pages);
    }
    Described { fields, valid_until: last, owners }
}

/// Whether a field tells whose the paper is.
#[must_use]
pub fn tells_holder(name: FieldName) -> bool {
    match name {
        FieldName::HolderName | FieldName::HolderNumber | FieldName::HolderBorn => true,
        FieldName::NumberSymbol
        | FieldName::IssuedOn
        | FieldName::ActOn
        | FieldName::Issuer
        | FieldName::Signer
        | FieldName::Abstract
        | FieldName::ValidUntil
        | FieldName::Scope
        | FieldName::HolderOldNumber => false,
    }
}

fn by_policy(day: Date) -> Field {
    Field {
        name: FieldName::ValidUntil,
        value: day.to_string(),
        confidence: 1.0,
        source: FieldSource::Policy,
        page: None,
        area: None,
    }
}

/// Whose paper it is.
///
/// What a person says decides, then a card's code. A paper about one person is that person's,
/// whoever else it names; any other paper is theirs of the people whose papers the dossier needs,
/// whose number it shows, or whose name where it shows nobody's number. A paper that shows somebody
/// else and nothing of them is nobody's until a person says whose: better asked for again than held
/// for the wrong citizen. So is one that shows several of them alike, and one that shows nothing at
/// all where it may be another's than the applicant's.
fn owners(
    kind: &Kind,
    Parties { people, whose }: Parties<'_>,
    pages: &[&PageReading],
    fields: &[Field],
) -> Vec<Owner> {
    let bound = |subject: &Subject, bound_by| vec![Owner { subject: subject.clone(), bound_by }];
    let said = fields.iter().any(is_said);
    if let Some(holder) = labelled_holder(fields).filter(|_| said) {
        return bound(&holder, BoundBy::Number);
    }
    let cards: Vec<Subject> = pages.iter().filter_map(|page| card_holder(page)).collect();
    if let Some(holder) = people.all().find(|one| cards.iter().any(|card| card.agrees(one))) {
        return bound(holder, BoundBy::Number);
    }
    if let Some(holder) = cards.first() {
        return bound(holder, BoundBy::Number);
    }
    let written = |name| fields.iter().find(|field| field.name == name).map(|f| f.value.as_str());
    let (holder_number, holder_name) =
        (written(FieldName::HolderNumber), written(FieldName::HolderName));
    let digits: String = pages.iter().map(|page| digits_of(&page.text)).collect();
    let shows_number = |one: &&Subject| match kind.owners {
        Owners::Holder => holder_number == Some(one.reveal_number()),
        Owners::Named => digits.contains(one.reveal_number()),
    };
    let shows_name = |one: &&Subject| {
        let name = fold(one.name().reveal());
        match kind.owners {
            Owners::Holder => {
                holder_number.is_none() && holder_name.is_some_and(|holder| fold(holder) == name)
            }
            Owners::Named => pages.iter().any(|page| holds_name(&page.text, &name)),
        }
    };
    let named: Vec<&Subject> = people.all().filter(shows_name).collect();
    // A name within another's that is shown, or the same as it, tells nobody.
    let is_told = |one: &&Subject| {
        let name = fold(one.name().reveal());
        let mut others = named.iter().filter(|other| other.reveal_number() != one.reveal_number());
        others.all(|other| !holds_name(other.name().reveal(), &name))
    };
    // A number tells more than a name: a child's paper may name a parent.
    let by_number: Vec<&Subject> = people.all().filter(shows_number).collect();
    let (shown, bound_by) = if by_number.is_empty() {
        (named.iter().copied().filter(is_told).collect(), BoundBy::Name)
    } else {
        (by_number, BoundBy::Number)
    };
    let tells_another = kind.owners == Owners::Holder || holder_number.is_some();
    let may_be_anothers = !people.others.is_empty() && whose != Some(Whose::Applicant);
    let holder = labelled_holder(fields);
    let is_holder = |one: &&&Subject| holder.as_ref().is_some_and(|holder| holder.agrees(one));
    match (shown.as_slice(), &holder) {
        ([one], _) => bound(one, bound_by),
        ([], Some(holder)) => bound(holder, BoundBy::Number),
        ([], None) if tells_another || may_be_anothers || !named.is_empty() => Vec::new(),
        ([], None) => bound(people.applicant, BoundBy::Dossier),
        (several, _) => match several.iter().find(is_holder) {
            Some(one) => bound(one, bound_by),
            // A form is of its dossier, whomever it names.
            None if !kind.reusable => bound(several[0], bound_by),
            None => Vec::new(),
        },
    }
}

/// Whether a person said by this whose the paper is.
fn is_said(field: &Field) -> bool {
    field.source == FieldSource::Typed && tells_holder(field.name)
}

/// The owners of a paper that is everybody's whom it names, where it names several in full: both
/// spouses of a marriage. Beside an applicant whom it doesn't show they are its only ones.
fn with_others(owners: Vec<Owner>, pages: &[&PageReading]) -> Vec<Owner> {
    let sheets = pages.iter().filter(|page| !page.blank);
    let people = sheets.flat_map(|page| people(&Layout::new(page))).collect::<Vec<_>>();
    if people.len() < 2 {
        return owners;
    }
    let is_named = |owner: &&Owner| {
        let (number, name) = (owner.subject.reveal_number(), owner.subject.name());
        let is_other = |named: &Subject| named.name().agrees(name);
        people.iter().any(|named| named.reveal_number() == number)
            || (owner.bound_by == BoundBy::Name && !people.iter().any(is_other))
    };
    let mut all: Vec<Owner> = owners.iter().filter(is_named).cloned().collect();
    for subject in people {
        let number = subject.reveal_number();
        if !all.iter().any(|owner| owner.subject.reveal_number() == number) {
            all.push(Owner { subject, bound_by: BoundBy::Number });
        }
    }
    all
}

/// The holder of an identity card, by its QR or its machine-readable zone with a name beside it.
fn card_holder(page: &PageReading) -> Option<Subject> {
    page.codes.iter().find_map(|code| match code.kind {
        CodeKind::IdentityCard => IdentityCard::parse(&code.text).map(|card| Subject::Citizen {
            number: card.number,
            name: card.name,
            born: card.born,
        }),
        CodeKind::Mrz => Mrz::parse(&code.text).map(|zone| Subject::Citizen {
            number: zone.number,
            name: zone.name,
            born: zone.born,
        }),
        CodeKind::Separator | CodeKind::Other => None,
    })
}

/// The person that labelled lines name in full: number, name and date of birth, all read well.
fn labelled_holder(fields: &[Field]) -> Option<Subject> {
    const SURE: f32 = 0.8;
    let value = |name| {
        let field = fields.iter().find(|f| f.name == name && SURE <= f.confidence)?;
        Some(field.value.as_str())
    };
    let subject = Subject::Citizen {
        number: value(FieldName::HolderNumber)?.parse::<CitizenNumber>().ok()?,
        name: value(FieldName::HolderName)?.parse::<Name>().ok()?,
        born: value(FieldName::HolderBorn)?.parse().ok()?,
    };
    subject.check().is_ok().then_some(subject)
}

/// Runs of digits, each on its own, gaps within a number closed: `001 199 000013`.
fn digits_of(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            ' ' | '.' => {}
            _ if out.ends_with(' ') => {}
            _ => out.push(' '),
        }
    }
    out.push(' ');
    out
}

/// Whether the folded name stands in the text as whole words.
fn holds_name(text: &str, name: &str) -> bool {
    let words: String =
        fold(text).chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(" {words} ").contains(&format!(" {name} "))
}

#[cfg(test)]
mod tests {
    use schemas::ids::Blake3;
    use schemas::reading::Code;

    use super::*;

    fn applicant() -> Subject {
        Subject::Citizen {
            number: "001199000013".parse().unwrap(),
            name: "Nguyễn Thị Mẫu".parse().unwrap(),
            born: "1999-01-01".parse().unwrap(),
        }
    }

    fn page(text: &str, codes: Vec<Code>) -> PageReading {
        PageReading {
            width: 1654,
            height: 2339,
            dpi: 200,
            text: text.to_owned(),
            confidence: 0.9,
            codes,
            ..PageReading::unread(0, Blake3([0; 32]))
        }
    }

    fn field(name: FieldName, value: &str) -> Field {
        let value = value.to_owned();
        let source = FieldSource::Ocr;
        Field { name, value, confidence: 0.9, source, page: Some(0), area: None }
    }

    /// A kind of paper that is of whom it names, or of the one whom it is about.
    fn kind(owners: Owners) -> Kind {
        let id = match owners {
            Owners::Named => "health_certificate",
            Owners::Holder => "birth_certificate",
        };
        let kind = Kinds::shipped().get(&id.parse().unwrap()).unwrap().clone();
        assert_eq!(kind.owners, owners);
        kind
    }

    #[track_caller]
    fn check(whose: Owners, page: PageReading, fields: &[Field], want: &[(&str, BoundBy)]) {
        check_of(&[], None, whose, page, fields, want);
    }

    /// The same of a dossier that needs papers of others, too.
    #[track_caller]
    fn check_of(
        others: &[Subject],
        whose: Option<Whose>,
        owners_are: Owners,
        page: PageReading,
        fields: &[Field],
        want: &[(&str, BoundBy)],
    ) {
        let people = People { applicant: &applicant(), others };
        let got = owners(&kind(owners_are), Parties { people, whose }, &[&page], fields);
        let got: Vec<_> = got.iter().map(|o| (o.subject.reveal_number(), o.bound_by)).collect();
        assert_eq!(got, want);
    }

    const OWN: &str = "001199000013";
    const OTHER: &str = "001099000027";

    #[test]
    fn a_paper_is_bound_to_whom_it_names() {
        let check = |text: &str, bound_by| {
            check(Owners::Named, page(text, vec![]), &[], &[(OWN, bound_by)]);
        };
        check("Số định danh: 001199000013", BoundBy::Number);
        check("Số định danh cá nhân: 001 199 000 013.", BoundBy::Number);
        check("Họ tên: NGUYEN THỊ MẪU, sinh năm", BoundBy::Name);
        check("Một tờ giấy", BoundBy::Dossier);
    }

    #[test]
    fn anothers_paper_is_never_bound_to_the_applicant() {
        let qr = "001099000027||Trần Văn Thử|02031999|Nam|Hà Nội|01012022";
        let code = Code { kind: CodeKind::IdentityCard, text: qr.to_owned() };
        let card = page("CĂN CƯỚC", vec![code]);
        check(Owners::Holder, card, &[], &[(OTHER, BoundBy::Number)]);

        let number = field(FieldName::HolderNumber, OTHER);
        check(Owners::Named, page("Số định danh: 001099000027", vec![]), &[number], &[]);
    }

    #[test]
    fn a_paper_of_another_whom_the_dossier_names_is_theirs() {
        let child = |name: &str| Subject::Citizen {
            number: OTHER.parse().unwrap(),
            name: name.parse().unwrap(),
            born: "1999-03-02".parse().unwrap(),
        };
        let check = |name: &str, text: &str, want: &[(&str, BoundBy)]| {
            check_of(&[child(name)], None, Owners::Named, page(text, vec![]), &[], want);
        };
        let name = "Trần Văn Thử";
        check(name, "Số định danh: 001 099 000 027", &[(OTHER, BoundBy::Number)]);
        check(name, "Họ và tên: TRẦN VĂN THỬ", &[(OTHER, BoundBy::Name)]);
        check(name, "Họ và tên: NGUYỄN THỊ MẪU", &[(OWN, BoundBy::Name)]);
        // A parent's name on it doesn't make it the parent's.
        let text = "Họ tên trẻ: Trần Văn Thử, số 001099000027. Người đưa trẻ đến: Nguyễn Thị Mẫu";
        check(name, text, &[(OTHER, BoundBy::Number)]);
        check(name, "Trần Văn Thử, con của Nguyễn Thị Mẫu", &[]);
        check(name, "Trần Văn Thử 001099000027, Nguyễn Thị Mẫu 001199000013", &[]);
        // The parent's name stands in the child's.
        check("Nguyễn Thị Mẫu Đơn", "Họ và tên: Nguyễn Thị Mẫu Đơn", &[(OTHER, BoundBy::Name)]);
        check("Nguyễn Thị Mẫu", "Họ và tên: Nguyễn Thị Mẫu", &[]);

        let holder = [field(FieldName::HolderName, "TRẦN VĂN THỬ")];
        let others = [child(name)];
        let of = Owners::Holder;
        let want = [(OTHER, BoundBy::Name)];
        check_of(&others, None, of, page("Họ tên: Trần Văn Thử", vec![]), &holder, &want);
    }

    #[test]
    fn a_paper_that_shows_nobody_is_the_applicants_where_it_can_be_nobody_elses() {
        let others = [Subject::Citizen {
            number: OTHER.parse().unwrap(),
            name: "Trần Văn Thử".parse().unwrap(),
            born: "1999-03-02".parse().unwrap(),
        }];
        let check = |whose, want: &[(&str, BoundBy)]| {
            check_of(&others, whose, Owners::Named, page("Một tờ giấy", vec![]), &[], want);
        };
        check(None, &[]);
        check(Some(Whose::Other), &[]);
        check(Some(Whose::Applicant), &[(OWN, BoundBy::Dossier)]);
    }

    #[test]
    fn a_childs_birth_certificate_is_not_the_mothers() {
        let text = "Họ tên: Trần Văn Thử. Họ tên mẹ: Nguyễn Thị Mẫu, số 001199000013";
        let child = [
            field(FieldName::HolderName, "Trần Văn Thử"),
            field(FieldName::HolderNumber, OTHER),
            field(FieldName::HolderBorn, "1999-03-02"),
        ];
        check(Owners::Holder, page(text, vec![]), &child, &[(OTHER, BoundBy::Number)]);
        check(Owners::Holder, page(text, vec![]), &child[..1], &[]);
        check(Owners::Holder, page(text, vec![]), &[], &[]);
        let own = [field(FieldName::HolderName, "NGUYỄN THỊ MẪU")];
        check(Owners::Holder, page(text, vec![]), &own, &[(OWN, BoundBy::Name)]);
    }

    #[test]
    fn what_a_person_corrected_goes_before_what_was_read() {
        let kinds = Kinds::shipped();
        let kind = kinds.get(&"judicial_record_1".parse().unwrap()).unwrap();
        let page = page("PHIẾU LÝ LỊCH TƯ PHÁP SỐ 1", vec![]);
        let typed = |name, value: &str| Field { source: FieldSource::Typed, ..field(name, value) };
        let applicant = applicant();
        let people = People { applicant: &applicant, others: &[] };
        let parties = Parties { people, whose: None };
        let describe = |typed: &[Field]| describe(&kinds, kind, parties, &[&page], typed);
        let value = |told: &Described, name| {
            let mut of = told.fields.iter().filter(|field| field.name == name);
            let value = of.next().map(|field| field.value.clone());
            assert_eq!(of.next(), None, "a field stands there once");
            value
        };
        assert_eq!(describe(&[]).valid_until, None);
        let issued = typed(FieldName::IssuedOn, "2026-01-17");
        let told = describe(std::slice::from_ref(&issued));
        assert_eq!(told.valid_until, Some(jiff::civil::date(2026, 7, 17)));
        assert_eq!(value(&told, FieldName::ValidUntil).as_deref(), Some("2026-07-17"));
        // A person's last day goes before the kind's policy.
        let told = describe(&[issued, typed(FieldName::ValidUntil, "2026-03-01")]);
        assert_eq!(told.valid_until, Some(jiff::civil::date(2026, 3, 1)));
        assert_eq!(value(&told, FieldName::ValidUntil).as_deref(), Some("2026-03-01"));
        let holder = [
            typed(FieldName::HolderNumber, OTHER),
            typed(FieldName::HolderName, "Trần Văn Thử"),
            typed(FieldName::HolderBorn, "1999-03-02"),
        ];
        let told = describe(&holder);
        assert_eq!(told.owners[0].subject.reveal_number(), OTHER);
    }
}
