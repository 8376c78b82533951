-- What the database itself refuses and records, whoever types. The program says who acts and why through
-- transaction-local settings (jobwarden.actor, .action, .reason, .detail); a statement without them is hand-typed.

CREATE FUNCTION jw_setting(name text) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('jobwarden.' || name, true), '') $$;

CREATE FUNCTION jw_actor() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT coalesce(jw_setting('actor'), session_user || '@' || coalesce(host(inet_client_addr()), 'local')) $$;

CREATE FUNCTION jw_is_final(state job_state) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT state IN ('COMPLETED', 'FAILED', 'CANCELLED') $$;

-- jobs ---------------------------------------------------------------------------------------------------------
CREATE FUNCTION jw_guard_job() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE by_hand boolean := jw_setting('action') IS NULL;
BEGIN
    IF NEW.state <> OLD.state THEN
        IF jw_is_final(OLD.state) THEN
            RAISE EXCEPTION 'job % is %: a final state stays final (resubmit it instead)', OLD.id, OLD.state
                USING ERRCODE = 'JW001';
        ELSIF NEW.state = 'PENDING' AND jw_setting('action') IS DISTINCT FROM 'requeue' THEN
            RAISE EXCEPTION 'job % is %: only a job that provably never started goes back to PENDING', OLD.id, OLD.state
                USING ERRCODE = 'JW001';
        ELSIF NEW.state = 'RUNNING' AND jw_setting('action') IS DISTINCT FROM 'allocate' THEN
            RAISE EXCEPTION 'job %: only the scheduler starts a job', OLD.id USING ERRCODE = 'JW001';
        ELSIF NEW.state = 'COMPLETED' AND OLD.state = 'PENDING' THEN
            RAISE EXCEPTION 'job % never ran: it cannot be COMPLETED', OLD.id USING ERRCODE = 'JW001';
        END IF;
    END IF;
    IF jw_is_final(NEW.state) THEN
        NEW.end_time := coalesce(NEW.end_time, now());
        IF NEW.state = 'FAILED' AND NEW.failure_reason IS NULL AND by_hand THEN
            NEW.failure_reason := 'OPERATOR';
        END IF;
    END IF;
    NEW.changed_xid := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER guard_job BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION jw_guard_job();

CREATE FUNCTION jw_guard_job_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT jw_is_final(OLD.state) THEN
        RAISE EXCEPTION 'job % is %: cancel it before deleting it', OLD.id, OLD.state USING ERRCODE = 'JW001';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER guard_job_delete BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION jw_guard_job_delete();

CREATE FUNCTION jw_guard_job_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'PENDING' THEN
        RAISE EXCEPTION 'a new job is PENDING, not %', NEW.state USING ERRCODE = 'JW001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_job_insert BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION jw_guard_job_insert();

CREATE FUNCTION jw_audit_submit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (job_id, actor, action, to_state, reason)
    SELECT n.id, jw_actor(), coalesce(jw_setting('action'), 'sql'), n.state, jw_setting('reason')
    FROM new_jobs n ORDER BY n.id;
    PERFORM pg_notify('jobwarden', 'jobs');
    RETURN NULL;
END $$;
CREATE TRIGGER audit_submit AFTER INSERT ON jobs REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jw_audit_submit();

-- Detail of an event: what the program said of all jobs ('*') and of this one, over what the row itself shows.
CREATE FUNCTION jw_job_detail(job jobs) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'exit_code', job.exit_code, 'exit_signal', job.exit_signal, 'failure_reason', job.failure_reason,
               'error_msg', job.error_msg, 'node_name', job.node_name))
           || coalesce(said -> '*', '{}') || coalesce(said -> job.id::text, '{}')
    FROM (SELECT jw_setting('detail')::jsonb AS said) s
$$;

CREATE FUNCTION jw_audit_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF jw_setting('action') IS NOT NULL THEN
        INSERT INTO events (job_id, actor, action, from_state, to_state, reason, detail)
        SELECT n.id, jw_actor(), jw_setting('action'), o.state, n.state,
               coalesce(jw_setting('reason'), n.failure_reason::text), jw_job_detail(n)
        FROM new_jobs n JOIN old_jobs o USING (id) ORDER BY n.id;
    ELSE
        INSERT INTO events (job_id, actor, action, from_state, to_state, reason, detail)
        SELECT n.id, jw_actor(), 'sql', o.state, n.state, 'typed in SQL',
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
CREATE TRIGGER audit_job AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jw_audit_job();

-- resource_allocations -----------------------------------------------------------------------------------------
CREATE FUNCTION jw_guard_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF NEW.released AND NOT OLD.released AND jw_setting('action') IS NULL
       AND EXISTS (SELECT 1 FROM jobs WHERE id = OLD.job_id AND NOT jw_is_final(state)) THEN
        RAISE EXCEPTION 'job % has not ended: only a final job''s allocation is released (set its state first)', OLD.job_id
            USING ERRCODE = 'JW002';
    END IF;
    IF NEW.released AND NOT OLD.released THEN
        NEW.released_time := coalesce(NEW.released_time, now());
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_allocation BEFORE UPDATE ON resource_allocations
    FOR EACH ROW EXECUTE FUNCTION jw_guard_allocation();

