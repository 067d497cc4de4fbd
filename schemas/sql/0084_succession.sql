-- One paper takes the place of another: by what its kind ends, by what the catalogue says of a
-- result, or by a person's word.

-- The record of the paper that took this one's place, where it is digitised.
alter table record add column superseded_by text;

create index record_superseded_by on record (superseded_by) where superseded_by is not null;

-- Results that take the place of others, by the current versions of procedures
-- (schemas::catalogue::Outcome).
create table outcome_replaces (
    code        text   not null,            -- of the procedure
    result      text   not null,
    replaced    text   not null,
    primary key (code, result, replaced)
);

create index outcome_replaces_result on outcome_replaces (result, replaced);
