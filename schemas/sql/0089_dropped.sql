-- Parked jobs that a person gave up for good. What such a job was for stays parked.
--
-- Personal data may stand in because. A program that knows nothing of this table erases its rows with
-- their dossier.
create table dropped (
    parked_id   text   primary key,         -- as it was in parked
    dossier_id  text   not null references dossier (dossier_id) on delete cascade,
    job         text   not null,
    target      text   not null,
    attempts    bigint not null,
    reason      text   not null,
    detail      text   not null,
    parked_at   bigint not null,
    because     text   not null,            -- why it was given up, in a person's words
    principal   text   not null,            -- who says so
    dropped_at  bigint not null
);

create index dropped_dossier on dropped (dossier_id);
create index dropped_target on dropped (target);
