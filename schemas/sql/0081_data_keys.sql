-- Keys of papers and of second factors, one each, encrypted under the master key, which is not in
-- the database. No backup holds this table: a key that is erased here opens nothing anywhere any
-- more. What was erased stays as a line without its key, so that a backup from before is told from
-- a loss.
--
-- person.factor and person.factor_next name their key from now on (KEY:BASE64); a secret without a
-- colon is from before, and is encrypted at its next use.

create table data_key (
    key_id      text   primary key,         -- what is encrypted names it
    about       text   not null,            -- a blob's blake3, or a principal_id for a second factor
    wrapped     text,                       -- the key, encrypted; none: it was erased
    made_at     bigint not null,
    erased_at   bigint
);

create index data_key_about on data_key (about);
