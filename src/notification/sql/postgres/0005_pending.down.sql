CREATE INDEX deliveries_due ON deliveries (state, next_attempt_ms);
DROP INDEX deliveries_pending;
