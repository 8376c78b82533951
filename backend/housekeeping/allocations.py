"""Stale allocations, released where this host proves that nothing lives, and rows of workers that ended long ago."""

from collections.abc import Sequence

from jobwarden.backend.actions.results import Context, ResultTally
from jobwarden.backend.actions.takeover import AuditedAction, take_over
from jobwarden.backend.anomalies import detect
from jobwarden.backend.anomalies.strays import Scanner
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.states import AnomalyKind
from jobwarden.backend.housekeeping import sql
from jobwarden.backend.housekeeping.records import CleanupProgress, CleanupStep, Limits, StepReport
from jobwarden.backend.queries.models.jobs import AnomalyRow

PROVEN_GONE = frozenset({AnomalyKind.LOST, AnomalyKind.UNRECORDED, AnomalyKind.LEAKED})
"""Kinds of which no process is left. Housekeeping ends nothing that lives: that is for `clean`, with a person."""

REASON = "housekeeping: stale allocation, its processes are gone"


def release_stale(ctx: Context, limits: Limits, dry_run: bool, progress: CleanupProgress) -> StepReport:
    """Release what is stale, each judged again under its lock; the others are named with what to do."""
    with ctx.engine.connect() as conn:
        stale, left = _survey(conn, ctx, limits)
    if dry_run:
        return StepReport(CleanupStep.ALLOCATIONS, len(stale), done=tuple(map(_line, stale)), left=left)
    tally = ResultTally(
        [row.job_id for row in stale], lambda step: progress(CleanupStep.ALLOCATIONS, step.done, step.total)
    )
    take_over(ctx, [row.allocation_id for row in stale if row.allocation_id], _deed(), tally)
    results = tally.results()
    return StepReport(
        CleanupStep.ALLOCATIONS,
        sum(result.changed for result in results),
        done=tuple(f"job {r.job_id}: {r.message}" for r in results if r.changed),
        left=left + tuple(f"job {r.job_id} {r.message}" for r in results if r.ok and not r.changed),
        failed=tuple(f"job {r.job_id} {r.message}" for r in results if not r.ok),
    )


def _deed() -> AuditedAction:
    return AuditedAction("clean", REASON, only=PROVEN_GONE)


def _survey(conn: Connection, ctx: Context, limits: Limits) -> tuple[list[AnomalyRow], tuple[str, ...]]:
    """Anomalies to release, and lines about those that are left alone."""
    rows = [row for row in detect.find(conn, ctx.settings, Scanner()) if row.allocation_id is not None]
    ages = _ages(conn, [row.allocation_id for row in rows if row.allocation_id])
    stale = [row for row in rows if row.kind in PROVEN_GONE and _old(row, ages, limits)]
    left = [row for row in rows if row.kind not in PROVEN_GONE]
    return stale, tuple(f"{_line(row)}: see `jobwarden orphans`" for row in left)


def _ages(conn: Connection, allocation_ids: Sequence[int]) -> dict[int, float]:
    return {row.id: row.age for row in conn.execute(sql.STALE_SINCE, {"ids": list(allocation_ids)})}


def _old(row: AnomalyRow, ages: dict[int, float], limits: Limits) -> bool:
    return row.allocation_id is not None and ages.get(row.allocation_id, 0.0) >= limits.max_age_seconds


def _line(row: AnomalyRow) -> str:
    return f"job {row.job_id} is {row.kind} ({row.detail})"


# Rows of workers that ended past retention and that nothing refers to any more: every restart leaves one.

REMOVED_TOGETHER = 500


def forget_workers(ctx: Context, limits: Limits, dry_run: bool) -> StepReport:
    """Delete, or in a dry run count, the rows; their events are in the archive. The latest of a node always stays."""
    values = {"seconds": limits.retention_seconds, "most": REMOVED_TOGETHER}
    if dry_run:
        with ctx.engine.connect() as conn:
            return StepReport(CleanupStep.WORKERS, int(conn.scalar(sql.COUNT_OLD_WORKERS, values) or 0))
    count, gone = 0, REMOVED_TOGETHER
    while gone == REMOVED_TOGETHER:
        with ctx.engine.begin() as conn:
            conn.execute(sql.BOUND_WAITING)
            gone = int(conn.scalar(sql.RETIRE_WORKERS, values) or 0)
        count += gone
    return StepReport(CleanupStep.WORKERS, count)
