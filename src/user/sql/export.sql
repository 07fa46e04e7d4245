-- name: export_account
SELECT id, email, display_name, language, role, is_active, email_verified_at_ms, created_at_ms, updated_at_ms, delete_at_ms
FROM users WHERE id = $1;

-- name: export_sessions
SELECT id, user_agent, ip_address, created_at_ms, used_at_ms, expires_at_ms, revoked_at_ms, end_reason, id
FROM sessions WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT 500;

-- name: export_second_factor
SELECT created_at_ms, enabled_at_ms,
       (SELECT count(*) FROM recovery_codes c WHERE c.user_id = $1 AND c.used_at_ms IS NULL)
FROM second_factors WHERE user_id = $1;

-- name: export_links
SELECT purpose, email, created_at_ms, expires_at_ms, used_at_ms FROM one_time_links WHERE user_id = $1
ORDER BY created_at_ms LIMIT 1000;

-- name: export_audit
SELECT at_ms, action, result, actor_id, session_id, ip_address, user_agent, trace_id, detail, sequence
FROM audit WHERE user_id = $1 AND sequence > $2 ORDER BY sequence LIMIT 500;

-- name: export_library
SELECT e.collection, e.movie_id, f.title, f.year, e.item_id, e.rating, e.watched_on, e.note, e.is_pending, e.added_at_ms,
       e.changed_at_ms, e.deleted_at_ms, e.version
FROM library_entries e LEFT JOIN films f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.version > $2 ORDER BY e.version LIMIT 500;

-- name: export_lists
SELECT id, name, description, shared_at_ms, items, created_at_ms, updated_at_ms, deleted_at_ms, version
FROM lists WHERE user_id = $1 AND version > $2 ORDER BY version LIMIT 500;

-- name: export_requests
SELECT idempotency_key, status, location, created_at_ms, idempotency_key
FROM idempotency_keys WHERE user_id = $1 AND idempotency_key > $2 ORDER BY idempotency_key LIMIT 500;

-- name: export_events
SELECT event_id, type, created_ms, sent_ms, envelope, sequence
FROM outbox WHERE subject = $3 AND sequence > $2 AND $1 = $1 ORDER BY sequence LIMIT 500;
