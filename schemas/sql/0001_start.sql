-- Everything Sohoa knows. One text for SQLite and PostgreSQL: ids, codes and JSON are text,
-- times are microseconds since 1970 UTC, flags are 0 or 1, days are text as 2026-01-31.
--
-- Personal data stands in: subject, dossier.subject, page_reading.body, record.body,
-- record.digitisation_code, record_owner.number, lookup.body. Nowhere else.

-- The catalogue ------------------------------------------------------------------------------

create table procedure_version (
    code        text   not null,
    version     bigint not null check (version >= 1),
    valid_from  text   not null,
    valid_to    text,                       -- null while it is the current one
    digest      text   not null,            -- blake3 of body
    name        text   not null,
    field       text   not null,
    folded      text   not null,            -- code, name and field without accents, to search in
    components  bigint not null,
    body        text   not null,            -- schemas::catalogue::Procedure
    primary key (code, version)
);

create unique index procedure_current on procedure_version (code) where valid_to is null;

-- Dossiers -----------------------------------------------------------------------------------

create table subject (
    number      text   primary key,
    body        text   not null             -- schemas::subject::Subject, as it was first given
);

create table counter (
    prefix      text   primary key,         -- what is counted, as a hash: prefixes may be personal
    last        bigint not null
);

create table dossier (
    dossier_id  text   primary key,
    code        text   not null unique,
    office      text   not null,
    procedure   text   not null,
    procedure_version bigint not null,
    case_id     text,
    lane        text   not null check (lane in ('counter', 'backlog')),
    subject     text   not null,            -- schemas::subject::Subject, as it was given
    number      text   not null references subject (number),
    state       text   not null check (state in ('open', 'closed')),
    opened_at   bigint not null,
    turn        bigint not null default 0,  -- grows with every change: number of the last event
    filed_pages bigint not null default 0,  -- read pages that the present filing was made from
    settled     bigint not null default 1   -- whether an event said so
);

create index dossier_unsettled on dossier (dossier_id) where settled = 0;

create table dossier_event (
    dossier_id  text   not null references dossier (dossier_id),
    turn        bigint not null,
    at          bigint not null,
    body        text   not null,            -- schemas::api::DossierEvent
    primary key (dossier_id, turn)
);

-- Scans and pages ----------------------------------------------------------------------------

create table scan (
    scan_id     text   primary key,
    dossier_id  text   not null references dossier (dossier_id),
    place       bigint not null,            -- order of arrival in the dossier: dossier.turn
    blake3      text   not null,
    bytes       bigint not null,
    media_type  text   not null,
    component   text,
    station     text,
    state       text   not null check (state in ('received', 'unpacked', 'parked')),
    pages       bigint,
    reason      text,
    received_at bigint not null,
    unique (dossier_id, place)
);

create index scan_blob on scan (blake3);
create index scan_received on scan (dossier_id) where state = 'received';

create table scan_key (
    dossier_id  text   not null references dossier (dossier_id),
    idempotency_key text not null,
    scan_id     text   not null references scan (scan_id),
    primary key (dossier_id, idempotency_key)
);

create table page (
    page_id     text   primary key,
    scan_id     text   not null references scan (scan_id),
    dossier_id  text   not null references dossier (dossier_id),
    seq         bigint not null,
    state       text   not null check (state in ('waiting', 'read', 'parked')),
    blank       bigint not null default 0,
    confidence  double precision,
    kind        text,
    kind_confidence double precision,
    image       text,                       -- schemas::reading::PageImage
    image_blake3 text,
    same_as     text,
    reason      text,
    unique (scan_id, seq)
);

create index page_state on page (dossier_id, state);
create index page_blob on page (image_blake3) where image_blake3 is not null;

-- Apart from page, so that a view of a dossier does not load every word.
create table page_reading (
    page_id     text   primary key references page (page_id),
    body        text   not null             -- schemas::reading::PageReading
);

-- Documents and records ----------------------------------------------------------------------

