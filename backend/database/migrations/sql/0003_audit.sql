-- The audit, held against the login of a worker, too: a job may run as the same Unix user and read its settings.

-- Whether the login is the owner of the tables, or may act as him. He alone is believed what he says.
CREATE FUNCTION jw_owns() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass), 'MEMBER');
END $$;

-- The actor as the audit may name it. A login names itself; a worker's also workers and the scheduler, and whoever asked
-- for the end of this very job, by a command that is open or that this transaction has closed. Anything else is told
-- with the login before it.
CREATE FUNCTION jw_true_actor(said text, job bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF starts_with(said, session_user || '@') THEN
        RETURN said;
    ELSIF pg_has_role(session_user, to_regrole('jobwarden_worker'), 'MEMBER') THEN
        IF starts_with(said, 'worker:') OR said = 'scheduler' OR EXISTS (
               SELECT 1 FROM commands c
               WHERE c.job_id = job AND c.actor = said AND (c.done_at IS NULL OR c.done_at = now())) THEN
            RETURN said;
        END IF;
    END IF;
    RETURN session_user || '/' || said;
END $$;

CREATE OR REPLACE FUNCTION jw_name_actor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT jw_owns() THEN
        NEW.actor := jw_true_actor(NEW.actor, NULL);  -- nobody asks in the name of somebody else
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION jw_sign_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.database_user := session_user;
    -- What jw_owns() and jw_true_actor() say of most events, without calling them: that is half of the time of this.
    IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass), 'MEMBER') THEN
        NEW.at := clock_timestamp();
        IF NOT (starts_with(NEW.actor, 'worker:') OR NEW.actor = 'scheduler')
           OR pg_has_role(session_user, to_regrole('jobwarden_worker'), 'MEMBER') IS NOT TRUE THEN
            NEW.actor := jw_true_actor(NEW.actor, NEW.job_id);
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- A command is closed once, now: else an old one could be closed again to speak in the name of who gave it.
CREATE FUNCTION jw_guard_command() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.done_at IS NOT NULL THEN
        RAISE EXCEPTION 'command % for job % is closed: that stays so', OLD.id, OLD.job_id USING ERRCODE = 'JW004';
    END IF;
    IF NEW.done_at IS NOT NULL THEN
        NEW.done_at := now();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_command BEFORE UPDATE ON commands FOR EACH ROW EXECUTE FUNCTION jw_guard_command();

-- What retention removed for a login that does not own the tables, one line for a job with all that belongs to it, an
-- event of no job or a worker: whether there is a file that has it, only that login says. The owner's next clean-up
-- brings it into an archive of its own and drops it here. For the owner nothing is kept: he may delete anyhow, and has
-- read his file back.
CREATE TABLE kept (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    database_user text        NOT NULL DEFAULT session_user,
    job_id        bigint,
    events        bigint      NOT NULL,
    line          text        NOT NULL
);
DO $$
BEGIN
    ALTER TABLE kept ALTER COLUMN line SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;  -- PostgreSQL built without it
END $$;

CREATE FUNCTION jw_guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' OR jw_setting('archive') IS NULL THEN
        RAISE EXCEPTION '% is append-only: `jobwarden cleanup` by the owner archives it', TG_TABLE_NAME
            USING ERRCODE = 'JW004';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON kept
    FOR EACH STATEMENT EXECUTE FUNCTION jw_guard_kept();

-- A job with all that belongs to it, as a line of an archive.
CREATE FUNCTION jw_job_line(wanted bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'job', to_jsonb(j),
        'allocations', coalesce((SELECT jsonb_agg(to_jsonb(a) ORDER BY a.id) FROM resource_allocations a
                                 WHERE a.job_id = j.id), '[]'),
        'commands', coalesce((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM commands c WHERE c.job_id = j.id), '[]'),
        'events', coalesce((SELECT jsonb_agg(to_jsonb(e) ORDER BY e.id) FROM events e WHERE e.job_id = j.id), '[]'))
    FROM jobs j WHERE j.id = wanted
$$;

