-- The jobs that wait and match, in the order the scheduler looks at them, each with its place among those that are not
-- held; held ones stand among the others.
SELECT id, place
FROM (
    SELECT *, count(*) FILTER (WHERE NOT held) OVER (ORDER BY priority DESC, id ROWS UNBOUNDED PRECEDING) AS place
    FROM jobs
    WHERE state = 'PENDING'
) AS jobs
WHERE {where}
ORDER BY priority DESC, id
LIMIT :limit
