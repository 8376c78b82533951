-- Attempts to run jobs, with what is needed to judge them; the condition is one of those in attempts.py.
SELECT a.id AS allocation_id, a.job_id, j.name AS job_name, j.state, j.work_dir, a.node_name, a.worker_id, a.cookie,
       a.process_id, a.process_start, a.boot_id, a.pid_namespace, a.spool_dir, a.record_key, a.released, a.stuck,
       w.machine_id, w.hostname,
       j.time_limit, extract(epoch FROM now() - j.start_time)::float8 AS ran,
       coalesce(extract(epoch FROM now() - c.requested_at), 0)::float8 AS asked_ago, n.drained AS node_drained
FROM resource_allocations a
JOIN jobs j ON j.id = a.job_id
JOIN workers w ON w.id = a.worker_id
JOIN nodes n ON n.name = a.node_name
LEFT JOIN commands c ON c.job_id = a.job_id AND c.done_at IS NULL
WHERE {which}
ORDER BY a.job_id, a.id
