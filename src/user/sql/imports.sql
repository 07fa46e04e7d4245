-- name: import_insert
-- $1 id, $2 user, $3 format, $4 state, $5 dry run, $6 replaces, $7 rows, $8 unreadable, $9 skipped, $10 now, $11 undecided.
INSERT INTO imports (id, user_id, format, state, is_dry_run, replaces, rows_total, unreadable, skipped, created_at_ms, stepped_at_ms,
    undecided)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11);

-- name: import_file_insert
INSERT INTO import_files (import_id, content) VALUES ($1, $2);

-- name: import_oldest_drop
-- All but the newest $2 that are not at work.
DELETE FROM imports WHERE user_id = $1 AND state <> 'running' AND id NOT IN (
    SELECT i.id FROM imports AS i WHERE i.user_id = $1 AND i.state <> 'running' ORDER BY i.created_at_ms DESC, i.id DESC LIMIT $2);

-- name: import_get
SELECT id, format, state, is_dry_run, replaces, rows_total, position, added, changed, unchanged, unmatched, refused, unreadable,
    skipped, waits_for, failure, created_at_ms, finished_at_ms
FROM imports WHERE user_id = $1 AND id = $2;

-- name: imports_page
-- Newest first; there are never many.
SELECT id, format, state, is_dry_run, replaces, rows_total, position, added, changed, unchanged, unmatched, refused, unreadable,
    skipped, waits_for, failure, created_at_ms, finished_at_ms
FROM imports WHERE user_id = $1 ORDER BY created_at_ms DESC, id DESC LIMIT 100;

-- name: import_delete
DELETE FROM imports WHERE user_id = $1 AND id = $2 RETURNING id;

-- name: import_begin_again
-- From a dry run to the real one. A row when it was ready.
UPDATE imports SET state = 'running', is_dry_run = FALSE, position = 0, added = 0, changed = 0, unchanged = 0, unmatched = 0,
    refused = 0, stepped_at_ms = $3, finished_at_ms = NULL
WHERE user_id = $1 AND id = $2 AND state = 'ready'
RETURNING id;

-- name: import_report_clear
-- What could not be read stays so.
DELETE FROM import_report WHERE import_id = $1 AND reason <> 'unreadable';

-- name: import_next
-- The one that waits longest for its next step.
SELECT id, user_id, is_dry_run, replaces, rows_total, position FROM imports WHERE state = 'running'
ORDER BY stepped_at_ms, id LIMIT 1;

-- name: import_content
SELECT f.content, i.undecided FROM import_files AS f JOIN imports AS i ON i.id = f.import_id WHERE f.import_id = $1;

-- name: import_films_page
-- Above $2.
SELECT film_key, movie_id, reason, candidates FROM import_films WHERE import_id = $1 AND film_key > $2 ORDER BY film_key LIMIT 5000;

-- name: import_film_put
-- A film that somebody chose by hand is not looked for again.
INSERT INTO import_films (import_id, film_key, movie_id, reason, candidates) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (import_id, film_key) DO UPDATE SET movie_id = excluded.movie_id, reason = excluded.reason,
    candidates = excluded.candidates;

-- name: import_hold
-- The first statement of a step: nobody else takes it. A row when the import still stands where it was found.
UPDATE imports SET stepped_at_ms = $3 WHERE id = $1 AND position = $2 AND state = 'running' AND is_dry_run = $4 RETURNING id;

-- name: import_advance
-- $2 the new position, $3 state, $4 finished, then what is to be added to the counts.
UPDATE imports SET position = $2, state = $3, finished_at_ms = $4, waits_for = NULL, added = added + CAST($5 AS BIGINT),
    changed = changed + CAST($6 AS BIGINT), unchanged = unchanged + CAST($7 AS BIGINT), unmatched = unmatched + CAST($8 AS BIGINT),
    refused = refused + CAST($9 AS BIGINT)
WHERE id = $1;

-- name: import_match_hold
-- A row when it is this person's, and not at work.
UPDATE imports SET stepped_at_ms = $3 WHERE user_id = $1 AND id = $2 AND state <> 'running' RETURNING id;

-- name: import_settle_rows
-- Rows that were matched by hand: $2 unmatched fewer, the rest more.
UPDATE imports SET unmatched = unmatched - CAST($2 AS BIGINT), added = added + CAST($3 AS BIGINT),
    changed = changed + CAST($4 AS BIGINT), unchanged = unchanged + CAST($5 AS BIGINT), refused = refused + CAST($6 AS BIGINT)
