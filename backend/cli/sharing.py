"""A home that every local user may submit to: opened and closed with ``jobwarden up``."""

import os
import pwd

from sqlalchemy import text

from backend.database.engine import make_engine
from backend.database.roles import grant_roles
from backend.embedded import logins, postgres
from backend.embedded.home import Home, is_guest, prepare, share, trusted_home, unshare
from backend.embedded.servers import setup_url
from backend.errors import InputError, Refused
from backend.settings import Settings
from backend.trusted import owner_name

_OWNER_IS_HIMSELF = text("INSERT INTO unix_users (login, unix_user) VALUES (:login, :user) ON CONFLICT DO NOTHING")
"""The owner of a home logs in by another name than his own, which could be somebody else's."""


def set_shared(settings: Settings, home: Home, wanted: bool) -> None:
    """Open the home to every local user, or close it again; nothing when it is so already.

    Raises Refused while its database runs the other way, for a home that nobody else can reach, and for an owner other
    than root: whoever submitted to it would run what he likes as that user.
    """
    if wanted == home.shared:
        return
    if settings.database_url is not None:
        raise InputError("--shared is about the embedded database, and DATABASE_URL names another")
    if wanted and os.geteuid() != 0:
        raise Refused("only root can share a home: the jobs of others would run with the rights of its owner")
    if postgres.running_pid(home) is not None:
        raise Refused(f"{home.path} is running {'un' if wanted else ''}shared: `jobwarden down` first")
    prepare(home)
    prepare(share(home) if wanted else unshare(home))


def admit(settings: Settings) -> list[str]:
    """The group roles, and a login for every local user of a shared home; a line for those that are new."""
    home = trusted_home(settings)
    if settings.database_url is not None or not home.shared:
        return []
    engine = make_engine(setup_url(settings), application_name="jobwarden setup", pool_size=1)
    try:
        grant_roles(engine)
        with engine.begin() as conn:
            conn.execute(_OWNER_IS_HIMSELF, {"login": logins.ROLE, "user": owner_name(home.path.stat().st_uid)})
    finally:
        engine.dispose()
    new = logins.add_local_users(home)
    return [f"logins for {len(new)} local users: {', '.join(new[:10])}{' …' if len(new) > 10 else ''}"] if new else []


def add_login(settings: Settings, name: str) -> str:
    """Give one local user a login; the line that says so. Raises InputError and Refused."""
    home = trusted_home(settings)
    if is_guest(home) or not home.shared or settings.database_url is not None:
        raise Refused("logins of local users are made in a shared home, by its owner: see `jobwarden up --shared`")
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise InputError(f"this host has no user {name!a}") from None
    return f"{name} may submit now" if logins.add_user(home, name) else f"{name} has a login already: nothing to do"
