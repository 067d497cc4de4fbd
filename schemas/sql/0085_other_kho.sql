-- What became of other Kho's answers, and which results the national portal has.
--
-- Personal data may stand in inquiry_word.reason. A program that knows nothing of these tables erases
-- their rows with what they are about.

-- Whether the Kho that is asked is the national portal's, as the configuration said then.
alter table inquiry add column national bigint not null default 0;

-- What became of an answer: a paper of it was shown to the citizen, is used for the question's
-- component, or was declined. The latest word of used and declined counts for a component, whichever
-- question it is about; those before it stay.
create table inquiry_word (
    inquiry_id  text   not null references inquiry (inquiry_id) on delete cascade,
    place       bigint not null,            -- from 1
    dossier_id  text   not null,            -- as inquiry.dossier_id
    component   text   not null,            -- as inquiry.component
    word        text   not null,            -- schemas::api::LookupWord
    paper       bigint,                     -- which paper of the answer, from 0
    original    bigint not null,            -- whether the paper must come in all the same
    reason      text,
    said_by     text   not null,
    principal   text   not null,
    at          bigint not null,
    primary key (inquiry_id, place)
);

create index inquiry_word_dossier on inquiry_word (dossier_id, component);

-- Results whose address the taker of the national contract has taken.
create table synced_result (
    dossier_id  text   not null references dossier (dossier_id) on delete cascade,
    record_id   text   not null,
    at          bigint not null,
    primary key (dossier_id, record_id)
);
