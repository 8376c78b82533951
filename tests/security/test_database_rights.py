"""What a login that holds one role can do in the database: what is listed here, found in the catalogue, and no more.

An object that somebody adds without a line here, or with more rights than its line says, fails the suite.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.roles import grant_roles
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome, Placement
from tests.support.logins import Login, database_name, login, login_name
from tests.support.rows import ACTOR, add_node, request, running, started

__all__ = ["login"]

ROLES = ("viewer", "submitter", "operator", "worker")
DENIED = "permission denied|must be|must have|row-level security"

TABLES = {
    "alembic_version", "alerts", "archives", "commands", "events", "job_counts", "jobs", "kept",
    "lock_holders", "nodes", "resource_allocations", "unix_users", "workers",
}  # fmt: skip
"""All of them; each role may SELECT from every one."""

SUBMITTER = {
    "jobs": {
        "INSERT": "name account partition priority held script arguments work_dir environment cpus memory_mb gpus"
        " time_limit resubmit_of",
        "UPDATE": "state failure_reason",
    },
    "resource_allocations": {"UPDATE": "released"},
    "events": {"INSERT": "job_id actor action from_state to_state reason detail"},
    "commands": {"INSERT": "job_id node_name action actor reason", "UPDATE": "done_at result"},
}
OPERATOR = {
    **SUBMITTER,
    "jobs": {
        **SUBMITTER["jobs"],
        "UPDATE": "state start_time end_time exit_code exit_signal failure_reason error_msg node_name held priority",
    },
    "resource_allocations": {"UPDATE": "released released_time stuck"},
    "nodes": {"UPDATE": "drained drain_reason"},
    "unix_users": {"INSERT": "*", "UPDATE": "*"},
}
WRITES: dict[str, dict[str, dict[str, str]]] = {
    "viewer": {},
    "submitter": SUBMITTER,
    "operator": OPERATOR,
    "worker": {
        "jobs": {"UPDATE": "state start_time end_time exit_code exit_signal failure_reason error_msg node_name"},
        "resource_allocations": {
            "INSERT": "job_id node_name worker_id allocated_cpus allocated_memory_mb allocated_gpus",
            "UPDATE": "worker_id claimed_at process_id process_start boot_id pid_namespace spool_dir stuck released",
        },
        "commands": {"INSERT": "job_id node_name action actor reason", "UPDATE": "done_at result"},
        "nodes": {
            "INSERT": "name cpus memory_mb gpus partitions",
            "UPDATE": "cpus memory_mb gpus partitions drained drain_reason",
        },
        "workers": {
            "INSERT": "node_name hostname machine_id boot_id pid process_start pid_namespace spool version"
            " lease_seconds jobs_as",
            "UPDATE": "heartbeat_at draining ended_at end_reason noticed_after outdated",
        },
        "events": {"INSERT": "job_id actor action from_state to_state reason detail"},
        "alerts": {
            "INSERT": "rule subject message value threshold",
            "UPDATE": "message value threshold cleared_at cleared_message cleared_value told_raised_at told_cleared_at"
            " reminded_at undelivered",
        },
        "archives": {"INSERT": "hostname path sha256 bytes event_count jobs loose_events"},
    },
}
"""Role -> table -> privilege -> columns (``*``: the whole table). TRUNCATE, REFERENCES and TRIGGER: nobody."""

DELETES = {("operator", "unix_users")}
"""Role and table."""

RULES = {
    "jw_is_printable", "jw_is_word", "jw_are_words", "jw_are_arguments", "jw_are_variables", "jw_measure",
    "jw_is_final", "jw_setting", "jw_trusted", "jw_may_act", "jw_owns", "jw_true_actor",
}  # fmt: skip
"""What the rules of the tables and the triggers without the owner's rights call."""
LOOKS = {"jw_old_workers", "jw_job_line", "jw_may_hold", "jw_lock_holders"}
LOCKS = {"jw_take_lock", "jw_release_lock"}
FUNCTIONS = {
    "viewer": LOOKS,
    "submitter": LOOKS | RULES,
    "operator": LOOKS | RULES | LOCKS,
    "worker": {"jw_retire", "jw_retire_events", "jw_retire_workers", "jw_ranges", "jw_raise_ids"}
    | LOOKS
    | RULES
    | LOCKS,
}
"""Role -> functions it may call itself."""

