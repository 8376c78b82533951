"""What the checks ask of the database."""

from sqlalchemy import text

from backend.database.locks import LEADER_LOCK, WORKER_LOCK

BOUND = text("SELECT set_config('statement_timeout', :ms, false)")
CLOCK = text("SELECT extract(epoch FROM clock_timestamp())::float8")

LEADER = text(f"SELECT EXISTS (SELECT 1 FROM jw_lock_holders({LEADER_LOCK}))")

UNSTARTED = text("""
    SELECT count(*) AS jobs, coalesce(max(extract(epoch FROM clock_timestamp() - a.allocation_time)), 0)::float8 AS age
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id
    WHERE NOT a.released AND a.process_id IS NULL AND j.state = 'RUNNING'
""")

WAITING = text("""
    SELECT count(*) AS jobs, coalesce(max(extract(epoch FROM clock_timestamp() - submit_time)), 0)::float8 AS age
    FROM jobs WHERE state = 'PENDING' AND NOT held
""")

OVERLOOKED = text(f"""
    SELECT head.id, extract(epoch FROM clock_timestamp() - head.submit_time)::float8 AS age
    FROM (SELECT * FROM jobs WHERE state = 'PENDING' AND NOT held ORDER BY priority DESC, id LIMIT 1) head
    WHERE EXISTS (
        SELECT 1 FROM nodes n JOIN workers w ON w.node_name = n.name AND w.ended_at IS NULL AND NOT w.draining
        WHERE NOT n.drained AND head.partition = ANY(n.partitions)
          AND n.cpus - n.cpus_allocated >= head.cpus AND n.gpus - n.gpus_allocated >= head.gpus
          AND n.memory_mb - n.memory_mb_allocated >= head.memory_mb
          AND w.heartbeat_at > clock_timestamp() - make_interval(secs => w.lease_seconds)
          AND w.id IN (SELECT key FROM jw_lock_holders({WORKER_LOCK})))
""")
"""The first job of the queue, if a node has room for it: nothing may be in its way, so the scheduler should take it."""
