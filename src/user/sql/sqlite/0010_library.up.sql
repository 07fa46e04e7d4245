-- What this service knows of a film: one row for all who keep it, refreshed in the background. A film that nobody can tell
-- about any more keeps its last row.
CREATE TABLE films (
    movie_id        INTEGER PRIMARY KEY,
    title           TEXT NOT NULL,
    year            INTEGER,
    poster_path     TEXT,
    refreshed_at_ms INTEGER NOT NULL,                 -- when the movie service said so
    gone_at_ms      INTEGER,                          -- since when it knows no such film
    keys_due        INTEGER NOT NULL DEFAULT 0 CHECK (keys_due IN (0, 1)), -- entries still sort it by what it was called before
    runtime_min     INTEGER,                          -- for statistics, read later
    details_at_ms   INTEGER                           -- when it was asked for that; NULL: never
) STRICT;
CREATE INDEX films_refreshed ON films (refreshed_at_ms);
CREATE INDEX films_keys_due ON films (movie_id) WHERE keys_due;
CREATE INDEX films_no_details ON films (movie_id) WHERE details_at_ms IS NULL;

-- One row a person with a library. Every change of the library locks this row first, takes the next version and writes it into
-- the row it changes: so the versions of one library are committed in order, and no two changes share one.
CREATE TABLE library_state (
    user_id         TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version         INTEGER NOT NULL DEFAULT 0,
    forgotten       INTEGER NOT NULL DEFAULT 0,       -- tombstones up to this version are gone
    entries         INTEGER NOT NULL DEFAULT 0,       -- live ones of every collection
    favorites       INTEGER NOT NULL DEFAULT 0,
    watchlist       INTEGER NOT NULL DEFAULT 0,
    ratings         INTEGER NOT NULL DEFAULT 0,
    watched         INTEGER NOT NULL DEFAULT 0,
    lists           INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A film in one of somebody's collections. The keys of every sort stand here, so that each page is one range of one index.
CREATE TABLE library_entries (
    user_id         TEXT NOT NULL REFERENCES library_state (user_id) ON DELETE CASCADE,
    movie_id        INTEGER NOT NULL,
    collection      TEXT NOT NULL,                    -- favorites, watchlist, ratings, watched, or the id of a list
    item_id         TEXT NOT NULL DEFAULT '',         -- tells several of one film apart: the watch's id
    is_pending      INTEGER NOT NULL DEFAULT 0 CHECK (is_pending IN (0, 1)), -- nobody knows yet whether there is such a film
    rating          INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 20), -- half points; its owner's, on all entries of the film; 0: none
    watched_on      TEXT NOT NULL DEFAULT '',         -- date of a watch; '': nobody remembers
    position        INTEGER,                          -- of a list's item, with gaps
    note            TEXT,
    title_key       TEXT NOT NULL,                    -- the title as it is sorted
    year_key        INTEGER NOT NULL,                 -- 0: unknown
    added_at_ms     INTEGER NOT NULL,
    changed_at_ms   INTEGER NOT NULL,
    added_version   INTEGER NOT NULL,                 -- the version that brought it, or brought it back
    version         INTEGER NOT NULL,                 -- of its last change
    deleted_at_ms   INTEGER,                          -- a tombstone, for sync
    PRIMARY KEY (user_id, movie_id, collection, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX library_added ON library_entries (user_id, collection, added_at_ms, movie_id, item_id) WHERE deleted_at_ms IS NULL;
CREATE INDEX library_title ON library_entries (user_id, collection, title_key, movie_id, item_id) WHERE deleted_at_ms IS NULL;
CREATE INDEX library_year ON library_entries (user_id, collection, year_key, movie_id, item_id) WHERE deleted_at_ms IS NULL;
CREATE INDEX library_rating ON library_entries (user_id, collection, rating, movie_id, item_id) WHERE deleted_at_ms IS NULL;
CREATE INDEX library_watched_on ON library_entries (user_id, watched_on, movie_id, item_id)
WHERE deleted_at_ms IS NULL AND collection = 'watched';
CREATE UNIQUE INDEX library_item ON library_entries (user_id, item_id) WHERE item_id <> '';
CREATE INDEX library_position ON library_entries (user_id, collection, position, movie_id, item_id)
WHERE deleted_at_ms IS NULL AND position IS NOT NULL;
CREATE INDEX library_changes ON library_entries (user_id, version);
CREATE INDEX library_film ON library_entries (movie_id);
CREATE INDEX library_pending ON library_entries (movie_id) WHERE is_pending;
CREATE INDEX library_tombstones ON library_entries (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

-- Named lists; their items are entries. A shared one is found by the hash of its link's token, which is made of the nonce and a
-- key that is not in the database.
CREATE TABLE lists (
    id            TEXT PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES library_state (user_id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT,
    share_nonce   BLOB,
    share_hash    BLOB UNIQUE,
    shared_at_ms  INTEGER,
    items         INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lists_created ON lists (user_id, created_at_ms, id) WHERE deleted_at_ms IS NULL;
CREATE INDEX lists_changes ON lists (user_id, version);
CREATE INDEX lists_tombstones ON lists (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

-- The favourites move in. lower() is not how titles are sorted: the keys are made anew in the background.
INSERT INTO films (movie_id, title, year, poster_path, refreshed_at_ms, keys_due)
SELECT movie_id, movie_title, movie_year, poster_path, created_at_ms, 1 FROM (
    SELECT movie_id, movie_title, movie_year, poster_path, created_at_ms,
           row_number() OVER (PARTITION BY movie_id ORDER BY created_at_ms DESC) AS age
    FROM favorites
) AS newest
WHERE age = 1;
INSERT INTO library_state (user_id, version, entries, favorites)
SELECT user_id, count(*), count(*), count(*) FROM favorites GROUP BY user_id;
INSERT INTO library_entries (user_id, movie_id, collection, title_key, year_key, added_at_ms, changed_at_ms, added_version, version)
SELECT user_id, movie_id, 'favorites', lower(movie_title), coalesce(movie_year, 0), created_at_ms, created_at_ms, age, age FROM (
    SELECT user_id, movie_id, movie_title, movie_year, created_at_ms,
           row_number() OVER (PARTITION BY user_id ORDER BY created_at_ms, movie_id) AS age
    FROM favorites
) AS numbered;
DROP TABLE favorites;
