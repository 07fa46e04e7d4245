-- name: list_insert
-- $1 user, $2 id, $3 name, $4 description, $5 now, $6 most lists. A row when it was made.
INSERT INTO lists (id, user_id, name, description, created_at_ms, updated_at_ms, version)
SELECT $2, s.user_id, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($5 AS BIGINT), s.version + 1
FROM library_state AS s WHERE s.user_id = $1 AND s.lists < CAST($6 AS BIGINT)
RETURNING version;

-- name: list_patch
-- $4 and $6 say whether the column is in the patch. A row when there is such a list.
UPDATE lists
SET name = CASE WHEN $4 = 1 THEN $3 ELSE name END, description = CASE WHEN $6 = 1 THEN $5 ELSE description END,
    updated_at_ms = $7, version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = lists.user_id)
WHERE user_id = $1 AND id = $2 AND deleted_at_ms IS NULL
RETURNING version;

-- name: list_delete
UPDATE lists
SET deleted_at_ms = $3, updated_at_ms = $3, share_nonce = NULL, share_hash = NULL, shared_at_ms = NULL,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = lists.user_id)
WHERE user_id = $1 AND id = $2 AND deleted_at_ms IS NULL
RETURNING version;

-- name: list_items_delete
-- Without tombstones: the list's own says it all. $2 the list's id as the collection.
DELETE FROM library_entries WHERE user_id = $1 AND collection = $2 AND deleted_at_ms IS NULL;

-- name: list_count
-- Counts what the statement before changed in this list, if it did. $3: 1 made, -1 deleted, 0 changed.
UPDATE library_state
SET version = l.version, lists = library_state.lists + CAST($3 AS BIGINT),
    entries = library_state.entries - CASE WHEN CAST($3 AS BIGINT) < 0 THEN l.items ELSE 0 END
FROM (SELECT x.user_id, x.version, x.items FROM lists AS x WHERE x.id = $2) AS l
WHERE library_state.user_id = $1 AND l.user_id = library_state.user_id AND l.version = library_state.version + 1;

-- name: list_get
SELECT id, name, description, items, created_at_ms, updated_at_ms, share_nonce, shared_at_ms
FROM lists WHERE user_id = $1 AND id = $2 AND deleted_at_ms IS NULL;

-- name: lists_page
-- Newest first. $2 and $3 the place to go on from, $4 how many.
SELECT id, name, description, items, created_at_ms, updated_at_ms, share_nonce, shared_at_ms
FROM lists WHERE user_id = $1 AND deleted_at_ms IS NULL AND (created_at_ms, id) < ($2, $3)
ORDER BY created_at_ms DESC, id DESC LIMIT $4;

-- name: list_share
-- $3 nonce, $4 hash of the token made of it, $5 now. One that is shared already stays as it is.
UPDATE lists
SET share_nonce = $3, share_hash = $4, shared_at_ms = $5, updated_at_ms = $5,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = lists.user_id)
WHERE user_id = $1 AND id = $2 AND deleted_at_ms IS NULL AND share_nonce IS NULL
RETURNING version;

-- name: list_unshare
UPDATE lists
SET share_nonce = NULL, share_hash = NULL, shared_at_ms = NULL, updated_at_ms = $3,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = lists.user_id)
WHERE user_id = $1 AND id = $2 AND deleted_at_ms IS NULL AND share_nonce IS NOT NULL
RETURNING version;

-- name: list_shared
SELECT l.id, l.user_id, l.name, l.description, l.items, l.created_at_ms, l.updated_at_ms, u.display_name
FROM lists AS l JOIN users AS u ON u.id = l.user_id
WHERE l.share_hash = $1 AND l.deleted_at_ms IS NULL AND u.is_active;

-- name: list_item_position
-- $2 collection, $3 film.
SELECT position FROM library_entries
WHERE user_id = $1 AND movie_id = $3 AND collection = $2 AND item_id = '' AND deleted_at_ms IS NULL;

-- name: list_item_next
-- The first position above $3 that is not the film $4's; none: NULL.
SELECT min(position) FROM library_entries
WHERE user_id = $1 AND collection = $2 AND deleted_at_ms IS NULL AND position IS NOT NULL AND position > $3 AND movie_id <> $4;

-- name: list_item_move
-- $4 position, $5 now.
UPDATE library_entries
SET position = $4, changed_at_ms = $5,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = library_entries.user_id)
WHERE user_id = $1 AND movie_id = $3 AND collection = $2 AND item_id = '' AND deleted_at_ms IS NULL
RETURNING version;

-- name: list_items_spread
-- New positions with gaps for all items, each with a version of its own; then list_items_spread_count. $3 now.
UPDATE library_entries
SET position = r.place * 4294967296, changed_at_ms = $3, version = r.version + r.place
FROM (
    SELECT x.movie_id, s.version, row_number() OVER (ORDER BY x.position, x.movie_id) AS place
    FROM library_entries AS x JOIN library_state AS s ON s.user_id = x.user_id
    WHERE x.user_id = $1 AND x.collection = $2 AND x.deleted_at_ms IS NULL AND x.position IS NOT NULL
) AS r
WHERE library_entries.user_id = $1 AND library_entries.movie_id = r.movie_id AND library_entries.collection = $2
    AND library_entries.item_id = '' AND library_entries.deleted_at_ms IS NULL;

-- name: list_items_spread_count
UPDATE library_state SET version = version + (
    SELECT count(*) FROM library_entries AS x
    WHERE x.user_id = $1 AND x.collection = $2 AND x.deleted_at_ms IS NULL AND x.position IS NOT NULL)
WHERE user_id = $1;
