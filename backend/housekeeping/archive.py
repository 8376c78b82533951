"""Moves finished jobs into archive files, and what the database kept of removals by a worker's login.

A worker's login may call the functions that delete what an archive has, and it alone says that there is an archive;
so the database keeps what they delete until whoever owns the tables has it in a file.
"""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from jobwarden.backend.actions.results import Context
from jobwarden.backend.database.driver import DatabaseError, Statement
from jobwarden.backend.database.roles import WORKER, lacking
from jobwarden.backend.domain.units import counted
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.housekeeping import sql
from jobwarden.backend.housekeeping.archive_file import (
    ArchiveFile,
    LineSink,
    Measure,
    Written,
    remove_unfinished,
    verify,
)
from jobwarden.backend.housekeeping.records import CleanupProgress, CleanupStep, Limits, StepReport
from jobwarden.backend.state import machine

# Finished jobs past retention: to a file first, and only when that is read back, out of the database.
#
# A crash at any point leaves the jobs in the database, in a finished archive, or in both: the next run archives again
# what is still in the database. Nothing is ever only in an unfinished file.

JOBS_PER_FILE = 20_000
EVENTS_PER_FILE = 200_000
"""Of those that belong to no job."""
DELETED_TOGETHER = 500
"""Jobs a transaction deletes: live work never waits long behind one."""
FETCHED_TOGETHER = 200


@dataclass(slots=True)
class Batch:
    """What one file holds. ``jobs``: id, transaction of its last change and number of events, as archived."""

    jobs: list[dict[str, int | str]] = field(default_factory=list)
    loose_events: list[int] = field(default_factory=list)
    job_events: int = 0

    @property
    def job_ids(self) -> list[int]:
        """Ids of its jobs."""
        return [int(job["id"]) for job in self.jobs]

    @property
    def full(self) -> bool:
        """Whether there may be more where it came from."""
        return len(self.jobs) == JOBS_PER_FILE or len(self.loose_events) == EVENTS_PER_FILE

    @property
    def events(self) -> int:
        """All its events."""
        return self.job_events + len(self.loose_events)

    def __bool__(self) -> bool:
        return bool(self.jobs or self.loose_events)


def check_directory(directory: Path, dry_run: bool) -> None:
    """Raise InputError unless archives can be written there; makes the directory, except in a dry run."""
    try:
        if dry_run:
            nearest = next(path for path in (directory, *directory.parents) if os.path.lexists(path))
            if not nearest.is_dir():
                raise NotADirectoryError(20, "Not a directory")
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
            return
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ArchiveFile(directory, f"jobs-check-{os.getpid()}").abandon()
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise InputError(f"no archive can be written to {directory} ({reason}): set archive_dir") from exc


def check_rights(ctx: Context) -> None:
    """Raise Refused unless this database user may archive."""
    with ctx.engine.connect() as conn:
        if not conn.scalar(sql.MAY_ARCHIVE):
            raise Refused(lacking(WORKER, "archive"))


def archive_old(
    ctx: Context, limits: Limits, dry_run: bool, progress: CleanupProgress, still_alone: Callable[[], None]
) -> StepReport:
    """Archive and delete what is past retention. ``still_alone`` raises when another run may have begun.

    Raises Refused when an archive cannot be written or read back; what was archived before that stays so.
    """
    with ctx.engine.connect() as conn:
        total = int(conn.scalar(sql.COUNT_OLD_JOBS, {"after": 0, "seconds": limits.retention_seconds}) or 0)
    if not dry_run:
        remove_unfinished(ctx.settings.archives)
    report, after = StepReport(CleanupStep.ARCHIVE), 0
    after_event: int | None = 0
    while True:

        def tell(count: int, done: int = report.count) -> None:
            progress(CleanupStep.ARCHIVE, min(total, done + count), total)

        batch, size, written = _export(ctx, limits, after, after_event, dry_run, tell)
        if batch and written is not None:
            still_alone()
            report = _merged(report, _retire(ctx, batch, written))
        report = replace(report, bytes=report.bytes + size)
        if dry_run:
            report = replace(report, count=report.count + len(batch.jobs), events=report.events + batch.events)
        if not batch.full:
            return report
        after = max(batch.job_ids, default=after)
        after_event = batch.loose_events[-1] if len(batch.loose_events) == EVENTS_PER_FILE else None


