//! Where SQLite and PostgreSQL differ. Every other statement is one text for both; what differs
//! in reading columns and in errors is marked `dialect` where it stands.

/// The engine that a database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In the folder of one process: one transaction writes at a time.
    Sqlite,
    /// On a server, for many processes: transactions that write run beside each other, and wait
    /// for each other at the rows that they change.
    Postgres,
}

// Everything announced goes to the queue. (`where true`: without it SQLite takes the conflict
// clause for a join's.)
const RELAY_SQLITE: [&str; 3] = [
    "insert into job (job_id, dossier_id, lane, office, job, target, message, made_at, due_at)
     select job_id, dossier_id, lane, office, job, target, message, made_at, due_at
     from outbox where true
     on conflict (job_id) do nothing",
    "insert into office_turn (lane, office)
     select distinct lane, office from outbox where true
     on conflict (lane, office) do nothing",
    "delete from outbox",
];

// One statement, for between two another process may announce something, which would be deleted
// without having been moved. Those who move at the same time share what there is. Offices in
// order, so that two who add the same ones don't wait for each other crosswise.
const RELAY_POSTGRES: [&str; 1] = ["
    with moved as (
        delete from outbox where ctid = any(array
            (select ctid from outbox order by job_id limit 1000 for update skip locked))
        returning *),
    turns as (
        insert into office_turn (lane, office)
        select distinct lane, office from moved order by lane, office
        on conflict (lane, office) do nothing)
    insert into job (job_id, dossier_id, lane, office, job, target, message, made_at, due_at)
    select job_id, dossier_id, lane, office, job, target, message, made_at, due_at
    from moved
    on conflict (job_id) do nothing"];

macro_rules! whose_turn {
    ($lock:literal) => {
        concat!(
            "select office from office_turn t
             where lane = $1 and exists (select 1 from job j
                 where j.lane = t.lane and j.office = t.office and j.due_at <= $2)
             order by served, office limit 1",
            $lock
        )
    };
}

macro_rules! in_use {
    ($lock:literal) => {
        concat!(
            "select hash from record
             where record_id = $1 and version = $2 and state = 'published'",
            $lock
        )
    };
}

macro_rules! stands {
    ($lock:literal) => {
        concat!(
            "select hash from record
             where record_id = $1 and version = $2
               and (state = 'published' or ",
            crate::records::replaced!(),
            ")",
            $lock
        )
    };
}

macro_rules! is_there {
    ($lock:literal) => {
        concat!("select record_id from record where record_id = $1 order by version limit 1", $lock)
    };
}

macro_rules! let_in {
    ($lock:literal) => {
        concat!(
            "select password, factor from person join principal using (principal_id)
             where principal_id = $1 and locked_at is null",
            $lock
        )
    };
}

macro_rules! chain {
    ($lock:literal) => {
        concat!("select length, hash from chain where name = 'audit'", $lock)
    };
}

impl Dialect {
    /// Begins a transaction that writes.
    pub(super) fn begin_change(self) -> &'static str {
        match self {
            // Takes the write lock at the start, so that no transaction fails when it first
            // writes.
            Self::Sqlite => "begin immediate",
            // Each statement sees what was committed before it. Whoever waited for a row goes on
            // with the row as it is then, so holding a dossier first is enough.
            Self::Postgres => "begin isolation level read committed",
        }
    }

    /// Begins a transaction whose statements all see the same moment.
    pub(super) fn begin_view(self) -> &'static str {
        match self {
            Self::Sqlite => "begin",
            Self::Postgres => "begin isolation level repeatable read, read only",
        }
    }

    /// Said to every new connection that writes.
    pub(super) fn greet_writer(self) -> &'static str {
        match self {
            // WAL keeps readers and the writer out of each other's way; FULL makes a commit
            // survive a power cut, not just a crash. What is deleted is overwritten: it may have
            // been a key.
            Self::Sqlite => {
                "pragma busy_timeout = 60000; pragma journal_mode = wal;
                 pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on"
            }
            // A process that was cut off keeps nobody waiting for the rows that it had changed.
            Self::Postgres => {
                "set synchronous_commit = on; set lock_timeout = '30s';
                 set idle_in_transaction_session_timeout = '60s'"
            }
        }
    }

    /// Said to every new connection that only reads.
    pub(super) fn greet_reader(self) -> &'static str {
        match self {
            Self::Sqlite => "pragma busy_timeout = 60000; pragma query_only = on",
            Self::Postgres => {
                "set default_transaction_read_only = on;
                 set idle_in_transaction_session_timeout = '30min'"
            }
        }
    }

    /// Asks the engine whether its own pages are sound: `ok` in the column `quick_check`.
    pub(crate) fn sound(self) -> &'static str {
        match self {
            Self::Sqlite => "pragma quick_check(1)",
            // It looks at checksums, where they are on, whenever it reads a page, and counts what
            // was wrong.
            Self::Postgres => {
                "select case when coalesce(checksum_failures, 0) = 0 then 'ok' else 'damaged' end
                    as quick_check
                 from pg_stat_database where datname = current_database()"
            }
        }
    }

    /// Every column of every table: `tab`, `col` and `kind`, those of a table together and in
    /// order. Views are no tables: what a server's extensions bring along is not the archive's.
    pub(crate) fn columns(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "select cast(t.name as text) as tab, cast(c.name as text) as col,
                    cast(c.type as text) as kind
                 from sqlite_schema t join pragma_table_info(t.name) c
                 where t.type = 'table' and t.name not like 'sqlite_%'
                 order by t.name, c.cid"
            }
            Self::Postgres => {
                "select cast(c.table_name as text) as tab, cast(c.column_name as text) as col,
                    cast(c.data_type as text) as kind
                 from information_schema.columns c
                 join information_schema.tables t
                    on t.table_schema = c.table_schema and t.table_name = c.table_name
                 where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
                 order by c.table_name, c.ordinal_position"
            }
        }
    }

    /// Which table (`child`) refers to which (`parent`).
    pub(crate) fn links(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "select cast(t.name as text) as child, cast(f.\"table\" as text) as parent
                 from sqlite_schema t join pragma_foreign_key_list(t.name) f
                 where t.type = 'table'"
            }
            Self::Postgres => {
                "select cast(child.relname as text) as child, cast(parent.relname as text) as parent
                 from pg_constraint c
                 join pg_class child on child.oid = c.conrelid
                 join pg_class parent on parent.oid = c.confrelid
                 join pg_namespace n on n.oid = c.connamespace
                 where c.contype = 'f' and n.nspname = current_schema()"
            }
        }
    }

    /// A JSON list of lists ($1) as rows with a column `value`.
    pub(crate) fn json_lines(self) -> &'static str {
        match self {
            Self::Sqlite => "json_each($1)",
            // Binary: text would be gone through anew for each column of a row.
            Self::Postgres => "jsonb_array_elements(cast($1 as jsonb))",
        }
    }

    /// Moves what was announced to the queue.
    pub(crate) fn relay(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &RELAY_SQLITE,
            Self::Postgres => &RELAY_POSTGRES,
        }
    }

    /// The office of a lane ($1) whose turn it is, of those that have a job due ($2). Where many
    /// take at the same time, each gets another office; the second statement is for those who got
    /// none, and waits.
    pub(crate) fn whose_turn(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[whose_turn!("")],
            Self::Postgres => {
                &[whose_turn!(" for update of t skip locked"), whose_turn!(" for update of t")]
            }
        }
    }

    /// The hash of a version of a record, if it is in use, and it stays in use until the
    /// transaction is over.
    pub(crate) fn in_use(self) -> &'static str {
        match self {
            Self::Sqlite => in_use!(""),
            Self::Postgres => in_use!(" for share"),
        }
    }

    /// The hash of a version of a record, if it is in use or another paper took its place, and it
    /// stays so until the transaction is over.
    pub(crate) fn stands(self) -> &'static str {
        match self {
            Self::Sqlite => stands!(""),
            Self::Postgres => stands!(" for share"),
        }
    }

    /// The id of a record, if it is there at any version, and it stays so until the transaction is
    /// over.
    pub(crate) fn is_there(self) -> &'static str {
        match self {
            Self::Sqlite => is_there!(""),
            Self::Postgres => is_there!(" for share"),
        }
    }

    /// Takes the records of a dossier ($1), which are to go: whoever keeps something of one that is
    /// there has done so by then, or finds it gone.
    pub(crate) fn hold_records(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "select record_id from record where dossier_id = $1
                 order by record_id, version for update",
            ),
        }
    }

    /// What a person logs in with, unless nothing is taken of them, and it stays so until the
    /// transaction is over.
    pub(crate) fn let_in(self) -> &'static str {
        match self {
            Self::Sqlite => let_in!(""),
            Self::Postgres => let_in!(" for share"),
        }
    }

    /// Keeps a lookup ($1 to $7 as its columns stand) with its line ($9, $10) in the audit, where
    /// that version ($8) of the record is in use and the lookup isn't there yet. None where that
    /// takes a transaction.
    pub(crate) fn keep_lookup(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "with held as
                     (select record_id from record
                      where record_id = $2 and version = $8 and state = 'published' for share),
                 kept as
                     (insert into lookup
                          (lookup_id, record_id, asked_at, question, body, chain_hash, dossier)
                      select cast($1 as text), record_id, cast($3 as bigint), cast($4 as text),
                          cast($5 as text), cast($6 as text), cast($7 as text)
                      from held
                      on conflict (lookup_id) do nothing
                      returning lookup_id)
                 insert into audit_pending (line_id, body)
                 select cast($9 as text), cast($10 as text) from kept",
            ),
        }
    }

    /// How long the audit's chain is and the hash that it ends with, for the one who adds to it
    /// until the transaction is over; nothing where another does at this moment.
    pub(crate) fn take_chain(self) -> &'static str {
        match self {
            Self::Sqlite => chain!(""),
            Self::Postgres => chain!(" for update skip locked"),
        }
    }

    /// Takes the lines of these ids, a JSON list ($1), out of those that wait.
    pub(crate) fn forget_linked(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "delete from audit_pending where line_id in (select value from json_each($1))"
            }
            // As an array, so that the index is used however many wait.
            Self::Postgres => {
                "delete from audit_pending where line_id = any(array
                    (select json_array_elements_text(cast($1 as json))))"
            }
        }
    }

    /// Keeps others from importing a catalogue until the transaction is over.
    pub(crate) fn hold_catalogue(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("lock table procedure_version in share row exclusive mode"),
        }
    }

    /// Keeps others from removing blobs until the transaction is over.
    pub(crate) fn hold_removal(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                Some("select pg_advisory_xact_lock(hashtext('blob removal')) is null as held")
            }
        }
    }

    /// Keeps everyone from taking hold of any dossier until the transaction is over. Whoever wants
    /// one meanwhile waits behind whoever waits for this, so it is soon given up where somebody has
    /// one for long, as is what the transaction waits for after it.
    pub(crate) fn hold_all(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[],
            Self::Postgres => {
                &["set local lock_timeout = '2s'", "lock table dossier in share mode"]
            }
        }
    }
}
