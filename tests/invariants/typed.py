"""Statements that somebody might type into psql."""

from __future__ import annotations

REFUSED = (
    "UPDATE jobs SET state = 'PENDING' WHERE id = {job} AND state <> 'PENDING'",
    "UPDATE jobs SET state = 'RUNNING' WHERE id = {job} AND state <> 'RUNNING'",
    "UPDATE jobs SET state = 'COMPLETED' WHERE id = {job} AND state NOT IN ('RUNNING', 'COMPLETED')",
    "UPDATE jobs SET state = 'FAILED' WHERE id = {job} AND state IN ('COMPLETED', 'CANCELLED')",
    "DELETE FROM jobs WHERE id = {job} AND state IN ('PENDING', 'RUNNING')",
    "INSERT INTO jobs (name, account, script, work_dir, memory_mb, state) VALUES ('x', 'x', 'x', '/', 1, 'RUNNING')",
    "INSERT INTO resource_allocations (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb,"
    " allocated_gpus) SELECT {job}, node_name, id, 1, 1, 0 FROM workers",
    "UPDATE resource_allocations SET released = false WHERE job_id = {job} AND released",
    "UPDATE resource_allocations SET released = true FROM jobs j"
    " WHERE j.id = job_id AND job_id = {job} AND NOT released AND j.state = 'RUNNING'",
    "UPDATE resource_allocations SET allocated_cpus = 0 WHERE job_id = {job}",
    "UPDATE resource_allocations SET job_id = job_id + 1 WHERE job_id = {job}",
    "UPDATE resource_allocations SET process_id = NULL WHERE job_id = {job} AND process_id IS NOT NULL",
    "UPDATE resource_allocations SET claimed_at = NULL WHERE job_id = {job} AND claimed_at IS NOT NULL",
    "DELETE FROM resource_allocations WHERE job_id = {job} AND NOT released",
    "UPDATE nodes SET cpus_allocated = 0 WHERE cpus_allocated > 0",
    "UPDATE nodes SET cpus = 1000, memory_mb_allocated = 0 WHERE memory_mb_allocated > 0",
    "UPDATE events SET actor = 'nobody'",
    "DELETE FROM events WHERE job_id = {job}",
    "TRUNCATE events",
    "TRUNCATE jobs CASCADE",
    "TRUNCATE resource_allocations",
)
"""Each must raise or touch no row."""

FAIL = "UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job};"
RELEASE = "UPDATE resource_allocations SET released=TRUE WHERE job_id={job};"
"""The documented procedure, word for word."""
