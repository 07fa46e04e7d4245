-- name: session_insert
-- $1 id, $2 user, $3 rotation key, $4 user agent, $5 address, $6 now, $7 expires
INSERT INTO sessions (id, user_id, rotation_key, user_agent, ip_address, created_at_ms, used_at_ms, expires_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7);

-- name: session_check
-- Is the session alive, and what may its user do now?
SELECT u.id, u.role FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = $1 AND s.revoked_at_ms IS NULL AND s.expires_at_ms > $2 AND u.is_active;

-- name: session_touch
UPDATE sessions SET used_at_ms = $2, expires_at_ms = $3, ip_address = $4 WHERE id = $1;

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
SELECT r.session_id, r.used_at_ms, s.rotation_key, s.revoked_at_ms, s.expires_at_ms, u.id, u.role, u.is_active,
       u.email, u.display_name, u.language, s.user_agent
FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id JOIN users u ON u.id = s.user_id
WHERE r.token_hash = $1;

-- name: refresh_unused
SELECT 1 FROM refresh_tokens WHERE token_hash = $1 AND used_at_ms IS NULL;

-- name: sessions_end
-- $1 user, $2 session, $3 scope (this, others, all), $4 now, $5 reason. What had ended already is not told again.
UPDATE sessions SET revoked_at_ms = $4, end_reason = $5
WHERE user_id = $1 AND revoked_at_ms IS NULL AND expires_at_ms > $4
  AND ($3 = 'all' OR ($3 = 'this' AND id = $2) OR ($3 = 'others' AND id <> $2))
RETURNING id;

-- name: sessions_trim
-- $1 user, $2 how many may stay, $3 now: the ones used longest ago end.
UPDATE sessions SET revoked_at_ms = $3, end_reason = 'too_many'
WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND revoked_at_ms IS NULL AND expires_at_ms > $3
             ORDER BY used_at_ms DESC, id DESC LIMIT 1000 OFFSET $2)
RETURNING id;

-- name: sessions_like
-- $1 user, $2 this session, $3 user agent: other sessions the user has had lately, and those of them like it.
SELECT count(*), count(CASE WHEN user_agent = $3 THEN 1 END) FROM sessions WHERE user_id = $1 AND id <> $2;

-- name: sessions_of
SELECT id, user_agent, ip_address, created_at_ms, used_at_ms, expires_at_ms FROM sessions
WHERE user_id = $1 AND revoked_at_ms IS NULL AND expires_at_ms > $2 ORDER BY used_at_ms DESC, id DESC LIMIT 100;

-- name: session_owned
SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2;

-- name: sessions_ended_lately
-- Those whose access tokens may not have run out since $1.
SELECT id FROM sessions WHERE revoked_at_ms > $1 ORDER BY revoked_at_ms DESC LIMIT 10000;
