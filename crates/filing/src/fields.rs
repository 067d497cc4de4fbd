//! The fields of a paper, each read where it stands, with how sure and where from.

use jiff::ToSpan;
use jiff::civil::Date;
use schemas::ids::KindId;
use schemas::kind::{EndsOn, Kind, Validity};
use schemas::reading::PageReading;
use schemas::record::{Field, FieldName, FieldSource};
use schemas::text;

use crate::act;
use crate::dates;
use crate::holder;
use crate::kinds::Kinds;
use crate::layout::Layout;
use crate::letterhead::{self, Read};
use crate::signature;
use crate::summary;
use crate::told::{self, Told};

/// Fields of the paper on these pages, in order of their names. What does not stand there, or
/// could not be read, is left out; what a code tells goes before what was read off the image.
#[must_use]
pub fn fields(kinds: &Kinds, kind: Option<&KindId>, pages: &[&PageReading]) -> Vec<Field> {
    let layouts: Vec<Layout<'_>> =
        pages.iter().filter(|p| !p.blank).map(|page| Layout::new(page)).collect();
    let places: Vec<usize> =
        pages.iter().enumerate().filter(|(_, p)| !p.blank).map(|(place, _)| place).collect();
    let page_of = |layout: usize| places.get(layout).and_then(|p| u32::try_from(*p).ok());
    let mut found = Found(Vec::new());
    let mut told: Vec<(usize, Told)> = (layouts.iter().enumerate())
        .flat_map(|(place, layout)| {
            told::told(layout.page).into_iter().map(move |told| (place, told))
        })
        .collect();
    // The QR has the accents that the machine-readable zone lacks.
    told.sort_by_key(|(_, told)| told.source != FieldSource::Qr);
    told.iter().for_each(|(place, told)| found.told(told, page_of(*place)));
    if let Some(first) = layouts.first() {
        let head = page_of(0);
        found.read(FieldName::NumberSymbol, letterhead::number_symbol(first), head);
        found.read(FieldName::Issuer, letterhead::issuer(first), head);
        found.read(
            FieldName::Abstract,
            letterhead::subject(first).or_else(|| summary::abstract_of(first)),
            head,
        );
    }
    if let Some((place, date)) = issued(&layouts) {
        found.date(FieldName::IssuedOn, Some(date), page_of(place));
    }
    if let Some((place, signer)) = signature::signer(&layouts) {
        found.read(FieldName::Signer, Some(signer), page_of(place));
    }
    let is_extract = kind.and_then(|id| kinds.get(id)).is_some_and(|k| k.ends_on == EndsOn::Act);
    for (place, layout) in layouts.iter().enumerate() {
        if is_extract {
            found.date(FieldName::ActOn, act::on(layout), page_of(place));
        }
        found.date(FieldName::ValidUntil, holder::until(layout), page_of(place));
        found.read(FieldName::Scope, holder::scope(layout), page_of(place));
        if place == 0 && holder::is_about_first(kind) {
            found.read(FieldName::HolderName, holder::name(layout), page_of(place));
            found.read(FieldName::HolderNumber, holder::number(layout), page_of(place));
            found.date(FieldName::HolderBorn, holder::born(layout), page_of(place));
        }
    }
    if let Some(kind) = kind.and_then(|id| kinds.get(id)) {
        found.policy(kind);
    }
    let mut fields = found.0;
    fields.sort_by_key(|field| field.name);
    fields
}

/// Last day a paper holds good by its kind's policy and its fields; `None` where there is no
/// last day, or it is not known. Where a person said which day it is, it is that.
///
/// A term in months ends with the day of the last month that has the number of the first, or
/// with that month where it has no such day (Civil Code 91/2015/QH13, article 148).
#[must_use]
pub fn valid_until(kind: &Kind, fields: &[Field]) -> Option<Date> {
    let date = |name: FieldName| {
        let field = fields.iter().find(|f| f.name == name)?;
        field.value.parse::<Date>().ok()
    };
    let said = |f: &&Field| f.name == FieldName::ValidUntil && f.source == FieldSource::Typed;
    if let Some(day) = fields.iter().find(said).and_then(|f| f.value.parse().ok()) {
        return Some(day);
    }
    match kind.validity {
        Validity::Printed => date(FieldName::ValidUntil),
        Validity::Months { months } => {
            date(FieldName::IssuedOn)?.checked_add(i64::from(months).months()).ok()
        }
        Validity::Unlimited | Validity::UntilEvent | Validity::Unknown => None,
    }
}

