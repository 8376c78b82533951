"""Statements of the alerts."""

from sqlalchemy import text

LONGEST_WAIT = text("""
    SELECT id, name, extract(epoch FROM clock_timestamp() - submit_time)::float AS seconds
    FROM jobs WHERE state = 'PENDING' AND NOT held ORDER BY submit_time, id LIMIT 1
""")

ENDED = text("""
    SELECT count(*) AS ended, count(*) FILTER (WHERE to_state = 'FAILED') AS failed
    FROM events WHERE id > (SELECT coalesce(max(id), 0) - 200000 FROM events)
      AND at > clock_timestamp() - make_interval(secs => :window)
      AND to_state IN ('COMPLETED', 'FAILED') AND from_state IS DISTINCT FROM to_state
""")
"""Among the last 200,000 events only: a rate over the window, at a bounded cost whatever the audit has grown to."""

OPEN = text("SELECT id, rule, subject, message, value, threshold, raised_at FROM alerts WHERE cleared_at IS NULL"
            " ORDER BY raised_at, id")  # fmt: skip

RAISE = text("""
    INSERT INTO alerts (rule, subject, message, value, threshold) VALUES (:rule, :subject, :message, :value, :threshold)
    ON CONFLICT DO NOTHING RETURNING id
""")

CLEAR = text("UPDATE alerts SET cleared_at = now() WHERE id = :id AND cleared_at IS NULL RETURNING id")

UNTOLD = text("""
    SELECT id, rule, subject, message, value, threshold, raised_at, cleared_at, told_raised_at IS NOT NULL AS told
    FROM alerts WHERE told_raised_at IS NULL OR (told_cleared_at IS NULL AND cleared_at IS NOT NULL) ORDER BY id
""")

TOLD_RAISED = text("UPDATE alerts SET told_raised_at = now() WHERE id = :id AND told_raised_at IS NULL")
TOLD_CLEARED = text("UPDATE alerts SET told_cleared_at = now() WHERE id = :id AND told_cleared_at IS NULL")

NOTICE = text("""
    UPDATE workers SET noticed_after = extract(epoch FROM clock_timestamp() - heartbeat_at)
    WHERE id = ANY(:ids) AND ended_at IS NULL AND noticed_after IS NULL RETURNING id, node_name, noticed_after
""")
