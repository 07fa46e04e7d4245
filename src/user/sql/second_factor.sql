-- name: factor_owner
SELECT email, display_name, language, hashed_password FROM users WHERE id = $1;

-- name: factor_find
SELECT sealed_secret, enabled_at_ms, created_at_ms FROM second_factors WHERE user_id = $1;

-- name: factor_status
SELECT f.enabled_at_ms,
       (SELECT count(*) FROM recovery_codes r WHERE r.user_id = f.user_id AND r.used_at_ms IS NULL)
FROM second_factors f WHERE f.user_id = $1 AND f.enabled_at_ms IS NOT NULL;

-- name: factor_begin
-- $1 user, $2 sealed secret, $3 now. One that is on stays as it is.
INSERT INTO second_factors (user_id, sealed_secret, created_at_ms) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE
SET sealed_secret = excluded.sealed_secret, created_at_ms = excluded.created_at_ms, last_step = 0
WHERE second_factors.enabled_at_ms IS NULL
RETURNING user_id;

-- name: factor_enable
-- $1 user, $2 the code's step, $3 now, $4 the sealed secret that the code was made with
UPDATE second_factors SET enabled_at_ms = $3, last_step = $2
WHERE user_id = $1 AND enabled_at_ms IS NULL AND sealed_secret = $4
RETURNING user_id;

-- name: factor_step
-- $1 user, $2 the code's step. The one atomic step of taking a code: of any number of callers with it one gets a row.
UPDATE second_factors SET last_step = $2
WHERE user_id = $1 AND enabled_at_ms IS NOT NULL AND last_step < $2
RETURNING user_id;

-- name: factor_delete
DELETE FROM second_factors WHERE user_id = $1;

-- name: recovery_delete
DELETE FROM recovery_codes WHERE user_id = $1;

-- name: recovery_insert
INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2);

-- name: recovery_use
-- $1 user, $2 hash, $3 now
UPDATE recovery_codes SET used_at_ms = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at_ms IS NULL
RETURNING user_id;
