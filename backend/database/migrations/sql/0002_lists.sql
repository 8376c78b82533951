-- What the list of jobs needs to stay quick at a million rows: counts that need no scan, and a few indexes.

-- How many jobs are in each state. A row is a share of the sum: every transaction takes one that nobody holds, or adds
-- one, so that counting never makes one transaction wait for another (and so never deadlocks).
CREATE TABLE job_counts (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pending   bigint NOT NULL DEFAULT 0,
    running   bigint NOT NULL DEFAULT 0,
    completed bigint NOT NULL DEFAULT 0,
    failed    bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION jw_add_to_counts(p bigint, r bigint, c bigint, f bigint, x bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p = 0 AND r = 0 AND c = 0 AND f = 0 AND x = 0 THEN
        RETURN;
    END IF;
    -- Above READ COMMITTED an update of a row that somebody changed meanwhile is an error; a row more is none.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        UPDATE job_counts SET pending = pending + p, running = running + r, completed = completed + c,
                              failed = failed + f, cancelled = cancelled + x
        WHERE id = (SELECT id FROM job_counts ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    INSERT INTO job_counts (pending, running, completed, failed, cancelled) VALUES (p, r, c, f, x);
END $$;

CREATE FUNCTION jw_count_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE p bigint; r bigint; c bigint; f bigint; x bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) FILTER (WHERE state = 'PENDING'), count(*) FILTER (WHERE state = 'RUNNING'),
               count(*) FILTER (WHERE state = 'COMPLETED'), count(*) FILTER (WHERE state = 'FAILED'),
               count(*) FILTER (WHERE state = 'CANCELLED') INTO p, r, c, f, x FROM new_jobs;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -count(*) FILTER (WHERE state = 'PENDING'), -count(*) FILTER (WHERE state = 'RUNNING'),
               -count(*) FILTER (WHERE state = 'COMPLETED'), -count(*) FILTER (WHERE state = 'FAILED'),
               -count(*) FILTER (WHERE state = 'CANCELLED') INTO p, r, c, f, x FROM old_jobs;
    ELSE
        SELECT coalesce(sum(n) FILTER (WHERE state = 'PENDING'), 0), coalesce(sum(n) FILTER (WHERE state = 'RUNNING'), 0),
               coalesce(sum(n) FILTER (WHERE state = 'COMPLETED'), 0), coalesce(sum(n) FILTER (WHERE state = 'FAILED'), 0),
               coalesce(sum(n) FILTER (WHERE state = 'CANCELLED'), 0) INTO p, r, c, f, x
        FROM (SELECT state, 1 AS n FROM new_jobs UNION ALL SELECT state, -1 FROM old_jobs) changed;
    END IF;
    PERFORM jw_add_to_counts(p, r, c, f, x);
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON jobs REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jw_count_jobs();
CREATE TRIGGER count_changed AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jw_count_jobs();
CREATE TRIGGER count_deleted AFTER DELETE ON jobs REFERENCING OLD TABLE AS old_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jw_count_jobs();

-- Counts anew, for rows that came in with the triggers off.
CREATE FUNCTION jw_recount_jobs() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM job_counts;
    INSERT INTO job_counts (pending, running, completed, failed, cancelled)
    SELECT count(*) FILTER (WHERE state = 'PENDING'), count(*) FILTER (WHERE state = 'RUNNING'),
           count(*) FILTER (WHERE state = 'COMPLETED'), count(*) FILTER (WHERE state = 'FAILED'),
           count(*) FILTER (WHERE state = 'CANCELLED') FROM jobs;
END $$;
SELECT jw_recount_jobs();

-- What people filter and sort by: each serves the exact word, the beginning of a word (as in node:gpu*) and the order.
-- They hold what backend/queries/models/sort.py sorts by, to the letter.
CREATE INDEX jobs_account ON jobs (lower(account COLLATE "C"), id);
CREATE INDEX jobs_node    ON jobs (lower(coalesce(node_name, '') COLLATE "C"), id);
CREATE INDEX jobs_name    ON jobs (lower(name COLLATE "C"), id);
CREATE INDEX jobs_ended   ON jobs (coalesce(end_time, '-infinity'), id);
