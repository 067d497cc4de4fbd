-- Which archive this is: chosen by its first backup, kept by whatever is restored from one.
create table identity (
    name        text   primary key,         -- archive
    id          text   not null
);
