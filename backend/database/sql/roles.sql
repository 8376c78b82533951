-- The four group roles and what each may do; may be run any number of times. People get one of them with
-- GRANT jobwarden_operator TO alice. Each contains the one before it; the worker stands apart.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['jobwarden_viewer', 'jobwarden_submitter', 'jobwarden_operator', 'jobwarden_worker'] LOOP
        BEGIN
            IF to_regrole(name) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of the cluster made it now
        END;
    END LOOP;
    IF NOT pg_has_role('jobwarden_operator', 'jobwarden_submitter', 'MEMBER')
       OR NOT pg_has_role('jobwarden_submitter', 'jobwarden_viewer', 'MEMBER') THEN
        GRANT jobwarden_viewer TO jobwarden_submitter;
        GRANT jobwarden_submitter TO jobwarden_operator;
    END IF;
END $$;

-- From nothing: what an earlier version granted and this one does not is taken back. Names our tables and functions
-- alone, for the schema may hold others'.
SELECT jw_close_to_public();
DO $$
DECLARE
    everybody CONSTANT text := 'jobwarden_viewer, jobwarden_submitter, jobwarden_operator, jobwarden_worker';
    place     regnamespace := current_schema()::regnamespace;
    thing     text;
BEGIN
    FOR thing IN
        SELECT format('%s %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass) FROM pg_class
        WHERE relnamespace = place AND relkind IN ('r', 'p', 'v', 'm', 'S')
          AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'jobs'::regclass)
        UNION ALL
        SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = place AND proname LIKE 'jw\_%' LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', thing, everybody);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO jobwarden_viewer, jobwarden_worker', place);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %s TO jobwarden_viewer, jobwarden_worker', place);
END $$;

-- What the rules of the tables, and triggers that act with the rights of whoever writes, call.
GRANT EXECUTE ON FUNCTION jw_is_printable(text), jw_is_word(text), jw_are_words(text[]), jw_are_arguments(jsonb),
    jw_are_variables(jsonb), jw_measure(jsonb, jsonb), jw_is_final(job_state), jw_setting(text),
    jw_trusted(), jw_may_act(), jw_owns(), jw_true_actor(text, bigint) TO jobwarden_submitter, jobwarden_worker;

-- Everybody sees who holds which lock; to take one is for workers, and for operators one kind of them.
GRANT EXECUTE ON FUNCTION jw_may_hold(integer, oid), jw_lock_holders(integer) TO jobwarden_viewer, jobwarden_worker;
GRANT EXECUTE ON FUNCTION jw_take_lock(integer, integer), jw_release_lock(integer, integer)
    TO jobwarden_operator, jobwarden_worker;

-- A submitter adds jobs and cancels its own.
GRANT INSERT (name, account, partition, priority, held, script, arguments, work_dir, environment, cpus, memory_mb, gpus,
              time_limit, resubmit_of) ON jobs TO jobwarden_submitter;
GRANT UPDATE (state, failure_reason) ON jobs TO jobwarden_submitter;
GRANT UPDATE (released) ON resource_allocations TO jobwarden_submitter;
GRANT INSERT (job_id, actor, action, from_state, to_state, reason, detail) ON events TO jobwarden_submitter;
GRANT INSERT (job_id, node_name, action, actor, reason), UPDATE (done_at, result) ON commands TO jobwarden_submitter;

-- An operator acts on every job and node. What was granted, started or counted is the worker's.
GRANT UPDATE (state, start_time, end_time, exit_code, exit_signal, failure_reason, error_msg, node_name, held, priority)
    ON jobs TO jobwarden_operator;
GRANT UPDATE (released, released_time, stuck) ON resource_allocations TO jobwarden_operator;
GRANT UPDATE (drained, drain_reason) ON nodes TO jobwarden_operator;
GRANT INSERT, UPDATE, DELETE ON unix_users TO jobwarden_operator;

-- A worker starts jobs and writes down how they end; what is run, for whom and when is not its to say, for another node
-- would run it. It submits nothing.
GRANT UPDATE (state, start_time, end_time, exit_code, exit_signal, failure_reason, error_msg, node_name)
    ON jobs TO jobwarden_worker;
GRANT INSERT (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb, allocated_gpus),
    UPDATE (worker_id, claimed_at, process_id, process_start, boot_id, pid_namespace, spool_dir, stuck, released)
    ON resource_allocations TO jobwarden_worker;
GRANT INSERT (job_id, node_name, action, actor, reason), UPDATE (done_at, result) ON commands TO jobwarden_worker;
GRANT INSERT (name, cpus, memory_mb, gpus, partitions), UPDATE (cpus, memory_mb, gpus, partitions, drained, drain_reason)
    ON nodes TO jobwarden_worker;
GRANT INSERT (node_name, hostname, machine_id, boot_id, pid, process_start, pid_namespace, spool, version,
              lease_seconds, jobs_as),
    UPDATE (heartbeat_at, draining, ended_at, end_reason, noticed_after, outdated) ON workers TO jobwarden_worker;
