"""The servers of one installation, as everybody else uses them: two URLs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from jobwarden.backend.config.settings import Settings, hide_password
from jobwarden.backend.embedded import logins, ownership, postgres, valkey
from jobwarden.backend.embedded.home import Home, exclusive, explained, is_guest, is_wanted, prepare, trusted_home, want
from jobwarden.backend.errors import Refused, Unavailable
from jobwarden.backend.files import owner_name


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the database and the queue are; a password in them stays out of the printed form."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)

    def __str__(self) -> str:
        return f"{hide_password(self.database_url)} {hide_password(self.redis_url)}"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server of the installation; ``process_id`` only for an embedded one that lives."""

    name: str
    embedded: bool
    running: bool
    process_id: int | None
    url: str


@dataclass(frozen=True, slots=True)
class _Server:
    name: str
    url: Callable[[Home], str]
    ready: Callable[[Home], bool]
    start: Callable[[Home], None]
    stop: Callable[[Home], bool]
    running_pid: Callable[[Home], int | None]


_POSTGRES = _Server("PostgreSQL", logins.url, postgres.ready, postgres.start, postgres.stop, postgres.running_pid)
_VALKEY = _Server("Valkey", valkey.url, valkey.ready, valkey.start, valkey.stop, valkey.running_pid)


def ensure(settings: Settings) -> Urls:
    """Start every embedded server that does not run, and keep them wanted until :func:`stop`.

    Any number of processes may call it at once. Guarantees an empty database at least; the schema is not its affair.
    Raises InputError, Refused or Unavailable with one line; Refused also for a home that is run elsewhere.
    """
    return _bring_up(settings, must_be_wanted=False)


def attach(settings: Settings) -> Urls:
    """The URLs of an installation that was brought up, recovering a server that died since.

    Takes a few milliseconds when all is well. Raises Refused when the installation is down, or was never up.
    """
    return _bring_up(settings, must_be_wanted=True)


def stop(settings: Settings) -> list[str]:
    """Shut the embedded servers down and say which ones ran. Data stay; calling it again changes nothing.

    Raises Refused for a home that another host or container runs.
    """
    servers = _embedded(settings)
    home = trusted_home(settings)
    with explained(home):
        if not servers or not home.run.is_dir():
            return []
    with exclusive(home), explained(home):
        ownership.check(home, to_stop=True)
        home.wanted.unlink(missing_ok=True)
        stopped = [server.name for server in reversed(servers) if server.stop(home)]
        ownership.release(home)
        return stopped


def status(settings: Settings) -> list[ServerStatus]:
    """What there is, running or not; an external server counts as running, whoever uses it will see."""
    home = trusted_home(settings)
    with explained(home):
        return [
            _status(server, external, home)
            for server, external in ((_POSTGRES, settings.database_url), (_VALKEY, settings.redis_url))
        ]


def _status(server: _Server, external: str | None, home: Home) -> ServerStatus:
    if external:
        return ServerStatus(server.name, False, True, None, hide_password(external))
    pid = server.running_pid(home)
    with explained(home):
        running = pid is not None or server.ready(home)  # that of another container, through its socket
    return ServerStatus(server.name, True, running, pid, server.url(home))


def check_owner(settings: Settings) -> None:
    """Raise Elsewhere, a Refused, when a server does not answer that another host or container may run."""
    home, servers = trusted_home(settings), _embedded(settings)
    with explained(home):
        silent = not all(server.ready(home) for server in servers)
    if silent and not is_guest(home):
        ownership.check(home)


def _embedded(settings: Settings) -> list[_Server]:
    return ([] if settings.database_url else [_POSTGRES]) + ([] if settings.redis_url else [_VALKEY])


def _bring_up(settings: Settings, *, must_be_wanted: bool) -> Urls:
    servers = _embedded(settings)
    if not servers and must_be_wanted:
        return Urls(str(settings.database_url), str(settings.redis_url))
    home = trusted_home(settings)
    if not servers:
        return _urls(settings, home)
    if is_guest(home):
        return _guest_urls(settings, home)
    with explained(home):
        wanted = is_wanted(home)
        if wanted and all(server.ready(home) for server in servers):
            return _urls(settings, home)
        ownership.check(home)
    if must_be_wanted and not wanted:
        raise _down(home)
    if must_be_wanted and os.environ.get(
        "JOBWARDEN_COOKIE"
    ):  # they would count as the job's processes, and end with it
        raise Unavailable(f"a server of {home.path} is down and a job cannot start it: the worker will, try again")
    prepare(home)
    with exclusive(home):
        if must_be_wanted and not is_wanted(home):  # taken down while we waited for the lock
            raise _down(home)
        with explained(home):
            ownership.check(home)
            ownership.claim(home)
        for server in servers:
            server.start(home)
        with explained(home):
            ownership.settle(home)
            want(home)
    return _urls(settings, home)


def _urls(settings: Settings, home: Home) -> Urls:
    return Urls(settings.database_url or logins.url(home), settings.redis_url or valkey.url(home))


def _guest_urls(settings: Settings, home: Home) -> Urls:
    """Another user's shared home: the database under one's own login; what runs there is its owner's affair.

    Nobody but the owner can have put the socket there: the folder is his, and nobody else writes to it.
    """
    if not home.shared:
        raise Refused(f"{home.path} belongs to {owner_name(home.path.stat().st_uid)}, who does not share it")
    login = owner_name(os.geteuid())
    return Urls(settings.database_url or logins.url(home, login), settings.redis_url or valkey.url(home))


def setup_url(settings: Settings) -> str:
    """The URL of the database for setting up: as the superuser where it is the embedded one."""
    home = trusted_home(settings)
    return settings.database_url or logins.url(home, logins.SUPERUSER)


def _down(home: Home) -> Refused:
    return Refused(f"jobwarden is not running for {home.path}: start it with `jobwarden up`")
