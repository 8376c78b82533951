-- One page of the audit by key, newest first; events.py fills in the condition.
SELECT id, at, job_id, actor, action, from_state, to_state, reason, detail
FROM events WHERE id < :below AND {where} ORDER BY id DESC LIMIT :limit
