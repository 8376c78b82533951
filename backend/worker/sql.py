"""What a worker reads and writes about itself, its node and its allocations."""

from jobwarden.backend.database.driver import text

ADD_NODE = text("""
    INSERT INTO nodes (name, cpus, memory_mb, gpus, partitions)
    VALUES (:name, :cpus, :memory_mb, :gpus, CAST(:partitions AS text[])) ON CONFLICT (name) DO NOTHING
""")

NODE_ID = text("SELECT id FROM nodes WHERE name = :name")

SET_CAPACITY = text("""
    UPDATE nodes SET cpus = :cpus, memory_mb = :memory_mb, gpus = :gpus, partitions = CAST(:partitions AS text[])
    WHERE name = :name
""")

CURRENT_WORKER = text("""
    SELECT id, hostname, machine_id, pid, process_start, boot_id, pid_namespace,
           extract(epoch FROM clock_timestamp() - heartbeat_at)::float AS lease_age, lease_seconds
    FROM workers
    WHERE node_name = :name AND ended_at IS NULL ORDER BY id DESC LIMIT 1
""")

SUPERSEDE = text("""
    UPDATE workers SET ended_at = clock_timestamp(), end_reason = :reason,
           noticed_after = coalesce(noticed_after, extract(epoch FROM clock_timestamp() - heartbeat_at))
    WHERE node_name = :name AND ended_at IS NULL RETURNING id
""")

INSERT_WORKER = text("""
    INSERT INTO workers (node_name, hostname, machine_id, boot_id, pid, process_start, pid_namespace, spool, version,
                         lease_seconds, jobs_as)
    VALUES (:node_name, :hostname, :machine_id, :boot_id, :pid, :process_start, :pid_namespace, :spool, :version,
            :lease_seconds, :jobs_as)
    RETURNING id
""")

BEAT = text("UPDATE workers SET heartbeat_at = clock_timestamp() WHERE id = :worker AND ended_at IS NULL RETURNING id")

SET_OUTDATED = text("UPDATE workers SET outdated = :outdated WHERE id = :worker")

SET_DRAINING = text("UPDATE workers SET draining = true WHERE id = :worker")

END_WORKER = text("""
    UPDATE workers SET ended_at = clock_timestamp(), end_reason = :reason WHERE id = :worker AND ended_at IS NULL
""")

LIVE_ON_NODE = text("""
    SELECT a.id AS allocation_id, a.job_id, a.worker_id, a.cookie, a.process_id, a.process_start, a.boot_id,
           a.pid_namespace, a.spool_dir, a.record_key, a.claimed_at IS NOT NULL AS claimed, w.machine_id, w.hostname,
           extract(epoch FROM clock_timestamp() - coalesce(a.claimed_at, a.allocation_time))::float AS age,
           j.time_limit, j.work_dir, j.state
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id JOIN workers w ON w.id = a.worker_id
    WHERE a.node_name = :node AND NOT a.released
""")

OPEN_COMMANDS = text("""
    SELECT job_id, action, actor, reason FROM commands WHERE node_name = :node AND done_at IS NULL ORDER BY id
""")

LARGEST_ALLOCATION = text("SELECT max(id) FROM resource_allocations")

RAISE_IDS = text("SELECT jw_raise_ids(:job, :allocation)")
"""Whether a counter had to be raised."""

DRAIN_REASON = text("SELECT drain_reason FROM nodes WHERE name = :node AND drained")
