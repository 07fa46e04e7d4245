-- name: library_head
SELECT version, forgotten, favorites, watchlist, ratings, watched, lists FROM library_state WHERE user_id = $1;

-- name: library_films
-- What is in the library of these films: one row an entry, one with no collection for a film without any. $2 the ids, 10 digits
-- each, without anything between.
-- BETWEEN is true of every id: it has PostgreSQL think of few films, and look each up by key instead of reading the whole library.
WITH RECURSIVE asked (n, id) AS (
    SELECT 0, CAST(substr($2, 1, 10) AS BIGINT)
    UNION ALL
    SELECT n + 1, CAST(substr($2, n * 10 + 11, 10) AS BIGINT) FROM asked WHERE n * 10 + 20 <= length($2)
)
SELECT a.n, a.id, e.collection, e.item_id, e.rating, e.watched_on, e.is_pending,
    coalesce((SELECT s.version FROM library_state AS s WHERE s.user_id = $1), 0)
FROM asked AS a LEFT JOIN library_entries AS e
ON e.user_id = $1 AND e.movie_id = a.id AND e.deleted_at_ms IS NULL
WHERE a.id BETWEEN 1 AND 2147483647
ORDER BY a.n, e.collection, e.watched_on, e.item_id LIMIT 9000;

-- name: library_changes
-- What changed after version $2 and up to $3, tombstones too. $4 how many.
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.collection,
    e.position, e.version, e.deleted_at_ms
FROM library_entries AS e
WHERE e.user_id = $1 AND e.version > $2 AND e.version <= $3
ORDER BY e.version LIMIT $4;

-- name: lists_changes
SELECT id, name, description, items, created_at_ms, updated_at_ms, share_nonce, shared_at_ms, version, deleted_at_ms
FROM lists WHERE user_id = $1 AND version > $2 AND version <= $3
ORDER BY version LIMIT $4;
