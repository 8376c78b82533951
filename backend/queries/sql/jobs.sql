-- One stretch of the jobs by key; jobs.py fills in the conditions on jobs and the order. Whoever reads sorts again.
SELECT j.*, latest.spool_dir, latest.hostname, latest.machine_id, latest.boot_id,
       CASE WHEN NOT latest.released THEN latest.id END AS allocation_id,
       CASE WHEN NOT latest.released THEN latest.process_id END AS process_id
FROM (SELECT id, name, account, partition, state, held, priority, cpus, memory_mb, gpus, time_limit, submit_time,
             start_time, end_time, exit_code, exit_signal, failure_reason, error_msg, node_name,
             changed_xid::text::bigint AS version{flags}
      FROM {source} WHERE {keys} AND ({where}) ORDER BY {order} LIMIT :limit) j
LEFT JOIN LATERAL (SELECT a.id, a.released, a.process_id, a.spool_dir, a.boot_id, w.hostname, w.machine_id
                   FROM resource_allocations a JOIN workers w ON w.id = a.worker_id
                   WHERE a.job_id = j.id ORDER BY a.id DESC LIMIT 1) latest ON true
