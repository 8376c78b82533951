"""What housekeeping asks of the database."""

from jobwarden.backend.database.driver import text

STALE_SINCE = text("""
    SELECT a.id, extract(epoch FROM clock_timestamp() - CASE WHEN j.state IN ('COMPLETED', 'FAILED', 'CANCELLED')
               THEN j.end_time ELSE coalesce(w.ended_at, w.heartbeat_at) END)::float8 AS age
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id JOIN workers w ON w.id = a.worker_id
    WHERE a.id = ANY(:ids)
""")
"""Seconds since the job ended, or since its worker was last heard of."""

FOLDER_AGES = text("""
    SELECT a.id, extract(epoch FROM clock_timestamp() - greatest(a.released_time, j.end_time))::float8 AS age
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id
    WHERE a.id = ANY(:ids) AND a.released
""")

SERVED_HERE = text("""
    SELECT EXISTS (SELECT 1 FROM workers WHERE node_name = :node
                   AND (boot_id = :boot OR (machine_id = :machine AND hostname = :hostname))
                   AND id = (SELECT max(id) FROM workers WHERE node_name = :node))
""")
"""Whether the node's latest worker was one of this host: else its spool is not ours to judge."""

OLD_JOBS = """FROM jobs j
    WHERE j.state IN ('COMPLETED', 'FAILED', 'CANCELLED') AND j.id > :after
      AND j.end_time < clock_timestamp() - make_interval(secs => :seconds)
      AND NOT EXISTS (SELECT 1 FROM resource_allocations a WHERE a.job_id = j.id AND NOT a.released)"""

LOOSE_EVENTS = """FROM events e LEFT JOIN jobs j ON j.id = e.job_id
    WHERE j.id IS NULL AND e.id > :after AND e.at < clock_timestamp() - make_interval(secs => :seconds)"""

COUNT_OLD_JOBS = text(f"SELECT count(*) {OLD_JOBS}")

EXPORT_JOBS = text(f"""
    SELECT j.id, j.changed_xid::text AS xid, jsonb_array_length(l.line -> 'events') AS events, l.line::text AS line
    FROM (SELECT j.* {OLD_JOBS} ORDER BY j.id LIMIT :limit) j
    CROSS JOIN LATERAL (SELECT jw_job_line(j.id) AS line OFFSET 0) l
    ORDER BY j.id
""")
"""OFFSET 0 keeps the planner from building each line twice, for its length and for its text."""

EXPORT_EVENTS = text(f"""
    SELECT e.id, jsonb_build_object('event', to_jsonb(e))::text AS line {LOOSE_EVENTS} ORDER BY e.id LIMIT :limit
""")
"""Looks at every event, so it is asked for once more only after a full file."""

REGISTER = text("""
    INSERT INTO archives (hostname, path, sha256, bytes, event_count, jobs, loose_events)
    VALUES (:hostname, :path, :sha256, :bytes, :event_count, jw_ranges(:jobs), jw_ranges(:loose_events))
    RETURNING id
""")

MAY_ARCHIVE = text("""
    SELECT has_column_privilege('archives', 'jobs', 'INSERT')
           AND has_function_privilege('jw_retire(bigint,jsonb)', 'EXECUTE')
           AND has_function_privilege('jw_retire_workers(float8,bigint)', 'EXECUTE')
""")

OWNS = text("SELECT pg_has_role(session_user, relowner, 'MEMBER') FROM pg_class WHERE oid = 'kept'::regclass")
COUNT_KEPT = text("SELECT count(*) FROM kept")
EXPORT_KEPT = text("SELECT id, job_id, events, line FROM kept ORDER BY id LIMIT :limit")
DROP_KEPT = text("SELECT jw_drop_kept(:archive, :ids)")

RETIRE = text("SELECT jw_retire(:archive, CAST(:jobs AS jsonb))")
RETIRE_EVENTS = text("SELECT jw_retire_events(:archive, :ids)")
RETIRE_WORKERS = text("SELECT jw_retire_workers(:seconds, :most)")
COUNT_OLD_WORKERS = text("SELECT count(*) FROM jw_old_workers(:seconds)")
BOUND_WAITING = text("SET LOCAL lock_timeout = '5s'")

LOCK_HOLDER = text("""
    SELECT taken_at FROM jw_lock_holders(:kind) WHERE key = :key
""")