CREATE FUNCTION jw_guard_allocation_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.released THEN
        RAISE EXCEPTION 'allocation % of job % is not released: release it first', OLD.id, OLD.job_id
            USING ERRCODE = 'JW002';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER guard_allocation_delete BEFORE DELETE ON resource_allocations
    FOR EACH ROW EXECUTE FUNCTION jw_guard_allocation_delete();

CREATE FUNCTION jw_charge_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE full_node text;
BEGIN
    PERFORM 1 FROM nodes WHERE name IN (SELECT node_name FROM new_allocations) ORDER BY name FOR UPDATE;
    UPDATE nodes SET cpus_allocated = cpus_allocated + g.cpus, memory_mb_allocated = memory_mb_allocated + g.memory_mb,
                     gpus_allocated = gpus_allocated + g.gpus
    FROM (SELECT node_name, sum(allocated_cpus) AS cpus, sum(allocated_memory_mb) AS memory_mb, sum(allocated_gpus) AS gpus
          FROM new_allocations WHERE NOT released GROUP BY node_name) g
    WHERE nodes.name = g.node_name;
    SELECT name INTO full_node FROM nodes
    WHERE name IN (SELECT node_name FROM new_allocations WHERE NOT released)
      AND (cpus_allocated > cpus OR memory_mb_allocated > memory_mb OR gpus_allocated > gpus) LIMIT 1;
    IF full_node IS NOT NULL THEN
        RAISE EXCEPTION 'node % has not that much free', full_node USING ERRCODE = 'JW003';
    END IF;
    IF jw_setting('action') IS DISTINCT FROM 'allocate' THEN
        RAISE EXCEPTION 'only the scheduler allocates: submit a job instead' USING ERRCODE = 'JW002';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER charge_nodes AFTER INSERT ON resource_allocations REFERENCING NEW TABLE AS new_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION jw_charge_nodes();

CREATE FUNCTION jw_refund_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM new_allocations n JOIN old_allocations o USING (id) WHERE n.released AND NOT o.released) THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM nodes WHERE name IN (SELECT node_name FROM new_allocations) ORDER BY name FOR UPDATE;
    UPDATE nodes SET cpus_allocated = cpus_allocated - g.cpus, memory_mb_allocated = memory_mb_allocated - g.memory_mb,
                     gpus_allocated = gpus_allocated - g.gpus
    FROM (SELECT n.node_name, sum(n.allocated_cpus) AS cpus, sum(n.allocated_memory_mb) AS memory_mb,
                 sum(n.allocated_gpus) AS gpus
          FROM new_allocations n JOIN old_allocations o USING (id) WHERE n.released AND NOT o.released
          GROUP BY n.node_name) g
    WHERE nodes.name = g.node_name;
    IF jw_setting('action') IS NULL OR jw_setting('action') = 'release' THEN
        INSERT INTO events (job_id, actor, action, from_state, to_state, reason, detail)
        SELECT n.job_id, jw_actor(), coalesce(jw_setting('action'), 'sql'), j.state, j.state,
               coalesce(jw_setting('reason'), 'typed in SQL'),
               jsonb_build_object('allocation_id', n.id, 'released', true, 'node_name', n.node_name,
                                  'process_id', n.process_id)
        FROM new_allocations n JOIN old_allocations o USING (id) JOIN jobs j ON j.id = n.job_id
        WHERE n.released AND NOT o.released ORDER BY n.id;
    END IF;
    PERFORM pg_notify('jobwarden', 'jobs');
    RETURN NULL;
END $$;
CREATE TRIGGER refund_nodes AFTER UPDATE ON resource_allocations
    REFERENCING OLD TABLE AS old_allocations NEW TABLE AS new_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION jw_refund_nodes();

-- The counters follow the allocations; a statement of its own would let a node be over-committed.
CREATE FUNCTION jw_guard_counters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1
       AND (NEW.cpus_allocated, NEW.memory_mb_allocated, NEW.gpus_allocated)
           IS DISTINCT FROM (OLD.cpus_allocated, OLD.memory_mb_allocated, OLD.gpus_allocated) THEN
        RAISE EXCEPTION 'node %: what is allocated follows from its allocations: release those instead', OLD.name
            USING ERRCODE = 'JW003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_counters BEFORE UPDATE OF cpus_allocated, memory_mb_allocated, gpus_allocated ON nodes
    FOR EACH ROW EXECUTE FUNCTION jw_guard_counters();

-- events, commands, nodes, workers -----------------------------------------------------------------------------
CREATE FUNCTION jw_guard_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'JW004';
END $$;
CREATE TRIGGER guard_events BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION jw_guard_events();

CREATE FUNCTION jw_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('jobwarden', TG_ARGV[0]);
    RETURN NULL;
END $$;
CREATE TRIGGER notify_commands AFTER INSERT ON commands FOR EACH STATEMENT EXECUTE FUNCTION jw_notify('commands');
CREATE TRIGGER notify_nodes AFTER INSERT OR UPDATE OF drained, cpus, memory_mb, gpus, partitions ON nodes
    FOR EACH STATEMENT EXECUTE FUNCTION jw_notify('nodes');
CREATE TRIGGER notify_workers AFTER INSERT OR UPDATE OF draining, ended_at ON workers
    FOR EACH STATEMENT EXECUTE FUNCTION jw_notify('workers');

CREATE FUNCTION jw_guard_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would lose jobs: delete final ones by id' USING ERRCODE = 'JW001';
END $$;
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION jw_guard_truncate();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON resource_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION jw_guard_truncate();
