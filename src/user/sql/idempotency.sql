-- name: idempotency_claim
-- $1 user, $2 key, $3 hash of the request, $4 claim, $5 locked until, $6 now, $7 the age at which a key is forgotten. A row when the
-- request is this one's to do.
INSERT INTO idempotency_keys (user_id, idempotency_key, request_hash, claim, locked_until_ms, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id, idempotency_key) DO UPDATE SET
    request_hash = excluded.request_hash, claim = excluded.claim, locked_until_ms = excluded.locked_until_ms,
    created_at_ms = excluded.created_at_ms, status = NULL, location = NULL, body = NULL
WHERE idempotency_keys.created_at_ms < $7
    OR (idempotency_keys.status IS NULL AND idempotency_keys.locked_until_ms < excluded.created_at_ms)
RETURNING claim;

-- name: idempotency_find
SELECT request_hash, status, location, body FROM idempotency_keys WHERE user_id = $1 AND idempotency_key = $2;

-- name: idempotency_finish
-- In the transaction of the effect. $3 claim. A row when the claim still holds.
UPDATE idempotency_keys SET status = $4, location = $5, body = $6
WHERE user_id = $1 AND idempotency_key = $2 AND claim = $3 AND status IS NULL
RETURNING claim;

-- name: idempotency_release
-- The request came to nothing: whoever repeats it may try.
DELETE FROM idempotency_keys WHERE user_id = $1 AND idempotency_key = $2 AND claim = $3 AND status IS NULL;

-- name: idempotency_forget
DELETE FROM idempotency_keys WHERE created_at_ms < $1;
