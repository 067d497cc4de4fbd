-- Name of the master key that data keys are put under, which says nothing of that key; null until
-- the first data key is put. The statement that puts one looks here, so that none comes under a
-- master key that was given up. A program that knows nothing of it doesn't look: none may run any
-- more when the master key is changed.
--
-- It stands in the one row that is of the database and not of the archive, which no backup holds.
alter table schema_floor add column master text;
