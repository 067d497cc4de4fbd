-- Jobs on many machines: the broker carries them to workers, and what counts stays here.

-- When the broker confirmed that it has the job; null until then, and again once it is leased.
alter table job add column sent_at bigint;

-- Few at a time: what was sent and nobody has taken yet.
create index job_sent on job (lane, sent_at) where sent_at is not null;

-- One process at a time sends; when it dies, the next one does once this is over.
create table relay_lease (
    name        text   primary key,
    holder      text   not null,
    held_until  bigint not null
);

insert into relay_lease (name, holder, held_until) values ('queue', '', 0);
