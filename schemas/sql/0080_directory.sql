-- People whom an office's directory vouches for (OpenID Connect). A person is who the directory says
-- by its subject, which it gives nobody else; their name there may change hands. Personal data may
-- stand in directory_person.subject, where the directory names its people so.

create table directory_person (
    issuer       text   not null,
    subject      text   not null,
    principal_id text   not null references person (principal_id),
    linked_at    bigint not null,
    primary key (issuer, subject),
    unique (principal_id, issuer)
);

-- Browsers that were sent to the directory and are not back. Of processes that run, and not of the
-- archive: no backup holds it.
create table directory_visit (
    digest      text   primary key,         -- blake3 of what comes back with the browser (state)
    ends_at     bigint not null
);

create index directory_visit_ends_at on directory_visit (ends_at);

-- Whether the directory vouched when it began; 0 where a password did.
alter table person_session add column by_directory bigint not null default 0;
