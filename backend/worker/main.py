"""Entry of the worker: settings and log, database and Redis, recovery, scheduler, RQ."""

import logging
import os
import time

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import DatabaseError
from jobwarden.backend.database.engine import (
    STARTUP_REFUSED,
    check_schema,
    make_engine,
    refuse_pooler,
    refused,
    unavailable,
)
from jobwarden.backend.embedded import ownership, servers
from jobwarden.backend.embedded.home import prepare, sole, trusted_home
from jobwarden.backend.errors import LaunchError, Refused
from jobwarden.backend.log_format import configure
from jobwarden.backend.process.environment import set_own_limits
from jobwarden.backend.process.spawn import shim_path
from jobwarden.backend.worker.node_check import check_calls, keep_descriptors
from jobwarden.backend.worker.service import Service
from jobwarden.backend.worker.systemd import warn_of_supervisor

RETRY_SECONDS = 2.0

log = logging.getLogger(__name__)


def run_worker(
    settings: Settings, node_name: str | None = None, drain_on_exit: bool = False, lock: int | None = None
) -> int:
    """Run a worker in this process until TERM or INT; the exit status.

    Waits for a database that is down. ``lock``: that of the home (`sole`), inherited from `jobwarden up`. Raises
    Refused for a node that has a live worker or a schema of another version, InputError for settings that cannot work.
    """
    if node_name is not None:
        settings = settings.but(node_name=node_name)
    configure(settings.log_level, settings.log_format)
    if settings.warning:
        log.warning("%s", settings.warning)
    warn_of_supervisor()
    shim_path()
    check_calls()
    keep_descriptors()
    set_own_limits()
    try:
        service = _start(settings, drain_on_exit, lock)
        with ownership.kept(trusted_home(settings)):
            return service.run()
    except LaunchError as exc:
        raise Refused(exc.message) from None


def _start(settings: Settings, drain_on_exit: bool, lock: int | None) -> Service:
    """Connect for as long as it takes: after a power cut the database may come back later than the worker.

    The lock of the home is held for each attempt, so that the worker is there or not for whoever takes the home down,
    and free in between. One that was inherited is kept for as long as `jobwarden up` waits.
    """
    home = trusted_home(settings)
    prepare(home)
    starter = os.getppid()
    while True:
        with sole(home, lock):
            while (service := _attempt(settings, drain_on_exit)) is None and lock is not None:
                if os.getppid() != starter:
                    break
                time.sleep(RETRY_SECONDS)
        if service is not None:
            return service
        lock = None
        time.sleep(RETRY_SECONDS)


def _attempt(settings: Settings, drain_on_exit: bool) -> Service | None:
    """The worker on its node; None while the database cannot be reached."""
    urls = servers.ensure(settings)
    engine = make_engine(urls.database_url, application_name="jobwarden worker start")
    try:
        check_schema(engine)
        refuse_pooler(engine)
        return Service(settings, urls, drain_on_exit=drain_on_exit)
    except DatabaseError as exc:
        if refused(exc):
            raise
        if STARTUP_REFUSED in str(exc):
            raise unavailable(exc, engine) from None
        log.warning("%s", unavailable(exc, engine, embedded=settings.database_url is None))
        return None
    finally:
        engine.dispose()
