"""``jobwarden logs``: the output of a job, to the byte when piped, harmless on a terminal."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import Connection, text

from backend.actions.naming import parse_id
from backend.cli.candidates import jobs
from backend.cli.jobs import no_such_job
from backend.cli.patience import Patience
from backend.cli.session import Session, open_session
from backend.domain.states import JobState
from backend.errors import Refused
from backend.files import open_within
from backend.process.identity import this_host
from backend.process.logcut import Cut, LogReader, read_cut
from backend.process.spool import log_path
from backend.readmodel.archives import archived_in
from backend.readmodel.logs import harmless

CHUNK = 256 * 1024
POLL_SECONDS = 0.1
LONGEST_PARTIAL = 64 * 1024
"""Bytes of an unfinished line that a terminal may have to wait for."""

Sink = Callable[[bytes, bool], None]
"""Takes bytes of the log, and whether there is nothing more for now."""

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
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended and everything is printed.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Start with the last N lines.")
def logs(job_id: str, follow: bool, tail: int | None) -> None:
    """Print what a job wrote to its standard output and error, on the node it ran on.

    Example: jobwarden logs 12 -f --tail 20
    """
    number = parse_id(job_id)
    with open_session() as session:
        place = _find(session, number)
        patience = Patience(session, f"job {number}", f"the job goes on all the same, see `jobwarden show {number}`")
        if follow:
            place = _begun(patience, number, place)
        if place.path is None:
            ran = "never ran" if place.state.final else "has not started yet: `logs -f` waits for it"
            raise Refused(f"job {number} {ran}: there is no log")
        _copy(place.path, tail, _ended_by(session, patience, number) if follow else _at_once)


def _find(session: Session, job_id: int) -> Place:
    with session.reading() as conn:
        return _place(conn, job_id)


def _begun(patience: Patience, job_id: int, place: Place) -> Place:
    """Wait until the job has a log, or ended without one; says why it does not start."""
    from backend.cli.waiting import Waiting, gone, read_jobs  # here: only who follows waits

    waiting = Waiting(patience)

    def read(conn: Connection) -> Place:
        rows = read_jobs(conn, [job_id])
        if not rows:
            raise gone(conn, job_id)
        waiting.tell(conn, rows[0])
        return _place(conn, job_id)

    while place.path is None and not place.state.final:
        time.sleep(POLL_SECONDS)
        place = patience.look(read) or place
    return place


def _place(conn: Connection, job_id: int) -> Place:
    row = conn.execute(_WHERE_IS_IT, {"job": job_id}).one_or_none()
    if row is None:
        raise no_such_job(job_id, archived_in(conn, job_id))
    if row.spool_dir is None:
        return Place(JobState(row.state), None)
    host = this_host()
    if row.machine_id != host.machine_id and row.boot_id != host.boot_id:
        raise Refused(f"the log of job {job_id} is on node {row.node_name}: run this on host {row.hostname}")
    return Place(JobState(row.state), Path(log_path(row.spool_dir)))


def _at_once() -> bool:
    return True


def _ended_by(session: Session, patience: Patience, job_id: int) -> Callable[[], bool]:
    from backend.cli.following import Watch  # here: only who follows has to know of workers and processes

    return Watch(patience, job_id, session.settings.poll_seconds / 4).ended


def _copy(path: Path, tail: int | None, has_ended: Callable[[], bool]) -> None:
    sink = terminal_sink() if sys.stdout.isatty() else _raw
    try:
        file = open_within(str(path.parent), path.name)
    except OSError as exc:
        raise Refused(f"the log {path} cannot be read: {exc.strerror}") from None
    try:
        folder = str(path.parent)
        cut = read_cut(folder, os.fstat(file).st_size)
        log = LogReader(file, folder, 0 if tail is None else tail_offset(file, tail, cut))
        # Asked before reading: what was written before the end is still read after it.
        ended = has_ended()
        while (data := log.read(CHUNK)) or not ended:
            sink(data, not data)
            if not data:
                time.sleep(POLL_SECONDS)
                ended = has_ended()
        sink(b"", True)
    finally:
        os.close(file)


def tail_offset(file: int, lines: int, cut: Cut | None = None) -> int:
    """Where the last ``lines`` lines of the open file begin; an unfinished last line counts as one."""
    end = os.fstat(file).st_size
    if lines == 0:
        return end
    # The newline that ends the last line begins no other.
    position, wanted = max(0, end - 1), lines
    while position > 0:
        if cut is not None and cut.holds(position - 1):
            return cut.start
        start = max(0, position - CHUNK, cut.end if cut is not None and position > cut.end else 0)
        block = os.pread(file, position - start, start)
        found = block.count(b"\n")
        if found >= wanted:
            index = len(block)
            for _ in range(wanted):
                index = block.rindex(b"\n", 0, index)
            return start + index + 1
        wanted -= found
        position = start
    return 0


def _raw(data: bytes, idle: bool) -> None:
    sys.stdout.buffer.write(data)
    if idle:
        sys.stdout.buffer.flush()


def terminal_sink() -> Sink:
    """Prints lines without control sequences but colours; keeps an unfinished line back until it is safe to cut."""
    partial = b""

    def take(data: bytes, idle: bool) -> None:
        nonlocal partial
        *whole, partial = (partial + data).split(b"\n")
        for line in whole:
            click.echo(shown(line), color=True)
        if partial and (len(partial) > LONGEST_PARTIAL or (idle and b"\x1b" not in partial)):
            cut = len(partial) if idle else _character_boundary(partial)
            click.echo(shown(partial[:cut]), nl=False, color=True)
            partial = partial[cut:]

    return take


def shown(line: bytes) -> str:
    """One line for a terminal; of a line redrawn with CR, its last state."""
    text_ = line.decode("utf-8", "replace").rstrip("\r").rsplit("\r", 1)[-1]
    safe = harmless(text_)
    return f"{safe}\x1b[0m" if "\x1b" in safe else safe


def _character_boundary(data: bytes) -> int:
    """How much of ``data`` ends with a whole UTF-8 character."""
    cut = len(data)
    while cut > len(data) - 4 and data[cut - 1] & 0xC0 == 0x80:
        cut -= 1
    return cut - 1 if data[cut - 1] >= 0xC0 else len(data)
