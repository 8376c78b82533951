-- Jobs the scheduler looks at before this one; a thousand is as good as more.
SELECT count(*) FROM (
    SELECT 1 FROM jobs WHERE state = 'PENDING' AND NOT held
      AND (priority > :priority OR (priority = :priority AND id < :job_id)) LIMIT 1000) ahead
