-- name: keys_lock
-- Whoever changes the set of keys holds this row until its commit, so that of many replicas one makes the new key.
INSERT INTO leases (name, holder, expires_at_ms) VALUES ('signing-keys', '', 0)
ON CONFLICT (name) DO UPDATE SET holder = '';

-- name: keys_valid
-- $1 now. All that verify.
SELECT kid, sealed_jwk, created_at_ms, activates_at_ms, expires_at_ms FROM signing_keys
WHERE expires_at_ms IS NULL OR expires_at_ms > $1 ORDER BY activates_at_ms, kid LIMIT 16;

-- name: keys_all
SELECT kid, created_at_ms, activates_at_ms, expires_at_ms FROM signing_keys ORDER BY activates_at_ms DESC, kid LIMIT 100;

-- name: key_insert
-- $1 kid, $2 sealed, $3 public, $4 now, $5 when it begins to sign
INSERT INTO signing_keys (kid, sealed_jwk, public_jwk, created_at_ms, activates_at_ms) VALUES ($1, $2, $3, $4, $5);

-- name: keys_drop_pending
-- $1 now. Those that have not signed yet never will.
UPDATE signing_keys SET expires_at_ms = $1 WHERE activates_at_ms > $1;

-- name: keys_replace
-- $1 the new key, $2 until when the tokens of the others are good
UPDATE signing_keys SET expires_at_ms = $2 WHERE kid <> $1 AND expires_at_ms IS NULL;

-- name: key_retire
-- $1 kid, $2 now
UPDATE signing_keys SET expires_at_ms = $2 WHERE kid = $1 AND (expires_at_ms IS NULL OR expires_at_ms > $2)
RETURNING kid;

-- name: keys_prune
DELETE FROM signing_keys WHERE expires_at_ms < $1;
