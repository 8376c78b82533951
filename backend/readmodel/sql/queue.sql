-- The jobs that wait, in the order the scheduler looks at them; held ones stand among the others.
SELECT id FROM jobs WHERE state = 'PENDING' ORDER BY priority DESC, id LIMIT :limit
