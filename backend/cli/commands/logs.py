"""``jobwarden logs``: the output of a job, to the byte when piped, harmless on a terminal."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from jobwarden.backend.actions.targets import no_such_job, parse_id
from jobwarden.backend.cli.completion_values import jobs
from jobwarden.backend.cli.log_output import LogSink, PrintedLog, TerminalSink
from jobwarden.backend.cli.output import NUMBER
from jobwarden.backend.cli.say import say
from jobwarden.backend.cli.waiting import Patience
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.errors import Refused
from jobwarden.backend.process.identity import ran_here
from jobwarden.backend.process.spool import log_path
from jobwarden.backend.services.session import Session, open_session

POLL_SECONDS = 0.1

_WHERE_IS_IT = text("""
    SELECT j.state, a.spool_dir, a.boot_id, w.machine_id, w.hostname, a.node_name
    FROM jobs j
    LEFT JOIN LATERAL (SELECT * FROM resource_allocations r WHERE r.job_id = j.id AND r.spool_dir IS NOT NULL
                       ORDER BY r.id DESC LIMIT 1) a ON true
    LEFT JOIN workers w ON w.id = a.worker_id
    WHERE j.id = :job
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the log of a job is; ``path`` None before its first process."""

    state: JobState
    path: Path | None


@click.command()
@click.argument("job_id", metavar="ID", shell_complete=jobs)
@click.option("-f", "--follow", is_flag=True, help="Follow the log until the job has ended.")
@click.option("--tail", type=NUMBER, metavar="N", help="Start with the last N lines.")
def logs(job_id: str, follow: bool, tail: int | None) -> None:
    """Print what a job wrote to its standard output and error, on the node it ran on.

    Example: jobwarden logs 12 -f --tail 20
    """
    number = parse_id(job_id)
    with open_session() as session:
        place = _find(session, number)
        patience = Patience(session, f"job {number}", f"the job keeps running, see `jobwarden show {number}`")
        if follow:
            place = _begun(patience, session.settings, number, place)
        if place.path is None:
            ran = "never ran" if place.state.final else "has not started yet: `logs -f` waits for it"
            raise Refused(f"job {number} {ran}: there is no log")
        ended = _ended_by(session, patience, number) if follow else _at_once
        _copy(place.path, tail, ended, lambda what: say(f"jobwarden: job {number}: {what}", err=True))


def _find(session: Session, job_id: int) -> Place:
    with session.reading() as conn:
        return _place(conn, session.settings, job_id)


def _begun(patience: Patience, settings: Settings, job_id: int, place: Place) -> Place:
    """Wait until the job has a log, or ended without one; says why it does not start."""
    from jobwarden.backend.cli.waiting import WaitReport  # here: only who follows waits

    waiting = WaitReport(patience)

    def read(conn: Connection) -> Place:
        waiting.look(conn, job_id)
        return _place(conn, settings, job_id)

    while place.path is None and not place.state.final:
        time.sleep(POLL_SECONDS)
        place = patience.look(read) or place
    return place


def _place(conn: Connection, settings: Settings, job_id: int) -> Place:
    row = conn.execute(_WHERE_IS_IT, {"job": job_id}).one_or_none()
    if row is None:
        raise no_such_job(conn, settings, job_id)
    if row.spool_dir is None:
        return Place(JobState(row.state), None)
    if not ran_here(machine_id=row.machine_id, boot_id=row.boot_id, hostname=row.hostname):
        raise Refused(f"the log of job {job_id} is on node {row.node_name}: run this on host {row.hostname}")
    return Place(JobState(row.state), Path(log_path(row.spool_dir)))


def _at_once() -> bool:
    return True


def _ended_by(session: Session, patience: Patience, job_id: int) -> Callable[[], bool]:
    from jobwarden.backend.cli.following import Watch  # only who follows has to know of workers and processes

    return Watch(patience, job_id, session.settings.poll_seconds / 4).ended


def _copy(path: Path, tail: int | None, has_ended: Callable[[], bool], tell: Callable[[str], None]) -> None:
    sink: LogSink = TerminalSink() if sys.stdout.isatty() else _raw

    def told(what: str, torn: bool) -> None:
        sink(b"\n" if torn else b"", True)  # before it is said, everything is shown that was there before
        tell(what)

    with PrintedLog(path, tail, told) as log:
        # Asked before reading: what was written before the end is still read after it.
        ended = has_ended()
        while (data := log.read()) or not ended:
            sink(data, not data)
            if not data:
                time.sleep(POLL_SECONDS)
                ended = has_ended()
        sink(b"", True)


def _raw(data: bytes, idle: bool) -> None:
    sys.stdout.buffer.write(data)
    if idle:
        sys.stdout.buffer.flush()
