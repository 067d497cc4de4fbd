-- The oldest schema that a program may know and still work with this one; see README.md.

create table schema_floor (
    oldest      bigint not null
);

insert into schema_floor (oldest) values (5);
