-- Pages of a collection: one statement a sort, each one range of one index. $1 user, $2 collection; $3 to $5 the place to go on from (the
-- sort's key, the film, the item), or one before the first; $6 and $7 years, $8 and $9 ratings (half points), $10 a pattern for the title
-- key, $11 0: all, 1: pending, 2: settled, $12 how many. The last column is the collection's count; of a list: NULL.
--
-- The filters stand in a CASE so that no engine takes one of them for the way in, and films are looked up row by row so that none
-- joins and sorts: both would read the whole collection. tests/system/test_library_plans.py looks at the plans.

-- name: library_page_added_asc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.added_at_ms,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.added_at_ms, e.movie_id, e.item_id) > ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.added_at_ms, e.movie_id, e.item_id LIMIT $12;

-- name: library_page_added_desc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.added_at_ms,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.added_at_ms, e.movie_id, e.item_id) < ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.added_at_ms DESC, e.movie_id DESC, e.item_id DESC LIMIT $12;

-- name: library_page_title_asc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.title_key,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.title_key, e.movie_id, e.item_id) > ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.title_key, e.movie_id, e.item_id LIMIT $12;

-- name: library_page_title_desc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.title_key,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.title_key, e.movie_id, e.item_id) < ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.title_key DESC, e.movie_id DESC, e.item_id DESC LIMIT $12;

-- name: library_page_year_asc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.year_key,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.year_key, e.movie_id, e.item_id) > ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.year_key, e.movie_id, e.item_id LIMIT $12;

-- name: library_page_year_desc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.year_key,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.year_key, e.movie_id, e.item_id) < ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.year_key DESC, e.movie_id DESC, e.item_id DESC LIMIT $12;

-- name: library_page_rating_asc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.rating,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.rating, e.movie_id, e.item_id) > ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.rating, e.movie_id, e.item_id LIMIT $12;

-- name: library_page_rating_desc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.rating,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL
    AND (e.rating, e.movie_id, e.item_id) < ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.rating DESC, e.movie_id DESC, e.item_id DESC LIMIT $12;

-- name: library_page_watched_on_asc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.watched_on,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL AND e.collection = 'watched'
    AND (e.watched_on, e.movie_id, e.item_id) > ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.watched_on, e.movie_id, e.item_id LIMIT $12;

-- name: library_page_watched_on_desc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.watched_on,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL AND e.collection = 'watched'
    AND (e.watched_on, e.movie_id, e.item_id) < ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.watched_on DESC, e.movie_id DESC, e.item_id DESC LIMIT $12;

-- name: library_page_position_asc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.position,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL AND e.position IS NOT NULL
    AND (e.position, e.movie_id, e.item_id) > ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.position, e.movie_id, e.item_id LIMIT $12;

-- name: library_page_position_desc
SELECT e.movie_id, e.item_id, (SELECT f.title FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.year FROM films AS f WHERE f.movie_id = e.movie_id),
    (SELECT f.poster_path FROM films AS f WHERE f.movie_id = e.movie_id),
    e.added_at_ms, e.changed_at_ms, e.is_pending, e.rating, e.watched_on, e.note, e.position,
    (SELECT CASE $2 WHEN 'favorites' THEN s.favorites WHEN 'watchlist' THEN s.watchlist WHEN 'ratings' THEN s.ratings
        WHEN 'watched' THEN s.watched END FROM library_state AS s WHERE s.user_id = $1)
FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = $2 AND e.deleted_at_ms IS NULL AND e.position IS NOT NULL
    AND (e.position, e.movie_id, e.item_id) < ($3, $4, $5)
    AND CASE WHEN e.year_key BETWEEN $6 AND $7 AND e.rating BETWEEN $8 AND $9 AND e.title_key LIKE $10
        AND ($11 = 0 OR e.is_pending = ($11 = 1)) THEN TRUE ELSE FALSE END
ORDER BY e.position DESC, e.movie_id DESC, e.item_id DESC LIMIT $12;
