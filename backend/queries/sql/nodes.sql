SELECT name, partitions, cpus, memory_mb, gpus, cpus_allocated, memory_mb_allocated, gpus_allocated, drained,
       name = ANY(:alive) AS alive
FROM nodes ORDER BY name
