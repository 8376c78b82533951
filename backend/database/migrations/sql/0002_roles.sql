-- Who may say what. The roles themselves (roles.sql) belong to the cluster and are made by `jobwarden db roles`; what
-- makes them trustworthy belongs to the schema: the audit keeps the database user of every event, whatever the
-- program says, and only the owner and the workers may speak for somebody else.

ALTER TABLE jobs ADD COLUMN submitted_by text;
ALTER TABLE jobs ALTER COLUMN submitted_by SET DEFAULT session_user;
COMMENT ON COLUMN jobs.submitted_by IS 'database user that submitted the job; not what a program says';

ALTER TABLE events ADD COLUMN database_user text;

CREATE FUNCTION jw_trusted() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE worker regrole := to_regrole('jobwarden_worker');
BEGIN
    RETURN pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass), 'MEMBER')
           OR (worker IS NOT NULL AND pg_has_role(session_user, worker, 'MEMBER'));
END $$;

-- session_user is the login: neither SET ROLE nor a setting changes it.
CREATE FUNCTION jw_name_actor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT jw_trusted() AND NOT starts_with(NEW.actor, session_user || '@') THEN
        NEW.actor := session_user || '/' || NEW.actor;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER name_actor BEFORE INSERT ON commands FOR EACH ROW EXECUTE FUNCTION jw_name_actor();

CREATE FUNCTION jw_sign_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.database_user := session_user;
    IF NOT jw_trusted() THEN
        NEW.at := clock_timestamp();
        IF NOT starts_with(NEW.actor, session_user || '@') THEN
            NEW.actor := session_user || '/' || NEW.actor;
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sign_event BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION jw_sign_event();

-- Whatever action their settings name, others start no job, and give back to the queue only what never had a process.
CREATE FUNCTION jw_guard_worker_deeds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT jw_trusted() AND (NEW.state = 'RUNNING' OR EXISTS (
           SELECT 1 FROM resource_allocations WHERE job_id = OLD.id AND process_id IS NOT NULL)) THEN
        RAISE EXCEPTION 'job %: only a worker moves it to %', OLD.id, NEW.state USING ERRCODE = 'JW005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_worker_deeds BEFORE UPDATE OF state ON jobs FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND NEW.state IN ('PENDING', 'RUNNING'))
    EXECUTE FUNCTION jw_guard_worker_deeds();

-- The triggers keep the audit and the counters for whoever writes, so they act with the owner's rights. A fixed
-- search_path with pg_temp last keeps a caller's temporary tables from standing in for ours (CREATE FUNCTION, "Writing
-- SECURITY DEFINER Functions Safely").
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p
             WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'jw\_%'
               AND p.prorettype = 'trigger'::regtype LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', f, current_schema());
    END LOOP;
END $$;
