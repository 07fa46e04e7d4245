-- name: user_insert
-- $1 id, $2 email, $3 canonical, $4 hash, $5 display name, $6 language, $7 now
INSERT INTO users (id, email, email_canonical, hashed_password, display_name, language, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7);

-- name: user_exists
SELECT 1 FROM users WHERE email_canonical = $1;

-- name: user_credentials
SELECT id, hashed_password, role, is_active FROM users WHERE email_canonical = $1;

-- name: user_profile
SELECT id, email, display_name, language, role, is_active, created_at_ms FROM users WHERE id = $1;

-- name: user_patch
-- $2 and $4 say whether the column is in the patch.
UPDATE users
SET display_name = CASE WHEN $2 = 1 THEN $3 ELSE display_name END,
    language = CASE WHEN $4 = 1 THEN $5 ELSE language END,
    updated_at_ms = $6
WHERE id = $1
RETURNING id, email, display_name, language, role, is_active, created_at_ms;

-- name: user_rehash
-- Only if nobody changed the password meanwhile.
UPDATE users SET hashed_password = $3, updated_at_ms = $4 WHERE id = $1 AND hashed_password = $2;

-- name: session_insert
-- $1 id, $2 user, $3 rotation key, $4 user agent, $5 address, $6 now, $7 expires
INSERT INTO sessions (id, user_id, rotation_key, user_agent, ip_address, created_at_ms, used_at_ms, expires_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7);

-- name: session_check
-- Is the session alive, and what may its user do now?
SELECT u.id, u.role FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = $1 AND s.revoked_at_ms IS NULL AND s.expires_at_ms > $2 AND u.is_active = 1;

-- name: session_touch
UPDATE sessions SET used_at_ms = $2, expires_at_ms = $3 WHERE id = $1;

-- name: session_revoke
UPDATE sessions SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL;

-- name: sessions_prune
-- Sessions that ended before $1; their tokens go with them.
DELETE FROM sessions WHERE expires_at_ms < $1 OR revoked_at_ms < $1;

-- name: refresh_insert
INSERT INTO refresh_tokens (token_hash, session_id, created_at_ms) VALUES ($1, $2, $3);

-- name: refresh_use
-- The one atomic step of a rotation: of any number of callers only one finds the token unused.
UPDATE refresh_tokens SET used_at_ms = $2 WHERE token_hash = $1 AND used_at_ms IS NULL RETURNING session_id;

-- name: refresh_find
-- With its session and user: everything that decides what a presented token is worth.
SELECT r.session_id, r.used_at_ms, s.rotation_key, s.revoked_at_ms, s.expires_at_ms, u.id, u.role, u.is_active
FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id JOIN users u ON u.id = s.user_id
WHERE r.token_hash = $1;

-- name: refresh_unused
SELECT 1 FROM refresh_tokens WHERE token_hash = $1 AND used_at_ms IS NULL;

-- name: favorite_insert
INSERT INTO favorites (user_id, movie_id, movie_title, movie_year, poster_path, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: favorite_exists
SELECT 1 FROM favorites WHERE user_id = $1 AND movie_id = $2;

-- name: favorite_delete
DELETE FROM favorites WHERE user_id = $1 AND movie_id = $2;

-- name: favorites_count
SELECT count(*) FROM favorites WHERE user_id = $1;

-- name: favorites_page
SELECT movie_id, movie_title, movie_year, poster_path, created_at_ms FROM favorites WHERE user_id = $1
ORDER BY created_at_ms DESC, movie_id DESC LIMIT $2 OFFSET $3;
