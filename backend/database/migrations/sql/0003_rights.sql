-- Nobody gets more rights than he was given. PostgreSQL lets PUBLIC execute every new function and make temporary
-- tables; together that let a viewer hang a trigger function of ours, which acts with the owner's rights, on a table of
-- his own and so become the owner. Both are taken back here, by `jobwarden db roles` again, and by default privileges for
-- what later versions add; sql/roles.sql then grants by name what each role needs.

-- Functions with the owner's rights (SECURITY DEFINER), and why each needs them. The comment is the list: a test holds
-- it against the catalogue. All others act with the rights of whoever calls them.
DO $$
DECLARE f regprocedure; why text;
BEGIN
    FOR f, why IN VALUES
        ('jw_audit_submit()'::regprocedure, 'writes events that nobody may choose himself'),
        ('jw_audit_job()', 'writes events that nobody may choose himself'),
        ('jw_count_jobs()', 'counts into job_counts, which nobody else may write'),
        ('jw_charge_nodes()', 'keeps the counters of nodes, which nobody else may write'),
        ('jw_refund_nodes()', 'keeps the counters of nodes, and writes the event of a release'),
        ('jw_audit_unix_users()', 'writes events that nobody may choose himself'),
        ('jw_retire(bigint,jsonb)', 'deletes archived jobs for a worker, who may not delete'),
        ('jw_retire_events(bigint,bigint[])', 'deletes archived events for a worker, who may not delete'),
        ('jw_retire_workers(float8,bigint)', 'deletes old workers for a worker, who may not delete')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', f);
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'with the owner''s rights: ' || why);
    END LOOP;
    -- These had them too, and only look or refuse.
    FOREACH f IN ARRAY ARRAY[
        'jw_guard_job()'::regprocedure, 'jw_guard_job_delete()', 'jw_guard_job_insert()', 'jw_guard_allocation()',
        'jw_guard_allocation_delete()', 'jw_guard_counters()', 'jw_guard_events()', 'jw_guard_archived_events()',
        'jw_guard_truncate()', 'jw_guard_worker_deeds()', 'jw_name_actor()', 'jw_sign_event()', 'jw_notify()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY INVOKER', f);
    END LOOP;
END $$;

-- What these mean is fixed when they are made (a body that is parsed then), so that no search_path is needed and they
-- can still be merged into the query.
CREATE OR REPLACE FUNCTION jw_setting(name text) RETURNS text LANGUAGE sql STABLE
RETURN nullif(current_setting('jobwarden.' || name, true), '');

CREATE OR REPLACE FUNCTION jw_actor() RETURNS text LANGUAGE sql STABLE
RETURN coalesce(jw_setting('actor'), session_user || '@' || coalesce(host(inet_client_addr()), 'local'));

CREATE OR REPLACE FUNCTION jw_is_final(state job_state) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN state IN ('COMPLETED', 'FAILED', 'CANCELLED');

CREATE OR REPLACE FUNCTION jw_ranges(ids bigint[]) RETURNS int8multirange LANGUAGE sql IMMUTABLE
RETURN (SELECT coalesce(range_agg(int8range(i, i, '[]')), '{}') FROM unnest(ids) i);

-- All others get the schema, then the temporary tables, whoever calls them.
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p
             WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'jw\_%' AND p.prosqlbody IS NULL LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
    END LOOP;
END $$;

-- Take from PUBLIC what it got unasked: on our functions, those that the owner makes later in this database (a default
-- for one schema can only add), and, as far as the caller may, on the database, the schema and large objects. None of
-- these is copied with a dump or a template, so `jobwarden db roles` calls this each time.
CREATE FUNCTION jw_close_to_public() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    f      regprocedure;
    place  regnamespace := current_schema()::regnamespace;
    holder regrole      := (SELECT relowner FROM pg_class WHERE oid = 'jobs'::regclass);
BEGIN
    FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = place AND proname LIKE 'jw\_%' LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %s REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', holder);
    IF pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
        EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    ELSE
        RAISE NOTICE 'PUBLIC keeps what it has on database %: its owner takes it with REVOKE CREATE, TEMPORARY ON DATABASE % FROM PUBLIC',
            current_database(), quote_ident(current_database());
    END IF;
    IF pg_has_role((SELECT nspowner FROM pg_namespace WHERE oid = place), 'USAGE') THEN
        EXECUTE format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC', place);
    ELSE
        RAISE NOTICE 'PUBLIC keeps what it has on schema %: its owner takes it with REVOKE CREATE ON SCHEMA % FROM PUBLIC',
            place, place;
    END IF;
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN  -- who alone owns PostgreSQL's own functions
        REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
            pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;
    ELSE
        RAISE NOTICE 'PUBLIC may make large objects: a superuser takes that with REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC';
    END IF;
END $$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION jw_close_to_public() SET search_path = %I, pg_temp', current_schema());
    PERFORM jw_close_to_public();
END $$;
