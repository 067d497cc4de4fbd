//! Codes by template: everything but the number fills a prefix, and a number counts up per
//! prefix, in the transaction that uses it. A number is never given out twice.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// What may stand in braces beside `{n}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Number of the first owner.
    Owner,
    /// Result code, or kind of paper where it is no result.
    Kind,
    /// Số ký hiệu.
    Number,
    /// Procedure.
    Procedure,
    /// Component.
    Component,
    /// Office.
    Office,
    /// Day, in Vietnam.
    Day,
}

/// A template, parsed.
#[derive(Debug)]
pub(crate) struct Template {
    what: &'static str,
    before: Vec<Part>,
    digits: usize,
    after: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Slot(Slot),
}

/// A template filled but for the number.
pub(crate) struct Series {
    what: &'static str,
    before: String,
    digits: usize,
    after: String,
}

impl Template {
    /// Template of dossier codes.
    pub(crate) fn of_dossiers(text: &str) -> Result<Self, ArchiveError> {
        Self::parse("dossier codes", text, &[Slot::Office, Slot::Procedure, Slot::Day])
    }

    /// Template of digitisation codes.
    pub(crate) fn of_digitisation(text: &str) -> Result<Self, ArchiveError> {
        use Slot::{Component, Day, Kind, Number, Office, Owner, Procedure};
        let all = [Owner, Kind, Number, Procedure, Component, Office, Day];
        Self::parse("digitisation codes", text, &all)
    }

    fn parse(what: &'static str, text: &str, allowed: &[Slot]) -> Result<Self, ArchiveError> {
        let wrong = |detail: String| ArchiveError::Template { what, detail };
        let (mut parts, mut before, mut digits) = (Vec::new(), None, 0);
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            let (name, tail) =
                tail.split_once('}').ok_or_else(|| wrong("a brace is not closed".to_owned()))?;
            parts.push(Part::Text(literal.to_owned()));
            rest = tail;
            if name == "n" || name.starts_with("n:") {
                if before.is_some() {
                    return Err(wrong("{n} stands twice".to_owned()));
                }
                let width = name.strip_prefix("n:").unwrap_or("1");
                let fits = width.parse().ok().filter(|w| (1..=12).contains(w));
                digits = fits.ok_or_else(|| wrong("{n:1} to {n:12}".to_owned()))?;
                before = Some(std::mem::take(&mut parts));
            } else {
                let slot = slot(name).filter(|slot| allowed.contains(slot));
                parts.push(Part::Slot(slot.ok_or_else(|| wrong(format!("unknown {{{name}}}")))?));
            }
        }
        parts.push(Part::Text(rest.to_owned()));
        let before = before.ok_or_else(|| wrong("{n} is missing".to_owned()))?;
        Ok(Self { what, before, digits, after: parts })
    }

    /// Fills everything but the number.
    pub(crate) fn fill(&self, value: impl Fn(Slot) -> String) -> Series {
        let fill = |parts: &[Part]| {
            let texts = parts.iter().map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Slot(slot) => value(*slot),
            });
            texts.collect::<String>()
        };
        Series {
            what: self.what,
            before: fill(&self.before),
            digits: self.digits,
            after: fill(&self.after),
        }
    }
}

fn slot(name: &str) -> Option<Slot> {
    Some(match name {
        "owner" => Slot::Owner,
        "kind" => Slot::Kind,
        "number" => Slot::Number,
        "procedure" => Slot::Procedure,
        "component" => Slot::Component,
        "office" => Slot::Office,
        "yymmdd" => Slot::Day,
        _ => return None,
    })
}

const COUNT: &str = "
    insert into counter (prefix, last) values ($1, 1)
    on conflict (prefix) do update set last = counter.last + 1
    returning last";

impl Series {
    /// What is counted: a hash, for a citizen's number may be part of it.
    pub(crate) fn key(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for part in [self.what, &self.before, &self.after] {
            hash.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    /// The next code.
    pub(crate) async fn next(&self, change: &mut Change<'_>) -> Result<String, ArchiveError> {
        let doing = "counting codes";
        let row = sqlx::query(COUNT).bind(self.key()).fetch_one(change.on()).await.doing(doing)?;
        let number: u64 = row.int("last")?;
        let Self { before, digits, after, .. } = self;
        Ok(format!("{before}{number:0digits$}{after}"))
    }
}

/// The day in Vietnam, as `251131`. Vietnam has had no summer time since 1975.
pub(crate) fn day(moment: Timestamp) -> String {
    let vietnam = TimeZone::fixed(Offset::constant(7));
    moment.to_zoned(vietnam).strftime("%y%m%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_cannot_be_followed_is_refused() {
        for bad in ["{office}", "{n}{n}", "{n:0}", "{n:99}", "{owner}-{n}", "{office-{n", "{x}{n}"]
        {
            assert!(Template::of_dossiers(bad).is_err(), "{bad}");
        }
        assert!(Template::of_dossiers("{office}-{yymmdd}-{n:4}").is_ok());
        assert!(Template::of_digitisation("{owner}.{kind}.{number}.{n:2}").is_ok());
    }

    #[test]
    fn the_day_is_the_day_in_vietnam() {
        let late: Timestamp = "2026-03-01T17:30:00Z".parse().unwrap();
        assert_eq!(day(late), "260302");
    }

    #[test]
    fn neighbouring_prefixes_are_counted_apart() {
        let template = Template::of_dossiers("{office}.{n}").unwrap();
        let key = |office: &str| template.fill(|_| office.to_owned()).key();
        assert_ne!(key("A"), key("A.1"));
    }
}
