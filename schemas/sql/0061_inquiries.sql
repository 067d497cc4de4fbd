-- Questions to other Kho, for dossiers, and what they answered.
--
-- Personal data stands in inquiry.question, inquiry.answer and inquiry_file.name.

create table inquiry (
    inquiry_id  text   primary key,
    dossier_id  text   not null references dossier (dossier_id),
    store       text   not null,            -- a subscriber's name
    component   text,
    delivery_id text   not null unique,     -- what asks it
    asked_at    bigint not null,
    principal   text   not null,
    question    text   not null,            -- schemas/contracts/kho-cau-hoi.json
    answer      text,                       -- what was found; null while nobody has answered
    answered_at bigint
);

create index inquiry_dossier on inquiry (dossier_id, asked_at);

create table inquiry_file (
    inquiry_id  text   not null references inquiry (inquiry_id),
    place       bigint not null,            -- in the answer, from 0
    name        text   not null,
    blake3      text   not null,
    bytes       bigint not null,
    primary key (inquiry_id, place)
);

create index inquiry_file_blob on inquiry_file (blake3);
