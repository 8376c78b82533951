"""What the checks ask of the database."""

from jobwarden.backend.database.driver import text
from jobwarden.backend.database.engine import LEADER_LOCK, WORKER_LOCK

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
    FROM (SELECT DISTINCT unnest(partitions) AS name FROM nodes) partition
    CROSS JOIN LATERAL (
        SELECT * FROM jobs WHERE state = 'PENDING' AND NOT held AND jobs.partition = partition.name
        ORDER BY priority DESC, id LIMIT 1) head
    WHERE EXISTS (
        SELECT 1 FROM nodes n JOIN workers w ON w.node_name = n.name AND w.ended_at IS NULL AND NOT w.draining
        WHERE NOT n.drained AND head.partition = ANY(n.partitions)
          AND n.cpus - n.cpus_allocated >= head.cpus AND n.gpus - n.gpus_allocated >= head.gpus
          AND n.memory_mb - n.memory_mb_allocated >= head.memory_mb
          AND w.heartbeat_at > clock_timestamp() - make_interval(secs => w.lease_seconds)
          AND w.id IN (SELECT key FROM jw_lock_holders({WORKER_LOCK})))
    ORDER BY age DESC LIMIT 1
""")
"""The longest waiting of the first jobs of each partition, if a node has room for it: nothing but a job that has waited
longer may be in its way, so the scheduler should take it."""

HOPELESS = text("""
    WITH asked AS (
        SELECT partition, cpus, memory_mb, gpus, count(*) AS jobs, min(id) AS first
        FROM jobs WHERE state = 'PENDING' AND NOT held GROUP BY 1, 2, 3, 4)
    SELECT coalesce(sum(jobs), 0)::bigint AS jobs, min(first) AS first
    FROM asked
    WHERE EXISTS (SELECT 1 FROM nodes) AND NOT EXISTS (
        SELECT 1 FROM nodes n WHERE asked.partition = ANY(n.partitions)
          AND n.cpus >= asked.cpus AND n.memory_mb >= asked.memory_mb AND n.gpus >= asked.gpus)
""")
"""How many waiting jobs no node could ever hold, and the oldest of them."""

DRAINED = text("SELECT name, drain_reason FROM nodes WHERE drained ORDER BY name")
