//! Reading columns: text becomes what it was written from, and what can't is named by its
//! column, never quoted.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use crate::error::ArchiveError;

/// Columns of a row, by name.
pub(crate) trait Columns {
    /// The value as the database has it.
    fn take<'r, T>(&'r self, column: &'static str) -> Result<T, ArchiveError>
    where
        T: Decode<'r, Any> + Type<Any>;

    /// Whether a condition of the statement holds.
    // dialect: to SQLite it is a number.
    fn flag(&self, column: &'static str) -> Result<bool, ArchiveError> {
        self.take(column).or_else(|_| Ok(self.int::<i64>(column)? != 0))
    }

    /// A whole number.
    fn int<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, ArchiveError> {
        T::try_from(self.take::<i64>(column)?).map_err(|_| unreadable(column))
    }

    /// A whole number, or nothing.
    fn int_or<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, ArchiveError> {
        let value = self.take::<Option<i64>>(column)?;
        value.map(|n| T::try_from(n).map_err(|_| unreadable(column))).transpose()
    }

    /// A share from 0 to 1, or nothing.
    #[expect(clippy::cast_possible_truncation, reason = "it was an f32 when it was stored")]
    fn share_or(&self, column: &'static str) -> Result<Option<f32>, ArchiveError> {
        Ok(self.take::<Option<f64>>(column)?.map(|share| share as f32))
    }

    /// An id, a code or a hash.
    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, ArchiveError> {
        self.take::<&str>(column)?.parse().map_err(|_| unreadable(column))
    }

    /// An id, a code or a hash, or nothing.
    fn parsed_or<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, ArchiveError> {
        let text = self.take::<Option<&str>>(column)?;
        text.map(|text| text.parse().map_err(|_| unreadable(column))).transpose()
    }

    /// A value of a closed enum, by its name in JSON.
    fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, ArchiveError> {
        self.word_or(column)?.ok_or_else(|| unreadable(column))
    }

    /// A value of a closed enum, by its name in JSON, or nothing.
    fn word_or<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, ArchiveError> {
        let Some(text) = self.take::<Option<String>>(column)? else { return Ok(None) };
        let word = serde_json::from_value(serde_json::Value::String(text));
        word.map(Some).map_err(|_| unreadable(column))
    }

    /// JSON.
    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, ArchiveError> {
        serde_json::from_str(self.take::<&str>(column)?).map_err(|_| unreadable(column))
    }

    /// JSON, or nothing.
    fn json_or<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, ArchiveError> {
        let text = self.take::<Option<&str>>(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|_| unreadable(column))).transpose()
    }

    /// A moment.
    fn time(&self, column: &'static str) -> Result<Timestamp, ArchiveError> {
        Timestamp::from_microsecond(self.take(column)?).map_err(|_| unreadable(column))
    }
}

impl Columns for AnyRow {
    fn take<'r, T>(&'r self, column: &'static str) -> Result<T, ArchiveError>
    where
        T: Decode<'r, Any> + Type<Any>,
    {
        self.try_get(column).map_err(|_| unreadable(column))
    }
}

/// The column holds something that this program can't have written.
pub(crate) fn unreadable(column: &'static str) -> ArchiveError {
    ArchiveError::Corrupt {
        what: "the database".to_owned(),
        detail: format!("column {column} can't be read"),
    }
}

/// JSON of what we keep. Fields stand in the order of their declaration, so equal values have
/// equal text.
pub(crate) fn json(value: &impl Serialize) -> Result<String, ArchiveError> {
    serde_json::to_string(value).map_err(|error| ArchiveError::Unavailable {
        what: "writing JSON",
        // Classes only: the text might quote a value.
        source: format!("{:?}", error.classify()).into(),
    })
}

/// Name of a closed enum's value in JSON, which is its name in storage.
pub(crate) fn word(value: &impl Serialize) -> Result<String, ArchiveError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        _ => Err(unreadable("of a word")),
    }
}

/// A share from 0 to 1 as statements take it, which cast it. As a number it can't be bound: the
/// driver gives a missing one another width than a present one, and PostgreSQL refuses the second
/// of the two that comes.
pub(crate) fn share(value: Option<f32>) -> Option<String> {
    value.map(|share| f64::from(share).to_string())
}

/// A number as the database takes it; sizes and counts are far below 2⁶³.
pub(crate) fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
