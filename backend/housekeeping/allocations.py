"""Stale allocations: released where this host proves that nothing of the job lives, reported everywhere else."""

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.actions.records import Context
from backend.actions.takeover import Deed, take_over
from backend.actions.tally import Tally
from backend.anomalies import detect
from backend.anomalies.strays import Scanner
from backend.domain.states import AnomalyKind
from backend.housekeeping import sql
from backend.housekeeping.records import Limits, Progress, Step, StepReport
from backend.readmodel.records import AnomalyRow

PROVEN_GONE = frozenset({AnomalyKind.LOST, AnomalyKind.UNRECORDED, AnomalyKind.LEAKED})
"""Kinds of which no process is left. Housekeeping ends nothing that lives: that is for `clean`, with a person."""

REASON = "housekeeping: stale allocation, its processes are gone"


def release_stale(ctx: Context, limits: Limits, dry_run: bool, progress: Progress) -> StepReport:
    """Release what is stale, each judged again under its lock; the others are named with what to do."""
    with ctx.engine.connect() as conn:
        stale, left = _survey(conn, ctx, limits)
    if dry_run:
        return StepReport(Step.ALLOCATIONS, len(stale), done=tuple(map(_line, stale)), left=left)
    tally = Tally([row.job_id for row in stale], lambda step: progress(Step.ALLOCATIONS, step.done, step.total))
    take_over(ctx, [row.allocation_id for row in stale if row.allocation_id], _deed(), tally)
    results = tally.results()
    return StepReport(
        Step.ALLOCATIONS,
        sum(result.changed for result in results),
        done=tuple(f"job {r.job_id}: {r.message}" for r in results if r.changed),
        left=left + tuple(f"job {r.job_id} {r.message}" for r in results if r.ok and not r.changed),
        failed=tuple(f"job {r.job_id} {r.message}" for r in results if not r.ok),
    )


def _deed() -> Deed:
    return Deed("clean", REASON, only=PROVEN_GONE)


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
