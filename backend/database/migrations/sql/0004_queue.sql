-- The scheduler looks at the queue of each partition that has room, and held jobs are in nobody's way.
CREATE INDEX jobs_queue_of_partition ON jobs (partition, priority DESC, id) WHERE state = 'PENDING' AND NOT held;
-- The header says how many of the pending jobs are held.
CREATE INDEX jobs_held ON jobs (id) WHERE state = 'PENDING' AND held;
