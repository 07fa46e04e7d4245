-- What statistics need of a film, by name: genres and directors, each a row, so that the database counts them.
CREATE TABLE film_tags (
    movie_id BIGINT NOT NULL REFERENCES films (movie_id) ON DELETE CASCADE,
    kind     TEXT NOT NULL CHECK (kind IN ('genre', 'director')),
    name     TEXT NOT NULL,
    PRIMARY KEY (movie_id, kind, name)
);
CREATE INDEX films_details ON films (details_at_ms) WHERE details_at_ms IS NOT NULL;
