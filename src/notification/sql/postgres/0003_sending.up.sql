-- Which replica sends (src/store/lease.h), and how many mails somebody has had.
CREATE TABLE leases (
    name          TEXT PRIMARY KEY,
    holder        TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX deliveries_recipient ON deliveries (recipient, sent_at_ms) WHERE sent_at_ms IS NOT NULL;
