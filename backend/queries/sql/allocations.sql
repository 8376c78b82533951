SELECT id, job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb, allocated_gpus, allocation_time,
       process_id, process_start, boot_id, pid_namespace, spool_dir, released, released_time
FROM resource_allocations WHERE job_id = :job_id ORDER BY id
