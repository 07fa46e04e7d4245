-- name: pending_films
-- Films that somebody waits to hear about, above $1.
SELECT DISTINCT movie_id FROM library_entries WHERE is_pending AND movie_id > $1 ORDER BY movie_id LIMIT $2;

-- name: pending_entries
SELECT user_id, collection, item_id FROM library_entries WHERE is_pending AND movie_id = $1
ORDER BY user_id, collection, item_id LIMIT $2;

-- name: library_settle
-- $5 title key, $6 year key, $7 now. A row when it was pending.
UPDATE library_entries
SET is_pending = FALSE, title_key = $5, year_key = $6, changed_at_ms = $7,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = library_entries.user_id)
WHERE user_id = $1 AND movie_id = $2 AND collection = $3 AND item_id = $4 AND is_pending AND deleted_at_ms IS NULL
RETURNING version;

-- name: library_refuse
-- There is no such film: a tombstone. $5 now. A row when it was pending.
UPDATE library_entries
SET is_pending = FALSE, deleted_at_ms = $5, changed_at_ms = $5,
    version = 1 + (SELECT s.version FROM library_state AS s WHERE s.user_id = library_entries.user_id)
WHERE user_id = $1 AND movie_id = $2 AND collection = $3 AND item_id = $4 AND is_pending AND deleted_at_ms IS NULL
RETURNING version;

-- name: films_due
-- The films known longest, from before $1.
SELECT movie_id, refreshed_at_ms FROM films WHERE refreshed_at_ms < $1 ORDER BY refreshed_at_ms LIMIT $2;

-- name: film_gone
UPDATE films SET refreshed_at_ms = $2, gone_at_ms = coalesce(gone_at_ms, $2) WHERE movie_id = $1;

-- name: film_later
-- Nobody could tell: its turn comes again then.
UPDATE films SET refreshed_at_ms = $2 WHERE movie_id = $1;

-- name: films_out_of_line
SELECT movie_id, title, year FROM films WHERE keys_due ORDER BY movie_id LIMIT $1;

-- name: film_aligned
UPDATE films SET keys_due = FALSE WHERE movie_id = $1 AND title = $2 AND year IS NOT DISTINCT FROM $3;

-- name: entries_out_of_line
-- Entries that sort a film by what it was called before; $2 title key, $3 year key.
SELECT user_id, collection, item_id FROM library_entries
WHERE movie_id = $1 AND NOT is_pending AND (title_key <> $2 OR year_key <> $3) LIMIT $4;

-- name: entry_align
-- One row a statement, without the lock on its library: nothing that is counted changes, and nothing else is held.
UPDATE library_entries SET title_key = $5, year_key = $6
WHERE user_id = $1 AND movie_id = $2 AND collection = $3 AND item_id = $4;

-- name: tombstones_due
-- Libraries with tombstones from before $1.
SELECT DISTINCT user_id FROM (SELECT user_id FROM library_entries WHERE deleted_at_ms < $1 LIMIT $2) AS old
UNION
SELECT DISTINCT user_id FROM (SELECT user_id FROM lists WHERE deleted_at_ms < $1 LIMIT $2) AS old_lists;

-- name: tombstones_remember
-- Up to where this library is about to forget.
UPDATE library_state SET forgotten = old.version
FROM (
    SELECT max(version) AS version FROM (
        SELECT version FROM library_entries WHERE user_id = $1 AND deleted_at_ms < $2
        UNION ALL SELECT version FROM lists WHERE user_id = $1 AND deleted_at_ms < $2
    ) AS each_one
) AS old
WHERE library_state.user_id = $1 AND old.version > library_state.forgotten;

-- name: tombstones_forget
DELETE FROM library_entries WHERE user_id = $1 AND deleted_at_ms < $2;

-- name: list_tombstones_forget
DELETE FROM lists WHERE user_id = $1 AND deleted_at_ms < $2;
