-- name: audit_insert
-- $1 now, $2 action, $3 result, $4 actor, $5 user, $6 session, $7 address, $8 user agent, $9 trace, $10 detail
INSERT INTO audit (at_ms, action, result, actor_id, user_id, session_id, ip_address, user_agent, trace_id, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: audit_page
-- $1 the last one of the page before, $2 whose, $3 by whom, $4 action, $5 result, $6 address, $7 since, $8 before, $9 how many;
-- null: any
SELECT sequence, at_ms, action, result, actor_id, user_id, session_id, ip_address, user_agent, trace_id, detail FROM audit
WHERE sequence < $1 AND (user_id = $2 OR $2 IS NULL) AND (actor_id = $3 OR $3 IS NULL) AND (action = $4 OR $4 IS NULL)
  AND (result = $5 OR $5 IS NULL) AND (ip_address = $6 OR $6 IS NULL) AND at_ms >= $7 AND at_ms < $8
ORDER BY sequence DESC LIMIT $9;

-- name: audit_prune
-- $1 before when, $2 how many at most
DELETE FROM audit WHERE sequence IN (SELECT sequence FROM audit WHERE at_ms < $1 ORDER BY at_ms LIMIT $2);
