-- What the program assumes of a row, whoever wrote it: a job that no launcher could start, a name that would drive
-- somebody's terminal or a number that would overflow is refused where it is written. backend/domain/request.py refuses
-- the same of jobs before, in better words; a test holds the two together.
--
-- The helpers are merged into the constraint (IMMUTABLE, one expression), and cost about a microsecond each.

-- Nothing that moves a cursor or turns the direction of the text: controls, line separators, soft hyphens, joiners,
-- marks and overrides of direction, the byte order mark.
CREATE FUNCTION jw_is_printable(said text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
    said COLLATE "C" !~ '[\u0001-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]';

-- The same for a name without spaces and quotes, as they stand in filters.
CREATE FUNCTION jw_is_word(said text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
    said COLLATE "C" !~ '[\u0001-\u0020\u0022\u0027\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'
    AND said <> '';

CREATE FUNCTION jw_are_words(said text[]) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
    array_position(said, NULL) IS NULL AND array_position(said, '') IS NULL AND cardinality(said) <= 1000
    AND (said = '{}' OR jw_is_word(array_to_string(said, ',')));

-- Strict paths: a lax one looks into nested arrays and would find the string in [["x"]].
CREATE FUNCTION jw_are_arguments(said jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
    jsonb_typeof(said) = 'array'
    AND (said = '[]' OR NOT jsonb_path_exists(said, 'strict $[*] ? (@.type() != "string")', '{}', true));

-- Names are looked at one by one only where there is a "=" at all, which is most of what this would cost.
CREATE FUNCTION jw_are_variables(said jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
    jsonb_typeof(said) = 'object'
    AND (said = '{}' OR (
        NOT said ? '' AND NOT jsonb_path_exists(said, 'strict $.* ? (@.type() != "string")', '{}', true)
        AND (strpos(said::text, '=') = 0
             OR NOT jsonb_path_exists(said, 'strict $.keyvalue() ? (@.key like_regex "=")', '{}', true))));

-- Each string below 128 KiB with its NUL, a variable with its "=", and 1 MiB in all: what the kernel takes. As jsonb they
-- are longer than that, so that only what is large as jsonb is measured one by one; || fetches what is stored compressed.
CREATE FUNCTION jw_measure(arguments jsonb, variables jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE BEGIN ATOMIC
    SELECT coalesce(max(bytes) < 131072 AND sum(bytes) <= 1048576, true)
    FROM (SELECT octet_length(a) + 1 AS bytes
          FROM jsonb_array_elements_text(CASE jsonb_typeof(arguments) WHEN 'array' THEN arguments ELSE '[]' END) a
          UNION ALL
          SELECT octet_length(v.key) + octet_length(v.value) + 2 FROM jsonb_each_text(variables) v) strings;
END;

-- Rows that were there before may break a rule; that must not stop the upgrade. A job that has not started ends as
-- FAILED, since it could not start; one that runs gets the nearest value that is taken, so that its end can be written
-- (its event, as that of any SQL, keeps what it had). Final jobs and all other rows stay as they are: then the rules of
-- that table are NOT VALID, which means that PostgreSQL holds new and changed rows to them, not those.
DO $$
DECLARE
    name_rule text := 'jw_is_printable(%1$I) AND %1$I <> '''' AND char_length(%1$I) <= 255';
    word_rule text := 'jw_is_word(%1$I) AND char_length(%1$I) <= 64';
    who_rule  text := 'jw_is_printable(%1$I) AND %1$I <> '''' AND char_length(%1$I) <= 500';
    said_rule text := 'char_length(%1$I) <= 10000';
    path_rule text := 'starts_with(%1$I, ''/'') AND octet_length(%1$I) <= 4095';
    rules text[] := ARRAY[
        -- table, column, rule with the column as %1$I, and what a running job gets instead
        ['jobs', 'name', 'jw_is_printable(%1$I) AND btrim(%1$I) <> '''' AND char_length(%1$I) <= 200', '''job'''],
        ['jobs', 'account', word_rule, '''unknown'''],
        ['jobs', 'partition', word_rule, '''main'''],
        ['jobs', 'script', 'octet_length(%1$I) <= 4194304 AND btrim(%1$I, E'' \t\n\v\f\r'') <> ''''', ''':'''],
        ['jobs', 'work_dir', path_rule, '''/'''],
        ['jobs', 'arguments', 'jw_are_arguments(%1$I)', '''[]'''],
        ['jobs', 'environment', 'jw_are_variables(%1$I) AND (pg_column_size(arguments || ''[]'')'
             ' + pg_column_size(%1$I || ''{}'') < 131072 OR jw_measure(arguments, %1$I))', '''{}'''],
        ['jobs', 'cpus', '%1$I BETWEEN 1 AND 65536', '65536'],
        ['jobs', 'memory_mb', '%1$I BETWEEN 1 AND 1073741824', '1073741824'],
        ['jobs', 'gpus', '%1$I BETWEEN 0 AND 4096', '4096'],
        ['jobs', 'time_limit', '%1$I BETWEEN 1 AND 316224000', '316224000'],
        ['jobs', 'priority', '%1$I BETWEEN -1000000 AND 1000000', '0'],
        ['jobs', 'exit_code', '%1$I BETWEEN 0 AND 255', 'NULL'],
        ['jobs', 'exit_signal', '%1$I BETWEEN 1 AND 127', 'NULL'],
        ['jobs', 'error_msg', said_rule, 'NULL'],
        ['jobs', 'node_name', name_rule, 'NULL'],
        ['jobs', 'resubmit_of', '%1$I > 0', 'NULL'],

        ['resource_allocations', 'allocated_cpus', '%1$I BETWEEN 1 AND 65536', ''],
        ['resource_allocations', 'allocated_memory_mb', '%1$I BETWEEN 1 AND 1073741824', ''],
        ['resource_allocations', 'allocated_gpus', '%1$I BETWEEN 0 AND 4096', ''],
        ['resource_allocations', 'cookie', name_rule, ''],
        ['resource_allocations', 'process_id', '%1$I > 0', ''],
        ['resource_allocations', 'process_start', '%1$I >= 0', ''],
        ['resource_allocations', 'boot_id', name_rule, ''],
        ['resource_allocations', 'pid_namespace', '%1$I >= 0', ''],
        ['resource_allocations', 'spool_dir', path_rule, ''],
        ['resource_allocations', 'stuck', said_rule, ''],

        ['commands', 'node_name', name_rule, ''],
        ['commands', 'actor', who_rule, ''],
        ['commands', 'reason', said_rule, ''],
        ['commands', 'result', said_rule, ''],

        ['events', 'actor', who_rule, ''],
        ['events', 'action', name_rule, ''],
        ['events', 'reason', said_rule, ''],
        ['events', 'detail', 'jsonb_typeof(%1$I) = ''object'' AND octet_length(%1$I::text) <= 67108864', ''],

        ['nodes', 'name', name_rule, ''],
        ['nodes', 'cpus', '%1$I <= 65536', ''],
        ['nodes', 'memory_mb', '%1$I <= 1073741824', ''],
        ['nodes', 'gpus', '%1$I <= 65536', ''],
        ['nodes', 'partitions', 'jw_are_words(%1$I)', ''],
        ['nodes', 'drain_reason', said_rule, ''],

        ['workers', 'hostname', name_rule, ''],
        ['workers', 'machine_id', name_rule, ''],
        ['workers', 'boot_id', name_rule, ''],
        ['workers', 'pid', '%1$I > 0', ''],
        ['workers', 'process_start', '%1$I >= 0', ''],
        ['workers', 'pid_namespace', '%1$I >= 0', ''],
        ['workers', 'spool', path_rule, ''],
        ['workers', 'version', name_rule, ''],
        ['workers', 'end_reason', said_rule, ''],

        ['archives', 'hostname', name_rule, ''],
        ['archives', 'path', path_rule, ''],
        ['archives', 'sha256', '%1$I ~ ''^[0-9a-f]{64}$''', ''],
        ['archives', 'bytes', '%1$I >= 0', ''],
        ['archives', 'event_count', '%1$I >= 0', ''],

        ['alerts', 'rule', name_rule, ''],
        ['alerts', 'subject', 'jw_is_printable(%1$I) AND char_length(%1$I) <= 255', ''],
        ['alerts', 'message', said_rule, '']];
    sound text; nearest text; clauses text; place text; clause text;
BEGIN
    FOR i IN 1 .. array_length(rules, 1) LOOP
        rules[i][3] := format(rules[i][3], rules[i][2]);
    END LOOP;

    SELECT string_agg(format('(%s) IS NOT FALSE', rules[i][3]), ' AND '),
           string_agg(format('%1$I = CASE WHEN (%2$s) IS NOT FALSE THEN %1$I ELSE %3$s END',
                             rules[i][2], rules[i][3], rules[i][4]), ', ')
    INTO sound, nearest FROM generate_series(1, array_length(rules, 1)) i WHERE rules[i][1] = 'jobs';
    PERFORM set_config('jobwarden.action', 'upgrade', true);
    PERFORM set_config('jobwarden.reason', 'what it asks for could never be started', true);
    EXECUTE 'UPDATE jobs SET state = ''FAILED'', failure_reason = ''LAUNCH_ERROR'','
            ' error_msg = ''what it asks for could never be started'' WHERE NOT (' || sound || ') AND (state = ''PENDING'''
            ' OR (state = ''RUNNING'' AND NOT EXISTS (SELECT 1 FROM resource_allocations a'
            ' WHERE a.job_id = jobs.id AND a.process_id IS NOT NULL)))';
    PERFORM set_config('jobwarden.action', '', true), set_config('jobwarden.reason', '', true);
    EXECUTE format('UPDATE jobs SET %s WHERE NOT (%s) AND state = ''RUNNING''', nearest, sound);

    FOR place, clauses IN
        SELECT rules[i][1], string_agg(format('ADD CONSTRAINT %I CHECK (%s)', rules[i][1] || '_' || rules[i][2] || '_rule',
                                              rules[i][3]), E',\n')
        FROM generate_series(1, array_length(rules, 1)) i GROUP BY 1 LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %I %s', place, clauses);
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE '% holds rows that would be refused today: %', place, SQLERRM;
            FOREACH clause IN ARRAY string_to_array(clauses, E',\n') LOOP
                EXECUTE format('ALTER TABLE %I %s NOT VALID', place, clause);
            END LOOP;
        END;
    END LOOP;
END $$;
