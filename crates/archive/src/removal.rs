//! Blobs that are being removed. A store may carry a removal out long after whoever asked for it
//! gave up waiting, so a row says that one is asked for, from before it is until it is known to
//! be over, and meanwhile no other row may come to need the blob.

use schemas::ids::Blake3;

use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// No store carries a removal out so long after it was asked, in microseconds: an hour.
const LATEST: i64 = 3_600_000_000;

const FORGET_OLD: &str = "delete from removal where asked_at <= $1";

const BEGIN: &str = "
    insert into removal (blob, asked_at) values ($1, $2) on conflict (blob) do nothing";

const END: &str = "delete from removal where blob = $1";

const UNDER_WAY: &str = "
    select exists (select 1 from removal where blob = $1 and asked_at > $2) as under_way";

/// Says that a removal is to be asked for; false where one was and may not be over.
pub(crate) async fn begin(change: &mut Change<'_>, blob: Blake3) -> Result<bool, ArchiveError> {
    let (doing, now) = ("beginning to remove a blob", change.now);
    let forget = sqlx::query(FORGET_OLD).bind(now - LATEST);
    forget.execute(change.on()).await.doing(doing)?;
    let begin = sqlx::query(BEGIN).bind(blob.to_string()).bind(now);
    Ok(begin.execute(change.on()).await.doing(doing)?.rows_affected() > 0)
}

/// The store has answered, or there was nothing to ask it for.
pub(crate) async fn end(change: &mut Change<'_>, blob: Blake3) -> Result<(), ArchiveError> {
    let end = sqlx::query(END).bind(blob.to_string()).execute(change.on()).await;
    end.doing("having removed a blob").map(drop)
}

/// Refuses a row that needs the blob while its removal may be carried out. The row's dossier is
/// held: a removal begins while nobody holds one.
pub(crate) async fn refuse_during(
    change: &mut Change<'_>,
    blob: Blake3,
) -> Result<(), ArchiveError> {
    let what = "needing a blob";
    let query = sqlx::query(UNDER_WAY).bind(blob.to_string()).bind(change.now - LATEST);
    let row = query.fetch_one(change.on()).await.doing(what)?;
    match row.flag("under_way")? {
        false => Ok(()),
        true => Err(ArchiveError::Unavailable { what, source: "it is being removed".into() }),
    }
}
