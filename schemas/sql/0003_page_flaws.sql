-- Why a page should be scanned again: beside the page, so that a view of its dossier tells it
-- without loading what was read.

alter table page add column flaws text not null default '[]';   -- list of schemas::reading::Flaw
