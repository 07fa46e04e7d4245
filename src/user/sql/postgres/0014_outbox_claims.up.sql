-- Replicas share the outbox by claims in the place of one lease; src/event/outbox.h says how.
ALTER TABLE outbox ADD COLUMN claimed_until_ms BIGINT;
DELETE FROM leases WHERE name = 'outbox';
