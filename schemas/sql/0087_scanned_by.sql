-- Who scanned, and what was signed with a key of theirs.

-- The principal whose session or key sent it first; null where it came before that was kept.
alter table scan add column scanned_by text;

-- As signed_pdf, of those who have a key of their own: equal PDFs that two of them scanned are
-- signed by each.
create table officer_pdf (
    sealed      text   not null,            -- blake3 of the PDF before it was signed
    principal_id text  not null,            -- who scanned its first page
    pdf         text   not null,            -- blake3 of the signed one
    signed_at   bigint not null,
    primary key (sealed, principal_id)
);

create index officer_pdf_pdf on officer_pdf (pdf);
