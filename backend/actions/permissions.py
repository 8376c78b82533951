"""Who may do what: what an action asks of the database user, and which Unix user the jobs of a login run as.

The database refuses by itself (roles.sql). But where its policies hide a row, it changes nothing and says nothing: who
may not would be told that there was nothing to do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobwarden.backend.database.driver import Connection, Engine, Statement, text
from jobwarden.backend.database.roles import OPERATOR, SUBMITTER, lacking
from jobwarden.backend.domain.request import check_reason
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.state.sql import SAY

NEEDS = {
    "cancel": SUBMITTER, "resubmit": SUBMITTER, "kill": OPERATOR, "mark-failed": OPERATOR, "release": OPERATOR,
    "hold": OPERATOR, "unhold": OPERATOR, "priority": OPERATOR, "drain": OPERATOR, "resume": OPERATOR,
    "map logins": OPERATOR,
}  # fmt: skip
"""Action -> the least role. ``clean`` is judged where something is to be ended, see takeover."""
NOT_YOURS = f"was submitted by another database user: {OPERATOR} is needed for it"

_ROLES = text("""
    SELECT has_column_privilege('jobs', 'name', 'INSERT') AS submitter,
           has_column_privilege('jobs', 'error_msg', 'UPDATE') AS operator
""")
_OTHERS = text("SELECT id FROM jobs WHERE id = ANY(:ids) AND submitted_by IS DISTINCT FROM session_user")


def may_act_on_all(conn: Connection, name: str) -> bool:
    """Whether this user may do it to every job, else only to its own. Raises Refused when not even that."""
    found = conn.execute(_ROLES).one()
    if found.operator:
        return True
    needed = NEEDS.get(name)
    if needed == OPERATOR or (needed == SUBMITTER and not found.submitter):
        raise Refused(lacking(needed, name))
    return name != "cancel"


def of_others(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the jobs that another database user submitted."""
    return set(conn.scalars(_OTHERS, {"ids": list(ids)}))


# Which Unix user the jobs of a login run as, where it is not the one of the same name.

ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}")
LONGEST_LOGIN = 63
"""Bytes of a PostgreSQL name."""

_READ = text("SELECT login, unix_user FROM unix_users ORDER BY login")
_MAP = text("""
    INSERT INTO unix_users (login, unix_user) VALUES (:login, :user)
    ON CONFLICT (login) DO UPDATE SET unix_user = excluded.unix_user WHERE unix_users.unix_user <> excluded.unix_user
    RETURNING login
""")
_UNMAP = text("DELETE FROM unix_users WHERE login = :login RETURNING login")


@dataclass(frozen=True, slots=True)
class Mapping:
    """The jobs of ``login`` run as ``unix_user``."""

    login: str
    unix_user: str


def mappings(conn: Connection) -> list[Mapping]:
    """All exceptions, by login."""
    return [Mapping(row.login, row.unix_user) for row in conn.execute(_READ)]


def map_login(engine: Engine, login: str, unix_user: str, actor: str, reason: str | None) -> bool:
    """Let the jobs of ``login`` run as ``unix_user`` from now on; False when they do already.

    Raises InputError for what can be no login or account, Refused when this database user may not.
    """
    _check_login(login)
    if ACCOUNT.fullmatch(unix_user) is None:
        raise InputError(f"{unix_user!a} is not a Unix user name: letters, digits and _ . @ - only")
    return _change(engine, _MAP, {"login": login, "user": unix_user}, actor, reason)


def unmap_login(engine: Engine, login: str, actor: str, reason: str | None) -> bool:
    """Let the jobs of ``login`` run as the user of the same name again; False when they do already."""
    _check_login(login)
    return _change(engine, _UNMAP, {"login": login}, actor, reason)


def _change(engine: Engine, statement: Statement, values: dict[str, str], actor: str, reason: str | None) -> bool:
    check_reason(reason)
    with engine.begin() as conn:
        may_act_on_all(conn, "map logins")
        conn.execute(SAY, {"actor": actor, "action": "users", "reason": reason or "", "detail": "{}"})
        return conn.scalar(statement, values) is not None


def _check_login(login: str) -> None:
    if not login or len(login.encode()) > LONGEST_LOGIN or not login.isprintable():
        raise InputError(f"{login[:80]!a} is not a login: 1 to {LONGEST_LOGIN} bytes, without control characters")
