-- What operators did: dead letters that were dropped, and why.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms    INTEGER NOT NULL,
    action   TEXT NOT NULL,
    detail   TEXT NOT NULL  -- JSON
) STRICT;