WITH_THE_OWNERS_RIGHTS = {
    "jw_audit_submit", "jw_audit_job", "jw_count_jobs", "jw_charge_nodes", "jw_refund_nodes", "jw_retire",
    "jw_retire_events", "jw_retire_workers", "jw_audit_unix_users", "jw_take_lock", "jw_raise_ids",
}  # fmt: skip
"""Why each is one of them: its comment says it."""

COLUMNS = text("""
    SELECT c.relname, a.attname, p.name, has_column_privilege(c.oid, a.attnum, p.name) AS held
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
         unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) AS p(name)
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
""")


def sql(conn: Connection, statement: str) -> None:
    conn.execute_script(statement.replace("%", "%%"))


def refused(member: Engine, statement: str, why: str = DENIED) -> None:
    with member.connect().autocommit() as conn, pytest.raises(DatabaseError, match=why):
        sql(conn, statement)


@contextlib.contextmanager
def as_role(login: Login, role: str) -> Iterator[Connection]:
    with login(role).connect() as conn:
        yield conn


# What the catalogue says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_writing_a_column_that_is_not_listed(login: Login, role: str) -> None:
    """A role writes columns that nobody meant it to write."""
    with as_role(login, role) as conn:
        rows = conn.execute(COLUMNS).all()
    assert {row.relname for row in rows} == TABLES
    held = {(row.relname, row.name, row.attname) for row in rows if row.held}
    columns = {table: [row.attname for row in rows if row.relname == table] for table in TABLES}
    listed = {
        (table, privilege, column)
        for table, privileges in WRITES[role].items()
        for privilege, names in privileges.items()
        for column in (columns[table] if names == "*" else names.split())
    }
    assert held == listed


@pytest.mark.parametrize("role", ROLES)
def test_reading_deleting_and_emptying_tables(login: Login, role: str) -> None:
    """A role deletes, empties, or hangs a trigger on a table."""
    with as_role(login, role) as conn:
        for table in TABLES:
            held = conn.scalars(
                text("SELECT p FROM unnest(ARRAY['SELECT', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) p"
                     " WHERE has_table_privilege(:table, p)"), {"table": table})  # fmt: skip
            assert list(held) == ["SELECT", *(["DELETE"] if (role, table) in DELETES else [])], table


@pytest.mark.parametrize("role", ROLES)
def test_calling_functions_that_are_not_listed(login: Login, role: str) -> None:
    """A role calls a trigger function or helper of ours directly."""
    with as_role(login, role) as conn:
        called = set(
            conn.scalars(
                text("SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
                     " AND has_function_privilege(oid, 'EXECUTE')")))  # fmt: skip
    assert called == FUNCTIONS[role]


@pytest.mark.parametrize("role", ROLES)
def test_burning_numbers_of_sequences(login: Login, role: str) -> None:
    """A role draws from a sequence or sets it back, so that ids collide."""
    with as_role(login, role) as conn:
        held = conn.scalars(
            text("SELECT c.relname FROM pg_class c WHERE relkind = 'S' AND (has_sequence_privilege(c.oid, 'USAGE')"
                 " OR has_sequence_privilege(c.oid, 'UPDATE'))"))  # fmt: skip
        assert list(held) == []


@pytest.mark.parametrize("role", ROLES)
def test_owning_or_creating_anything(login: Login, role: str) -> None:
    """A role creates temporary tables, schemas or tables, or has an attribute of the cluster."""
    with as_role(login, role) as conn:
        assert conn.scalars(text(
            "SELECT p FROM unnest(ARRAY['CREATE', 'TEMPORARY']) p"
            " WHERE has_database_privilege(current_database(), p)")) == []  # fmt: skip
        assert not conn.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')"))
        row = conn.execute(text("SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
                                " FROM pg_roles WHERE rolname = current_user")).one()  # fmt: skip
        assert not any(row)


def test_public_holds_nothing(engine: Engine, login: Login) -> None:
    """A login without any role uses what PUBLIC was given."""
    with engine.connect() as conn:
        for catalogue, acl, place in (("pg_class", "relacl", "relnamespace"), ("pg_proc", "proacl", "pronamespace")):
            open_ = conn.scalars(text(
                f"SELECT c.oid::text FROM {catalogue} c WHERE {place} = current_schema()::regnamespace AND ("
                f" EXISTS (SELECT 1 FROM aclexplode(c.{acl}) a WHERE a.grantee = 0)"
                f" OR ('{catalogue}' = 'pg_proc' AND c.{acl} IS NULL))"))  # fmt: skip
            assert list(open_) == []


