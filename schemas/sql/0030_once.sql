-- Asking once: what dossiers rely on, what became of it, what was asked for all the same.

-- Answers to the questions of components that are asked for on a condition.
alter table dossier add column answers text;        -- schemas::api::Answers

-- Why a version is not in use any more, and what reports ask of one.
alter table record add column ended_why text;       -- superseded, corrected, revoked
alter table record add column ended_reason text;    -- in somebody's words
alter table record add column ended_by text;
alter table record add column ended_at bigint;
alter table record add column result text;          -- code of the result that it is
alter table record add column scanned_at bigint;    -- when its first page came in

create index record_dossier on record (dossier_id);

-- Records that stood for a component when the dossier was opened.
create table relied (
    dossier_id  text   not null references dossier (dossier_id),
    component   text   not null,
    record_id   text   not null,
    version     bigint not null,
    original    bigint not null,            -- whether the paper must come in all the same
    noted_at    bigint not null,
    primary key (dossier_id, component)
);

create index relied_record on relied (record_id, version);

-- What became of them while the dossier was open. Written with the change itself; the dossier's
-- followers are told afterwards, since whoever changes a record holds another dossier.
create table relied_change (
    dossier_id  text   not null references dossier (dossier_id),
    component   text   not null,
    record_id   text   not null,
    version     bigint not null,
    change      text   not null,            -- schemas::api::RecordChange
    at          bigint not null,
    told        bigint not null default 0,
    primary key (dossier_id, component, record_id, version)
);

create index relied_change_untold on relied_change (at) where told = 0;

-- Lawful reasons stated for collecting a paper that a record stands for.
create table ask_again (
    scan_id     text   not null references scan (scan_id),
    dossier_id  text   not null references dossier (dossier_id),
    component   text   not null,
    reason      text   not null,            -- schemas::api::AskReason
    said_by     text,
    at          bigint not null,
    primary key (scan_id, component)
);

create index ask_again_dossier on ask_again (dossier_id, component);

-- Lookups of a dossier.
alter table lookup add column dossier text;         -- its code
create index lookup_dossier on lookup (dossier, place) where dossier is not null;

-- Lookups that were stopped: the subject is nearly an owner. No personal data.
create table near_match (
    request     text   primary key,
    record_id   text   not null,
    asked_at    bigint not null,
    asked_by    text   not null
);

create index near_match_oldest on near_match (asked_at);

-- Reports ask for the dossiers of a period.
create index dossier_opened on dossier (opened_at);