/// Ngày ban hành: in the letterhead, or above the signature as certificates have it.
fn issued(layouts: &[Layout<'_>]) -> Option<(usize, Read<Date>)> {
    let head = layouts.first().and_then(letterhead::dated).map(|read| (0, read));
    head.or_else(|| {
        // An official paper whose date was written by hand and can't be read has none; a date
        // out of its body would be another paper's.
        let dated_above = layouts.first().is_some_and(letterhead::has_date_line);
        if dated_above {
            return None;
        }
        layouts.iter().enumerate().rev().find_map(|(place, layout)| {
            let lower = layout.lines.iter().rev().filter(|l| l.middle() > 0.35 * layout.height);
            let placed = lower.filter(|l| letterhead::is_place_and_date(&l.text));
            let (line, dated) = placed.filter_map(|l| Some((l, dates::last(&l.text)?))).next()?;
            let confidence = (line.confidence * 0.85 * dated.sure).clamp(0.0, 1.0);
            Some((place, Read { value: dated.date, confidence, area: line.area() }))
        })
    })
}

struct Found(Vec<Field>);

impl Found {
    /// The first find of a field stands; the order of asking is the order of trust.
    fn put(&mut self, field: Field) {
        let tidy = text::tidy(&field.value);
        if !tidy.is_empty() && !self.0.iter().any(|f| f.name == field.name) {
            self.0.push(Field { value: tidy, ..field });
        }
    }

    fn read(&mut self, name: FieldName, read: Option<Read>, page: Option<u32>) {
        if let Some(Read { value, confidence, area }) = read {
            self.put(Field {
                name,
                value,
                confidence,
                source: FieldSource::Ocr,
                page,
                area: Some(area),
            });
        }
    }

    fn date(&mut self, name: FieldName, read: Option<Read<Date>>, page: Option<u32>) {
        let read = read.map(|r| Read {
            value: r.value.to_string(),
            confidence: r.confidence,
            area: r.area,
        });
        self.read(name, read, page);
    }

    fn told(&mut self, told: &Told, page: Option<u32>) {
        let source = told.source;
        let mut put = |name, value: &str, confidence| {
            let value = value.to_owned();
            self.put(Field { name, value, confidence, source, page, area: None });
        };
        put(FieldName::HolderNumber, told.number.reveal(), 0.99);
        put(FieldName::HolderBorn, &told.born.to_string(), 0.99);
        if let Some(old) = &told.old_number {
            put(FieldName::HolderOldNumber, old, 0.99);
        }
        if let Some(issued) = told.issued {
            put(FieldName::IssuedOn, &issued.to_string(), 0.99);
        }
        if let Some(until) = told.until {
            put(FieldName::ValidUntil, &until.to_string(), 0.99);
        }
        // A machine-readable zone has no accents.
        let name_sure = if source == FieldSource::Mrz { 0.6 } else { 0.99 };
        put(FieldName::HolderName, told.name.reveal(), name_sure);
    }

    /// The last day by the kind's policy, where it can be reckoned and is not printed.
    fn policy(&mut self, kind: &Kind) {
        let Validity::Months { .. } = kind.validity else { return };
        let sure = self.0.iter().find(|f| f.name == FieldName::IssuedOn).map(|f| f.confidence);
        if let (Some(until), Some(confidence)) = (valid_until(kind, &self.0), sure) {
            self.put(Field {
                name: FieldName::ValidUntil,
                value: until.to_string(),
                confidence,
                source: FieldSource::Policy,
                page: None,
                area: None,
            });
        }
    }
}
