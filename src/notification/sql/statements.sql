-- name: delivery_insert
-- $1 now; $2 event, type, user, template, language, recipient, name or '', traceparent or '', data. Nothing when the event is known.
INSERT INTO deliveries (event_id, event_type, user_id, template, language, recipient, display_name, traceparent,
                        data, next_attempt_ms, created_at_ms)
VALUES ($2, $3, $4, $5, $6, $7, NULLIF($8, ''), NULLIF($9, ''), $10, $1, $1)
ON CONFLICT (event_id) DO NOTHING;

-- name: deliveries_insert_seven
-- $1 now; seven times the others of delivery_insert.
INSERT INTO deliveries (event_id, event_type, user_id, template, language, recipient, display_name, traceparent,
                        data, next_attempt_ms, created_at_ms)
VALUES ($2, $3, $4, $5, $6, $7, NULLIF($8, ''), NULLIF($9, ''), $10, $1, $1),
       ($11, $12, $13, $14, $15, $16, NULLIF($17, ''), NULLIF($18, ''), $19, $1, $1),
       ($20, $21, $22, $23, $24, $25, NULLIF($26, ''), NULLIF($27, ''), $28, $1, $1),
       ($29, $30, $31, $32, $33, $34, NULLIF($35, ''), NULLIF($36, ''), $37, $1, $1),
       ($38, $39, $40, $41, $42, $43, NULLIF($44, ''), NULLIF($45, ''), $46, $1, $1),
       ($47, $48, $49, $50, $51, $52, NULLIF($53, ''), NULLIF($54, ''), $55, $1, $1),
       ($56, $57, $58, $59, $60, $61, NULLIF($62, ''), NULLIF($63, ''), $64, $1, $1)
ON CONFLICT (event_id) DO NOTHING;

-- name: deliveries_due
SELECT event_id, recipient FROM deliveries
WHERE state = 'pending' AND next_attempt_ms <= $1 ORDER BY next_attempt_ms, event_id LIMIT $2;

-- name: delivery_get
SELECT template, language, recipient, display_name, traceparent, attempts, created_at_ms, data FROM deliveries
WHERE event_id = $1 AND state = 'pending';

-- name: deliveries_next
-- When the next one that is not due yet will be; NULL when there is none.
SELECT min(next_attempt_ms) FROM deliveries WHERE state = 'pending' AND next_attempt_ms > $1;

-- name: deliveries_waiting
SELECT count(*), min(created_at_ms) FROM deliveries WHERE state = 'pending';

-- name: deliveries_lately
-- Mails to a recipient since then, and when the first of them was sent.
SELECT count(*), min(sent_at_ms) FROM deliveries WHERE recipient = $1 AND sent_at_ms > $2;

-- name: delivery_wait
UPDATE deliveries SET next_attempt_ms = $2, last_answer = $3 WHERE event_id = $1;

-- name: delivery_sent
-- A link that is out is kept no longer, and of the person who was told goodbye nothing is.
UPDATE deliveries
SET state = 'sent', attempts = attempts + 1, sent_at_ms = $2, last_answer = $3, data = NULL,
    recipient = CASE WHEN template = 'deleted' THEN '' ELSE recipient END,
    display_name = CASE WHEN template = 'deleted' THEN NULL ELSE display_name END,
    user_id = CASE WHEN template = 'deleted' THEN '' ELSE user_id END
WHERE event_id = $1;

-- name: delivery_postpone
UPDATE deliveries SET attempts = attempts + 1, next_attempt_ms = $2, last_answer = $3 WHERE event_id = $1;

-- name: delivery_failed
UPDATE deliveries SET state = 'failed', attempts = attempts + 1, last_answer = $2 WHERE event_id = $1;

-- name: deliveries_page
-- $1 state or NULL, $2 the last event of the page before or NULL, $3 how many. Newest first.
SELECT event_id, event_type, template, language, recipient, state, attempts, next_attempt_ms, created_at_ms, sent_at_ms, last_answer
FROM deliveries WHERE state = COALESCE($1, state) AND event_id < COALESCE($2, 'z') ORDER BY event_id DESC LIMIT $3;

-- name: deliveries_forget
-- $1 user, $2 the event that tells of the goodbye. What was not sent yet will not be.
UPDATE deliveries
SET user_id = '', recipient = '', display_name = NULL, data = NULL,
    state = CASE WHEN state = 'pending' THEN 'failed' ELSE state END,
    last_answer = CASE WHEN state = 'pending' THEN 'the account was deleted' ELSE last_answer END
WHERE user_id = $1 AND event_id <> $2;

-- name: deliveries_sent_to
SELECT event_id FROM deliveries WHERE user_id = $1 AND state = 'sent' LIMIT 10000;

-- name: audit_insert
INSERT INTO audit (at_ms, action, detail) VALUES ($1, $2, $3);