def test_a_function_of_a_later_version_is_closed_too(engine: Engine) -> None:
    """A function that an upgrade adds is open to PUBLIC until somebody remembers it."""
    with engine.begin() as conn:
        sql(conn, "CREATE FUNCTION jw_of_tomorrow() RETURNS int LANGUAGE sql RETURN 1")
        assert not conn.scalar(text(
            "SELECT EXISTS (SELECT 1 FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a"
            " WHERE proname = 'jw_of_tomorrow' AND a.grantee = 0)"))  # fmt: skip


def test_the_functions_with_the_owners_rights_are_those_listed(engine: Engine) -> None:
    """A function acts with the owner's rights, or means what the caller's search_path says."""
    with engine.connect() as conn:
        rows = conn.execute(text(
            "SELECT proname, prosecdef, coalesce(array_to_string(proconfig, ';'), '') AS config, prosqlbody IS NOT NULL"
            " AS bound, coalesce(obj_description(oid, 'pg_proc'), '') AS why, current_schema() AS place FROM pg_proc"
            " WHERE pronamespace = current_schema()::regnamespace")).all()  # fmt: skip
    assert {row.proname for row in rows if row.prosecdef} == WITH_THE_OWNERS_RIGHTS
    for row in rows:
        assert row.proname.startswith("jw_")
        assert row.bound or row.config == f"search_path={row.place}, pg_temp", row.proname
        assert row.why.startswith("with the owner's rights: ") == row.prosecdef, row.proname


# What was tried -----------------------------------------------------------------------------------------------------

EVIL = """
CREATE FUNCTION pg_temp.evil(said text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF said IS NOT NULL THEN
        ALTER TABLE public.events DISABLE TRIGGER ALL;
        DELETE FROM public.events;
    END IF;
    RETURN true;
END $$;
CREATE DOMAIN pg_temp.d AS text CHECK (pg_temp.evil(VALUE));
CREATE TEMP TABLE bait AS SELECT * FROM public.events WITH NO DATA;
ALTER TABLE bait ALTER COLUMN database_user TYPE pg_temp.d;
CREATE TRIGGER t BEFORE INSERT ON bait FOR EACH ROW EXECUTE FUNCTION public.jw_sign_event();
INSERT INTO bait (actor) VALUES ('x');
"""
FORGED_EVENT = """
CREATE TEMP TABLE bait AS SELECT * FROM public.jobs WITH NO DATA;
CREATE TRIGGER t AFTER INSERT ON bait REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION public.jw_audit_submit();
SET jobwarden.action = 'kill'; SET jobwarden.actor = 'alice@elsewhere';
INSERT INTO bait (id, state) VALUES (1, 'RUNNING');
"""
FORGED_COUNTERS = """
CREATE TEMP TABLE bait AS SELECT * FROM public.resource_allocations WITH NO DATA;
CREATE TRIGGER t AFTER INSERT ON bait REFERENCING NEW TABLE AS new_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION public.jw_charge_nodes();
SET jobwarden.action = 'allocate';
INSERT INTO bait (node_name, allocated_cpus, allocated_memory_mb, allocated_gpus, released)
    VALUES ('node1', 1, 1, 0, false);
"""
FORGED_COUNTS = """
CREATE TEMP TABLE bait AS SELECT * FROM public.jobs WITH NO DATA;
CREATE TRIGGER t AFTER INSERT ON bait REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION public.jw_count_jobs();
INSERT INTO bait (state) VALUES ('RUNNING');
"""
TRICKS = {"owner": EVIL, "event": FORGED_EVENT, "counters": FORGED_COUNTERS, "counts": FORGED_COUNTS}


def all_of_it(engine: Engine) -> list[object]:
    with engine.connect() as conn:
        return [
            conn.execute(text(f"SELECT * FROM {table} ORDER BY 1")).all()
            for table in ("events", "jobs", "job_counts", "nodes", "resource_allocations")
        ]


@pytest.mark.attempt("Own trigger on a temp table", fault=1)
@pytest.mark.parametrize("temp", [False, True], ids=["as installed", "with TEMP granted back"])
@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("role", ROLES)
def test_hanging_our_trigger_functions_on_a_table_of_ones_own(
    engine: Engine, login: Login, role: str, trick: str, temp: bool
) -> None:
    """A login makes a temporary table, hangs a trigger function of ours on it and so acts as the owner."""
    with engine.begin() as conn:
        running(conn, add_node(conn))
    member = login(role)
    if temp:
        with engine.begin() as conn:
            sql(
                conn,
                f'GRANT TEMPORARY ON DATABASE "{database_name(engine)}" TO {login_name(member)}',
            )
    before = all_of_it(engine)
    with pytest.raises(DatabaseError, match="permission denied"), member.begin() as conn:
        sql(conn, TRICKS[trick])
    assert all_of_it(engine) == before


