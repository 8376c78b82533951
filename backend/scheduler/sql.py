"""What the scheduler reads."""

from sqlalchemy import text

from backend.database.locks import WORKER_LOCK

WAITING = text("""
    SELECT id, partition, cpus, memory_mb, gpus, time_limit,
           extract(epoch FROM clock_timestamp() - submit_time)::float AS waited
    FROM jobs WHERE state = 'PENDING' AND NOT held ORDER BY priority DESC, id LIMIT :limit
""")

ROOMS = text(f"""
    SELECT n.name, w.id AS worker_id, n.partitions, n.cpus, n.memory_mb, n.gpus,
           n.cpus - n.cpus_allocated AS free_cpus, n.memory_mb - n.memory_mb_allocated AS free_memory_mb,
           n.gpus - n.gpus_allocated AS free_gpus
    FROM nodes n JOIN workers w ON w.node_name = n.name AND w.ended_at IS NULL
    WHERE NOT n.drained AND NOT w.draining
      AND w.heartbeat_at > clock_timestamp() - make_interval(secs => w.lease_seconds)
      AND w.id IN (SELECT key FROM jw_lock_holders({WORKER_LOCK}))
    ORDER BY n.name
""")

RUNNING = text("""
    SELECT a.node_name, a.allocated_cpus AS cpus, a.allocated_memory_mb AS memory_mb, a.allocated_gpus AS gpus,
           CASE WHEN j.time_limit IS NULL THEN NULL
                ELSE greatest(0, j.time_limit - extract(epoch FROM clock_timestamp()
                                                        - coalesce(j.start_time, a.allocation_time)))::float
           END AS seconds_left
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id WHERE NOT a.released
""")
