-- How fast workers go, for intakes that must say when to come back.

create table pace (
    worker      text   primary key,         -- an id that each chooses when it starts
    at          bigint not null,
    jobs_per_hour bigint not null
);

-- How far the outbox lags behind.
create index outbox_due on outbox (due_at);
