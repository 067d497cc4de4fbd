//! How long records are kept: what a law or a decision says, as the operator knows it. There is no
//! default: of what isn't said, nothing is let go.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use schemas::clock::day_of;
use schemas::ids::KindId;
use schemas::record::Record;
use serde::Deserialize;

/// By kind of paper.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct RetentionConfig(BTreeMap<KindId, Keep>);

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Keep {
    /// So many years after it was published; 0 where nothing has it kept.
    Years(u16),
    /// For good.
    Word(Word),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Permanent,
}

impl RetentionConfig {
    /// Whether it is said how long papers of that kind are kept.
    pub(crate) fn names(&self, kind: &KindId) -> bool {
        self.0.contains_key(kind)
    }

    /// Whether nothing has the record kept any more on that day.
    pub(crate) fn lets_go(&self, record: &Record, day: Date) -> bool {
        let published = record.published_at.parse().map(day_of).ok();
        match (self.0.get(&record.kind), published) {
            (Some(Keep::Years(years)), Some(published)) => {
                let end = published.checked_add(i64::from(*years).years());
                end.is_ok_and(|end| end <= day)
            }
            (Some(Keep::Word(Word::Permanent)) | None, _) | (_, None) => false,
        }
    }
}
