"""A whole clean-up: one at a time on each host, and one archiver at a time for the whole database.

It may be started while jobs run, twice at once, and be killed at any moment: the locks are those of the session,
and go with it.
"""

import os
import zlib
from collections.abc import Iterator

from jobwarden.backend.actions.results import Context
from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.database.engine import HOUSEKEEPING_LOCK, locking, try_session_lock
from jobwarden.backend.housekeeping import sql
from jobwarden.backend.housekeeping.allocations import forget_workers, release_stale
from jobwarden.backend.housekeeping.archive import archive_kept, archive_old, check_directory, check_rights
from jobwarden.backend.housekeeping.records import CleanupProgress, CleanupReport, CleanupStep, Limits, StepReport
from jobwarden.backend.housekeeping.spool import tidy_spool
from jobwarden.backend.process.identity import this_host

ARCHIVE_KEY = 0


def clean_up(
    ctx: Context, limits: Limits, *, dry_run: bool, progress: CleanupProgress = lambda *_: None
) -> CleanupReport:
    """Release stale allocations, remove old spool folders, archive old jobs, forget old workers.

    A dry run only says what would be done, to whoever may look. Raises InputError when no archive could be written, and
    Refused when this database user may not, before anything is done; Refused also when an archive fails later.
    """
    check_directory(ctx.settings.archives, dry_run)
    if dry_run:
        return CleanupReport(True, tuple(_steps(ctx, limits, True, progress, None)))
    check_rights(ctx)
    with locking(ctx.engine) as conn:
        if not try_session_lock(conn, HOUSEKEEPING_LOCK, host_key(ctx)):
            return CleanupReport(False, busy=_holder(conn, host_key(ctx)))
        return CleanupReport(False, tuple(_steps(ctx, limits, False, progress, conn)))


def host_key(ctx: Context) -> int:
    """Second key of the lock: a clean-up of another host, or of another home on this one, has another spool to tidy."""
    name = f"{this_host().machine_id}\0{os.path.realpath(ctx.settings.home)}"
    return 1 + zlib.crc32(name.encode("utf-8", "surrogateescape")) % (2**31 - 1)


def _steps(
    ctx: Context, limits: Limits, dry_run: bool, progress: CleanupProgress, conn: Connection | None
) -> Iterator[StepReport]:
    yield release_stale(ctx, limits, dry_run, progress)
    yield tidy_spool(ctx, limits, dry_run, progress)
    if conn is None:
        yield archive_kept(ctx, archive_old(ctx, limits, True, progress, lambda: None), True)
        yield forget_workers(ctx, limits, True)
    elif try_session_lock(conn, HOUSEKEEPING_LOCK, ARCHIVE_KEY):
        yield archive_kept(ctx, archive_old(ctx, limits, False, progress, lambda: _still_there(conn)), False)
        yield forget_workers(ctx, limits, False)
    else:
        yield StepReport(
            CleanupStep.ARCHIVE, left=(f"{_holder(conn, ARCHIVE_KEY)} is archiving right now: left to it",)
        )


def _still_there(conn: Connection) -> None:
    """Raise DatabaseError when the connection, and with it the locks, was lost: another run may archive by now."""
    conn.execute(text("SELECT 1"))


def _holder(conn: Connection, key: int) -> str:
    row = conn.execute(sql.LOCK_HOLDER, {"kind": HOUSEKEEPING_LOCK, "key": key}).first()
    return (
        "another housekeeping run"
        if row is None
        else f"another housekeeping run, started {row.taken_at:%Y-%m-%d %H:%M:%S} UTC,"
    )
