-- Audit: every read and every change of a record is a line, bound to the line before by hash.
--
-- No personal data in any of it: ids, what it was for, the law that allows it, hashes. Lines and
-- heads are only ever added to.

-- Lines that are not in the chain yet. Whoever reads or changes a record adds one in the same
-- transaction, and waits for nobody; one process at a time moves them into the chain.
create table audit_pending (
    line_id     text   primary key,         -- grows with time
    body        text   not null             -- schemas::audit::AuditLine
);

-- The chain. What is asked for stands in columns, too.
create table audit_line (
    place       bigint primary key,         -- from 1
    line_id     text   not null unique,
    at          bigint not null,
    act         text   not null,            -- schemas::audit::Act
    principal_id text,
    record_id   text,
    version     bigint,
    lookup_id   text,
    content     text,                       -- hash of what was read or changed
    body        text   not null,            -- schemas::audit::AuditLine
    hash        text   not null             -- blake3 of the hash before and body
);

create index audit_line_at on audit_line (at, place);
create index audit_line_record on audit_line (record_id, place) where record_id is not null;
create index audit_line_principal on audit_line (principal_id, place)
    where principal_id is not null;
create index audit_line_lookup on audit_line (lookup_id) where lookup_id is not null;

insert into chain (name, length, hash)
values ('audit', 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- The chain as it was at a moment, signed.
create table audit_head (
    place       bigint primary key,         -- its last line
    hash        text   not null,
    at          bigint not null,
    body        text   not null,            -- schemas::audit::AuditHead, which is what is signed
    signature   text   not null             -- CMS over body, detached; base64
);
