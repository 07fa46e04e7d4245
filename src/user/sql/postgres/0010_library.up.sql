-- What this service knows of a film: one row for all who keep it, refreshed in the background. A film that nobody can tell
-- about any more keeps its last row.
CREATE TABLE films (
    movie_id        BIGINT PRIMARY KEY,
    title           TEXT NOT NULL,
    year            BIGINT,
    poster_path     TEXT,
    refreshed_at_ms BIGINT NOT NULL,                   -- when the movie service said so
    gone_at_ms      BIGINT,                            -- since when it knows no such film
    keys_due        BOOLEAN NOT NULL DEFAULT FALSE,   -- entries still sort it by what it was called before
    runtime_min     BIGINT,                            -- for statistics, read later
    details_at_ms   BIGINT                             -- when it was asked for that; NULL: never
);
CREATE INDEX films_refreshed ON films (refreshed_at_ms);
CREATE INDEX films_keys_due ON films (movie_id) WHERE keys_due;
CREATE INDEX films_no_details ON films (movie_id) WHERE details_at_ms IS NULL;

-- One row a person with a library. Every change of the library locks this row first, takes the next version and writes it into
-- the row it changes: so the versions of one library are committed in order, and no two changes share one.
CREATE TABLE library_state (
    user_id         UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version         BIGINT NOT NULL DEFAULT 0,
    forgotten       BIGINT NOT NULL DEFAULT 0,         -- tombstones up to this version are gone
    entries         BIGINT NOT NULL DEFAULT 0,         -- live ones of every collection
    favorites       BIGINT NOT NULL DEFAULT 0,
    watchlist       BIGINT NOT NULL DEFAULT 0,
    ratings         BIGINT NOT NULL DEFAULT 0,
    watched         BIGINT NOT NULL DEFAULT 0,
    lists           BIGINT NOT NULL DEFAULT 0
);

-- A film in one of somebody's collections. The keys of every sort stand here, so that each page is one range of one index.
CREATE TABLE library_entries (
    user_id         UUID NOT NULL REFERENCES library_state (user_id) ON DELETE CASCADE,
    movie_id        BIGINT NOT NULL,
    collection      TEXT COLLATE "C" NOT NULL,         -- favorites, watchlist, ratings, watched, or the id of a list
    item_id         TEXT COLLATE "C" NOT NULL DEFAULT '', -- tells several of one film apart: the watch's id
    is_pending      BOOLEAN NOT NULL DEFAULT FALSE,    -- nobody knows yet whether there is such a film
    rating          BIGINT NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 20), -- half points; its owner's, on all entries of the film; 0: none
    watched_on      TEXT COLLATE "C" NOT NULL DEFAULT '', -- date of a watch; '': nobody remembers
    position        BIGINT,                            -- of a list's item, with gaps
    note            TEXT,
    title_key       TEXT COLLATE "C" NOT NULL,         -- the title as it is sorted
    year_key        BIGINT NOT NULL,                   -- 0: unknown
    added_at_ms     BIGINT NOT NULL,
    changed_at_ms   BIGINT NOT NULL,
    added_version   BIGINT NOT NULL,                   -- the version that brought it, or brought it back
    version         BIGINT NOT NULL,                   -- of its last change
    deleted_at_ms   BIGINT,                            -- a tombstone, for sync
    PRIMARY KEY (user_id, movie_id, collection, item_id)
);
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
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL REFERENCES library_state (user_id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT,
    share_nonce   BYTEA,
    share_hash    BYTEA UNIQUE,
    shared_at_ms  BIGINT,
    items         BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    deleted_at_ms BIGINT
);
CREATE INDEX lists_created ON lists (user_id, created_at_ms, id) WHERE deleted_at_ms IS NULL;
CREATE INDEX lists_changes ON lists (user_id, version);
CREATE INDEX lists_tombstones ON lists (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

-- The favourites move in. lower() is not how titles are sorted: the keys are made anew in the background.
INSERT INTO films (movie_id, title, year, poster_path, refreshed_at_ms, keys_due)
SELECT movie_id, movie_title, movie_year, poster_path, created_at_ms, TRUE FROM (
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
