-- name: film_known
-- Whether the film is indexed as it is, and whether nothing has to be written. $1 id, $2 words, $3 whole, $4 forms, $5 year, $6 item, $7 seen at, $8 how much later the same has to be seen again to be written
SELECT words = $2 AND whole = $3 AND forms = $4 AND year IS $5, item = $6 AND abs($7 - seen_at_ms) < $8
FROM films WHERE id = $1;

-- name: film_put
-- $1 id, $2 seen at, $3 popularity, $4 year, $5 title, $6 original title, $7 words, $8 whole, $9 forms, $10 item
INSERT INTO films (id, seen_at_ms, popularity, year, title, original_title, words, whole, forms, item)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET seen_at_ms = excluded.seen_at_ms, popularity = excluded.popularity,
    year = excluded.year, title = excluded.title, original_title = excluded.original_title, words = excluded.words,
    whole = excluded.whole, forms = excluded.forms, item = excluded.item;

-- name: title_put
INSERT INTO titles (rowid, words, whole, year) SELECT id, words, whole, year FROM films WHERE id = $1;

-- name: spelling_put
INSERT INTO spellings (rowid, forms) SELECT id, forms FROM films WHERE id = $1;

-- name: title_take
-- Before the film is changed.
INSERT INTO titles (titles, rowid, words, whole, year) SELECT 'delete', id, words, whole, year FROM films WHERE id = $1;

-- name: spelling_take
INSERT INTO spellings (spellings, rowid, forms) SELECT 'delete', id, forms FROM films WHERE id = $1;

-- name: titles_leave
-- The three that follow each other in a transaction: of the films seen before $1 the $2 that were seen longest ago.
INSERT INTO titles (titles, rowid, words, whole, year) SELECT 'delete', id, words, whole, year FROM films
WHERE id IN (SELECT id FROM films WHERE seen_at_ms < $1 ORDER BY seen_at_ms, id LIMIT $2);

-- name: spellings_leave
INSERT INTO spellings (spellings, rowid, forms) SELECT 'delete', id, forms FROM films
WHERE id IN (SELECT id FROM films WHERE seen_at_ms < $1 ORDER BY seen_at_ms, id LIMIT $2);

-- name: films_leave
DELETE FROM films WHERE id IN (SELECT id FROM films WHERE seen_at_ms < $1 ORDER BY seen_at_ms, id LIMIT $2);

-- name: films_count
SELECT count(*), min(seen_at_ms) FROM films;

-- name: films_by_title
-- $1 an FTS5 expression over titles, $2 how many matches are looked at, $3 seen since, $4 the most of them
SELECT id, title, original_title, year, popularity
FROM (SELECT rowid AS film FROM titles WHERE titles MATCH $1 LIMIT $2) JOIN films ON id = film
WHERE seen_at_ms >= $3 ORDER BY popularity DESC, id LIMIT $4;

-- name: films_by_spelling
-- The same over spellings; $5 year or NULL
SELECT id, title, original_title, year, popularity
FROM (SELECT rowid AS film FROM spellings WHERE spellings MATCH $1 LIMIT $2) JOIN films ON id = film
WHERE seen_at_ms >= $3 AND ($5 IS NULL OR year = $5) ORDER BY popularity DESC, id LIMIT $4;

-- name: film_items
-- $1 a JSON list of ids, $2 seen since
SELECT id, item FROM films WHERE id IN (SELECT value FROM json_each($1)) AND seen_at_ms >= $2;