WHERE id = $1;

-- name: import_waits
UPDATE imports SET waits_for = $2, stepped_at_ms = $3 WHERE id = $1 AND state = 'running';

-- name: import_fail
UPDATE imports SET state = 'failed', failure = $2, finished_at_ms = $3, waits_for = NULL WHERE id = $1 AND state = 'running';

-- name: import_file_drop
DELETE FROM import_files WHERE import_id = $1;

-- name: import_report_put
INSERT INTO import_report (import_id, row_no, reason, detail, file, line, film_key, collection, list_name, movie_id, imdb_id, title,
    year, rating, watched_on, note, added_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (import_id, row_no) DO NOTHING;

-- name: import_report_page
-- Above row $3, with the reason $4 (NULL: any), $5 at most. No rows of imports that are not this person's.
SELECT r.row_no, r.reason, r.detail, r.file, r.line, r.film_key, r.collection, r.list_name, r.movie_id, r.imdb_id, r.title, r.year,
    r.rating, r.watched_on, r.note, r.added_at_ms, f.candidates
FROM imports AS i JOIN import_report AS r ON r.import_id = i.id
LEFT JOIN import_films AS f ON f.import_id = r.import_id AND f.film_key = r.film_key
WHERE i.user_id = $1 AND i.id = $2 AND r.row_no > $3 AND (CAST($4 AS TEXT) IS NULL OR r.reason = $4)
ORDER BY r.row_no LIMIT $5;

-- name: import_report_of_film
-- The rows, of those nobody found a film for, that have the same film as row $3.
SELECT r.row_no, r.reason, r.detail, r.file, r.line, r.film_key, r.collection, r.list_name, r.movie_id, r.imdb_id, r.title, r.year,
    r.rating, r.watched_on, r.note, r.added_at_ms, NULL
FROM imports AS i JOIN import_report AS asked ON asked.import_id = i.id
JOIN import_report AS r ON r.import_id = asked.import_id AND r.film_key = asked.film_key
WHERE i.user_id = $1 AND i.id = $2 AND asked.row_no = $3 AND r.reason IN ('not-found', 'ambiguous')
ORDER BY r.row_no LIMIT 500;

-- name: import_report_drop
DELETE FROM import_report WHERE import_id = $1 AND row_no = $2 RETURNING row_no;

-- name: import_existing
-- What the library has of these films. $2 the ids, 10 digits each, without anything between.
WITH RECURSIVE asked (n, id) AS (
    SELECT 0, CAST(substr($2, 1, 10) AS BIGINT)
    UNION ALL
    SELECT n + 1, CAST(substr($2, n * 10 + 11, 10) AS BIGINT) FROM asked WHERE n * 10 + 20 <= length($2)
)
SELECT e.movie_id, e.collection, e.watched_on, e.item_id FROM asked AS a JOIN library_entries AS e ON e.movie_id = a.id
WHERE e.user_id = $1 AND e.deleted_at_ms IS NULL LIMIT 10000;

-- name: list_by_name
-- The oldest of that name.
SELECT id FROM lists WHERE user_id = $1 AND name = $2 AND deleted_at_ms IS NULL ORDER BY created_at_ms, id LIMIT 1;

-- name: imports_forget
-- Done with before $1.
DELETE FROM imports WHERE state <> 'running' AND stepped_at_ms < $1;

-- name: export_imports
SELECT id, format, state, is_dry_run, replaces, rows_total, added, changed, unchanged, unmatched, refused, unreadable, skipped,
    created_at_ms, finished_at_ms
FROM imports WHERE user_id = $1 ORDER BY created_at_ms, id;

-- name: export_import_rows
-- Above $2: which import of mine, and which row of it, in one number.
WITH mine AS (SELECT i.id, row_number() OVER (ORDER BY i.created_at_ms, i.id) AS n FROM imports AS i WHERE i.user_id = $1)
SELECT r.import_id, r.reason, r.file, r.line, r.collection, r.list_name, r.movie_id, r.imdb_id, r.title, r.year, r.rating,
    r.watched_on, r.note, r.added_at_ms, m.n * 4294967296 + r.row_no
FROM mine AS m JOIN import_report AS r ON r.import_id = m.id
WHERE m.n >= CAST($2 AS BIGINT) / 4294967296 AND m.n * 4294967296 + r.row_no > CAST($2 AS BIGINT)
ORDER BY m.n, r.row_no LIMIT 500;
