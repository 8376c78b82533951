-- The audit of a batch in time that grows with the batch, not with its square: what the program said of its jobs comes
-- as one document, which is parsed once for the statement rather than once for each job.
CREATE OR REPLACE FUNCTION jw_audit_job() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who  text  := jw_actor();
    deed text  := jw_setting('action');
    why  text  := jw_setting('reason');
    said jsonb := coalesce(jw_setting('detail')::jsonb, '{}');
BEGIN
    IF deed IS NOT NULL THEN
        INSERT INTO events (job_id, actor, action, from_state, to_state, reason, detail)
        SELECT n.id, who, deed, o.state, n.state, coalesce(why, n.failure_reason::text),
               jsonb_strip_nulls(jsonb_build_object(
                   'exit_code', n.exit_code, 'exit_signal', n.exit_signal, 'failure_reason', n.failure_reason,
                   'error_msg', n.error_msg, 'node_name', n.node_name))
               || coalesce(said -> '*', '{}') || coalesce(said -> n.id::text, '{}')
        FROM new_jobs n JOIN old_jobs o USING (id) ORDER BY n.id;
    ELSE
        INSERT INTO events (job_id, actor, action, from_state, to_state, reason, detail)
        SELECT n.id, who, 'sql', o.state, n.state, 'typed in SQL',
               (SELECT jsonb_object_agg(now_.key, jsonb_build_object('from', was.value, 'to', now_.value))
                FROM jsonb_each(to_jsonb(n) - 'changed_xid') now_
                JOIN jsonb_each(to_jsonb(o) - 'changed_xid') was USING (key)
                WHERE now_.value IS DISTINCT FROM was.value)
        FROM new_jobs n JOIN old_jobs o USING (id)
        WHERE (to_jsonb(n) - 'changed_xid') IS DISTINCT FROM (to_jsonb(o) - 'changed_xid') ORDER BY n.id;
    END IF;
    PERFORM pg_notify('jobwarden', 'jobs');
    RETURN NULL;
END $$;

-- What an event says of one job is said there now.
DROP FUNCTION jw_job_detail(jobs);

-- As before, but whether the job has ended is looked up only for what was typed by hand: that took most of a release.
CREATE OR REPLACE FUNCTION jw_guard_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.released AND NOT NEW.released THEN
        RAISE EXCEPTION 'allocation % of job % has ended: an allocation ends once', OLD.id, OLD.job_id
            USING ERRCODE = 'JW002';
    END IF;
    IF (NEW.job_id, NEW.node_name, NEW.allocated_cpus, NEW.allocated_memory_mb, NEW.allocated_gpus)
       IS DISTINCT FROM (OLD.job_id, OLD.node_name, OLD.allocated_cpus, OLD.allocated_memory_mb, OLD.allocated_gpus) THEN
        RAISE EXCEPTION 'allocation %: what was granted cannot be changed', OLD.id USING ERRCODE = 'JW002';
    END IF;
    -- No process_id proves that the script never ran, no claimed_at that nobody launches it: neither is taken back.
    IF (OLD.process_id IS NOT NULL AND (NEW.process_id, NEW.process_start, NEW.boot_id, NEW.pid_namespace, NEW.spool_dir)
        IS DISTINCT FROM (OLD.process_id, OLD.process_start, OLD.boot_id, OLD.pid_namespace, OLD.spool_dir))
       OR (OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS NULL) OR NEW.cookie <> OLD.cookie THEN
        RAISE EXCEPTION 'allocation %: a start that was recorded cannot be changed', OLD.id USING ERRCODE = 'JW002';
    END IF;
    IF NEW.released AND NOT OLD.released THEN
        IF jw_setting('action') IS NULL THEN
            IF EXISTS (SELECT 1 FROM jobs WHERE id = OLD.job_id AND NOT jw_is_final(state)) THEN
                RAISE EXCEPTION 'job % has not ended: only a final job''s allocation is released (set its state first)',
                    OLD.job_id USING ERRCODE = 'JW002';
            END IF;
        END IF;
        NEW.released_time := coalesce(NEW.released_time, now());
    END IF;
    RETURN NEW;
END $$;
