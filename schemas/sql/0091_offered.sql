-- When a second factor was offered, which nobody confirms later than ten minutes after it. Null where
-- the moment wasn't kept: that is too late, too.
alter table person add column factor_next_at bigint;

-- The directory vouches for nobody who was given a password since it did.
delete from person_session where by_directory = 1
    and principal_id in (select principal_id from person where password is not null);
delete from directory_person
    where principal_id in (select principal_id from person where password is not null);
