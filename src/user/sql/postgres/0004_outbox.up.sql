-- Events that have to leave, written in the same transaction as the change they tell of; src/event/outbox.h says what each column is for.
CREATE TABLE outbox (
    sequence        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id        TEXT NOT NULL UNIQUE,
    subject         TEXT NOT NULL,
    type            TEXT NOT NULL,
    envelope        TEXT NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_ms BIGINT NOT NULL,
    created_ms      BIGINT NOT NULL,
    sent_ms         BIGINT,
    refused_ms      BIGINT,
    last_error      TEXT
);
CREATE INDEX outbox_pending ON outbox (sequence) WHERE sent_ms IS NULL AND refused_ms IS NULL;
CREATE INDEX outbox_subject ON outbox (subject, sequence) WHERE sent_ms IS NULL AND refused_ms IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_ms) WHERE sent_ms IS NOT NULL;
