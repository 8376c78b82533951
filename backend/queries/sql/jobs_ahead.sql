-- Jobs of its partition that the scheduler looks at before this one.
SELECT count(*) FROM jobs
WHERE state = 'PENDING' AND NOT held AND partition = :partition
  AND (priority > :priority OR (priority = :priority AND id < :job_id))
