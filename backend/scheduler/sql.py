"""What the scheduler reads."""

from jobwarden.backend.database.driver import text
from jobwarden.backend.database.engine import WORKER_LOCK

_JOB = """id, partition, priority, cpus, memory_mb, gpus, time_limit,
           extract(epoch FROM clock_timestamp() - submit_time)::float AS waited"""

HEAD = text(
    f"""
    SELECT {_JOB}
    FROM jobs WHERE state = 'PENDING' AND NOT held AND partition = :partition
    ORDER BY priority DESC, id LIMIT :limit
""",
    often=True,
)

BEYOND = text(f"""
    SELECT {_JOB}
    FROM jobs WHERE state = 'PENDING' AND NOT held AND partition = :partition
      AND priority <= :priority AND (priority < :priority OR id > :id)
      AND (cpus <= :cpus AND memory_mb <= :memory_mb AND gpus <= :gpus
           AND NOT EXISTS (
               SELECT 1 FROM jsonb_to_recordset(CAST(:failed AS jsonb))
                             AS f(cpus int, memory_mb bigint, gpus int, time_limit float)
               WHERE f.cpus <= jobs.cpus AND f.memory_mb <= jobs.memory_mb AND f.gpus <= jobs.gpus
                 AND coalesce(f.time_limit, 'infinity') <= coalesce(jobs.time_limit::float, 'infinity'))
           OR submit_time <= clock_timestamp() - make_interval(secs => :patience)
              AND cpus <= :whole_cpus AND memory_mb <= :whole_memory_mb AND gpus <= :whole_gpus)
    ORDER BY priority DESC, id LIMIT :limit
""")
"""What of the rest of a queue could start now, or has waited so long that a whole node may be reserved for it."""

ROOMS = text(
    f"""
    SELECT n.name, w.id AS worker_id, n.partitions, n.cpus, n.memory_mb, n.gpus,
           n.cpus - n.cpus_allocated AS free_cpus, n.memory_mb - n.memory_mb_allocated AS free_memory_mb,
           n.gpus - n.gpus_allocated AS free_gpus
    FROM nodes n JOIN workers w ON w.node_name = n.name AND w.ended_at IS NULL
    WHERE NOT n.drained AND NOT w.draining
      AND w.heartbeat_at > clock_timestamp() - make_interval(secs => w.lease_seconds)
      AND w.id IN (SELECT key FROM jw_lock_holders({WORKER_LOCK}))
    ORDER BY n.name
""",
    often=True,
)

RUNNING = text("""
    SELECT a.node_name, a.allocated_cpus AS cpus, a.allocated_memory_mb AS memory_mb, a.allocated_gpus AS gpus,
           CASE WHEN j.time_limit IS NULL THEN NULL
                ELSE greatest(0, j.time_limit - extract(epoch FROM clock_timestamp()
                                                        - coalesce(j.start_time, a.allocation_time)))::float
           END AS seconds_left
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id WHERE NOT a.released
""")

NEVER_BEGUN = text("""
    SELECT a.id FROM resource_allocations a JOIN workers w ON w.id = a.worker_id
    WHERE NOT a.released AND a.process_id IS NULL
      AND w.heartbeat_at <= clock_timestamp() - make_interval(secs => w.lease_seconds)
""")
"""What was granted to a worker whose lease is over, and never began there."""
