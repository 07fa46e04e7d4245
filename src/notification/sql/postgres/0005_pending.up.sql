-- What is due is read in its order, however much has piled up.
CREATE INDEX deliveries_pending ON deliveries (next_attempt_ms, event_id) WHERE state = 'pending';
DROP INDEX deliveries_due;
