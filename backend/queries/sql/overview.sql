-- Capacity and grants of the nodes with a living worker, and whether anybody leads.
SELECT coalesce(sum(cpus), 0)::int AS cpus, coalesce(sum(cpus_allocated), 0)::int AS cpus_allocated,
       coalesce(sum(memory_mb), 0)::bigint AS memory_mb,
       coalesce(sum(memory_mb_allocated), 0)::bigint AS memory_mb_allocated,
       coalesce(sum(gpus), 0)::int AS gpus, coalesce(sum(gpus_allocated), 0)::int AS gpus_allocated,
       EXISTS (SELECT 1 FROM jw_lock_holders(:leader_lock)) AS leader
FROM nodes WHERE name = ANY(:alive)
