DROP TABLE one_time_links;
DROP INDEX users_created;
DROP INDEX users_delete;
ALTER TABLE users DROP COLUMN delete_at_ms;
ALTER TABLE users DROP COLUMN email_verified_at_ms;
