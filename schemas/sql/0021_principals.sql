-- Who may ask for something: people, stations, systems; the keys they show, and what they may.
--
-- Personal data may stand in principal.name, where it names a person, and nowhere else. Of a key's
-- secret, which is long and random, only the blake3 is kept.

create table principal (
    principal_id text  primary key,
    kind        text   not null check (kind in ('person', 'station', 'system')),
    name        text   not null unique,
    made_at     bigint not null,
    made_by     text   not null,
    locked_at   bigint                      -- since when nothing of theirs is taken
);

create table principal_grant (
    principal_id text  not null references principal (principal_id),
    role        text   not null,            -- schemas::access::Role
    office      text   not null,            -- and those below it; all when empty
    primary key (principal_id, role, office)
);

create table access_key (
    key_id      text   primary key,
    principal_id text  not null references principal (principal_id),
    digest      text   not null,            -- blake3 of the secret
    narrowed    text   not null,            -- JSON list of permissions; none for all of its holder's
    made_at     bigint not null,
    expires_at  bigint not null,
    revoked_at  bigint
);

create index access_key_principal on access_key (principal_id);

-- Whose key a document was assigned with; assigned_by is what they said of themselves.
alter table document add column assigned_principal text;
