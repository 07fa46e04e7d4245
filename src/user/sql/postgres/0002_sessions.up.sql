-- One row a device that is logged in.
CREATE TABLE sessions (
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rotation_key  BYTEA NOT NULL,                  -- makes each refresh token's successor, so that a lost answer can be repeated
    user_agent    TEXT,
    ip_address    TEXT,
    created_at_ms BIGINT NOT NULL,
    used_at_ms    BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at_ms);

-- Every refresh token a session ever had, hashed: a used one that comes back is a stolen one.
CREATE TABLE refresh_tokens (
    token_hash    BYTEA PRIMARY KEY,
    session_id    UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    used_at_ms    BIGINT
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
