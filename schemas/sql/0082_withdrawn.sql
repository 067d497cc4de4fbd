-- A record that a person withdrew comes back by a person's word alone.

-- The latest withdrawn version of its record when a person assigned the document.
alter table document add column assigned_after bigint;
