-- Alerts: one open row for each rule and subject; delivered when told_*_at is set.
CREATE TABLE alerts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule            text             NOT NULL,
    subject         text             NOT NULL DEFAULT '',  -- the node, for a rule that every worker judges for itself
    message         text             NOT NULL,
    value           double precision NOT NULL,
    threshold       double precision NOT NULL,
    raised_at       timestamptz      NOT NULL DEFAULT now(),
    cleared_at      timestamptz,
    told_raised_at  timestamptz,
    told_cleared_at timestamptz
);
CREATE UNIQUE INDEX one_open_alert ON alerts (rule, subject) WHERE cleared_at IS NULL;
CREATE INDEX alerts_untold ON alerts (id) WHERE told_raised_at IS NULL OR told_cleared_at IS NULL;
CREATE TRIGGER notify_alerts AFTER INSERT OR UPDATE OF cleared_at ON alerts
    FOR EACH STATEMENT EXECUTE FUNCTION jw_notify('alerts');
