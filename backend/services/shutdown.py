"""How an installation goes down: every worker of its home first, then its servers."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.engine import check_schema
from jobwarden.backend.embedded import workers
from jobwarden.backend.embedded.home import Home, explained, sole, trusted_home
from jobwarden.backend.embedded.servers import status, stop
from jobwarden.backend.embedded.workers import WorkerProcess
from jobwarden.backend.errors import JobwardenError, Refused
from jobwarden.backend.process.identity import Liveness, ProcessIdentity, liveness, ran_here, this_host
from jobwarden.backend.process.signals import signal_process
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.services.lifecycle import abandoned_nodes, told
from jobwarden.backend.services.session import open_engine

STOP_SECONDS = 30.0
"""How long a worker may take to stop after TERM."""
INSIST_SECONDS = 10.0
"""After which TERM is sent again: one that was told to wait for its jobs stops at the second."""
_POLL_SECONDS = 0.05


def take_down(settings: Settings) -> list[str]:
    """Stop the workers of this home, then its servers; lines that say what was done.

    The lock of the home is held throughout, and every worker holds it too until it can be found, so none is left.
    A worker of another container or host cannot be stopped from here: a line says so, and all else is stopped. Raises
    Refused when a worker does not stop, then the servers go on; and when the servers are another host's.
    """
    home = trusted_home(settings)
    with explained(home):
        if not home.run.is_dir():
            return ["nothing of this home was running"]
    with sole(home):
        lines = _stop_workers(settings, home.path)
        left = _left_running(settings)
        try:
            lines += [f"stopped {name}" for name in stop(settings)]
        except Refused as exc:
            raise Refused("; ".join([*lines, str(exc)])) from exc
        lines += _elsewhere(home)
    return (lines or ["nothing of this home was running"]) + left


def _stop_workers(settings: Settings, home: Path) -> list[str]:
    """Stop what is found until nothing is: a worker in the foreground may only now have started."""
    lines: list[str] = []
    registered = list(_registered(settings, home))
    while found := _distinct([*workers.named_in_files(home), *registered, *workers.seen_running(home)]):
        lines += _stop(found)
    return lines


def _distinct(found: Iterable[WorkerProcess]) -> list[WorkerProcess]:
    """Each process of ours that may live once, by the first witness: the later ones know less of it."""
    once: dict[ProcessIdentity, WorkerProcess] = {}
    for worker in found:
        if worker.liveness is not Liveness.GONE and not worker.elsewhere:
            once.setdefault(worker.who, worker)
    return list(once.values())


def _registered(settings: Settings, home: Path) -> Iterator[WorkerProcess]:
    """The workers that the database knows on this host with a spool in ``home``; none while it cannot be asked.

    Those of another PID namespace are none of ours to judge: a container may have a home of the same name.
    """
    host, spool = this_host(), f"{os.path.realpath(home)}/spool/"
    url = _database(settings)
    if url is None:
        return
    try:
        with open_engine(url, settings) as engine, engine.connect() as conn:
            check_schema(engine)
            rows = read_workers(conn)
    except JobwardenError:  # the files and the processes must do then
        return
    for row in rows:
        who = ProcessIdentity(row.pid, row.process_start, row.boot_id, row.pid_namespace)
        here = ran_here(machine_id=row.machine_id, boot_id=row.boot_id, hostname=row.hostname)
        ours = here and row.pid_namespace == host.pid_namespace
        if ours and f"{os.path.realpath(row.spool)}/".startswith(spool):
            yield WorkerProcess(who, row.node_name)


def _stop(found: list[WorkerProcess]) -> list[str]:
    """TERM to all, then wait for all; lines that say so. Raises Refused at the end for one that cannot be stopped."""
    refused = [
        worker
        for worker in found
        if not signal_process(worker.who, signal.SIGTERM) and liveness(worker.who) is not Liveness.GONE
    ]
    lines = _await_end([worker for worker in found if worker not in refused])
    if refused:
        advice = "stop it as the user who started it"
        raise Refused("; ".join([*lines, f"{_named(refused[0])} cannot be signalled: {advice}"]))
    return lines


def _await_end(found: list[WorkerProcess]) -> list[str]:
    began = time.monotonic()
    insisted = False
    while living := [worker for worker in found if liveness(worker.who) is not Liveness.GONE]:
        waited = time.monotonic() - began
        if waited > STOP_SECONDS:
            raise Refused(f"{_named(living[0])} does not stop: see its log, then kill it")
        if waited > INSIST_SECONDS and not insisted:
            insisted = True
            for worker in living:
                signal_process(worker.who, signal.SIGTERM)
        time.sleep(_POLL_SECONDS)
    return [f"stopped the {_named(worker)}" for worker in found]


def _elsewhere(home: Home) -> list[str]:
    """A line for each worker that may live and cannot be seen from here."""
    lines = []
    for worker in workers.named_in_files(home.path):
        if not worker.elsewhere:
            continue
        where = f"on host {worker.hostname}" if worker.hostname else "in another container"
        lines.append(f"the {_named(worker)} cannot be seen from here: if it lives, stop it there ({where})")
    return lines


def _named(worker: WorkerProcess) -> str:
    if not worker.node:
        return f"worker that was starting (pid {worker.who.pid})"
    return f"worker of node {worker.node} (pid {worker.who.pid})"


def _database(settings: Settings) -> str | None:
    """Where the database is, None when the embedded one does not run; nothing is started for being asked."""
    if settings.database_url:
        return settings.database_url
    [server] = [server for server in status(settings) if server.name == "PostgreSQL"]
    return server.url if server.running else None


def _left_running(settings: Settings) -> list[str]:
    """Lines for jobs that nobody watches now; none when the database does not run, so that ``down`` can be repeated."""
    url = _database(settings)
    if url is None:
        return []
    try:
        with open_engine(url, settings) as engine, engine.connect() as conn:
            check_schema(engine)
            return told(abandoned_nodes(conn), settings.node_name)
    except JobwardenError:
        return []
