-- Kept by triggers (0002_lists.sql): each row is a share of the sum.
SELECT s.state, coalesce(sum(s.jobs), 0)::bigint AS jobs
FROM job_counts c
CROSS JOIN LATERAL (VALUES ('PENDING', c.pending), ('RUNNING', c.running), ('COMPLETED', c.completed),
                           ('FAILED', c.failed), ('CANCELLED', c.cancelled)) s(state, jobs)
GROUP BY s.state
