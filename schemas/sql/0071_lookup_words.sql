-- What became of a lookup's answer: shown to the citizen, used, declined. The latest word of
-- used and declined counts; those before it stay.

create table lookup_word (
    lookup_id   text   not null references lookup (lookup_id),
    place       bigint not null,            -- from 1
    word        text   not null,            -- schemas::api::LookupWord
    dossier     text,                       -- as lookup.dossier
    component   text,                       -- that the lookup was for
    reason      text,
    said_by     text   not null,
    principal   text,
    at          bigint not null,
    primary key (lookup_id, place)
);

create index lookup_word_dossier on lookup_word (dossier, component);
