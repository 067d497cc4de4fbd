-- Blobs that are being removed. No row may come to need one until its removal is over, or was asked
-- for so long ago that no store carries it out any more.
create table removal (
    blob      text   primary key,           -- blake3, which is its name
    asked_at  bigint not null
);