def _merged(report: StepReport, one: StepReport) -> StepReport:
    return replace(
        report,
        count=report.count + one.count,
        events=report.events + one.events,
        files=report.files + one.files,
        left=report.left + one.left,
    )


# Writing ----------------------------------------------------------------------------------------------------------


def _export(
    ctx: Context, limits: Limits, after: int, after_event: int | None, dry_run: bool, tell: Callable[[int], None]
) -> tuple[Batch, int, Written | None]:
    """Write one file, or measure it in a dry run: what it holds, its bytes, and the file, if there is any."""
    if dry_run:
        measure = Measure()
        batch = _fill(ctx, limits, after, after_event, lambda: measure, tell)
        return batch, measure.finish() if batch else 0, None
    directory = ctx.settings.archives
    file: ArchiveFile | None = None

    def sink() -> ArchiveFile:
        nonlocal file
        file = file or ArchiveFile(directory, new_name())
        return file

    try:
        batch = _fill(ctx, limits, after, after_event, sink, tell)
        if file is None:
            return batch, 0, None
        written = file.finish()
    except OSError as exc:
        _abandon(file)
        raise Refused(f"the archive in {directory} cannot be written ({exc.strerror}): no job was deleted") from exc
    except BaseException:
        _abandon(file)
        raise
    verify(written, set(batch.job_ids))
    return batch, written.bytes, written


def _abandon(file: ArchiveFile | None) -> None:
    if file is not None:
        file.abandon()


def new_name() -> str:
    """Sorts by time; the pid keeps two hosts' clocks from meeting."""
    return f"jobs-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{socket.gethostname()}-{os.getpid()}"


def _fill(
    ctx: Context,
    limits: Limits,
    after: int,
    after_event: int | None,
    sink: Callable[[], LineSink],
    tell: Callable[[int], None],
) -> Batch:
    """Write the next jobs and loose events (None: there are no more) to the sink, asked for when there is a line."""
    batch, seconds = Batch(), limits.retention_seconds

    def job(row: tuple[int, str, int, str]) -> None:
        batch.jobs.append({"id": row[0], "xid": row[1], "events": row[2]})
        batch.job_events += row[2]
        sink().write(row[3])
        if len(batch.jobs) % FETCHED_TOGETHER == 0:
            tell(len(batch.jobs))

    def event(row: tuple[int, str]) -> None:
        batch.loose_events.append(row[0])
        sink().write(row[1])

    _stream(ctx, sql.EXPORT_JOBS, {"after": after, "seconds": seconds, "limit": JOBS_PER_FILE}, job)
    tell(len(batch.jobs))
    if after_event is not None:
        _stream(ctx, sql.EXPORT_EVENTS, {"after": after_event, "seconds": seconds, "limit": EVENTS_PER_FILE}, event)
    return batch


def _stream(ctx: Context, statement: Statement, values: dict[str, float], take: Callable[..., None]) -> None:
    """Hand over the rows one by one; they are fetched as they are needed, so that a file of any size fits."""
    with ctx.engine.connect() as conn:
        for row in conn.stream(statement, values, FETCHED_TOGETHER):
            take(tuple(row))


# Deleting ---------------------------------------------------------------------------------------------------------