-- The event of a removal: what went, and for lines that were kept the SHA-256 of their SHA-256s in the order of ids.
CREATE FUNCTION jw_note_removal(deed text, why text, said jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO events (actor, action, reason, detail) VALUES (jw_actor(), deed, why, jsonb_strip_nulls(said));
$$;

-- As before, and keeping what goes, unless it is the owner who removes it.
CREATE OR REPLACE FUNCTION jw_retire(archive_id bigint, retired jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint[]; expected bigint; deleted bigint; digest text;
BEGIN
    PERFORM set_config('jobwarden.archive', archive_id::text, true);
    WITH same AS (
        SELECT j.id, r.events FROM jobs j
        JOIN jsonb_to_recordset(retired) AS r(id bigint, xid text, events bigint) ON r.id = j.id
        WHERE jw_is_final(j.state) AND j.changed_xid::text = r.xid
          AND (SELECT count(*) FROM events e WHERE e.job_id = j.id) = r.events
          AND NOT EXISTS (SELECT 1 FROM resource_allocations a WHERE a.job_id = j.id AND NOT a.released)
          AND EXISTS (SELECT 1 FROM archives WHERE archives.id = archive_id AND archives.jobs @> j.id)
        FOR UPDATE OF j SKIP LOCKED
    ) SELECT coalesce(array_agg(id), '{}'), coalesce(sum(events), 0) INTO gone, expected FROM same;
    IF NOT jw_owns() THEN
        WITH made AS (
            INSERT INTO kept (job_id, events, line)
            SELECT job, jsonb_array_length(l.line -> 'events'), l.line::text
            FROM unnest(gone) job CROSS JOIN LATERAL (SELECT jw_job_line(job) AS line OFFSET 0) l ORDER BY job
            RETURNING id, line
        ) SELECT encode(sha256(string_agg(sha256(convert_to(line, 'UTF8')), '' ORDER BY id)), 'hex') INTO digest FROM made;
    END IF;
    DELETE FROM events WHERE job_id = ANY(gone);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    IF deleted <> expected THEN  -- one was written after they were counted
        RAISE EXCEPTION 'archived jobs got new events just now: they stay' USING ERRCODE = 'JW006';
    END IF;
    DELETE FROM commands WHERE job_id = ANY(gone);
    DELETE FROM resource_allocations WHERE job_id = ANY(gone);
    DELETE FROM jobs WHERE id = ANY(gone);
    IF gone <> '{}' THEN
        PERFORM jw_note_removal('retire', 'past retention', jsonb_build_object(
            'archive', archive_id, 'jobs', jw_ranges(gone)::text, 'events', deleted, 'sha256', digest));
    END IF;
    PERFORM set_config('jobwarden.archive', '', true);
    PERFORM pg_notify('jobwarden', 'jobs');
    RETURN cardinality(gone);
END $$;

CREATE OR REPLACE FUNCTION jw_retire_events(archive_id bigint, ids bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint[]; digest text;
BEGIN
    PERFORM set_config('jobwarden.archive', archive_id::text, true);
    IF jw_owns() THEN
        WITH deleted AS (
            DELETE FROM events e WHERE e.id = ANY(ids) AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = e.job_id)
            RETURNING e.id
        ) SELECT coalesce(array_agg(id), '{}') INTO gone FROM deleted;
    ELSE
        WITH deleted AS (
            DELETE FROM events e WHERE e.id = ANY(ids) AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = e.job_id)
            RETURNING e.id, jsonb_build_object('event', to_jsonb(e))::text AS line
        ), made AS (
            INSERT INTO kept (events, line) SELECT 1, line FROM deleted ORDER BY id
        ) SELECT coalesce(array_agg(id), '{}'),
                 encode(sha256(string_agg(sha256(convert_to(line, 'UTF8')), '' ORDER BY id)), 'hex')
        INTO gone, digest FROM deleted;
    END IF;
    IF gone <> '{}' THEN
        PERFORM jw_note_removal('retire', 'past retention', jsonb_build_object(
            'archive', archive_id, 'loose_events', jw_ranges(gone)::text, 'events', cardinality(gone),
            'sha256', digest));
    END IF;
    PERFORM set_config('jobwarden.archive', '', true);
    RETURN cardinality(gone);
END $$;

CREATE OR REPLACE FUNCTION jw_retire_workers(seconds float8, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint[]; lines text[];
BEGIN
    WITH deleted AS (
        DELETE FROM workers w WHERE id IN (SELECT old FROM jw_old_workers(seconds) old ORDER BY old LIMIT most)
        RETURNING w.id, jsonb_build_object('worker', to_jsonb(w))::text AS line
    ) SELECT coalesce(array_agg(id ORDER BY id), '{}'), array_agg(line ORDER BY id) INTO gone, lines FROM deleted;
    IF gone <> '{}' THEN
        IF NOT jw_owns() THEN
            INSERT INTO kept (events, line) SELECT 0, line FROM unnest(lines) line;
        END IF;
        PERFORM jw_note_removal('retire', 'past retention', jsonb_build_object('workers', jw_ranges(gone)::text));
    END IF;
    RETURN cardinality(gone);
END $$;

-- Drop what an archive of the owner has by now; how many lines. For the owner alone, who needs no function to delete:
-- it is here so that the guard lets it pass and the audit says so.
CREATE FUNCTION jw_drop_kept(archive_id bigint, ids bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE dropped bigint;
BEGIN
    PERFORM set_config('jobwarden.archive', archive_id::text, true);
    DELETE FROM kept WHERE id = ANY(ids);
    GET DIAGNOSTICS dropped = ROW_COUNT;
    PERFORM set_config('jobwarden.archive', '', true);
    IF dropped > 0 THEN
        PERFORM jw_note_removal('drop-kept', 'an archive has it', jsonb_build_object(
            'archive', archive_id, 'lines', dropped, 'kept', jw_ranges(ids)::text));
    END IF;
    RETURN dropped;
END $$;
