-- What somebody who need not be logged in has asked for with an address. It is written down for every address alike, known or
-- not, and looked at behind the answer, so that neither the answer nor its time tells which it was.
CREATE TABLE account_requests (
    id              TEXT PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('register', 'verify_email', 'reset_password')),
    email           TEXT NOT NULL,
    email_canonical TEXT NOT NULL,
    hashed_password TEXT,                          -- register
    display_name    TEXT,                          -- register
    language        TEXT,                          -- register
    ip_address      TEXT,
    user_agent      TEXT,
    created_at_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX account_requests_age ON account_requests (created_at_ms);
