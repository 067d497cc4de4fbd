-- What proves records: signed PDFs, and the agency's signatures over records.

-- The first signing of a sealed PDF stands, however often its job is done: signatures differ by
-- their moment. The file may be gone; then it is signed anew.
create table signed_pdf (
    sealed      text   primary key,         -- blake3 of the PDF before it was signed
    pdf         text   not null,            -- blake3 of the signed one
    signed_at   bigint not null
);

create table record_proof (
    record_id   text   not null,
    version     bigint not null,
    signature   text   not null,            -- CMS over record.body, detached; base64
    signed_at   bigint not null,
    primary key (record_id, version),
    foreign key (record_id, version) references record (record_id, version)
);
