-- Digital signatures that came with a scan: personal data, too.

alter table scan add column signatures text; -- [schemas::signature::DigitalSignature]; null until unpacked
