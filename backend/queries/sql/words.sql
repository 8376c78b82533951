-- Accounts by a walk over the index jobs_account that reads one row of each; nodes and partitions are few anyway.
WITH RECURSIVE walk(account, number) AS (
    (SELECT account, 1 FROM jobs ORDER BY lower(account COLLATE "C"), id LIMIT 1)
    UNION ALL
    SELECT (SELECT j.account FROM jobs j WHERE lower(j.account COLLATE "C") > lower(walk.account COLLATE "C")
            ORDER BY lower(j.account COLLATE "C"), j.id LIMIT 1), number + 1
    FROM walk WHERE account IS NOT NULL AND number < 300
)
SELECT 'account' AS kind, account AS word FROM walk WHERE account IS NOT NULL
UNION ALL (SELECT 'node', name FROM nodes ORDER BY name LIMIT 300)
UNION ALL (SELECT DISTINCT 'partition', unnest(partitions) FROM nodes LIMIT 300)
