-- People beside the applicant whose papers a dossier needs. Personal data stands in dossier.others
-- and dossier_subject.number, too.

-- List of schemas::subject::Subject, in the order in which they were named.
alter table dossier add column others text not null default '[]';

-- Finds the dossiers that name somebody in `others`. A program that knows nothing of it erases its
-- rows with their dossier.
create table dossier_subject (
    number      text   not null,
    dossier_id  text   not null references dossier (dossier_id) on delete cascade,
    primary key (number, dossier_id)
);

create index dossier_subject_dossier on dossier_subject (dossier_id);
