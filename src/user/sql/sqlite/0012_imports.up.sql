-- A file that somebody sent from another site, and how far it is. Each step of the work moves the position in the transaction
-- of what it did, so that nothing is done twice and nothing left out.
CREATE TABLE imports (
    id             TEXT PRIMARY KEY,
    user_id        TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    format         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('running', 'ready', 'done', 'failed')),
    is_dry_run     INTEGER NOT NULL CHECK (is_dry_run IN (0, 1)), -- nothing is changed
    replaces       INTEGER NOT NULL CHECK (replaces IN (0, 1)),   -- what is in the library already gives way
    undecided      TEXT NOT NULL,                     -- the collection of films of which the file does not say it
    rows_total     INTEGER NOT NULL,
    position       INTEGER NOT NULL DEFAULT 0,        -- rows looked at
    added          INTEGER NOT NULL DEFAULT 0,
    changed        INTEGER NOT NULL DEFAULT 0,
    unchanged      INTEGER NOT NULL DEFAULT 0,
    unmatched      INTEGER NOT NULL DEFAULT 0,
    refused        INTEGER NOT NULL DEFAULT 0,        -- there was no room
    unreadable     INTEGER NOT NULL DEFAULT 0,
    skipped        INTEGER NOT NULL DEFAULT 0,        -- no films
    waits_for      TEXT,                              -- what it cannot go on without just now
    failure        TEXT,
    created_at_ms  INTEGER NOT NULL,
    stepped_at_ms  INTEGER NOT NULL,
    finished_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX imports_of_user ON imports (user_id, created_at_ms);
CREATE UNIQUE INDEX imports_at_work ON imports (user_id) WHERE state = 'running'; -- one at a time
CREATE INDEX imports_next ON imports (stepped_at_ms) WHERE state = 'running';
CREATE INDEX imports_age ON imports (stepped_at_ms) WHERE state <> 'running';

-- The file as it came; gone when it is done with.
CREATE TABLE import_files (
    import_id TEXT PRIMARY KEY REFERENCES imports (id) ON DELETE CASCADE,
    content   BLOB NOT NULL
) STRICT;

-- Which film it is that a file calls by this name: found once, for all rows of the import that have it.
CREATE TABLE import_films (
    import_id  TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    film_key   TEXT NOT NULL,
    movie_id   INTEGER,                               -- NULL: none
    reason     TEXT,                                  -- why none: not-found, ambiguous
    candidates TEXT,                                  -- JSON list of films it may be
    PRIMARY KEY (import_id, film_key)
) STRICT, WITHOUT ROWID;

-- What did not go into the library, and why.
CREATE TABLE import_report (
    import_id   TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    row_no      INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT,
    file        TEXT,
    line        INTEGER NOT NULL,
    film_key    TEXT,
    collection  TEXT,
    list_name   TEXT,
    movie_id    INTEGER,
    imdb_id     TEXT,
    title       TEXT,
    year        INTEGER,
    rating      INTEGER,
    watched_on  TEXT,
    note        TEXT,
    added_at_ms INTEGER,
    PRIMARY KEY (import_id, row_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_report_films ON import_report (import_id, film_key);
