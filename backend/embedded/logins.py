"""Who may log in to the embedded PostgreSQL, and as whom.

The superuser is for setting up alone. Everyday work is done by an ordinary role that owns the database, so that a way
into it is not a way to a shell. In a shared home every local user has a login of his own name, which the kernel vouches
for (peer authentication).
"""

from __future__ import annotations

import contextlib
import pwd
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from jobwarden.backend.embedded.home import Home
from jobwarden.backend.errors import Refused, Unavailable
from jobwarden.backend.files import owner_name

if TYPE_CHECKING:
    import psycopg2.extensions

ROLE = DATABASE = "jobwarden"
SUPERUSER = "postgres"
RESERVED = frozenset((ROLE, SUPERUSER))
"""Names of logins that mean the owner of the home, never the local user of that name."""
FIRST_ORDINARY_UID = 1000
"""Accounts below are the system's (login.defs(5), UID_MIN)."""
CONNECTIONS_OF_ONE = 20
"""Connections that one local user may have, of the server's 200."""
NOBODY = 65534

PRIVATE_HBA = "local all all trust\n"
"""Nobody else reaches the socket: its folder is the owner's alone."""
SHARED_HBA = f"""\
local all {SUPERUSER} peer map=home
local all {ROLE} peer map=home
local {DATABASE} all peer
"""

_GIVE_TO_OWNER = f"""
DO $$
DECLARE thing text;
BEGIN
    FOR thing IN
        SELECT format('TABLE %s', oid::regclass) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
        UNION ALL
        SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('TYPE %s', oid::regtype) FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    LOOP
        EXECUTE format('ALTER %s OWNER TO {ROLE}', thing);
    END LOOP;
END $$
"""


def url(home: Home, login: str = ROLE, database: str = DATABASE) -> str:
    """The URL for clients, libpq's and Alembic's alike."""
    return f"postgresql://{quote(login, safe='')}@/{database}?host={quote(str(home.sockets), safe='')}"


def write_access(home: Home) -> None:
    """Write who may log in; read by the server when it starts. Raises Refused for a shared home of a nameless user."""
    (home.postgres / "pg_hba.conf").write_text(SHARED_HBA if home.shared else PRIVATE_HBA)
    if not home.shared:
        return
    owner = owner_name(home.path.stat().st_uid)
    if owner.startswith("user "):
        raise Refused(f"{home.path} cannot be shared: its owner has no name in passwd")
    lines = [f"home {owner} {login}" for login in sorted(RESERVED)]
    (home.postgres / "pg_ident.conf").write_text("\n".join(lines) + "\n")


def set_up(home: Home) -> None:
    """Make what is missing of the everyday role and its database; in a home of before, take its superuser's place.

    May be called any number of times. Raises Unavailable when the server does not answer.
    """
    if not _exists(home, SUPERUSER):
        _demote(home)
    with _session(home, SUPERUSER, "postgres") as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {ROLE}_setup")
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {ROLE} LOGIN")
        cursor.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (DATABASE,))
        found = cursor.fetchone()
        if found is None:
            cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        elif found[0] != ROLE:
            cursor.execute(f"ALTER DATABASE {DATABASE} OWNER TO {ROLE}")
            with _session(home, SUPERUSER, DATABASE) as inside:
                inside.execute(_GIVE_TO_OWNER)


def add_local_users(home: Home) -> list[str]:
    """Give every ordinary account of this host a login with the role of a submitter; the names that were new.

    Accounts of a directory service that does not list them are added by `jobwarden users add`.
    """
    accounts = {a.pw_name for a in pwd.getpwall() if a.pw_uid >= FIRST_ORDINARY_UID and a.pw_uid != NOBODY}
    return [name for name in sorted(accounts) if add_user(home, name)]


def add_user(home: Home, name: str) -> bool:
    """Give one local user a login with the role of a submitter; False when there is one. Raises Refused for a name
    that stands for the owner of the home."""
    if name in RESERVED or name.startswith("jobwarden_"):
        return False
    with _session(home, SUPERUSER, DATABASE) as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
        if cursor.fetchone() is not None:
            return False
        quoted = '"' + name.replace('"', '""') + '"'
        cursor.execute(f"CREATE ROLE {quoted} LOGIN CONNECTION LIMIT {CONNECTIONS_OF_ONE} IN ROLE jobwarden_submitter")
    return True


def _demote(home: Home) -> None:
    """In a home of before, the everyday role is the first superuser, who cannot give that up: it gets another name."""
    with _session(home, ROLE, "postgres") as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (f"{ROLE}_setup",))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {ROLE}_setup SUPERUSER LOGIN")
    with _session(home, f"{ROLE}_setup", "postgres") as cursor:
        cursor.execute(f"ALTER ROLE {ROLE} RENAME TO {SUPERUSER}")


def _exists(home: Home, role: str) -> bool:
    """Whether one may log in as ``role``: the server says no to a role that it does not have."""
    try:
        with _session(home, role, "postgres"):
            return True
    except _NoSuchRoleError:
        return False


class _NoSuchRoleError(Exception):
    """There is no role of that name to log in as."""


@contextlib.contextmanager
def _session(home: Home, login: str, database: str) -> Iterator[psycopg2.extensions.cursor]:
    import psycopg2  # only setting up needs it; attaching must stay quick

    try:
        connection = psycopg2.connect(url(home, login, database))
    except psycopg2.OperationalError as error:
        if f'role "{login}" does not exist' in str(error):
            raise _NoSuchRoleError(login) from error
        raise _unanswered(home, error) from error
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    except psycopg2.Error as error:
        if not connection.closed:
            raise
        raise _unanswered(home, error) from error  # the server went away in the middle
    finally:
        connection.close()


def _unanswered(home: Home, error: Exception) -> Unavailable:
    said = next(iter(str(error).strip().splitlines()), "no reason given")
    return Unavailable(f"PostgreSQL of {home.path} started and does not answer: {said}")
