-- What stood where something was erased. No personal data.

create table erased (
    record_id   text   not null,
    version     bigint not null,
    dossier     text   not null,            -- code of the dossier that went with it
    hash        text   not null,            -- of the record as it was: the audit has the same
    erased_at   bigint not null,
    primary key (record_id, version)
);
