-- People who log in: a principal of the kind 'person' and what is theirs alone. Their login name is
-- the principal's. Personal data: person.full_name.

create table person (
    principal_id text  primary key references principal (principal_id),
    full_name   text,
    password    text,                       -- argon2id, as a PHC string; none: nobody gets in by one
    given_until bigint,                     -- given by another: good until then, and changed first
    factor      text,                       -- TOTP secret (RFC 6238), base32; none without one
    factor_step bigint,                     -- newest step of time of which a code was taken
    factor_next text                        -- secret that no code has confirmed yet
);

-- What opens the door when the telephone is lost. A code is deleted when it is used.
create table recovery_code (
    principal_id text  not null references person (principal_id),
    digest      text   not null,            -- blake3; the codes are long and random
    primary key (principal_id, digest)
);

-- Of processes that run, and not of the archive: no backup holds it.
create table person_session (
    digest      text   primary key,         -- blake3 of the token, which is long and random
    principal_id text  not null references person (principal_id),
    made_at     bigint not null,
    seen_at     bigint not null,
    ends_at     bigint not null
);

create index person_session_principal on person_session (principal_id);

-- Attempts to log in since the last that went well, whether somebody has that name or not. Nobody's
-- name stands here: some type their password where their name belongs.
create table login_attempt (
    name_digest text   primary key,
    attempts    bigint not null,
    tried_at    bigint not null,
    wait_until  bigint not null             -- no attempt is taken before
);

create index login_attempt_tried_at on login_attempt (tried_at);
