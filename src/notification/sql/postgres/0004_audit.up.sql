-- What operators did: dead letters that were dropped, and why.
CREATE TABLE audit (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms    BIGINT NOT NULL,
    action   TEXT NOT NULL,
    detail   TEXT NOT NULL  -- JSON
);