GRANT INSERT (job_id, actor, action, from_state, to_state, reason, detail) ON events TO jobwarden_worker;
-- The leader raises alerts, keeps them current, clears them and keeps who was told; which they are is not changed.
GRANT INSERT (rule, subject, message, value, threshold),
      UPDATE (message, value, threshold, cleared_at, cleared_message, cleared_value, told_raised_at, told_cleared_at,
              reminded_at, undelivered) ON alerts TO jobwarden_worker;
-- Retention, at night on the workers' hosts: not DELETE, but the functions that delete, which keep what they delete.
GRANT INSERT (hostname, path, sha256, bytes, event_count, jobs, loose_events) ON archives TO jobwarden_worker;
GRANT EXECUTE ON FUNCTION jw_raise_ids(bigint, bigint) TO jobwarden_worker;
GRANT EXECUTE ON FUNCTION jw_retire(bigint, jsonb), jw_retire_events(bigint, bigint[]),
    jw_retire_workers(float8, bigint), jw_ranges(bigint[]) TO jobwarden_worker;
-- Everybody may ask what a clean-up would do.
GRANT EXECUTE ON FUNCTION jw_old_workers(float8), jw_job_line(bigint) TO jobwarden_viewer, jobwarden_worker;

-- Rows: the owner of the tables is not bound by these.
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS everyone_reads ON jobs;
DROP POLICY IF EXISTS worker_works ON jobs;
DROP POLICY IF EXISTS operator_acts ON jobs;
DROP POLICY IF EXISTS submitter_submits ON jobs;
DROP POLICY IF EXISTS submitter_cancels ON jobs;
CREATE POLICY everyone_reads ON jobs FOR SELECT USING (true);
CREATE POLICY worker_works ON jobs TO jobwarden_worker USING (true) WITH CHECK (true);
CREATE POLICY operator_acts ON jobs FOR UPDATE TO jobwarden_operator USING (true) WITH CHECK (true);
CREATE POLICY submitter_submits ON jobs FOR INSERT TO jobwarden_submitter WITH CHECK (true);
CREATE POLICY submitter_cancels ON jobs FOR UPDATE TO jobwarden_submitter
    USING (submitted_by = session_user) WITH CHECK (state = 'CANCELLED');

ALTER TABLE resource_allocations ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS everyone_reads ON resource_allocations;
DROP POLICY IF EXISTS worker_works ON resource_allocations;
DROP POLICY IF EXISTS operator_acts ON resource_allocations;
DROP POLICY IF EXISTS submitter_cancels ON resource_allocations;
CREATE POLICY everyone_reads ON resource_allocations FOR SELECT USING (true);
CREATE POLICY worker_works ON resource_allocations TO jobwarden_worker USING (true) WITH CHECK (true);
CREATE POLICY operator_acts ON resource_allocations FOR UPDATE TO jobwarden_operator USING (true) WITH CHECK (true);
CREATE POLICY submitter_cancels ON resource_allocations FOR UPDATE TO jobwarden_submitter
    USING (process_id IS NULL AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = job_id AND j.state = 'CANCELLED'
                                          AND j.submitted_by = session_user));

ALTER TABLE commands ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS everyone_reads ON commands;
DROP POLICY IF EXISTS worker_works ON commands;
DROP POLICY IF EXISTS operator_acts ON commands;
DROP POLICY IF EXISTS operator_closes ON commands;
DROP POLICY IF EXISTS submitter_cancels ON commands;
DROP POLICY IF EXISTS submitter_closes ON commands;
CREATE POLICY everyone_reads ON commands FOR SELECT USING (true);
CREATE POLICY worker_works ON commands TO jobwarden_worker USING (true) WITH CHECK (true);
CREATE POLICY operator_acts ON commands FOR INSERT TO jobwarden_operator WITH CHECK (true);
CREATE POLICY operator_closes ON commands FOR UPDATE TO jobwarden_operator USING (true);
CREATE POLICY submitter_cancels ON commands FOR INSERT TO jobwarden_submitter
    WITH CHECK (action = 'cancel' AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = job_id AND j.submitted_by = session_user));
CREATE POLICY submitter_closes ON commands FOR UPDATE TO jobwarden_submitter
    USING (EXISTS (SELECT 1 FROM jobs j WHERE j.id = job_id AND j.submitted_by = session_user));

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS everyone_reads ON events;
DROP POLICY IF EXISTS others_note ON events;
DROP POLICY IF EXISTS submitter_notes ON events;
CREATE POLICY everyone_reads ON events FOR SELECT USING (true);
CREATE POLICY others_note ON events FOR INSERT TO jobwarden_worker, jobwarden_operator WITH CHECK (true);
CREATE POLICY submitter_notes ON events FOR INSERT TO jobwarden_submitter
    WITH CHECK (EXISTS (SELECT 1 FROM jobs j WHERE j.id = job_id AND j.submitted_by = session_user));
