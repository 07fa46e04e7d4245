DROP INDEX outbox_pending;
CREATE INDEX outbox_pending ON outbox (sequence) WHERE sent_ms IS NULL AND refused_ms IS NULL;
