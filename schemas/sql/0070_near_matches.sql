-- Near matches are compared by a person, and what was found is kept.
--
-- Personal data stands in near_match.subject, near_match.number, same_person.number and
-- old_number.

alter table near_match add column subject text;     -- schemas::api::RawSubject, as it was asked
alter table near_match add column differs text;     -- JSON list of schemas::subject::SubjectPart
alter table near_match add column asked text;       -- blake3 of the subject as it is compared
alter table near_match add column number text;      -- of the owner that the subject is near to
alter table near_match add column principal text;   -- whose key or session it was asked with

-- Whether who was asked about so is the person with that number, by somebody's word. The latest
-- word counts; those before it stay.
create table same_person (
    asked       text   not null,            -- as near_match.asked
    number      text   not null,
    place       bigint not null,            -- from 1
    same        bigint not null,
    reason      text   not null,
    said_by     text   not null,
    principal   text,
    at          bigint not null,
    primary key (asked, number, place)
);

-- Numbers of nine digits (chứng minh nhân dân) that identity cards say their holder had before.
create table old_number (
    old         text   not null,
    number      text   not null,
    primary key (old, number)
);
