"""Statements of the alerts."""

from jobwarden.backend.database.driver import text

LONGEST_WAIT = text("""
    SELECT id, name, extract(epoch FROM clock_timestamp() - submit_time)::float AS seconds
    FROM jobs WHERE state = 'PENDING' AND NOT held ORDER BY submit_time, id LIMIT 1
""")

ENDED = text("""
    SELECT count(*) AS ended, count(*) FILTER (WHERE e.to_state = 'FAILED') AS failed
    FROM events e LEFT JOIN jobs j ON j.id = e.job_id
    WHERE e.id > (SELECT coalesce(max(id), 0) - 200000 FROM events)
      AND e.at > clock_timestamp() - make_interval(secs => :window)
      AND e.to_state IN ('COMPLETED', 'FAILED') AND e.from_state IS DISTINCT FROM e.to_state
      AND NOT (e.to_state = 'FAILED' AND j.failure_reason IS NOT DISTINCT FROM 'OPERATOR')
""")
"""What an operator ended counts neither as a failure nor as an end. Among the last 200,000 events only: a rate over the
window, at a bounded cost whatever the audit has grown to."""

_COLUMNS = "id, rule, subject, message, value, threshold, raised_at, undelivered"

OPEN = text(f"SELECT {_COLUMNS} FROM alerts WHERE cleared_at IS NULL ORDER BY raised_at, id")

LATELY_CLOSED_UNTOLD = text(f"""
    SELECT {_COLUMNS} FROM alerts
    WHERE cleared_at > now() - interval '1 day' AND undelivered IS NOT NULL ORDER BY raised_at, id
""")

RAISE = text("""
    INSERT INTO alerts (rule, subject, message, value, threshold) VALUES (:rule, :subject, :message, :value, :threshold)
    ON CONFLICT DO NOTHING RETURNING id
""")

REFRESH = text("""
    UPDATE alerts SET message = :message, value = :value, threshold = :threshold
    WHERE rule = :rule AND subject = :subject AND cleared_at IS NULL
      AND (message, value, threshold) IS DISTINCT FROM (:message, :value, :threshold)
""")

CLEAR = text("""
    UPDATE alerts SET cleared_at = now(), cleared_message = :message, cleared_value = :value
    WHERE id = :id AND cleared_at IS NULL RETURNING id
""")

UNTOLD = text("""
    SELECT id, rule, subject, message, value, threshold, raised_at, cleared_at, told_raised_at IS NOT NULL AS told,
           coalesce(cleared_message, message) AS cleared_message, coalesce(cleared_value, value) AS cleared_value
    FROM alerts
    WHERE told_raised_at IS NULL OR (told_cleared_at IS NULL AND cleared_at IS NOT NULL)
       OR (cleared_at IS NULL AND coalesce(reminded_at, told_raised_at)
           <= clock_timestamp() - make_interval(secs => CAST(:reminder AS double precision)))
    ORDER BY id
""")
"""Without a time between reminders (NULL) none is due."""

TOLD = {
    "raised": text("UPDATE alerts SET told_raised_at = now(), undelivered = :problem WHERE id = :id"),
    "reminder": text("UPDATE alerts SET reminded_at = now(), undelivered = :problem WHERE id = :id"),
    "cleared": text("UPDATE alerts SET told_cleared_at = now(), undelivered = :problem WHERE id = :id"),
}
"""By status of the notice."""

UNDELIVERED = text("UPDATE alerts SET undelivered = :problem WHERE id = :id")

NOTICE = text("""
    UPDATE workers SET noticed_after = extract(epoch FROM clock_timestamp() - heartbeat_at)
    WHERE id = ANY(:ids) AND ended_at IS NULL AND noticed_after IS NULL RETURNING id, node_name, noticed_after
""")
