-- Until when a record stands for a dossier's component: by the day on it, by its kind's policy,
-- or by how old a paper the component takes. Null where there is no such day.
alter table relied add column last_day text;
alter table relied add column expired bigint not null default 0;    -- whether that was noted

create index relied_running on relied (last_day) where expired = 0 and last_day is not null;
