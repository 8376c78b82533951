-- Retention: finished jobs, with their allocations and events, leave the database only after an archive has them.
-- The guards below hold whoever types: an event goes only with a finished job that a registered archive names.

CREATE TABLE archives (                       -- one file of finished jobs
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz    NOT NULL DEFAULT clock_timestamp(),
    hostname     text           NOT NULL,
    path         text           NOT NULL,
    sha256       text           NOT NULL,     -- of the compressed file
    bytes        bigint         NOT NULL,
    event_count  bigint         NOT NULL,
    jobs         int8multirange NOT NULL,
    loose_events int8multirange NOT NULL      -- events of no job: about workers and nodes, or of a job that is gone
);

CREATE FUNCTION jw_ranges(ids bigint[]) RETURNS int8multirange LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(range_agg(int8range(i, i, '[]')), '{}') FROM unnest(ids) i $$;

-- Deleting a job asks each of these for rows that point to it.
CREATE INDEX commands_job ON commands (job_id);
CREATE INDEX events_loose ON events (id) WHERE job_id IS NULL;

CREATE OR REPLACE FUNCTION jw_guard_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'events' AND TG_OP = 'DELETE' AND jw_setting('archive') IS NOT NULL THEN
        RETURN NULL;  -- guard_archived_events looks at every row
    END IF;
    RAISE EXCEPTION '% are append-only', TG_TABLE_NAME USING ERRCODE = 'JW004';
END $$;
CREATE TRIGGER guard_archives BEFORE UPDATE OR DELETE OR TRUNCATE ON archives
    FOR EACH STATEMENT EXECUTE FUNCTION jw_guard_events();

CREATE FUNCTION jw_guard_archived_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE archive archives;
BEGIN
    SELECT * INTO archive FROM archives WHERE id = jw_setting('archive')::bigint;
    IF NOT FOUND OR EXISTS (
        SELECT 1 FROM old_events e LEFT JOIN jobs j ON j.id = e.job_id
        WHERE (j.id IS NULL AND NOT archive.loose_events @> e.id)
           OR (j.id IS NOT NULL AND NOT (archive.jobs @> j.id AND jw_is_final(j.state)))) THEN
        RAISE EXCEPTION 'events are append-only: only those of archived jobs are deleted' USING ERRCODE = 'JW004';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_archived_events AFTER DELETE ON events REFERENCING OLD TABLE AS old_events
    FOR EACH STATEMENT EXECUTE FUNCTION jw_guard_archived_events();

-- Delete archived jobs with all that belongs to them; the number deleted. ``retired``: [{"id", "xid", "events"}] as
-- archived. A job that was changed since, or has an event more, stays for the next archive; so does one in use.
CREATE FUNCTION jw_retire(archive_id bigint, retired jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint[]; expected bigint; deleted bigint;
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
    DELETE FROM events WHERE job_id = ANY(gone);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    IF deleted <> expected THEN  -- one was written after they were counted
        RAISE EXCEPTION 'archived jobs got new events just now: they stay' USING ERRCODE = 'JW006';
    END IF;
    DELETE FROM commands WHERE job_id = ANY(gone);
    DELETE FROM resource_allocations WHERE job_id = ANY(gone);
    DELETE FROM jobs WHERE id = ANY(gone);
    PERFORM set_config('jobwarden.archive', '', true);
    PERFORM pg_notify('jobwarden', 'jobs');
    RETURN cardinality(gone);
END $$;

-- The same for events of no job; ``ids`` as archived.
CREATE FUNCTION jw_retire_events(archive_id bigint, ids bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE deleted bigint;
BEGIN
    PERFORM set_config('jobwarden.archive', archive_id::text, true);
    DELETE FROM events e WHERE e.id = ANY(ids) AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = e.job_id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    PERFORM set_config('jobwarden.archive', '', true);
    RETURN deleted;
END $$;

-- Workers that ended so many seconds ago and that no allocation refers to; the latest of each node stays, for it says
-- whose host the node is.
CREATE INDEX allocations_worker ON resource_allocations (worker_id);

CREATE FUNCTION jw_old_workers(seconds float8) RETURNS SETOF integer LANGUAGE sql STABLE AS $$
    SELECT w.id FROM workers w
    WHERE w.ended_at < clock_timestamp() - make_interval(secs => seconds)
      AND EXISTS (SELECT 1 FROM workers later WHERE later.node_name = w.node_name AND later.id > w.id)
      AND NOT EXISTS (SELECT 1 FROM resource_allocations a WHERE a.worker_id = w.id)
$$;

-- Delete at most so many of them; how many it were.
CREATE FUNCTION jw_retire_workers(seconds float8, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE deleted bigint;
BEGIN
    DELETE FROM workers WHERE id IN (SELECT old FROM jw_old_workers(seconds) old ORDER BY old LIMIT most);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$;

-- With the owner's rights, so that a role may be given retention without the right to DELETE; nobody has it unasked.
DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['jw_retire(bigint,jsonb)'::regprocedure, 'jw_retire_events(bigint,bigint[])',
                             'jw_retire_workers(float8,bigint)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
