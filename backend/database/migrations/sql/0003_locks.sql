-- Locks that only those can hold who may (backend/database/locks.py says what each kind means).
--
-- Every login may take any advisory lock whose key it knows, wait for one as long as it likes, and see all keys in
-- pg_locks; whoever has it cannot be made to give it up without the right to end sessions. So the key that is locked is
-- not the one that is wanted, but a number drawn for each time it is taken: it is known only once it is held. The row
-- here says which number stands for what, and counts while a session of a login that may hold it has that number locked.
-- As before, a lock goes with its session at once, and two sessions never hold one: the row is changed under its own
-- lock, which only the function below can take. Somebody who locks numbers, or waits for one until its holder is gone,
-- has nothing.
CREATE TABLE lock_holders (
    kind     integer     NOT NULL,
    key      integer     NOT NULL,
    number   integer     NOT NULL,      -- pg_locks: classid = kind, objid = number, objsubid = 2
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE FUNCTION jw_may_hold(wanted integer, login oid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN pg_has_role(login, (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass), 'MEMBER')
           OR pg_has_role(login, to_regrole('jobwarden_worker'), 'MEMBER') IS TRUE
           OR (wanted = 19034 AND pg_has_role(login, to_regrole('jobwarden_operator'), 'MEMBER') IS TRUE);
END $$;

-- Who holds locks of a kind at this moment. Sessions are looked at anew: PostgreSQL remembers them for the transaction.
CREATE FUNCTION jw_lock_holders(wanted integer) RETURNS TABLE (key integer, pid integer, taken_at timestamptz)
LANGUAGE plpgsql VOLATILE ROWS 10 AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN QUERY
        SELECT h.key, l.pid, h.taken_at FROM lock_holders h
        JOIN pg_locks l ON l.locktype = 'advisory' AND l.classid = h.kind::oid AND l.objid = h.number::oid
                       AND l.objsubid = 2 AND l.granted
                       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        JOIN pg_stat_activity s ON s.pid = l.pid
        WHERE h.kind = wanted AND jw_may_hold(wanted, s.usesysid);
END $$;

-- Take the lock for the life of the session; false while another session holds it. Taken twice it is still held once.
CREATE FUNCTION jw_take_lock(wanted integer, wanted_key integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    drawn  integer;
    holder integer;
BEGIN
    IF NOT jw_may_hold(wanted, to_regrole(quote_ident(session_user))::oid) THEN
        RAISE EXCEPTION 'lock %, %: % may not hold it', wanted, wanted_key, session_user USING ERRCODE = 'JW005';
    END IF;
    SELECT h.pid INTO holder FROM jw_lock_holders(wanted) h WHERE h.key = wanted_key;
    IF holder IS NULL THEN
        INSERT INTO lock_holders (kind, key, number, taken_at) VALUES (wanted, wanted_key, 0, clock_timestamp())
        ON CONFLICT DO NOTHING;
        PERFORM 1 FROM lock_holders h WHERE h.kind = wanted AND h.key = wanted_key FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN  -- somebody is taking it this very moment
            RETURN false;
        END IF;
        SELECT h.pid INTO holder FROM jw_lock_holders(wanted) h WHERE h.key = wanted_key;
    END IF;
    IF holder IS NOT NULL THEN
        RETURN holder = pg_backend_pid();
    END IF;
    LOOP
        drawn := 1 + floor(random() * 2147483646);
        EXIT WHEN pg_try_advisory_lock(wanted, drawn);
    END LOOP;
    UPDATE lock_holders h SET number = drawn, taken_at = clock_timestamp() WHERE h.kind = wanted AND h.key = wanted_key;
    RETURN true;
END $$;

-- Give it back, where this session holds it. The row stays: it says nothing by itself.
CREATE FUNCTION jw_release_lock(wanted integer, wanted_key integer) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_unlock(wanted, h.number) FROM lock_holders h JOIN jw_lock_holders(wanted) l ON l.key = h.key
    WHERE h.kind = wanted AND h.key = wanted_key AND l.pid = pg_backend_pid();
$$;

-- A worker's row takes with it what is left of its lock, an allocation's likewise: every other kind has few keys.
CREATE FUNCTION jw_forget_locks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM lock_holders WHERE kind = TG_ARGV[0]::int AND key IN (SELECT id % 2147483648 FROM gone);
    RETURN NULL;
END $$;
CREATE TRIGGER forget_locks AFTER DELETE ON workers REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jw_forget_locks('19031');
CREATE TRIGGER forget_locks AFTER DELETE ON resource_allocations REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jw_forget_locks('19034');

ALTER FUNCTION jw_take_lock(integer, integer) SECURITY DEFINER;
COMMENT ON FUNCTION jw_take_lock(integer, integer) IS
    'with the owner''s rights: writes lock_holders, which nobody else may write';