@pytest.mark.attempt("Direct writes by viewer, submitter, operator (..., COPY, files, SET ROLE, replication role)")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "GRANT {owner} TO CURRENT_USER",
        "GRANT jobwarden_worker TO CURRENT_USER WITH ADMIN OPTION",
        "ALTER SYSTEM SET log_statement = 'all'",
        "ALTER DATABASE {database} SET session_replication_role = replica",
        "COPY jobs TO PROGRAM 'id'",
        "COPY jobs TO '/tmp/jobs-of-all'",
        "COPY alerts FROM '/etc/passwd'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "CREATE TABLE public.mine (x int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE SCHEMA mine",
        "CREATE TEMP TABLE mine (x int)",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE TRIGGER t AFTER INSERT ON jobs EXECUTE FUNCTION jw_notify('x')",
        "CREATE RULE r AS ON INSERT TO events DO INSTEAD NOTHING",
        "CREATE POLICY p ON events FOR ALL USING (true)",
        "ALTER TABLE jobs DISABLE TRIGGER ALL",
        "ALTER TABLE jobs DISABLE ROW LEVEL SECURITY",
        "ALTER FUNCTION jw_trusted() SECURITY DEFINER",
        "DROP TRIGGER sign_event ON events",
        "DELETE FROM events",
        "DELETE FROM jobs",
        "TRUNCATE jobs CASCADE",
        "UPDATE events SET actor = 'nobody@nowhere'",
        "UPDATE archives SET jobs = '{{[1,1000)}}'",
        "UPDATE job_counts SET running = 0",
        "UPDATE alembic_version SET version_num = '9999'",
        "SELECT jw_recount_jobs()",
        "SELECT jw_add_to_counts(1, 0, 0, 0, 0)",
        "SELECT jw_close_to_public()",
        "SELECT jw_actor()",
        "SELECT setval('jobs_id_seq', 1)",
        "SELECT nextval('jobs_id_seq')",
    ],
)
def test_statements_of_the_owner(engine: Engine, login: Login, role: str, statement: str) -> None:
    """A login types what only the owner or a superuser may."""
    refused(
        login(role),
        statement.format(owner=f'"{login_name(engine)}"', database=f'"{database_name(engine)}"'),
    )


@pytest.mark.parametrize("statement", ["SELECT lo_create(0)", "SELECT lo_creat(-1)", "SELECT lo_from_bytea(0, 'x')"])
@pytest.mark.parametrize("role", ROLES)
def test_filling_the_disk_with_large_objects(login: Login, role: str, statement: str) -> None:
    """A viewer keeps gigabytes in large objects, where no listing shows them."""
    refused(login(role), statement)


@pytest.mark.attempt("Forged actor, `jobwarden.*` settings, search_path shadowing")
def test_standing_in_for_our_tables_and_functions(engine: Engine, login: Login) -> None:
    """A submitter with a schema of his own puts its tables, functions and operators before ours."""
    submitter = login("submitter")
    name = login_name(submitter)
    with engine.begin() as conn:
        sql(conn, f'GRANT CREATE, TEMPORARY ON DATABASE "{database_name(engine)}" TO {name}')
    with submitter.begin() as conn:
        sql(conn, "CREATE SCHEMA mine")
        sql(conn, "CREATE TABLE mine.events (LIKE public.events); CREATE TEMP TABLE events (LIKE public.events)")
        sql(conn, "CREATE FUNCTION mine.jw_actor() RETURNS text LANGUAGE sql RETURN 'root@here'")
        sql(conn, "CREATE FUNCTION mine.jw_trusted() RETURNS boolean LANGUAGE sql RETURN true")
        sql(conn, "CREATE FUNCTION mine.jw_is_word(text) RETURNS boolean LANGUAGE sql RETURN true")
        sql(conn, "CREATE FUNCTION mine.same(text, text) RETURNS boolean LANGUAGE sql RETURN true")
        sql(conn, "CREATE OPERATOR mine.!~ (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.same)")
        sql(conn, "SET search_path = mine, pg_temp, public, pg_catalog")
        [job_id] = machine.submit(conn, [request()], "root@here")
    with engine.connect() as conn:
        event = conn.execute(text("SELECT * FROM events WHERE job_id = :id"), {"id": job_id}).one()
        assert (event.actor, event.database_user) == (f"{name}/root@here", name)
    refused(
        submitter,
        "SET search_path = mine, public; INSERT INTO jobs (name, account, script, work_dir, memory_mb)"
        " VALUES ('x', E'a\\x1bb', ':', '/', 1)",
        "jobs_account_rule",
    )


