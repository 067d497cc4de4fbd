//! What the codes on a page tell of its holder: the QR and the machine-readable zone of an
//! identity card.

use jiff::civil::Date;
use schemas::ids::ComponentId;
use schemas::reading::{CodeKind, PageReading};
use schemas::record::FieldSource;

/// What a code tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) source: FieldSource,
    pub(crate) number: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) born: Option<Date>,
    pub(crate) issued: Option<Date>,
    pub(crate) until: Option<Date>,
}

/// What the codes of a page tell, the most certain first.
pub(crate) fn told(page: &PageReading) -> Vec<Told> {
    let of = |kind: CodeKind, read: fn(&str) -> Option<Told>| {
        page.codes.iter().filter(move |c| c.kind == kind).filter_map(move |c| read(&c.text))
    };
    of(CodeKind::IdentityCard, by_qr).chain(of(CodeKind::Mrz, by_zone)).collect()
}

/// `number|old number|name|ddMMyyyy born|sex|address|ddMMyyyy issued|…`
fn by_qr(text: &str) -> Option<Told> {
    let fields: Vec<&str> = text.split('|').map(str::trim).collect();
    let [number, _, name, born, _, _, issued, ..] = fields.as_slice() else { return None };
    Some(Told {
        source: FieldSource::Qr,
        number: Some((*number).to_owned()).filter(|n| n.len() == 12),
        name: Some((*name).to_owned()).filter(|n| !n.is_empty()),
        born: day_month_year(born),
        issued: day_month_year(issued),
        until: None,
    })
}

fn day_month_year(text: &str) -> Option<Date> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let (day, month, year) = digits.then(|| Some((part(0..2)?, part(2..4)?, part(4..8)?)))??;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// ICAO 9303 TD1: three lines of thirty letters. The name has lost its accents there.
fn by_zone(text: &str) -> Option<Told> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let [document, dates, names] = lines.as_slice() else { return None };
    let number = document.get(15..27).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let number = number.map(str::to_owned);
    let century = number.as_deref().and_then(|n| n.get(3..4)?.parse::<i16>().ok());
    let born = dates.get(0..6).and_then(|d| year_month_day(d, 1900 + 100 * (century? / 2)));
    // An expiry lies in this century; 31/12/99 stands for a card without one.
    let until = dates.get(8..14).filter(|d| *d != "991231").and_then(|d| year_month_day(d, 2000));
    let name = names.trim_end_matches('<').replace("<<", " ").replace('<', " ");
    let name = Some(name).filter(|n| !n.is_empty());
    Some(Told { source: FieldSource::Mrz, number, name, born, issued: None, until })
}

fn year_month_day(text: &str, century: i16) -> Option<Date> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let (year, month, day) = (part(0..2)?, part(2..4)?, part(4..6)?);
    Date::new(century + year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The component that a separator sheet names.
pub(crate) fn separator(page: &PageReading) -> Option<ComponentId> {
    let code = page.codes.iter().find(|code| code.kind == CodeKind::Separator)?;
    code.text.rsplit(['|', ' ', '\n']).next()?.parse().ok()
}
