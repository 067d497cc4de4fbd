-- Lines of the audit about a dossier and no record of it are asked for by its code. Those that an
-- older program bound have none here, and say it in their body.

alter table audit_line add column dossier text;
create index audit_line_dossier on audit_line (dossier, place)
    where dossier is not null and record_id is null;
