-- Indexes for what is asked seldom, and of tables that grow: by an application's subject, and what
-- goes with a dossier that is erased.

create index dossier_number on dossier (number);
create index parked_dossier on parked (dossier_id);
create index scan_key_scan on scan_key (scan_id);

create index record_digitisation on record (digitisation_code);
create index record_owner_record on record_owner (record_id, version);
create index signed_pdf_pdf on signed_pdf (pdf);
create index erased_dossier on erased (dossier);

create index near_match_record on near_match (record_id);
create index near_match_asked on near_match (asked, number);
create index same_person_number on same_person (number);
create index old_number_number on old_number (number);

-- Whether somebody said of a near match what it is. A program of before doesn't note it, so whoever
-- looks for those that wait looks at same_person, too.
alter table near_match add column found bigint not null default 0;

update near_match set found = 1
where exists (select 1 from same_person s
    where s.asked = near_match.asked and s.number = near_match.number);

create index near_match_waiting on near_match (asked_at, request) where found = 0;
