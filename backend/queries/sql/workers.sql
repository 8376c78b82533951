-- Workers that matter: not ended, the newest of their node, still owning something, or ended within a day.
SELECT w.id, w.node_name, w.hostname, w.pid, w.draining, w.boot_id, w.process_start, w.pid_namespace, w.machine_id,
       w.spool, w.jobs_as, w.outdated, w.started_at, w.heartbeat_at, w.ended_at, w.end_reason,
       extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS lease_age, w.lease_seconds,
       n.cpus, n.cpus_allocated, n.memory_mb, n.memory_mb_allocated, n.gpus, n.gpus_allocated,
       n.drained, n.drain_reason, coalesce(owned.jobs, 0)::int AS running_jobs, l.held IS TRUE AS lock_held
FROM workers w
JOIN nodes n ON n.name = w.node_name
LEFT JOIN (SELECT worker_id, count(*) AS jobs FROM resource_allocations WHERE NOT released GROUP BY worker_id) owned
       ON owned.worker_id = w.id
LEFT JOIN (SELECT DISTINCT key AS worker_id, true AS held FROM jw_lock_holders(:worker_lock)) l ON l.worker_id = w.id
WHERE w.ended_at IS NULL OR owned.jobs > 0 OR w.ended_at > now() - interval '1 day'
   OR w.id = (SELECT max(id) FROM workers newest WHERE newest.node_name = w.node_name)
ORDER BY w.node_name, w.id DESC
