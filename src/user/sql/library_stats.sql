-- name: details_missing
-- Films of which nobody asked for details yet.
SELECT movie_id FROM films WHERE details_at_ms IS NULL ORDER BY movie_id LIMIT $1;

-- name: details_old
-- Those that were told longest ago, from before $1.
SELECT movie_id FROM films WHERE details_at_ms < $1 ORDER BY details_at_ms LIMIT $2;

-- name: details_keep
UPDATE films SET runtime_min = $2, details_at_ms = $3 WHERE movie_id = $1;

-- name: details_none
-- There is no such film any more: what is known of it stays.
UPDATE films SET details_at_ms = $2 WHERE movie_id = $1;

-- name: film_tags_clear
DELETE FROM film_tags WHERE movie_id = $1;

-- name: film_tag_put
INSERT INTO film_tags (movie_id, kind, name) VALUES ($1, $2, $3) ON CONFLICT (movie_id, kind, name) DO NOTHING;

-- name: stats_totals
-- Of the watches from the day $2 to the day $3; a watch without a day has ''.
SELECT count(*), count(DISTINCT e.movie_id), CAST(coalesce(sum(f.runtime_min), 0) AS BIGINT), count(f.runtime_min),
    count(CASE WHEN e.watched_on = '' THEN 1 END), min(CASE WHEN e.watched_on <> '' THEN e.watched_on END),
    max(CASE WHEN e.watched_on <> '' THEN e.watched_on END),
    count(DISTINCT CASE WHEN f.details_at_ms IS NULL THEN e.movie_id END)
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.collection = 'watched' AND e.deleted_at_ms IS NULL AND e.watched_on >= $2 AND e.watched_on <= $3;

-- name: stats_periods
-- By the first $4 characters of the day: its year, or its month.
SELECT substr(e.watched_on, 1, CAST($4 AS INTEGER)) AS period, count(*), count(DISTINCT e.movie_id),
    CAST(coalesce(sum(f.runtime_min), 0) AS BIGINT)
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.collection = 'watched' AND e.deleted_at_ms IS NULL AND e.watched_on >= $2 AND e.watched_on <= $3
    AND e.watched_on <> ''
GROUP BY period ORDER BY period;

-- name: stats_tags
-- Genres or directors ($4) of the films watched, those of most films first; their rating as half points.
SELECT t.name, count(*) AS films, CAST(avg(CASE WHEN w.rating > 0 THEN w.rating END) AS DOUBLE PRECISION)
FROM (
    SELECT DISTINCT e.movie_id, e.rating FROM library_entries AS e
    WHERE e.user_id = $1 AND e.collection = 'watched' AND e.deleted_at_ms IS NULL AND e.watched_on >= $2 AND e.watched_on <= $3
) AS w JOIN film_tags AS t ON t.movie_id = w.movie_id
WHERE t.kind = $4
GROUP BY t.name ORDER BY films DESC, t.name LIMIT $5;

-- name: stats_decades
SELECT w.year_key / 10 * 10 AS decade, count(*)
FROM (
    SELECT DISTINCT e.movie_id, e.year_key FROM library_entries AS e
    WHERE e.user_id = $1 AND e.collection = 'watched' AND e.deleted_at_ms IS NULL AND e.watched_on >= $2 AND e.watched_on <= $3
        AND e.year_key > 0
) AS w
GROUP BY decade ORDER BY decade;

-- name: stats_rewatched
SELECT e.movie_id, f.title, f.year, count(*) AS watches
FROM library_entries AS e LEFT JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.user_id = $1 AND e.collection = 'watched' AND e.deleted_at_ms IS NULL AND e.watched_on >= $2 AND e.watched_on <= $3
GROUP BY e.movie_id, f.title, f.year HAVING count(*) > 1 ORDER BY watches DESC, e.movie_id LIMIT $4;

-- name: stats_ratings
-- Ratings given from the time $2 to before the time $3.
SELECT e.rating, count(*) FROM library_entries AS e
WHERE e.user_id = $1 AND e.collection = 'ratings' AND e.deleted_at_ms IS NULL AND e.added_at_ms >= $2 AND e.added_at_ms < $3
GROUP BY e.rating ORDER BY e.rating;
