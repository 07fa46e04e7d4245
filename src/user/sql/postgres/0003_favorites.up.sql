-- A film somebody keeps, with what the movie service called it then.
CREATE TABLE favorites (
    user_id       UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    movie_id      BIGINT NOT NULL,
    movie_title   TEXT NOT NULL,
    movie_year    BIGINT,
    poster_path   TEXT,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, movie_id)
);
CREATE INDEX favorites_newest ON favorites (user_id, created_at_ms DESC, movie_id DESC);
