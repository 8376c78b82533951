-- How soon a worker's death was noticed: seconds from its last heartbeat to the moment at which the leader, or before
-- that the next worker of its node, found it dead. Kept with the worker and not as a time, since a worker that was only
-- paused goes on with its heartbeats.
ALTER TABLE workers ADD COLUMN noticed_after double precision;
