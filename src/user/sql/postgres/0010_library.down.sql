-- Back to favourites only, as they were kept before; the rest of the library is lost.
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
INSERT INTO favorites (user_id, movie_id, movie_title, movie_year, poster_path, created_at_ms)
SELECT e.user_id, e.movie_id, f.title, f.year, f.poster_path, e.added_at_ms
FROM library_entries AS e JOIN films AS f ON f.movie_id = e.movie_id
WHERE e.collection = 'favorites' AND e.deleted_at_ms IS NULL;
DROP TABLE lists;
DROP TABLE library_entries;
DROP TABLE library_state;
DROP TABLE films;
