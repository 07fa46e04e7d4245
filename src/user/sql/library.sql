-- name: film_upsert
-- $1 film, $2 title, $3 year, $4 poster, $5 now. Writes nothing, and locks nothing, when the row says so already since $6.
INSERT INTO films (movie_id, title, year, poster_path, refreshed_at_ms)
SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS BIGINT)
WHERE NOT EXISTS (
    SELECT 1 FROM films WHERE movie_id = $1 AND title = $2 AND year IS NOT DISTINCT FROM $3
    AND poster_path IS NOT DISTINCT FROM $4 AND gone_at_ms IS NULL AND refreshed_at_ms >= $6)
ON CONFLICT (movie_id) DO UPDATE SET
    keys_due = films.keys_due OR films.title <> excluded.title OR films.year IS DISTINCT FROM excluded.year,
    title = excluded.title, year = excluded.year, poster_path = excluded.poster_path,
    refreshed_at_ms = excluded.refreshed_at_ms, gone_at_ms = NULL;

-- name: library_lock
-- Makes the person's row, and holds it until the end of the transaction: the first statement of every change.
INSERT INTO library_state (user_id) VALUES ($1)
ON CONFLICT (user_id) DO UPDATE SET version = library_state.version;

-- name: library_put
-- $1 user, $2 film, $3 collection, $4 item, $5 pending, $6 rating, $7 watched on, $8 note, $9 title key, $10 year key, $11 added,
-- $12 now, $13 most entries. A row when something changed.
INSERT INTO library_entries (user_id, movie_id, collection, item_id, is_pending, rating, watched_on, note, title_key, year_key,
    added_at_ms, changed_at_ms, added_version, version)
SELECT s.user_id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), $5,
    CASE WHEN $3 = 'ratings' THEN CAST($6 AS BIGINT) ELSE coalesce((
        SELECT r.rating FROM library_entries AS r WHERE r.user_id = s.user_id AND r.movie_id = CAST($2 AS BIGINT)
        AND r.collection = 'ratings' AND r.item_id = '' AND r.deleted_at_ms IS NULL), 0) END,
    CAST($7 AS TEXT), CAST($8 AS TEXT), CAST($9 AS TEXT), CAST($10 AS BIGINT), CAST($11 AS BIGINT), CAST($12 AS BIGINT),
    s.version + 1, s.version + 1
FROM library_state AS s
WHERE s.user_id = $1 AND (s.entries < CAST($13 AS BIGINT) OR EXISTS (
    SELECT 1 FROM library_entries AS x WHERE x.user_id = $1 AND x.movie_id = CAST($2 AS BIGINT)
    AND x.collection = CAST($3 AS TEXT) AND x.item_id = CAST($4 AS TEXT) AND x.deleted_at_ms IS NULL))
ON CONFLICT (user_id, movie_id, collection, item_id) DO UPDATE SET
    is_pending = (library_entries.is_pending OR library_entries.deleted_at_ms IS NOT NULL) AND excluded.is_pending,
    rating = excluded.rating, watched_on = excluded.watched_on, note = excluded.note,
    title_key = CASE WHEN excluded.is_pending THEN library_entries.title_key ELSE excluded.title_key END,
    year_key = CASE WHEN excluded.is_pending THEN library_entries.year_key ELSE excluded.year_key END,
    added_at_ms = CASE WHEN library_entries.deleted_at_ms IS NULL THEN library_entries.added_at_ms ELSE excluded.added_at_ms END,
    added_version = CASE WHEN library_entries.deleted_at_ms IS NULL THEN library_entries.added_version
        ELSE excluded.added_version END,
    changed_at_ms = excluded.changed_at_ms, version = excluded.version, deleted_at_ms = NULL
WHERE library_entries.deleted_at_ms IS NOT NULL OR library_entries.rating <> excluded.rating
    OR library_entries.watched_on <> excluded.watched_on OR library_entries.note IS DISTINCT FROM excluded.note
    OR (library_entries.is_pending AND NOT excluded.is_pending)
