//! Papers that are collected although something stands for them, a record or another Kho's paper:
//! the lawful reasons that were stated for it, and where nobody stated one.

use std::str::FromStr;

use jiff::Timestamp;
use schemas::api::{AskAgain, AskReason, AskedAgain, ComponentStatus, ComponentView, HeldAgain};
use schemas::audit::{Act, AuditLine};
use schemas::ids::{ComponentId, DossierId, PrincipalId, ScanId};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::relied::{Relied, line, lost, rely};
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, NotStated};
use crate::rows::Columns;

/// The lawful reason for which a paper is taken although a record stands for its component.
#[derive(Debug, Clone)]
pub struct Stated {
    /// The component.
    pub component: ComponentId,
    /// The record that stands for it; none where it is another Kho's paper.
    pub relied: Option<Relied>,
    /// The reason.
    pub reason: AskReason,
    /// The officer who states it, or the station.
    pub said_by: Option<String>,
    /// Whose key or session it was stated with.
    pub principal: PrincipalId,
}

impl Stated {
    /// What is stated for taking the paper of a component, by how the dossier's components stand;
    /// nothing where neither a record nor another Kho's paper spares it.
    ///
    /// # Errors
    /// [`NotStated`] where something does and no reason is given.
    pub fn of(
        components: &[ComponentView],
        component: &ComponentId,
        reason: Option<AskReason>,
        (principal, said_by): (PrincipalId, Option<&str>),
    ) -> Result<Option<Self>, NotStated> {
        let held = components.iter().find(|view| view.id == *component);
        match (held.filter(|view| view.status == ComponentStatus::Held), reason) {
            (None, _) => Ok(None),
            (Some(view), Some(reason)) => Ok(Some(Self {
                component: component.clone(),
                relied: Relied::of(view),
                reason,
                said_by: said_by.map(str::to_owned),
                principal,
            })),
            (Some(_), None) => Err(NotStated),
        }
    }
}

