-- Changes of state by minute, of events from an id on: a stretch at the end of the primary key, whatever the table holds.
SELECT date_trunc('minute', at) AS minute, min(id) AS first_id,
       count(*) FILTER (WHERE to_state = 'RUNNING' AND from_state = 'PENDING') AS started,
       count(*) FILTER (WHERE to_state = 'COMPLETED' AND from_state <> to_state) AS completed,
       count(*) FILTER (WHERE to_state = 'FAILED' AND from_state <> to_state) AS failed
FROM events
WHERE id >= :floor AND at >= date_trunc('minute', now()) - make_interval(mins => :minutes)
GROUP BY 1 ORDER BY 1