RETURNING version, added_version, added_at_ms, changed_at_ms, is_pending, rating;

-- name: library_item_put
-- As library_put for an item of a list, which goes to its end. $6 the list, $7 most items of it.
INSERT INTO library_entries (user_id, movie_id, collection, is_pending, rating, note, title_key, year_key, added_at_ms,
    changed_at_ms, added_version, version, position)
SELECT s.user_id, CAST($2 AS BIGINT), CAST($3 AS TEXT), $5, coalesce((
        SELECT r.rating FROM library_entries AS r WHERE r.user_id = s.user_id AND r.movie_id = CAST($2 AS BIGINT)
        AND r.collection = 'ratings' AND r.item_id = '' AND r.deleted_at_ms IS NULL), 0),
    CAST($8 AS TEXT), CAST($9 AS TEXT), CAST($10 AS BIGINT), CAST($11 AS BIGINT), CAST($12 AS BIGINT),
    s.version + 1, s.version + 1, coalesce((
        SELECT max(p.position) FROM library_entries AS p WHERE p.user_id = s.user_id AND p.collection = CAST($3 AS TEXT)
        AND p.deleted_at_ms IS NULL AND p.position IS NOT NULL), 0) + 4294967296
FROM library_state AS s JOIN lists AS l ON l.user_id = s.user_id
WHERE s.user_id = $1 AND l.id = $6 AND l.deleted_at_ms IS NULL AND (
    (s.entries < CAST($13 AS BIGINT) AND l.items < CAST($7 AS BIGINT)) OR EXISTS (
    SELECT 1 FROM library_entries AS x WHERE x.user_id = $1 AND x.movie_id = CAST($2 AS BIGINT)
    AND x.collection = CAST($3 AS TEXT) AND x.item_id = CAST($4 AS TEXT) AND x.deleted_at_ms IS NULL))
ON CONFLICT (user_id, movie_id, collection, item_id) DO UPDATE SET
    is_pending = (library_entries.is_pending OR library_entries.deleted_at_ms IS NOT NULL) AND excluded.is_pending,
    rating = excluded.rating, note = excluded.note,
    title_key = CASE WHEN excluded.is_pending THEN library_entries.title_key ELSE excluded.title_key END,
    year_key = CASE WHEN excluded.is_pending THEN library_entries.year_key ELSE excluded.year_key END,
    added_at_ms = CASE WHEN library_entries.deleted_at_ms IS NULL THEN library_entries.added_at_ms ELSE excluded.added_at_ms END,
    added_version = CASE WHEN library_entries.deleted_at_ms IS NULL THEN library_entries.added_version
        ELSE excluded.added_version END,
    position = CASE WHEN library_entries.deleted_at_ms IS NULL THEN library_entries.position ELSE excluded.position END,
    changed_at_ms = excluded.changed_at_ms, version = excluded.version, deleted_at_ms = NULL
WHERE library_entries.deleted_at_ms IS NOT NULL OR library_entries.rating <> excluded.rating
    OR library_entries.note IS DISTINCT FROM excluded.note OR (library_entries.is_pending AND NOT excluded.is_pending)
RETURNING version, added_version, added_at_ms, changed_at_ms, is_pending, rating;

-- name: library_remove
-- $5 now. A row when it was there.
UPDATE library_entries
SET deleted_at_ms = $5, changed_at_ms = $5, is_pending = FALSE,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = library_entries.user_id)
WHERE user_id = $1 AND movie_id = $2 AND collection = $3 AND item_id = $4 AND deleted_at_ms IS NULL
RETURNING version, added_version, added_at_ms, changed_at_ms, is_pending, rating;