def _retire(ctx: Context, batch: Batch, written: Written) -> StepReport:
    """Register the file, and delete what it holds; a job that changed since stays for the next archive."""
    archive_id = register(ctx, batch, written)
    gone = 0
    for start in range(0, len(batch.jobs), DELETED_TOGETHER):
        gone += _delete(ctx, sql.RETIRE, archive_id, jobs=json.dumps(batch.jobs[start : start + DELETED_TOGETHER]))
    for start in range(0, len(batch.loose_events), DELETED_TOGETHER * 10):
        _delete(ctx, sql.RETIRE_EVENTS, archive_id, ids=batch.loose_events[start : start + DELETED_TOGETHER * 10])
    stay = len(batch.jobs) - gone
    left = (f"{counted(stay, 'archived job')} changed or in use meanwhile: kept until the next run",) if stay else ()
    return StepReport(CleanupStep.ARCHIVE, gone, 0, batch.events, files=(str(written.path),), left=left)


def register(ctx: Context, batch: Batch, written: Written) -> int:
    """Say in the database and in the audit that there is this file; the archive's id."""
    values = {
        "hostname": socket.gethostname(),
        "path": str(written.path),
        "sha256": written.sha256,
        "bytes": written.bytes,
        "event_count": batch.events,
    }
    ids = {"jobs": batch.job_ids, "loose_events": batch.loose_events}
    detail = {"file": values["path"], "sha256": values["sha256"], "jobs": len(batch.jobs), "events": batch.events}
    with ctx.engine.begin() as conn:
        archive_id = int(conn.execute(sql.REGISTER, {**values, **ids}).scalar_one())
        machine.note_node(conn, ctx.settings.node_name, ctx.actor, "archive", "past retention", detail)
    return archive_id


def _delete(ctx: Context, statement: Statement, archive_id: int, **values: object) -> int:
    """One bounded transaction; 0 when somebody uses or has just changed one of them."""
    try:
        with ctx.engine.begin() as conn:
            conn.execute(sql.BOUND_WAITING)
            return int(conn.scalar(statement, {"archive": archive_id, **values}) or 0)
    except DatabaseError as exc:
        if exc.code not in ("55P03", "40P01", "JW006"):  # lock timeout, deadlock, new event
            raise
        return 0


LINES_PER_FILE = 20_000


def archive_kept(ctx: Context, report: StepReport, dry_run: bool) -> StepReport:
    """``report``, with the files written here; or with how much waits for the owner, when this login is not he.

    Raises Refused when a file cannot be written or read back: then nothing is dropped.
    """
    with ctx.engine.connect() as conn:
        waiting, owner = int(conn.scalar(sql.COUNT_KEPT) or 0), bool(conn.scalar(sql.OWNS))
    if not waiting:
        return report
    if dry_run or not owner:
        left = counted(waiting, "archived line")
        note = f"{left} kept in the database until the owner of its tables runs `jobwarden housekeeping`"
        return replace(report, left=(*report.left, note))
    while True:
        ids, batch, written = _export_kept(ctx)
        if written is None:
            return report
        archive_id = register(ctx, batch, written)
        with ctx.engine.begin() as conn:
            conn.execute(sql.DROP_KEPT, {"archive": archive_id, "ids": ids})
        report = replace(report, bytes=report.bytes + written.bytes, files=(*report.files, str(written.path)))


def _export_kept(ctx: Context) -> tuple[list[int], Batch, Written | None]:
    """Write one file and read it back: the lines it holds, as they are numbered here and as an archive tells them."""
    ids, batch = list[int](), Batch()
    file: ArchiveFile | None = None
    directory = ctx.settings.archives
    try:
        with ctx.engine.connect() as conn:
            for row in conn.stream(sql.EXPORT_KEPT, {"limit": LINES_PER_FILE}, FETCHED_TOGETHER):
                file = file or ArchiveFile(directory, new_name())
                file.write(row.line)
                ids.append(row.id)
                batch.job_events += row.events
                batch.jobs += [{"id": row.job_id}] if row.job_id is not None else []
        if file is None:
            return ids, batch, None
        written = file.finish()
    except OSError as exc:
        if file is not None:
            file.abandon()
        raise Refused(f"the archive in {directory} cannot be written ({exc.strerror}): nothing was dropped") from exc
    except BaseException:
        if file is not None:
            file.abandon()
        raise
    verify(written, set(batch.job_ids))
    return ids, batch, written
