-- The films seen, and two full-text indexes over what seen_words.c makes of their titles. The indexes keep no text of
-- their own: what is taken out of them has to be what stands in the columns here, so it is done in the transaction that
-- changes these. (Triggers would do it by themselves, but SQLite's own trust settings do not let them.) The text is folded to words of a-z, 0-9 and letters beyond ASCII, which is just what the tokenizer "ascii" parts into
-- words, whatever Unicode version SQLite has.
CREATE TABLE films (
    id             INTEGER PRIMARY KEY,
    seen_at_ms     INTEGER NOT NULL,
    popularity     REAL,
    year           INTEGER,
    title          TEXT NOT NULL,
    original_title TEXT,
    words          TEXT NOT NULL,
    whole          TEXT NOT NULL,
    forms          TEXT NOT NULL,
    item           TEXT NOT NULL
) STRICT;
CREATE INDEX films_seen ON films (seen_at_ms);

CREATE VIRTUAL TABLE titles USING fts5 (words, whole, year, content = 'films', content_rowid = 'id',
    tokenize = 'ascii', detail = 'column', columnsize = 0, prefix = '1 2');
CREATE VIRTUAL TABLE spellings USING fts5 (forms, content = 'films', content_rowid = 'id',
    tokenize = 'ascii', detail = 'none', columnsize = 0);
