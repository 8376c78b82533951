"""Which Unix user the jobs of a login run as, where it is not the one of the same name."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from backend.actions.rights import may_act_on_all
from backend.domain.request import check_reason
from backend.errors import InputError
from backend.state.sql import SAY

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
        raise InputError(f"{unix_user!a} can be no Unix user: letters, digits and _ . @ - only")
    return _change(engine, _MAP, {"login": login, "user": unix_user}, actor, reason)


def unmap_login(engine: Engine, login: str, actor: str, reason: str | None) -> bool:
    """Let the jobs of ``login`` run as the user of the same name again; False when they do already."""
    _check_login(login)
    return _change(engine, _UNMAP, {"login": login}, actor, reason)


def _change(engine: Engine, statement: object, values: dict[str, str], actor: str, reason: str | None) -> bool:
    check_reason(reason)
    with engine.begin() as conn:
        may_act_on_all(conn, "map logins")
        conn.execute(SAY, {"actor": actor, "action": "users", "reason": reason or "", "detail": "{}"})
        return conn.scalar(statement, values) is not None  # type: ignore[call-overload]


def _check_login(login: str) -> None:
    if not login or len(login.encode()) > LONGEST_LOGIN or not login.isprintable():
        raise InputError(f"{login[:80]!a} can be no login: 1 to {LONGEST_LOGIN} bytes, without control characters")
