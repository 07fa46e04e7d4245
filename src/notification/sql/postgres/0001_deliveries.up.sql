-- One mail an event: the primary key is what makes an event that comes twice harmless.
CREATE TABLE deliveries (
    event_id        TEXT PRIMARY KEY,
    event_type      TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    template        TEXT NOT NULL,
    language        TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    display_name    TEXT,
    traceparent     TEXT,
    state           TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_ms BIGINT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    sent_at_ms      BIGINT,
    last_answer     TEXT
);
CREATE INDEX deliveries_due ON deliveries (state, next_attempt_ms);
CREATE INDEX deliveries_user ON deliveries (user_id);
