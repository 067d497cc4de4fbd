//! What is known. Every method is one transaction and may run twice.

/// Whether another paper took the place of a version of a record: by the program, which knows by
/// which, or by a person's word.
macro_rules! replaced {
    () => {
        "(state = 'superseded' and (superseded_by is not null
            or (ended_why = 'superseded' and ended_by is not null)))"
    };
}
pub(crate) use replaced;

/// Whether the version of a record in a row of that name is its latest.
macro_rules! is_latest {
    ($row:literal) => {
        concat!(
            "not exists (select 1 from record later where later.record_id = ",
            $row,
            ".record_id and later.version > ",
            $row,
            ".version)"
        )
    };
}

pub(crate) mod catalogue;

pub(crate) mod answers;
pub(crate) mod at_hand;
pub(crate) mod dossiers;
pub(crate) mod held;

pub(crate) mod scans;

pub(crate) mod pages;

pub(crate) mod filing;

pub(crate) mod again;
pub(crate) mod proofs;
pub(crate) mod publish;
pub(crate) mod relied;
pub(crate) mod revise;
pub(crate) mod succession;

mod listing;

pub(crate) mod audit;
pub(crate) mod lookups;
pub(crate) mod near;
pub(crate) mod words;

pub(crate) mod subjects;

pub(crate) mod deliveries;
pub(crate) mod events;
pub(crate) mod inquiries;
pub(crate) mod parked;

pub(crate) mod facts;
pub(crate) mod vitals;

pub(crate) mod principals;

pub(crate) mod directory;
pub(crate) mod persons;
pub(crate) mod sessions;

use std::sync::Arc;

use crate::database::Database;
use crate::vault::Vault;

/// What is known. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    pub(crate) db: Arc<Database>,
    pub(crate) vault: Option<Vault>,
}

impl Records {
    pub(crate) fn new(db: Arc<Database>, vault: Option<Vault>) -> Self {
        Self { db, vault }
    }
}
