-- The second factor (RFC 6238): the secret is sealed; enabled_at_ms is NULL until its owner has shown a first code.
CREATE TABLE second_factors (
    user_id       TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed_secret BLOB NOT NULL,
    last_step     INTEGER NOT NULL DEFAULT 0,         -- of the newest code taken: none is taken twice
    created_at_ms INTEGER NOT NULL,
    enabled_at_ms INTEGER
) STRICT;

-- Codes for the day the device is lost: each works once, hashed.
CREATE TABLE recovery_codes (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash  BLOB NOT NULL,
    used_at_ms INTEGER,
    PRIMARY KEY (user_id, code_hash)
) STRICT;

-- Why a session ended: logged_out, password_changed, token_reused, deactivated, deleted, expired …
ALTER TABLE sessions ADD COLUMN end_reason TEXT;

-- Keys that access tokens are signed with, shared by all replicas; the private half is sealed.
CREATE TABLE signing_keys (
    kid             TEXT PRIMARY KEY,
    sealed_jwk      BLOB NOT NULL,
    public_jwk      TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    activates_at_ms INTEGER NOT NULL,                 -- signs from here on; verifies from its creation
    expires_at_ms   INTEGER                           -- verifies until here; NULL: not replaced yet
) STRICT;