-- name: library_count
-- Counts what the statement before changed in this entry, if it did: then the entry has the version after the library's.
UPDATE library_state SET version = e.version, entries = library_state.entries + e.delta,
    favorites = library_state.favorites + CASE WHEN e.collection = 'favorites' THEN e.delta ELSE 0 END,
    watchlist = library_state.watchlist + CASE WHEN e.collection = 'watchlist' THEN e.delta ELSE 0 END,
    ratings = library_state.ratings + CASE WHEN e.collection = 'ratings' THEN e.delta ELSE 0 END,
    watched = library_state.watched + CASE WHEN e.collection = 'watched' THEN e.delta ELSE 0 END
FROM (
    SELECT x.user_id, x.collection, x.version,
        CASE WHEN x.deleted_at_ms IS NOT NULL THEN -1 WHEN x.added_version = x.version THEN 1 ELSE 0 END AS delta
    FROM library_entries AS x
    WHERE x.user_id = $1 AND x.movie_id = $2 AND x.collection = $3 AND x.item_id = $4
) AS e
WHERE library_state.user_id = e.user_id AND e.version = library_state.version + 1;

-- name: library_item_count
-- The same for the list, before library_count. $5 the list.
UPDATE lists SET items = lists.items + e.delta
FROM (
    SELECT x.user_id,
        CASE WHEN x.deleted_at_ms IS NOT NULL THEN -1 WHEN x.added_version = x.version THEN 1 ELSE 0 END AS delta
    FROM library_entries AS x JOIN library_state AS s ON s.user_id = x.user_id
    WHERE x.user_id = $1 AND x.movie_id = $2 AND x.collection = $3 AND x.item_id = $4 AND x.version = s.version + 1
) AS e
WHERE lists.user_id = e.user_id AND lists.id = $5;

-- name: library_rating_copy
-- The rating stands on every entry of the film, so that any collection can be sorted by it.
UPDATE library_entries SET rating = r.rating
FROM (
    SELECT coalesce(max(x.rating), 0) AS rating FROM library_entries AS x
    WHERE x.user_id = $1 AND x.movie_id = $2 AND x.collection = 'ratings' AND x.deleted_at_ms IS NULL
) AS r
WHERE library_entries.user_id = $1 AND library_entries.movie_id = $2 AND library_entries.collection <> 'ratings'
    AND library_entries.rating <> r.rating;

-- name: library_find
-- One entry, live or not.
SELECT e.version, e.added_version, e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.deleted_at_ms
FROM library_entries AS e WHERE e.user_id = $1 AND e.movie_id = $2 AND e.collection = $3 AND e.item_id = $4;

-- name: list_is_there
SELECT 1 FROM lists WHERE id = $2 AND user_id = $1 AND deleted_at_ms IS NULL;

-- name: library_entry
-- One live entry, as a page has it.
SELECT e.movie_id, e.item_id, f.title, f.year, f.poster_path, e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on,
    e.note
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.movie_id = $2 AND e.collection = $3 AND e.item_id = $4 AND e.deleted_at_ms IS NULL;

-- name: library_watch
-- The same for a watch, known by its id; also one that was removed.
SELECT e.movie_id, e.item_id, f.title, f.year, f.poster_path, e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on,
    e.note, e.deleted_at_ms
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.item_id = $2 AND e.item_id <> '';

-- name: film_find
SELECT title, year, poster_path, refreshed_at_ms FROM films WHERE movie_id = $1 AND gone_at_ms IS NULL;

-- name: films_find
-- The same of many, those that are known since $2. $1 the ids, 10 digits each, without anything between.
WITH RECURSIVE asked (n, id) AS (
    SELECT 0, CAST(substr($1, 1, 10) AS BIGINT)
    UNION ALL
    SELECT n + 1, CAST(substr($1, n * 10 + 11, 10) AS BIGINT) FROM asked WHERE n * 10 + 20 <= length($1)
)
SELECT f.title, f.year, f.poster_path, f.movie_id FROM asked AS a JOIN films AS f ON f.movie_id = a.id
WHERE f.gone_at_ms IS NULL AND f.refreshed_at_ms >= $2;
