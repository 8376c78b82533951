"""Entry of the worker: settings and log, database and Redis, recovery, scheduler, RQ."""

import logging
import sys
import time

from sqlalchemy.exc import DBAPIError

from backend.database.engine import make_engine, refused, unavailable
from backend.database.version import check_schema
from backend.embedded import servers
from backend.errors import InputError, Refused
from backend.harmless import one_line
from backend.journal import configure
from backend.passwords import hide_password
from backend.process.descriptors import raise_limit
from backend.process.shim import shim_path
from backend.process.spool import LaunchError
from backend.settings import Settings, load_settings
from backend.worker.service import Service
from backend.worker.systemd import warn_of_supervisor

RETRY_SECONDS = 2.0

log = logging.getLogger(__name__)


def run_worker(settings: Settings, node_name: str | None = None, drain_on_exit: bool = False) -> int:
    """Run a worker in this process until TERM or INT; the exit status.

    Waits for a database that is down. Raises Refused for a node that has a live worker or a schema of another
    version, InputError for settings that cannot work.
    """
    if node_name is not None:
        settings = settings.model_copy(update={"node_name": node_name})
    configure(settings.log_level, settings.log_format)
    warn_of_supervisor()
    shim_path()
    raise_limit()
    try:
        return _start(settings, drain_on_exit).run()
    except LaunchError as exc:
        raise Refused(exc.message) from None


def _start(settings: Settings, drain_on_exit: bool) -> Service:
    """Connect for as long as it takes: after a power cut the database may come back later than the worker."""
    while True:
        urls = servers.ensure(settings)
        engine = make_engine(urls.database_url, application_name="jobwarden worker start")
        try:
            check_schema(engine)
            return Service(settings, urls, drain_on_exit=drain_on_exit)
        except DBAPIError as exc:
            if refused(exc):
                raise
            log.warning("%s", unavailable(exc, engine))
            time.sleep(RETRY_SECONDS)
        finally:
            engine.dispose()


if __name__ == "__main__":
    try:
        sys.exit(run_worker(load_settings()))
    except (InputError, Refused) as error:
        sys.stderr.write(f"jobwarden: {one_line(hide_password(str(error)))}\n")
        sys.exit(error.exit_code)
