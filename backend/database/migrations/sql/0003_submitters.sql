-- Whose a job is, and what proves how it ended.

-- Seals the record of an attempt (backend/process/record.py). Attempts that are older than this have none.
ALTER TABLE resource_allocations ADD COLUMN record_key text
    CONSTRAINT resource_allocations_record_key_rule CHECK (record_key ~ '^[0-9a-f]{32}$');
ALTER TABLE resource_allocations ALTER COLUMN record_key SET DEFAULT replace(gen_random_uuid()::text, '-', '');

-- Whom a worker's jobs run as: a Unix user, or * for the user of whoever submitted each; NULL where nobody wrote it down.
ALTER TABLE workers ADD COLUMN jobs_as text
    CONSTRAINT workers_jobs_as_rule CHECK (jw_is_printable(jobs_as) AND jobs_as <> '' AND char_length(jobs_as) <= 255);

-- The Unix user that jobs of a login run as, where that is not the one of the same name.
CREATE TABLE unix_users (
    login     text PRIMARY KEY CHECK (jw_is_printable(login) AND login <> '' AND char_length(login) <= 63),
    unix_user text NOT NULL CHECK (unix_user ~ '^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}$')
);
COMMENT ON TABLE unix_users IS 'database login -> Unix user of its jobs; without a row, the user of the same name';

CREATE FUNCTION jw_audit_unix_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (actor, action, reason, detail)
    VALUES (jw_actor(), 'users', jw_setting('reason'),
            jsonb_build_object('login', coalesce(NEW.login, OLD.login), 'from', OLD.unix_user, 'to', NEW.unix_user));
    RETURN NULL;
END $$;
CREATE TRIGGER audit_unix_users AFTER INSERT OR UPDATE OR DELETE ON unix_users
    FOR EACH ROW EXECUTE FUNCTION jw_audit_unix_users();

-- A job belongs to the login that submits it, whatever the statement says. One that an operator submits again stays
-- its first submitter's: else he would run what somebody else wrote, with his own rights.
CREATE FUNCTION jw_name_submitter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE former jobs;
BEGIN
    NEW.submitted_by := session_user;
    IF NEW.resubmit_of IS NOT NULL THEN
        SELECT * INTO former FROM jobs WHERE id = NEW.resubmit_of;
        IF former.submitted_by IS DISTINCT FROM session_user AND jw_may_act()
           AND (NEW.script, NEW.arguments, NEW.work_dir, NEW.environment)
               IS NOT DISTINCT FROM (former.script, former.arguments, former.work_dir, former.environment) THEN
            NEW.submitted_by := former.submitted_by;
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER name_submitter BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION jw_name_submitter();

-- Whether the login may act on jobs of others: an operator, a worker, the owner.
CREATE FUNCTION jw_may_act() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE operator regrole := to_regrole('jobwarden_operator');
BEGIN
    RETURN jw_trusted() OR (operator IS NOT NULL AND pg_has_role(session_user, operator, 'MEMBER'));
END $$;

-- What the row of a job says of its submitter is never changed.
CREATE FUNCTION jw_guard_submitter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job % was submitted by %: that stays so', OLD.id, OLD.submitted_by USING ERRCODE = 'JW005';
END $$;
CREATE TRIGGER guard_submitter BEFORE UPDATE OF submitted_by ON jobs FOR EACH ROW
    WHEN (NEW.submitted_by IS DISTINCT FROM OLD.submitted_by) EXECUTE FUNCTION jw_guard_submitter();