const PUT_AGAIN: &str = "
    insert into ask_again (scan_id, dossier_id, component, reason, said_by, at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (scan_id, component) do nothing";

// A citizen who declined a record said so once, not with each scan.
const AGAIN: &str = "
    select component, reason, said_by, at from ask_again where dossier_id = $1
    union all
    select w.component, 'declined' as reason, w.said_by, w.at
    from lookup_word w join dossier d on d.code = w.dossier
    where d.dossier_id = $1 and w.component is not null and w.word = 'declined'
    union all
    select component, 'declined' as reason, said_by, at from inquiry_word
    where dossier_id = $1 and word = 'declined'
    order by at, component";

/// Components whose papers were collected: those that a record `r` stood for, and those that another
/// Kho's paper was used for by a word `w`, with what else is asked of each. Of the documents, those
/// that are filed: an unsure one may yet go elsewhere.
macro_rules! collected {
    ($of_records:expr, $of_words:expr) => {
        concat!(
            "
    select r.component, r.record_id, r.version, null as inquiry_id from relied r
    where r.dossier_id = $1 and r.original = 0
      and exists (select 1 from document d where d.dossier_id = r.dossier_id
        and d.component = r.component and d.verdict = 'filed') ",
            $of_records,
            "
    union all
    select w.component, null, null, min(w.inquiry_id) from inquiry_word w
    where w.dossier_id = $1 and w.word = 'used' and w.original = 0
      and exists (select 1 from document d where d.dossier_id = w.dossier_id
        and d.component = w.component and d.verdict = 'filed')
      and not exists (select 1 from relied r where r.dossier_id = w.dossier_id
        and r.component = w.component) ",
            $of_words,
            "
    group by w.component
    order by component"
        )
    };
}

const COLLECTED: &str = collected!("", "");

// Those that nobody stated a reason for, as a citizen who declines does, and whose record is still
// good for something.
const HELD_AGAIN: &str = collected!(
    concat!(
        "
      and not exists (select 1 from ask_again a where a.dossier_id = r.dossier_id
        and a.component = r.component)
      and not exists (select 1 from lookup_word l join dossier o on o.code = l.dossier
        where o.dossier_id = r.dossier_id and l.component = r.component and l.word = 'declined')
      and not exists (select 1 from relied_change c where c.dossier_id = r.dossier_id
        and c.component = r.component and ",
        lost!(),
        ")"
    ),
    "
      and not exists (select 1 from ask_again a where a.dossier_id = w.dossier_id
        and a.component = w.component)
      and not exists (select 1 from inquiry_word n where n.dossier_id = w.dossier_id
        and n.component = w.component and n.word = 'declined')"
);

impl Records {
    /// Components whose papers were collected although a record stood for them or another Kho's
    /// paper was used, with the reasons that were stated.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn asked_again(&self, dossier: DossierId) -> Result<Vec<AskedAgain>, ArchiveError> {
        let id = dossier.to_string();
        let said = self.rows_of(AGAIN, &id).await?;
        let said: Vec<(ComponentId, AskAgain)> =
            said.iter().map(reason).collect::<Result<_, ArchiveError>>()?;
        let mut again = Vec::new();
        for row in self.rows_of(COLLECTED, &id).await? {
            let component: ComponentId = row.parsed("component")?;
            let of_it = |(of, _): &&(ComponentId, AskAgain)| *of == component;
            again.push(AskedAgain {
                reasons: said.iter().filter(of_it).map(|(_, reason)| reason.clone()).collect(),
                record: row.parsed_or("record_id")?,
                version: row.int_or("version")?,
                inquiry: row.parsed_or("inquiry_id")?,
                component,
            });
        }
        Ok(again)
    }
}

/// Keeps the lawful reason for which a scan, or a document that begins with it, is taken, and
/// leaves a line of it. A record that stands since a while ago only is relied on from now on.
pub(crate) async fn keep_reason(
    change: &mut Change<'_>,
    (dossier, scan): (DossierId, ScanId),
    stated: &Stated,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    if let Some(relied) = &stated.relied {
        rely(change, dossier, relied, Some(stated.principal)).await?;
    }
    let put = sqlx::query(PUT_AGAIN)
        .bind(scan.to_string())
        .bind(dossier.to_string())
        .bind(stated.component.as_str())
        .bind(stated.reason.as_str())
        .bind(&stated.said_by)
        .bind(micros(now));
    if put.execute(change.on()).await.doing("keeping a reason")?.rows_affected() == 0 {
        return Ok(());
    }
    let of = stated.relied.as_ref().map(|relied| (relied.record, relied.version));
    let told = AuditLine {
        component: Some(stated.component.clone()),
        purpose: Some(stated.reason.vi().to_owned()),
        ..line(change, (Act::AskedAgain, Some(stated.principal)), dossier, of).await?
    };
    leave(change, &[told]).await
}

/// Components that papers were filed under though a record or another Kho's paper stands for them
/// and nobody stated a reason.
pub(crate) async fn held_again(
    change: &mut Change<'_>,
    dossier: DossierId,
) -> Result<Vec<HeldAgain>, ArchiveError> {
    let rows = sqlx::query(HELD_AGAIN).bind(dossier.to_string()).fetch_all(change.on()).await;
    let held = |row: &AnyRow| {
        Ok(HeldAgain {
            component: row.parsed("component")?,
            record: row.parsed_or("record_id")?,
            version: row.int_or("version")?,
            inquiry: row.parsed_or("inquiry_id")?,
            text: HeldAgain::VI.to_owned(),
        })
    };
    rows.doing("looking what is collected again")?.iter().map(held).collect()
}

fn reason(row: &AnyRow) -> Result<(ComponentId, AskAgain), ArchiveError> {
    let component = ComponentId::from_str(row.take("component")?);
    let component = component.map_err(|_| crate::rows::unreadable("component"))?;
    Ok((
        component,
        AskAgain {
            reason: row.word("reason")?,
            by: row.take::<Option<String>>("said_by")?,
            at: row.time("at")?.to_string(),
        },
    ))
}
