-- Security events, never changed; deleted only once they are older than 90 days.
CREATE TABLE audit (
    sequence   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms      BIGINT NOT NULL,
    action     TEXT NOT NULL,
    result     TEXT NOT NULL CHECK (result IN ('success', 'failure', 'denied')),
    actor_id   UUID,                              -- who did it; NULL: nobody known
    user_id    UUID,                              -- whose account; outlives the account
    session_id UUID,
    ip_address TEXT,
    user_agent TEXT,
    trace_id   TEXT,
    detail     TEXT                                -- JSON
);
CREATE INDEX audit_user ON audit (user_id, sequence);
CREATE INDEX audit_actor ON audit (actor_id, sequence);
CREATE INDEX audit_action ON audit (action, sequence);
CREATE INDEX audit_age ON audit (at_ms);
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at_ms <= (extract(epoch FROM now()) - 90 * 86400) * 1000 THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit table is append-only' USING ERRCODE = 'check_violation';
END;
$body$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
