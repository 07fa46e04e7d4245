-- name: links_drop
-- Only the newest link of a purpose works.
DELETE FROM one_time_links WHERE user_id = $1 AND purpose = $2 AND used_at_ms IS NULL;

-- name: link_insert
-- $1 hash, $2 user, $3 purpose, $4 address, $5 now, $6 expires
INSERT INTO one_time_links (token_hash, user_id, purpose, email, created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6);

-- name: link_use
-- The one atomic step: of any number of callers only one finds the link unused. $3 now
UPDATE one_time_links SET used_at_ms = $3
WHERE token_hash = $1 AND purpose = $2 AND used_at_ms IS NULL AND expires_at_ms > $3
RETURNING user_id, email;

-- name: link_peek
-- Without using it.
SELECT l.user_id, l.email, u.email, u.display_name FROM one_time_links l JOIN users u ON u.id = l.user_id
WHERE l.token_hash = $1 AND l.purpose = $2 AND l.used_at_ms IS NULL AND l.expires_at_ms > $3;

-- name: link_was_good
-- A link that has proven the address its account has, and could still be used if it were not.
SELECT 1 FROM one_time_links l JOIN users u ON u.id = l.user_id
WHERE l.token_hash = $1 AND l.purpose = $2 AND l.used_at_ms IS NOT NULL AND l.expires_at_ms > $3
  AND u.email = l.email AND u.email_verified_at_ms IS NOT NULL;

-- name: links_lately
-- Links of that purpose made after $3.
SELECT count(*) FROM one_time_links WHERE user_id = $1 AND purpose = $2 AND created_at_ms > $3;

-- name: links_prune
DELETE FROM one_time_links WHERE expires_at_ms < $1;

-- name: request_insert
INSERT INTO account_requests (id, kind, email, email_canonical, hashed_password, display_name, language, ip_address, user_agent,
                              created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: requests_oldest
SELECT r.id, r.kind, r.email, r.email_canonical, r.hashed_password, r.display_name, r.language, r.ip_address,
       u.id, u.email, u.display_name, u.language, u.email_verified_at_ms, u.is_active
FROM account_requests r LEFT JOIN users u ON u.email_canonical = r.email_canonical
ORDER BY r.created_at_ms, r.id LIMIT 20;

-- name: request_delete
DELETE FROM account_requests WHERE id = $1;

-- name: user_verify
UPDATE users SET email_verified_at_ms = coalesce(email_verified_at_ms, $3), updated_at_ms = $3 WHERE id = $1 AND email = $2
RETURNING id;

-- name: user_set_password
UPDATE users SET hashed_password = $2, updated_at_ms = $3 WHERE id = $1
RETURNING email, email_canonical, display_name, language;

-- name: user_set_email
UPDATE users SET email = $2, email_canonical = $3, email_verified_at_ms = $4, updated_at_ms = $4 WHERE id = $1
RETURNING display_name, language;

-- name: user_email_of
SELECT email FROM users WHERE id = $1;

-- name: user_by_canonical
SELECT id, email, display_name, language FROM users WHERE email_canonical = $1;
