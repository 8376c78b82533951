-- The latest events of one job, oldest first.
SELECT * FROM (SELECT id, at, job_id, actor, action, from_state, to_state, reason, detail
               FROM events WHERE job_id = :job_id ORDER BY id DESC LIMIT :limit) latest ORDER BY id
