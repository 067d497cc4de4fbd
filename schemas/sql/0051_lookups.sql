-- Lookups have no chain of their own any more, whose one row all of them waited for: each has its
-- line in the audit. Those of before keep their place in the old chain, and programs of before may
-- go on adding to it.

-- Renamed first, which waits for everyone who writes: nothing is added while rows are copied.
alter table lookup rename to lookup_before;

create table lookup (
    lookup_id   text   primary key,
    place       bigint unique,              -- in the old chain, from 1; null of later lookups
    record_id   text   not null,
    asked_at    bigint not null,
    question    text   not null,            -- blake3 of the request
    body        text   not null,            -- schemas::api::Lookup, its chain hash the one before
    chain_hash  text   not null,            -- in the old chain; of later lookups that of their line
    dossier     text                        -- its code
);

insert into lookup (lookup_id, place, record_id, asked_at, question, body, chain_hash, dossier)
select lookup_id, place, record_id, asked_at, question, body, chain_hash, dossier
from lookup_before;

drop table lookup_before;

create index lookup_dossier on lookup (dossier, asked_at) where dossier is not null;
create index lookup_record on lookup (record_id, asked_at);