@pytest.mark.attempt("Forged actor, `jobwarden.*` settings, search_path shadowing")
@pytest.mark.parametrize("role", ["submitter", "operator"])
def test_speaking_for_somebody_else_through_settings(engine: Engine, login: Login, role: str) -> None:
    """A login says with jobwarden.actor that another did it, and with jobwarden.archive that the audit may go."""
    member = login(role)
    with member.begin() as conn:
        sql(conn, "SET LOCAL jobwarden.actor = 'root@here'; SET LOCAL jobwarden.action = 'finish'")
        sql(conn, "INSERT INTO jobs (name, account, script, work_dir, memory_mb) VALUES ('x', 'x', ':', '/', 1)")
    with engine.connect() as conn:
        event = conn.execute(text("SELECT actor, database_user FROM events ORDER BY id DESC LIMIT 1")).one()
    assert (event.actor, event.database_user) == (
        f"{login_name(member)}/root@here",
        login_name(member),
    )
    refused(member, "SET LOCAL jobwarden.archive = '1'; DELETE FROM events")


def test_the_roles_are_enough_for_what_they_are_for(engine: Engine, login: Login) -> None:
    """Rights so tight that nobody can work would be lifted within a day."""
    with login("submitter").begin() as conn:
        [job_id] = machine.submit(conn, [request(arguments=("a",), environment={"A": "=b"})], ACTOR)
    with login("operator").begin() as conn:
        assert machine.set_priority(conn, [job_id], 5, ACTOR, "soon")
    with login("worker").begin() as conn:
        worker_id = add_node(conn)
        [(allocation_id, _, _)] = machine.allocate(conn, [Placement(job_id, "node1", worker_id)])
        assert machine.claim(conn, worker_id, [allocation_id])
        assert machine.commit_start(conn, worker_id, [started(allocation_id)], "worker:node1")
        assert machine.finish(conn, [Outcome(allocation_id, job_id, JobState.COMPLETED, exit_code=0)], "worker:node1")


def test_an_owner_who_does_not_own_the_database(empty_database_url: str) -> None:
    """The schema of somebody who may not close the database: the upgrade works, and its functions are closed."""
    admin = make_engine(empty_database_url)
    name = f"landlord_{uuid.uuid4().hex[:8]}"
    owner = make_engine(make_url(admin.url).set(username=name).render_as_string(hide_password=False))
    with admin.begin() as conn:
        sql(conn, f"CREATE ROLE {name} LOGIN; GRANT ALL ON SCHEMA public TO {name}")
    try:
        upgrade(owner.url)
        with owner.connect() as conn:
            assert conn.scalar(text("SELECT has_database_privilege('public', current_database(), 'TEMPORARY')"))
            assert not conn.scalar(text("SELECT has_function_privilege('public', 'jw_sign_event()', 'EXECUTE')"))
            assert machine.submit(conn, [request()], ACTOR)
    finally:
        owner.dispose()
        with admin.begin() as conn:
            sql(conn, f"DROP OWNED BY {name}; DROP ROLE {name}")
        admin.dispose()


def test_working_on_after_an_upgrade(empty_database_url: str) -> None:
    """Roles that were granted before: the upgrade closes the functions, so it grants what they need."""
    engine = make_engine(empty_database_url)
    name = f"member_{uuid.uuid4().hex[:8]}"
    upgrade(empty_database_url)
    grant_roles(engine)
    with engine.begin() as conn:
        sql(conn, "REVOKE EXECUTE ON FUNCTION jw_is_word(text) FROM jobwarden_submitter, jobwarden_worker")
        sql(conn, f"CREATE ROLE {name} LOGIN IN ROLE jobwarden_submitter")
    member = make_engine(make_url(engine.url).set(username=name).render_as_string(hide_password=False))
    upgrade(empty_database_url)
    try:
        with member.begin() as conn:
            assert machine.submit(conn, [request()], ACTOR)
    finally:
        member.dispose()
        with engine.begin() as conn:
            sql(conn, f"DROP ROLE {name}")
        engine.dispose()
