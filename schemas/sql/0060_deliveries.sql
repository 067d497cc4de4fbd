-- What must leave: events, for those who asked to hear of them. No personal data: a body names
-- dossiers and records by their codes and ids.

-- Who asked, as the configuration of the process that sends says. Where they are and how they are
-- spoken to stands there alone.
create table subscriber (
    name        text   primary key,
    listens     bigint not null,            -- 0: only what is meant for it alone
    events      text   not null,            -- list of schemas::event::EventKind; all when empty
    office      text,                       -- this one and those below it; all when null
    since       bigint not null
);

-- Written with the change that it tells of. Those of one dossier to one subscriber leave one after
-- the other, in order of their turn.
create table delivery (
    delivery_id text   primary key,
    subscriber  text   not null,
    event_id    text   not null,            -- stays the same however often it is sent
    event       text   not null,            -- schemas::event::EventKind
    dossier_id  text   not null references dossier (dossier_id),
    office      text   not null,
    turn        bigint not null,            -- dossier_event.turn
    body        text   not null,            -- schemas::event::CloudEvent
    fate        text   not null check (fate in ('waiting', 'delivered', 'hung', 'dropped')),
    attempts    bigint not null default 0,
    made_at     bigint not null,
    since       bigint not null,            -- when it was made, or last put back by a person
    due_at      bigint not null,
    tried_at    bigint,
    ended_at    bigint,
    trouble     text,                       -- schemas::api::DeliveryTrouble of the last attempt
    status      bigint,                     -- of the last HTTP answer
    unique (subscriber, event_id)
);

create index delivery_due on delivery (subscriber, due_at) where fate = 'waiting';
create index delivery_line on delivery (subscriber, dossier_id, turn) where fate = 'waiting';
create index delivery_fate on delivery (fate, made_at);
create index delivery_dossier on delivery (dossier_id, subscriber);

-- One process at a time sends.
insert into relay_lease (name, holder, held_until) values ('deliveries', '', 0);
