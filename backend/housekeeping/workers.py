"""Rows of workers that ended past retention and that nothing refers to any more: every restart leaves one."""

from backend.actions.records import Context
from backend.housekeeping import sql
from backend.housekeeping.records import Limits, Step, StepReport

REMOVED_TOGETHER = 500


def forget_workers(ctx: Context, limits: Limits, dry_run: bool) -> StepReport:
    """Delete, or in a dry run count, the rows; their events are in the archive. The latest of a node always stays."""
    values = {"seconds": limits.retention_seconds, "most": REMOVED_TOGETHER}
    if dry_run:
        with ctx.engine.connect() as conn:
            return StepReport(Step.WORKERS, int(conn.scalar(sql.COUNT_OLD_WORKERS, values) or 0))
    count, gone = 0, REMOVED_TOGETHER
    while gone == REMOVED_TOGETHER:
        with ctx.engine.begin() as conn:
            conn.execute(sql.BOUND_WAITING)
            gone = int(conn.scalar(sql.RETIRE_WORKERS, values) or 0)
        count += gone
    return StepReport(Step.WORKERS, count)
