-- A file that somebody sent from another site, and how far it is. Each step of the work moves the position in the transaction
-- of what it did, so that nothing is done twice and nothing left out.
CREATE TABLE imports (
    id             UUID PRIMARY KEY,
    user_id        UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    format         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('running', 'ready', 'done', 'failed')),
    is_dry_run     BOOLEAN NOT NULL,                   -- nothing is changed
    replaces       BOOLEAN NOT NULL,                   -- what is in the library already gives way
    undecided      TEXT NOT NULL,                     -- the collection of films of which the file does not say it
    rows_total     BIGINT NOT NULL,
    position       BIGINT NOT NULL DEFAULT 0,         -- rows looked at
    added          BIGINT NOT NULL DEFAULT 0,
    changed        BIGINT NOT NULL DEFAULT 0,
    unchanged      BIGINT NOT NULL DEFAULT 0,
    unmatched      BIGINT NOT NULL DEFAULT 0,
    refused        BIGINT NOT NULL DEFAULT 0,         -- there was no room
    unreadable     BIGINT NOT NULL DEFAULT 0,
    skipped        BIGINT NOT NULL DEFAULT 0,         -- no films
    waits_for      TEXT,                              -- what it cannot go on without just now
    failure        TEXT,
    created_at_ms  BIGINT NOT NULL,
    stepped_at_ms  BIGINT NOT NULL,
    finished_at_ms BIGINT
);
CREATE INDEX imports_of_user ON imports (user_id, created_at_ms);
CREATE UNIQUE INDEX imports_at_work ON imports (user_id) WHERE state = 'running'; -- one at a time
CREATE INDEX imports_next ON imports (stepped_at_ms) WHERE state = 'running';
CREATE INDEX imports_age ON imports (stepped_at_ms) WHERE state <> 'running';

-- The file as it came; gone when it is done with.
CREATE TABLE import_files (
    import_id UUID PRIMARY KEY REFERENCES imports (id) ON DELETE CASCADE,
    content   BYTEA NOT NULL
);

-- Which film it is that a file calls by this name: found once, for all rows of the import that have it.
CREATE TABLE import_films (
    import_id  UUID NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    film_key   TEXT COLLATE "C" NOT NULL,
    movie_id   BIGINT,                                -- NULL: none
    reason     TEXT,                                  -- why none: not-found, ambiguous
    candidates TEXT,                                  -- JSON list of films it may be
    PRIMARY KEY (import_id, film_key)
);

-- What did not go into the library, and why.
CREATE TABLE import_report (
    import_id   UUID NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    row_no      BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT,
    file        TEXT,
    line        BIGINT NOT NULL,
    film_key    TEXT COLLATE "C",
    collection  TEXT,
    list_name   TEXT,
    movie_id    BIGINT,
    imdb_id     TEXT,
    title       TEXT,
    year        BIGINT,
    rating      BIGINT,
    watched_on  TEXT,
    note        TEXT,
    added_at_ms BIGINT,
    PRIMARY KEY (import_id, row_no)
);
CREATE INDEX import_report_films ON import_report (import_id, film_key);
