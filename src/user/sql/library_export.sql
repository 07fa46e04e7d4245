-- name: export_collection
-- A collection as its owner filled it; $3, $4 and $5 the place to go on from.
SELECT e.movie_id, e.item_id, f.title, f.year, e.rating, e.watched_on, e.note, e.added_at_ms
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.added_at_ms, e.movie_id, e.item_id) > ($3, $4, $5)
ORDER BY e.added_at_ms, e.movie_id, e.item_id LIMIT 500;

-- name: export_list_items
-- A list in its order; $3 and $4 the place to go on from.
SELECT e.movie_id, e.item_id, f.title, f.year, e.rating, e.watched_on, e.note, e.added_at_ms, e.position
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL AND e.position IS NOT NULL
    AND (e.position, e.movie_id) > ($3, $4)
ORDER BY e.position, e.movie_id LIMIT 500;

-- name: export_unwatched_ratings
-- Ratings of films that are not among the watched, as export_collection has them.
SELECT e.movie_id, e.item_id, f.title, f.year, e.rating, e.watched_on, e.note, e.added_at_ms
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.added_at_ms, e.movie_id, e.item_id) > ($3, $4, $5)
    AND NOT EXISTS (SELECT 1 FROM library_entries AS w WHERE w.user_id = e.user_id AND w.movie_id = e.movie_id
                    AND w.collection = 'watched' AND w.deleted_at_ms IS NULL)
ORDER BY e.added_at_ms, e.movie_id, e.item_id LIMIT 500;

-- name: export_list_names
SELECT id, name, description FROM lists WHERE user_id = $1 AND deleted_at_ms IS NULL ORDER BY created_at_ms, id LIMIT 10000;
