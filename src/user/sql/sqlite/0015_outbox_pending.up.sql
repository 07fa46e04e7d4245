-- For the heads alone, which are asked for with `sequence > 0`: without statistics PostgreSQL takes it for the questions after a
-- subject's other events too, and reads all that is pending for each of them.
DROP INDEX outbox_pending;
CREATE INDEX outbox_pending ON outbox (sequence) WHERE sequence > 0 AND sent_ms IS NULL AND refused_ms IS NULL;
