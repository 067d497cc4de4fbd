//! What the codes on a page tell of its holder: the QR and the machine-readable zone of an
//! identity card.

use jiff::civil::Date;
use schemas::codes::{IdentityCard, Mrz, Separator};
use schemas::reading::{CodeKind, PageReading};
use schemas::record::FieldSource;
use schemas::subject::{CitizenNumber, Name, is_old_number};

/// What a code tells.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) source: FieldSource,
    pub(crate) number: CitizenNumber,
    pub(crate) old_number: Option<String>,
    pub(crate) name: Name,
    pub(crate) born: Date,
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

fn by_qr(text: &str) -> Option<Told> {
    let card = IdentityCard::parse(text)?;
    Some(Told {
        source: FieldSource::Qr,
        number: card.number,
        old_number: card.old_number.filter(|old| is_old_number(old)),
        name: card.name,
        born: card.born,
        issued: Some(card.issued),
        until: None,
    })
}

fn by_zone(text: &str) -> Option<Told> {
    let zone = Mrz::parse(text)?;
    Some(Told {
        source: FieldSource::Mrz,
        number: zone.number,
        old_number: None,
        name: zone.name,
        born: zone.born,
        issued: None,
        until: zone.expires,
    })
}

/// What a separator sheet names.
pub(crate) fn separator(page: &PageReading) -> Option<Separator> {
    let code = page.codes.iter().find(|code| code.kind == CodeKind::Separator)?;
    Separator::parse(&code.text)
}
