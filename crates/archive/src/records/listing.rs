//! Lists of which everybody sees what is of the offices within their reach.

use schemas::access::Reach;
use schemas::ids::OfficeCode;
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

use crate::database::Database;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// In place of the moment's column, where the ids alone are the order.
pub(super) const NO_MOMENT: &str = "";

/// A list in the order of a moment and an id, which its statements keep to.
pub(super) struct Listing {
    pub(super) doing: &'static str,
    /// The first rows of all offices.
    pub(super) everywhere: &'static str,
    /// Those of an office, which is bound last, and of those below it.
    pub(super) of_office: &'static str,
    /// Columns of the moment, or [`NO_MOMENT`], and of the id.
    pub(super) order: (&'static str, &'static str),
}

impl Listing {
    /// The first `limit` rows within reach: office by office where it isn't everywhere, so that
    /// each is found by an index.
    pub(super) async fn rows(
        &self,
        db: &Database,
        reach: &Reach,
        limit: u32,
        ask: impl Fn(&'static str) -> Query<'static, Any, AnyArguments>,
    ) -> Result<Vec<AnyRow>, ArchiveError> {
        let offices: &[OfficeCode] = match reach {
            Reach::Everywhere => {
                return ask(self.everywhere).fetch_all(&db.readers).await.doing(self.doing);
            }
            Reach::Offices(offices) => offices,
        };
        let mut found = Vec::new();
        for office in offices {
            let query = ask(self.of_office).bind(office.to_string());
            for row in query.fetch_all(&db.readers).await.doing(self.doing)? {
                let (at, id) = self.order;
                let at = if at == NO_MOMENT { 0 } else { row.int::<i64>(at)? };
                found.push((at, row.take::<String>(id)?, row));
            }
        }
        found.sort_by(|(at, id, _), (other_at, other_id, _)| (at, id).cmp(&(other_at, other_id)));
        // An office may be below another.
        found.dedup_by(|(_, id, _), (_, before, _)| id == before);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found.into_iter().map(|(_, _, row)| row).collect())
    }
}
