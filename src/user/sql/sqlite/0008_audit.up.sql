-- Security events, never changed; deleted only once they are older than 90 days.
CREATE TABLE audit (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    action     TEXT NOT NULL,
    result     TEXT NOT NULL CHECK (result IN ('success', 'failure', 'denied')),
    actor_id   TEXT,                              -- who did it; NULL: nobody known
    user_id    TEXT,                              -- whose account; outlives the account
    session_id TEXT,
    ip_address TEXT,
    user_agent TEXT,
    trace_id   TEXT,
    detail     TEXT                                -- JSON
) STRICT;
CREATE INDEX audit_user ON audit (user_id, sequence);
CREATE INDEX audit_actor ON audit (actor_id, sequence);
CREATE INDEX audit_action ON audit (action, sequence);
CREATE INDEX audit_age ON audit (at_ms);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit table is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN OLD.at_ms > (unixepoch() - 90 * 86400) * 1000
BEGIN
    SELECT RAISE(ABORT, 'the audit table is append-only');
END;
