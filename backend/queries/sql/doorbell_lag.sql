-- Seconds that the oldest grant waits for its worker to take it up: how far the queue is behind.
SELECT coalesce(extract(epoch FROM now() - min(allocation_time)), 0)::float
FROM resource_allocations WHERE NOT released AND claimed_at IS NULL AND process_id IS NULL
