"""The statements of the state machine, each a compare-and-set.

Lock order everywhere: jobs by id, then allocations, then nodes (taken by the triggers), so that no two of
these can wait for each other.
"""

from jobwarden.backend.database.driver import text

SAY = text(
    "SELECT set_config('jobwarden.actor', :actor, true), set_config('jobwarden.action', :action, true),"
    " set_config('jobwarden.reason', :reason, true), set_config('jobwarden.detail', :detail, true)",
    often=True,
)

MAY_END = text("SELECT has_column_privilege('jobs', 'error_msg', 'UPDATE')")
"""Whether this database user may record the end of any job: an operator, a worker, the owner."""

NOTE = text(
    "INSERT INTO events (job_id, actor, action, from_state, to_state, reason, detail)"
    " SELECT j.id, :actor, :action, j.state, j.state, :reason, CAST(:detail AS jsonb)"
    " FROM jobs j WHERE j.id = ANY(:jobs) ORDER BY j.id"
)

NOTE_NODE = text(
    "INSERT INTO events (actor, action, reason, detail) VALUES (:actor, :action, :reason, CAST(:detail AS jsonb))"
)

SUBMIT = text(
    """
    INSERT INTO jobs (name, account, partition, priority, held, script, arguments, work_dir, environment,
                      cpus, memory_mb, gpus, time_limit)
    SELECT name, account, partition, priority, held, script, arguments, work_dir, environment,
           cpus, memory_mb, gpus, time_limit
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        name text, account text, partition text, priority int, held boolean, script text, arguments jsonb,
        work_dir text, environment jsonb, cpus int, memory_mb bigint, gpus int, time_limit int)
    RETURNING id
""",
    often=True,
)

RESUBMIT = text("""
    INSERT INTO jobs (name, account, partition, priority, script, arguments, work_dir, environment,
                      cpus, memory_mb, gpus, time_limit, resubmit_of)
    SELECT name, account, partition, priority, script, arguments, work_dir, environment,
           cpus, memory_mb, gpus, time_limit, id
    FROM jobs WHERE id = :job AND state IN ('COMPLETED', 'FAILED', 'CANCELLED')
    RETURNING id
""")

LOCK_JOBS = text("SELECT id FROM jobs WHERE id = ANY(:jobs) ORDER BY id FOR NO KEY UPDATE", often=True)

LOCK_JOBS_OF = text(
    """
    SELECT id FROM jobs WHERE id IN (SELECT job_id FROM resource_allocations WHERE id = ANY(:allocations))
    ORDER BY id FOR NO KEY UPDATE
""",
    often=True,
)

GRANT = text(
    """
    WITH placed AS (
        SELECT * FROM unnest(CAST(:jobs AS bigint[]), CAST(:nodes AS text[]), CAST(:workers AS int[]))
                 AS p(job_id, node_name, worker_id)
    ), waiting AS MATERIALIZED (
        SELECT j.id, j.cpus, j.memory_mb, j.gpus FROM jobs j JOIN placed p ON p.job_id = j.id
        WHERE j.state = 'PENDING' AND NOT j.held ORDER BY j.id FOR NO KEY UPDATE OF j SKIP LOCKED
    )
    INSERT INTO resource_allocations
        (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb, allocated_gpus)
    SELECT q.id, p.node_name, p.worker_id, q.cpus, q.memory_mb, q.gpus
    FROM placed p JOIN waiting q ON q.id = p.job_id
    JOIN workers w ON w.id = p.worker_id AND w.ended_at IS NULL AND NOT w.draining
    JOIN nodes n ON n.name = p.node_name AND NOT n.drained
    ORDER BY q.id
    RETURNING id, job_id, node_name
""",
    often=True,
)

MARK_ALLOCATED = text(
    """
    UPDATE jobs SET state = 'RUNNING', node_name = g.node_name
    FROM unnest(CAST(:jobs AS bigint[]), CAST(:nodes AS text[])) AS g(job_id, node_name)
    WHERE jobs.id = g.job_id
""",
    often=True,
)

CLAIM = text(
    """
    UPDATE resource_allocations a SET claimed_at = now()
    FROM jobs j LEFT JOIN unix_users u ON u.login = j.submitted_by
    WHERE a.id = ANY(:allocations) AND a.worker_id = :worker AND a.claimed_at IS NULL AND NOT a.released
      AND j.id = a.job_id AND j.state = 'RUNNING'
    RETURNING a.id AS allocation_id, a.job_id, a.cookie, a.record_key, j.script, j.arguments, j.work_dir, j.environment,
              j.time_limit, j.memory_mb, coalesce(j.submitted_by, '') AS login,
              coalesce(u.unix_user, j.submitted_by, '') AS unix_user
""",
    often=True,
)

COMMIT_PIDS = text(
    """
    UPDATE resource_allocations a
    SET process_id = s.process_id, process_start = s.process_start, boot_id = s.boot_id,
        pid_namespace = s.pid_namespace, spool_dir = s.spool_dir
    FROM jsonb_to_recordset(CAST(:started AS jsonb)) AS s(
             allocation_id bigint, process_id int, process_start bigint, boot_id text, pid_namespace bigint,
             spool_dir text),
         jobs j
    WHERE a.id = s.allocation_id AND a.worker_id = :worker AND NOT a.released AND a.process_id IS NULL
      AND j.id = a.job_id AND j.state = 'RUNNING'
    RETURNING a.id, a.job_id, a.process_id
""",
    often=True,
)

MARK_STARTED = text("UPDATE jobs SET start_time = now() WHERE id = ANY(:jobs) AND state = 'RUNNING'", often=True)

