-- name: admins_lock
-- Who changes administrators does it one after the other.
INSERT INTO leases (name, holder, expires_at_ms) VALUES ('admins', '', 0) ON CONFLICT (name) DO UPDATE SET holder = '';

-- name: admins_count
SELECT count(*) FROM users WHERE role = 'admin' AND is_active AND delete_at_ms IS NULL;

-- name: admin_users
-- $1, $2 the last one of the page before, $3 pattern or null, $4 role or null, $5 -1, 0, 1: is_active, $6 -1, 0, 1: proven,
-- $7 how many
SELECT id, email, display_name, language, role, is_active, created_at_ms, email_verified_at_ms, delete_at_ms FROM users
WHERE (created_at_ms < $1 OR (created_at_ms = $1 AND id < $2))
  AND (email_canonical LIKE lower($3) ESCAPE '!' OR lower(display_name) LIKE lower($3) ESCAPE '!' OR $3 IS NULL)
  AND (role = $4 OR $4 IS NULL)
  AND ($5 < 0 OR is_active = ($5 = 1))
  AND ($6 < 0 OR (email_verified_at_ms IS NOT NULL) = ($6 = 1))
ORDER BY created_at_ms DESC, id DESC LIMIT $7;

-- name: admin_user
SELECT id, email, display_name, language, role, is_active, created_at_ms, email_verified_at_ms, delete_at_ms,
       (SELECT count(*) FROM sessions s WHERE s.user_id = users.id AND s.revoked_at_ms IS NULL AND s.expires_at_ms > $2)
FROM users WHERE id = $1;

-- name: admin_user_by_email
SELECT id, role FROM users WHERE email_canonical = $1;

-- name: admin_user_change
-- $2 role or null, $3 -1, 0, 1: is_active, $4 now
UPDATE users
SET role = coalesce($2, role), is_active = CASE WHEN $3 < 0 THEN is_active ELSE ($3 = 1) END, updated_at_ms = $4
WHERE id = $1;

-- name: admins_list
SELECT id, email, is_active FROM users WHERE role = 'admin' ORDER BY created_at_ms LIMIT 1000;

-- name: user_delete_at
-- $2 when, or null: it stays after all; $3 now
UPDATE users SET delete_at_ms = $2, updated_at_ms = $3 WHERE id = $1;

-- name: user_delete
DELETE FROM users WHERE id = $1;

-- name: users_due
SELECT id, email, display_name, language FROM users WHERE delete_at_ms <= $1 ORDER BY delete_at_ms LIMIT 20;
