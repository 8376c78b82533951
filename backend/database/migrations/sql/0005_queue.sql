-- What lets a job start is told apart from other news of jobs: the scheduler looks at its nodes for that alone, and not
-- after each start.
CREATE FUNCTION jw_notify_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_jobs n JOIN old_jobs o USING (id)
               WHERE n.state = 'PENDING' OR o.state = 'PENDING' AND n.state <> 'RUNNING') THEN
        PERFORM pg_notify('jobwarden', 'queue');
    END IF;
    RETURN NULL;
END $$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION jw_notify_queue() SET search_path = %I, pg_temp', current_schema());
    REVOKE ALL ON FUNCTION jw_notify_queue() FROM PUBLIC;
END $$;

CREATE TRIGGER queue_grew AFTER INSERT ON jobs FOR EACH STATEMENT EXECUTE FUNCTION jw_notify('queue');
CREATE TRIGGER queue_changed AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jw_notify_queue();
CREATE TRIGGER room_came AFTER UPDATE OF released ON resource_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION jw_notify('queue');
