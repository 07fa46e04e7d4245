DROP INDEX films_details;
DROP TABLE film_tags;
UPDATE films SET details_at_ms = NULL;
