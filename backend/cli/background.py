"""The worker in the background, and how an installation comes up."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Engine

from backend.cli.abandoned import abandoned_nodes, told
from backend.cli.session import database_errors, make_room
from backend.cli.sharing import admit, set_shared
from backend.database.engine import make_engine
from backend.database.upgrade import upgrade
from backend.database.version import SCHEMA_VERSION, check_schema, current_version
from backend.domain.states import WorkerState
from backend.embedded import owner
from backend.embedded.home import explained, is_guest, locate, prepare, sole, trusted_home
from backend.embedded.servers import Urls, ensure
from backend.errors import Refused
from backend.readmodel.records import WorkerRow
from backend.readmodel.workers import read_workers
from backend.settings import Settings
from backend.trusted import open_trusted

START_SECONDS = 30.0
"""How long a worker may take to be ONLINE."""
END_SECONDS = 20.0
"""How long one that is not wanted after all may take to end before it is killed."""
_POLL_SECONDS = 0.05


def bring_up(settings: Settings, *, shared: bool | None = None, take_over: bool = False) -> list[str]:
    """Servers, schema, worker, each only when it is not there; lines that say what runs now, and what does not.

    ``shared`` opens the home to every local user, or closes it; None leaves it as it is. ``take_over`` forgets a host
    that ran it and is gone for good.
    """
    home = trusted_home(settings)
    if is_guest(home):
        raise Refused(f"{home.path} is another user's: he brings it up, and you can use it when he shares it")
    make_room(settings)
    prepare(home)
    with sole(home) as lock:
        taken = owner.take_over(home) if take_over else None
        if shared is not None:
            set_shared(settings, home, shared)
        urls = ensure(settings)
        with open_engine(urls.database_url, settings) as engine:
            _prepare_schema(settings, urls, engine)
            admitted = admit(settings)
            worker = live_worker(engine, settings) or start_worker(engine, settings, lock)
            with engine.connect() as conn:
                others = told(abandoned_nodes(conn), settings.node_name)
    runs = f"node {worker.node_name}: worker {worker.id} {worker.state} (pid {worker.pid}), home {settings.home}"
    return [*filter(None, [taken]), runs, *admitted, *others]


@contextmanager
def open_engine(url: str, settings: Settings) -> Iterator[Engine]:
    """An engine for a moment; database errors become one line for the user."""
    engine = make_engine(url, application_name="jobwarden cli", pool_size=1)
    try:
        with database_errors(engine, settings):
            yield engine
    finally:
        engine.dispose()


def _prepare_schema(settings: Settings, urls: Urls, engine: Engine) -> None:
    """Upgrade a database that is ours alone, or empty; for any other the administrator decides."""
    with engine.connect() as conn:
        found = current_version(conn)
    if found is None or (settings.database_url is None and found < SCHEMA_VERSION):
        upgrade(urls.database_url)
    check_schema(engine)


def live_worker(engine: Engine, settings: Settings) -> WorkerRow | None:
    """The worker that serves the node of ``settings`` now."""
    with engine.connect() as conn:
        workers = read_workers(conn)
    alive = (w for w in workers if w.node_name == settings.node_name and w.state is not WorkerState.DEAD)
    return next(alive, None)


def start_worker(
    engine: Engine,
    settings: Settings,
    lock: int,
    log_name: str = "worker.log",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> WorkerRow:
    """Start a worker for the node of ``settings`` in the background and wait until it is ONLINE.

    ``lock`` is that of the home (`sole`): the worker shares it until it is registered, so it is never overlooked.
    ``variables`` are added to its environment. Raises Refused with the last line of its log when it does not start;
    then nothing of it is left.
    """
    home = locate(settings)
    log = home.log / log_name
    with explained(home), os.fdopen(open_trusted(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backend.cli", "worker", "--node", settings.node_name, "--lock", str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            pass_fds=[lock],
            env={**os.environ, "JOBWARDEN_HOME": str(settings.home), **variables},
        )
    worker = None
    try:
        worker = _await_worker(engine, settings, process, log)
        return worker
    finally:
        if worker is None or worker.pid != process.pid:
            _end(process)


def _await_worker(engine: Engine, settings: Settings, process: subprocess.Popen[bytes], log: Path) -> WorkerRow:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        # Asked before looking: when another worker was faster, ours ends and that one is found.
        ended = process.poll() is not None
        worker = live_worker(engine, settings)
        if worker is not None:
            return worker
        if ended:
            raise Refused(f"the worker stopped at once: {last_line(log)} (log: {log})")
        time.sleep(_POLL_SECONDS)
    raise Refused(f"the worker is not online after {START_SECONDS:.0f} s: {last_line(log)} (log: {log})")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a worker that did not become one."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(log: Path) -> str:
    """The last line of a log that is not empty."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it wrote nothing"
