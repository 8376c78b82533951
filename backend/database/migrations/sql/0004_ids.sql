-- A restored database counts anew from where its copy was made, and what the lost jobs left in the spools bears numbers
-- that it would give again. Sequences can only be raised here, and only so far that nobody can use them up. The locks
-- keep everybody from drawing a number in between: setting one that was passed meanwhile would give it twice.
CREATE FUNCTION jw_raise_ids(past_job bigint, past_allocation bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    counted text; past bigint; counter text; reached bigint; raised boolean := false;
BEGIN
    LOCK TABLE jobs, resource_allocations IN SHARE ROW EXCLUSIVE MODE;
    FOR counted, past IN VALUES ('jobs', past_job), ('resource_allocations', past_allocation) LOOP
        counter := pg_get_serial_sequence(counted, 'id');
        EXECUTE format('SELECT last_value FROM %s', counter) INTO reached;
        IF past > reached + 1000000000 THEN
            RAISE EXCEPTION 'ids of % are at %: raising them past % would waste too many', counted, reached, past
                USING ERRCODE = 'check_violation';
        ELSIF past >= reached THEN
            PERFORM setval(counter, past);
            raised := raised OR past > reached;
        END IF;
    END LOOP;
    RETURN raised;
END $$;
COMMENT ON FUNCTION jw_raise_ids(bigint, bigint) IS
    'with the owner''s rights: raises the counters of ids for a worker, who owns no sequence';
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION jw_raise_ids(bigint, bigint) SECURITY DEFINER SET search_path = %I, pg_temp',
                   current_schema());
END $$;