FINISH = text(
    """
    UPDATE jobs j
    SET state = CAST(o.state AS job_state), failure_reason = CAST(o.reason AS failure_reason),
        exit_code = o.exit_code, exit_signal = o.exit_signal, error_msg = o.error_msg,
        end_time = greatest(coalesce(to_timestamp(o.end_time_ns / 1e9), now()), j.start_time)
    FROM jsonb_to_recordset(CAST(:outcomes AS jsonb)) AS o(
             allocation_id bigint, job_id bigint, state text, reason text, exit_code int, exit_signal int,
             error_msg text, end_time_ns bigint),
         resource_allocations a
    WHERE j.id = o.job_id AND j.state = 'RUNNING' AND a.id = o.allocation_id AND NOT a.released
    RETURNING o.allocation_id
""",
    often=True,
)

RELEASE = text(
    """
    UPDATE resource_allocations SET released = true WHERE id = ANY(:allocations) AND NOT released
    RETURNING id, job_id, node_name, stuck
""",
    often=True,
)

RELEASE_UNSTARTED = text("""
    UPDATE resource_allocations a SET released = true FROM jobs j
    WHERE a.id = ANY(:allocations) AND NOT a.released AND (a.process_id IS NULL OR NOT :uncommitted)
      AND j.id = a.job_id AND (j.state = 'RUNNING') = :running
    RETURNING a.id, a.job_id
""")

RELEASE_OF_FINAL_JOBS = text("""
    UPDATE resource_allocations a SET released = true FROM jobs j
    WHERE a.id = ANY(:allocations) AND NOT a.released AND j.id = a.job_id
      AND j.state IN ('COMPLETED', 'FAILED', 'CANCELLED')
    RETURNING a.id, a.job_id, a.node_name, a.stuck
""")

LIVE_ALLOCATIONS = text("""
    SELECT a.id, a.process_id, j.state FROM resource_allocations a JOIN jobs j ON j.id = a.job_id
    WHERE a.job_id = ANY(:jobs) AND NOT a.released
    ORDER BY a.id
""")

REQUEUE = text("""
    UPDATE jobs SET state = 'PENDING', start_time = NULL, node_name = NULL
    WHERE id = ANY(:jobs) AND state = 'RUNNING'
""")

OPEN_COMMANDS = text("""
    SELECT job_id, action, actor, reason FROM commands WHERE job_id = ANY(:jobs) AND done_at IS NULL ORDER BY job_id
""")

REQUEST = text("""
    INSERT INTO commands (job_id, node_name, action, actor, reason)
    SELECT id, node_name, :action, :actor, :reason FROM jobs WHERE id = ANY(:jobs) AND state = 'RUNNING'
    ORDER BY id ON CONFLICT DO NOTHING RETURNING job_id
""")

CLOSE_COMMANDS = text(
    """
    UPDATE commands SET done_at = now(), result = lower(j.state::text) FROM jobs j
    WHERE j.id = commands.job_id AND j.id = ANY(:jobs) AND done_at IS NULL
""",
    often=True,
)

ADOPT = text("""
    UPDATE resource_allocations SET worker_id = :worker
    WHERE id = ANY(:allocations) AND NOT released AND worker_id <> :worker RETURNING id, job_id
""")

MARK_STUCK = text("""
    UPDATE resource_allocations SET stuck = :detail WHERE id = :allocation AND NOT released AND stuck IS NULL
    RETURNING job_id, node_name
""")

CLEAR_STUCK = text("""
    UPDATE resource_allocations a SET stuck = NULL FROM resource_allocations old
    WHERE a.id = :allocation AND old.id = a.id AND NOT a.released AND a.stuck IS NOT NULL
    RETURNING a.job_id, a.node_name, old.stuck
""")

OTHER_STUCK = text("""
    SELECT job_id FROM resource_allocations
    WHERE node_name = :node AND NOT released AND stuck IS NOT NULL AND job_id <> :job ORDER BY id LIMIT 1
""")

LIFT_DRAIN = text("""
    UPDATE nodes SET drained = :drained, drain_reason = :reason
    WHERE name = :node AND drained AND drain_reason = :former RETURNING name
""")

TRIED_TOO_OFTEN = text("""
    SELECT job_id FROM resource_allocations WHERE job_id = ANY(:jobs) GROUP BY job_id HAVING count(*) >= :most
""")

END_UNSTARTED = text("""
    UPDATE jobs SET state = CAST(:state AS job_state), failure_reason = CAST(:failure_reason AS failure_reason)
    WHERE id = ANY(:jobs) AND (state = 'PENDING' OR (state = 'RUNNING' AND NOT EXISTS (
        SELECT 1 FROM resource_allocations a WHERE a.job_id = jobs.id AND NOT a.released AND a.process_id IS NOT NULL)))
    RETURNING id
""")

FAIL = text("""
    UPDATE jobs SET state = 'FAILED', failure_reason = CAST(:failure_reason AS failure_reason), error_msg = :message
    WHERE id = :job AND state IN ('PENDING', 'RUNNING') RETURNING id
""")

SET_HELD = text("""
    UPDATE jobs SET held = :held WHERE id = ANY(:jobs) AND state = 'PENDING' AND held <> :held RETURNING id
""")

SET_PRIORITY = text("""
    UPDATE jobs SET priority = :priority
    FROM jobs old
    WHERE jobs.id = ANY(:jobs) AND old.id = jobs.id AND jobs.state = 'PENDING' AND jobs.priority <> :priority
    RETURNING jobs.id, old.priority
""")

SET_DRAIN = text("""
    UPDATE nodes SET drained = :drained, drain_reason = :reason
    FROM (SELECT name, drain_reason FROM nodes WHERE name = :node FOR NO KEY UPDATE) old
    WHERE nodes.name = old.name AND nodes.drained <> :drained
    RETURNING old.drain_reason
""")
