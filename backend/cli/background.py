"""The worker in the background, and the order in which an installation comes up and goes down."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Engine

from backend.cli.abandoned import abandoned_nodes, told
from backend.cli.session import database_errors
from backend.database.engine import make_engine
from backend.database.upgrade import upgrade
from backend.database.version import SCHEMA_VERSION, check_schema, current_version
from backend.domain.states import WorkerState
from backend.embedded.servers import Urls, attach, ensure, status, stop
from backend.errors import JobwardenError, Refused
from backend.process.identity import Liveness, ProcessIdentity, identify, liveness
from backend.process.signals import signal_process
from backend.readmodel.records import WorkerRow
from backend.readmodel.workers import read_workers
from backend.settings import Settings

START_SECONDS = 30.0
"""How long a worker may take to be ONLINE."""
STOP_SECONDS = 30.0
"""How long a worker may take to stop after TERM."""
_POLL_SECONDS = 0.05


def bring_up(settings: Settings) -> list[str]:
    """Servers, schema, worker, each only when it is not there; lines that say what runs now, and what does not."""
    urls = ensure(settings)
    with _engine(urls, settings) as engine:
        _prepare_schema(settings, urls, engine)
        worker = live_worker(engine, settings) or start_worker(engine, settings)
        with engine.connect() as conn:
            others = told(abandoned_nodes(conn), settings.node_name)
    runs = f"node {worker.node_name}: worker {worker.id} {worker.state} (pid {worker.pid}), home {settings.home}"
    return [runs, *others]


def take_down(settings: Settings) -> list[str]:
    """Stop the background workers of this home, then its servers; lines that say what was done."""
    lines = [_stop_worker(file) for file in sorted((settings.home / "run").glob("worker-*.pid"))]
    left = _left_running(settings)
    lines += [f"stopped {name}" for name in stop(settings)]
    return ([line for line in lines if line] or ["nothing of this home was running"]) + left


@contextmanager
def _engine(urls: Urls, settings: Settings) -> Iterator[Engine]:
    engine = make_engine(urls.database_url, application_name="jobwarden cli", pool_size=1)
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
    log_name: str = "worker.log",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> WorkerRow:
    """Start a worker for the node of ``settings`` in the background and wait until it is ONLINE.

    ``variables`` are added to its environment. Raises Refused with the last line of its log when it does not start.
    """
    log = settings.home / "log" / log_name
    for folder in (log.parent, settings.home / "run"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backend.cli", "worker", "--node", settings.node_name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            env={**os.environ, "JOBWARDEN_HOME": str(settings.home), **variables},
        )
    _write_pid_file(_pid_file(settings), process.pid)
    return _await_worker(engine, settings, process, log)


def _await_worker(engine: Engine, settings: Settings, process: subprocess.Popen[bytes], log: Path) -> WorkerRow:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        # Asked before looking: when another `up` was faster, ours ends and theirs is found.
        ended = process.poll() is not None
        worker = live_worker(engine, settings)
        if worker is not None:
            return worker
        if ended:
            raise Refused(f"the worker stopped at once: {last_line(log)} (log: {log})")
        time.sleep(_POLL_SECONDS)
    raise Refused(f"the worker is not online after {START_SECONDS:.0f} s: {last_line(log)} (log: {log})")


def last_line(log: Path) -> str:
    """The last line of a log that is not empty."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it wrote nothing"


def _pid_file(settings: Settings) -> Path:
    return settings.home / "run" / f"worker-{settings.node_name}.pid"


def _write_pid_file(file: Path, pid: int) -> None:
    """A pid alone is reused: the file holds the whole identity."""
    who = identify(pid)
    if who is not None:
        file.write_text(f"{who.pid} {who.start_ticks} {who.boot_id} {who.pid_namespace}\n")


def read_pid_file(file: Path) -> ProcessIdentity | None:
    """The process the file names, None when it names none."""
    try:
        pid, ticks, boot_id, namespace = file.read_text().split()
        return ProcessIdentity(int(pid), int(ticks), boot_id, int(namespace))
    except (OSError, ValueError):
        return None


def _stop_worker(file: Path) -> str:
    """Stop the worker the file names and remove the file; the line that says so, empty when it was gone."""
    who = read_pid_file(file)
    node = file.stem.removeprefix("worker-")
    if who is None or liveness(who) is Liveness.GONE:
        file.unlink(missing_ok=True)
        return ""
    if not signal_process(who, signal.SIGTERM):
        raise Refused(f"worker of node {node} (pid {who.pid}) cannot be signalled: stop it as the user who started it")
    deadline = time.monotonic() + STOP_SECONDS
    while liveness(who) is not Liveness.GONE:
        if time.monotonic() > deadline:
            raise Refused(f"worker of node {node} (pid {who.pid}) does not stop: see its log, then kill it")
        time.sleep(_POLL_SECONDS)
    file.unlink(missing_ok=True)
    return f"stopped the worker of node {node} (pid {who.pid})"


def _left_running(settings: Settings) -> list[str]:
    """Lines for jobs that nobody watches now; none when the database does not run, so that ``down`` can be repeated."""
    if any(not server.running for server in status(settings) if server.name == "PostgreSQL"):
        return []
    try:
        with _engine(attach(settings), settings) as engine, engine.connect() as conn:
            check_schema(engine)
            return told(abandoned_nodes(conn), settings.node_name)
    except JobwardenError:
        return []
