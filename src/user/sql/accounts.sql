-- name: user_insert
-- $1 id, $2 email, $3 canonical, $4 hash, $5 display name, $6 language, $7 now
INSERT INTO users (id, email, email_canonical, hashed_password, display_name, language, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7);

-- name: user_exists
SELECT 1 FROM users WHERE email_canonical = $1;

-- name: user_is_there
SELECT 1 FROM users WHERE id = $1;

-- name: user_credentials
SELECT id, hashed_password, role, is_active, email, display_name, language, delete_at_ms, email_verified_at_ms FROM users WHERE email_canonical = $1;

-- name: user_profile
SELECT id, email, display_name, language, role, is_active, created_at_ms, email_verified_at_ms FROM users WHERE id = $1;

-- name: user_patch
-- $2 and $4 say whether the column is in the patch.
UPDATE users
SET display_name = CASE WHEN $2 = 1 THEN $3 ELSE display_name END,
    language = CASE WHEN $4 = 1 THEN $5 ELSE language END,
    updated_at_ms = $6
WHERE id = $1
RETURNING id, email, display_name, language, role, is_active, created_at_ms, email_verified_at_ms;

-- name: user_rehash
-- Only if nobody changed the password meanwhile.
UPDATE users SET hashed_password = $3, updated_at_ms = $4 WHERE id = $1 AND hashed_password = $2;

-- name: user_secret
SELECT hashed_password, email, display_name, language FROM users WHERE id = $1;
