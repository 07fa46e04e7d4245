-- Answers given under an Idempotency-Key, so that a request sent twice takes effect once. A row without a status is a request
-- at work until locked_until_ms; the status is written in the transaction of the effect.
CREATE TABLE idempotency_keys (
    user_id         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL,
    request_hash    BLOB NOT NULL,                    -- SHA-256 of method, target and body
    claim           TEXT NOT NULL,                    -- who is at it: only the newest claim may finish
    locked_until_ms INTEGER NOT NULL,
    status          INTEGER,
    location        TEXT,
    body            TEXT,
    created_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (user_id, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at_ms);