create table document (
    document_id text   primary key,
    dossier_id  text   not null references dossier (dossier_id),
    place       bigint not null,            -- order in the filing
    revision    text   not null,
    pages       text   not null,            -- page ids, in order
    kind        text,
    kind_confidence double precision,
    component   text,
    confidence  double precision not null,
    verdict     text   not null check (verdict in ('filed', 'unsure', 'outside')),
    why         text   not null,
    assigned_by text,
    seal        text   not null check (seal in ('none', 'waiting', 'sealed', 'parked')),
    record_version bigint                   -- what it was published as at this revision
);

create index document_dossier on document (dossier_id, place);
create index document_unsealed on document (dossier_id) where seal = 'waiting';

-- A code belongs to one record for ever.
create table digitisation (
    code        text   primary key,
    prefix      text   not null,            -- as in counter
    record_id   text   not null
);

create index digitisation_record on digitisation (record_id, prefix);

create table record (
    record_id   text   not null,
    version     bigint not null check (version >= 1),
    document_id text   not null,
    dossier_id  text   not null references dossier (dossier_id),
    revision    text   not null,
    digitisation_code text not null references digitisation (code),
    state       text   not null check (state in ('published', 'superseded', 'revoked')),
    published_at bigint not null,
    hash        text   not null,            -- blake3 of body with its hash left out
    pdf         text   not null,
    body        text   not null,            -- schemas::record::Record, as it was published
    primary key (record_id, version)
);

create index record_pdf on record (pdf);
create index record_document on record (document_id);

create table record_owner (
    number      text   not null,
    record_id   text   not null,
    version     bigint not null,
    primary key (number, record_id, version),
    foreign key (record_id, version) references record (record_id, version)
);

-- Lookups ------------------------------------------------------------------------------------

create table lookup (
    lookup_id   text   primary key,
    place       bigint not null unique,     -- in the chain, from 1
    record_id   text   not null,
    asked_at    bigint not null,
    question    text   not null,            -- blake3 of the request
    body        text   not null,            -- schemas::api::Lookup, holding the chain hash before
    chain_hash  text   not null             -- blake3 of the chain hash before and body
);

create table chain (
    name        text   primary key,
    length      bigint not null,
    hash        text   not null
);

insert into chain (name, length, hash)
values ('lookup', 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- What is to be done -------------------------------------------------------------------------

create table outbox (
    job_id      text   primary key,
    dossier_id  text   not null,
    lane        text   not null,
    office      text   not null,
    job         text   not null,            -- unpack, read, file, seal
    target      text   not null,            -- the scan, page, dossier or document
    message     text   not null,            -- schemas::message::Message
    made_at     bigint not null,
    due_at      bigint not null             -- not before
);

create index outbox_made on outbox (made_at);
create index outbox_target on outbox (target);
create index outbox_dossier on outbox (dossier_id);

-- The queue of the embedded form. A job in a worker's hands is due again when its lease is over.
create table job (
    job_id      text   primary key,
    dossier_id  text   not null,
    lane        text   not null,
    office      text   not null,
    job         text   not null,
    target      text   not null,
    message     text   not null,
    made_at     bigint not null,
    due_at      bigint not null,
    attempts    bigint not null default 0,
    lease       text
);

create index job_next on job (lane, office, due_at, job_id);
create index job_made on job (made_at);
create index job_target on job (target);
create index job_dossier on job (dossier_id);
create index job_leased on job (job_id) where lease is not null;

-- Offices of a lane take turns.
create table office_turn (
    lane        text   not null,
    office      text   not null,
    served      bigint not null default 0,
    primary key (lane, office)
);

create index office_turn_next on office_turn (lane, served, office);

create table parked (
    parked_id   text   primary key,
    dossier_id  text   not null references dossier (dossier_id),
    job         text   not null,
    target      text   not null,
    message     text   not null,
    attempts    bigint not null,
    reason      text   not null,
    detail      text   not null,
    parked_at   bigint not null
);

create index parked_oldest on parked (parked_at);
create index parked_target on parked (target);
