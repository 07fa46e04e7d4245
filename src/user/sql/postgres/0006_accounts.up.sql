-- When the address was proven to be its owner's; NULL: not yet.
ALTER TABLE users ADD COLUMN email_verified_at_ms BIGINT;
-- When the account goes for good, after its owner asked for it; NULL: it stays.
ALTER TABLE users ADD COLUMN delete_at_ms BIGINT;
CREATE INDEX users_delete ON users (delete_at_ms) WHERE delete_at_ms IS NOT NULL;
-- Pages of the administrators' list, newest first.
CREATE INDEX users_created ON users (created_at_ms, id);

-- Links sent by mail that work once: the token's SHA-256 only.
CREATE TABLE one_time_links (
    token_hash    BYTEA PRIMARY KEY,
    user_id       UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose       TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email')),
    email         TEXT NOT NULL,                   -- the address that the link proves
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms    BIGINT
);
CREATE INDEX one_time_links_user ON one_time_links (user_id, purpose);
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at_ms);
