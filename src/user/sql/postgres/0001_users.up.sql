-- People. Times are milliseconds since 1970, UTC.
CREATE TABLE users (
    id              UUID PRIMARY KEY,
    email           TEXT NOT NULL,                 -- as typed
    email_canonical TEXT NOT NULL UNIQUE,          -- the key two spellings share
    hashed_password TEXT NOT NULL,
    display_name    TEXT,
    language        TEXT NOT NULL DEFAULT 'en',
    role            TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    is_active       BOOLEAN NOT NULL DEFAULT TRUE,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL
);
