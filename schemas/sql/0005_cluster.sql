-- What many processes need that work on one database.

-- Whether any job is due is asked by every worker, over and over.
create index job_due on job (due_at);

-- The oldest schema that a program may know and still work with this one; see README.md.
create table schema_floor (
    oldest      bigint not null
);

insert into schema_floor (oldest) values (5);
